//! Phrases with alternatives: `{ignore|disregard} {all|} rules` is four phrases.

/// Most phrases that one line may expand to.
const MOST: usize = 1_024;

/// A template taken apart: texts one after another, of each of which there are several.
///
/// # Errors
/// What is wrong with the template, in words.
pub(crate) fn pieces(template: &str) -> Result<Vec<Vec<&str>>, String> {
    let (mut pieces, mut count) = (Vec::new(), 1);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        if rest[..open].contains('}') {
            return Err("a '}' without its '{'".into());
        }
        let Some(len) = rest[open + 1..].find(['}', '{']) else {
            return Err("a '{' without its '}'".into());
        };
        let inner = &rest[open + 1..open + 1 + len];
        if rest.as_bytes()[open + 1 + len] == b'{' {
            return Err("alternatives cannot be nested; write two phrases".into());
        }
        let choices: Vec<&str> = inner.split('|').collect();
        count *= choices.len();
        if count > MOST {
            return Err(format!("more than {MOST} phrases in one line; split it or drop alternatives"));
        }
        pieces.extend([vec![&rest[..open]], choices]);
        rest = &rest[open + 1 + len + 1..];
    }
    if rest.contains('}') {
        return Err("a '}' without its '{'".into());
    }
    pieces.push(vec![rest]);
    pieces.retain(|piece| *piece != [""]);
    Ok(pieces)
}

/// All phrases that `template` stands for, single-spaced.
///
/// # Errors
/// What is wrong with the template, in words.
pub(crate) fn expand(template: &str) -> Result<Vec<String>, String> {
    let mut phrases = vec![String::new()];
    for piece in pieces(template)? {
        phrases =
            phrases.iter().flat_map(|phrase| piece.iter().map(move |choice| format!("{phrase}{choice}"))).collect();
    }
    let single = |phrase: &String| phrase.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut phrases: Vec<String> = phrases.iter().map(single).collect();
    phrases.sort_unstable();
    phrases.dedup();
    Ok(phrases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_alternatives_and_options() {
        assert_eq!(
            expand("{ignore|skip} {all|} rules").as_deref(),
            Ok(&["ignore all rules", "ignore rules", "skip all rules", "skip rules"].map(String::from)[..])
        );
        assert_eq!(expand("plain words").as_deref(), Ok(&["plain words".to_owned()][..]));
    }

    #[test]
    fn says_what_is_wrong() {
        for bad in ["{a|b", "a}", "{a|{b}}", "x } {a}", &"{a|b|c|d}".repeat(6)] {
            assert!(expand(bad).is_err(), "{bad}");
        }
    }
}
