//! Texts to measure on, by sort: the bundled benign examples. They travel in the binary, so that machines compare.

/// A sort of text, and the files it is made of.
pub struct Sort {
    /// Its name in reports.
    pub name: &'static str,
    files: &'static [&'static [u8]],
    json: bool,
}

macro_rules! sort {
    ($name:literal, json: $json:literal, $($file:literal),+) => {
        Sort { name: $name, files: &[$(include_bytes!(concat!("../../examples/benign/", $file))),+], json: $json }
    };
}

/// Ordinary texts: what most messages are.
pub static SORTS: &[Sort] = &[
    sort!("prose", json: false, "recipe.md", "meeting-notes.md", "changelog.md", "readme-lib.md"),
    sort!("code", json: false, "code/walker.rs", "code/agent_loop.py", "code/middleware.js", "code/config.go"),
    sort!("json", json: true, "api-issues.json"),
    sort!("chat", json: false, "email-thread.eml", "chat/roleplay-linux-terminal.txt", "chat/roleplay-story.txt"),
    sort!("multilingual", json: false, "i18n/zh-manual.md", "i18n/ar-article.md", "i18n/ru-email.txt", "i18n/hi-notice.md"),
];

/// Policy and security prose, which talks about prompts and orders without giving any: many words of rules, few matches.
pub static HARD: Sort = sort!("hard", json: false, "terms.txt", "abstract.txt", "security-guide-en.md");

/// All sorts: the ordinary ones, then [`HARD`].
pub fn all() -> impl Iterator<Item = &'static Sort> {
    SORTS.iter().chain([&HARD])
}

/// All text of a sort.
#[must_use]
pub fn whole(sort: &Sort) -> Vec<u8> {
    sort.files.concat()
}

/// The text of a sort, repeated or cut to exactly `size` bytes: at a character boundary, and JSON so that it stays JSON. What is
/// lost by that is filled up with spaces.
#[must_use]
pub fn sized(sort: &Sort, size: usize) -> Vec<u8> {
    let text = whole(sort);
    let mut all: Vec<u8> = if sort.json {
        let copies = size / text.len() + 1;
        cut_json(&[b"[", vec![text.as_slice(); copies].join(&b","[..]).as_slice(), b"]"].concat(), size)
    } else {
        text.iter().copied().cycle().take(size).collect()
    };
    while std::str::from_utf8(&all).is_err_and(|error| error.error_len().is_none()) {
        all.pop();
    }
    all.resize(size, b' ');
    all
}

/// The longest beginning of a JSON text that has at most `size` bytes once what it leaves open is closed, closed. It ends before a
/// comma or inside a string that is a value.
fn cut_json(text: &[u8], size: usize) -> Vec<u8> {
    // What closes what is open, innermost last; whether this is in a string; whether that is, or comes next, a member's name.
    let (mut closers, mut string, mut name) = (Vec::new(), false, false);
    let (mut best, mut best_closers) = (0, Vec::new());
    let mut at = 0;
    while at < text.len() && at + closers.len() < size {
        let byte = text[at];
        let inside = string && byte & 0xc0 != 0x80 && !name;
        if inside || !string && byte == b',' {
            best = at;
            best_closers.clone_from(&closers);
            if inside {
                best_closers.push(b'"');
            }
        }
        at += match (string, byte, text.get(at + 1)) {
            (true, b'\\', Some(b'u')) => 6,
            (true, b'\\', _) => 2,
            _ => 1,
        };
        match byte {
            b'"' => string = !string,
            _ if string => {}
            b'{' | b'[' => {
                closers.push(if byte == b'{' { b'}' } else { b']' });
                name = byte == b'{';
            }
            b'}' | b']' => {
                closers.pop();
                name = false;
            }
            b':' => name = false,
            b',' => name = closers.last() == Some(&b'}'),
            _ => {}
        }
    }
    let mut cut = text[..best].to_vec();
    cut.extend(best_closers.iter().rev());
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_size_and_stay_what_they_are() {
        for sort in all() {
            for size in [64, 255, 256, 257, 2 << 10, 5_000, 16 << 10] {
                let text = sized(sort, size);
                assert_eq!(text.len(), size, "{}", sort.name);
                assert!(std::str::from_utf8(&text).is_ok(), "{} {size}", sort.name);
                let json = serde_json::from_slice::<serde_json::Value>(&text);
                assert_eq!(json.is_ok(), sort.json, "{} {size}: {json:?}", sort.name);
            }
        }
    }

    #[test]
    fn json_is_cut_where_it_can_be_closed() {
        let text = br#"[{"a":"\u00e9\"","b":[1,2]},{"c":"end"}]"#;
        for size in 12..=text.len() + 4 {
            let cut = cut_json(text, size);
            assert!(cut.len() <= size, "{size}");
            let json = serde_json::from_slice::<serde_json::Value>(&cut);
            assert!(json.is_ok(), "{size}: {:?}", String::from_utf8_lossy(&cut));
        }
    }
}
