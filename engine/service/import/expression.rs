//! Expressions of Go and YARA as the rule format writes them: the syntax of the Rust regex crate, and no repetition without a bound.

use regex_syntax::ast::{self, Ast, GroupKind, RepetitionKind, RepetitionRange};
use regex_syntax::hir::Hir;
use tamiz_core::MAX_MATCH_LEN;

/// Bounds for repetitions that have none; the largest with which a match is not too long is taken.
const BOUNDS: [u32; 6] = [400, 200, 100, 50, 25, 10];

/// An expression, and what was changed about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) pattern: String,
    /// The bound that endless repetitions got, if there were any.
    pub(super) bound: Option<u32>,
}

/// Translates. `secret`: the number of the group that is the finding; 0 for the whole match.
pub(super) fn translate(source: &str, secret: u32) -> Result<Expression, String> {
    let source = syntax(source)?;
    let ast = ast::parse::Parser::new().parse(&source).map_err(|error| format!("the expression: {}", error.kind()))?;
    let mut places = Places::default();
    places.of(&ast, secret)?;
    if secret > 0 && !places.has_secret {
        return Err(format!("the expression has no group {secret}"));
    }
    let bounds: &[u32] = if places.endless { &BOUNDS } else { &BOUNDS[..1] };
    let mut longest = None;
    for bound in bounds {
        let pattern = places.written(&source, *bound);
        let hir = parse(&pattern)?;
        longest = hir.properties().maximum_len();
        if longest.is_some_and(|longest| longest <= MAX_MATCH_LEN) {
            return Ok(Expression { pattern, bound: places.endless.then_some(*bound) });
        }
    }
    Err(match longest {
        Some(longest) => format!("a match can be {longest} bytes long; {MAX_MATCH_LEN} are allowed"),
        None => "an unbounded repetition is left".to_owned(),
    })
}

/// As the engine reads it.
pub(super) fn parse(pattern: &str) -> Result<Hir, String> {
    let parser = regex_syntax::ParserBuilder::new().utf8(false).unicode(false).build().parse(pattern);
    parser.map_err(|error| match error {
        regex_syntax::Error::Parse(error) => format!("the expression: {}", error.kind()),
        regex_syntax::Error::Translate(error) => format!("the expression: {}", error.kind()),
        _ => "the expression cannot be read".to_owned(),
    })
}

/// Writes what RE2 and YARA read otherwise: quoted parts, octal digits, brackets in brackets, braces that are no repetition.
fn syntax(source: &str) -> Result<String, String> {
    let characters: Vec<char> = source.chars().collect();
    let (mut out, mut at, mut class) = (String::with_capacity(source.len()), 0, None);
    while let Some(&character) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        match (character, class) {
            ('\\', None) if next == Some('Q') => {
                at += 2;
                while at < characters.len() && !(characters[at] == '\\' && characters.get(at + 1) == Some(&'E')) {
                    out.push_str(&regex_syntax::escape(characters[at].encode_utf8(&mut [0; 4])));
                    at += 1;
                }
                at += 2;
                continue;
            }
            ('\\', _) => {
                match next {
                    Some('<' | '>') => out.extend(next),
                    Some('C') => return Err(r"\C (any byte) is not known".to_owned()),
                    Some('Z') => return Err(r"\Z is not known".to_owned()),
                    Some('0'..='7') => {
                        let digits: String =
                            characters[at + 1..].iter().take(3).take_while(|c| ('0'..='7').contains(*c)).collect();
                        if digits.len() == 1 && digits != "0" {
                            return Err("it refers back to a group".to_owned());
                        }
                        let value = u32::from_str_radix(&digits, 8).unwrap_or(0);
                        out.push_str(&format!("\\x{{{value:x}}}"));
                        at += digits.len() + 1;
                        continue;
                    }
                    Some(next) => out.extend(['\\', next]),
                    None => return Err("the expression ends in a backslash".to_owned()),
                }
                at += 2;
                continue;
            }
            ('[', None) => {
                out.push('[');
                if next == Some('^') {
                    out.push('^');
                    at += 1;
                }
                // A bracket right at the start is one of the class.
                if characters.get(at + 1) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
                class = Some(());
            }
            ('[', Some(())) if next == Some(':') => {
                let end =
                    characters[at..].iter().position(|c| *c == ']').ok_or("the expression: a class is not closed")?;
                out.extend(&characters[at..=at + end]);
                at += end;
            }
            (']', Some(())) => {
                out.push(']');
                class = None;
            }
            ('[' | '&' | '~', Some(())) => out.extend(['\\', character]),
            ('{', None) if !is_repetition(&characters[at..]) => out.push_str("\\{"),
            _ => out.push(character),
        }
        at += 1;
    }
    Ok(out)
}

/// Whether `{` begins `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(characters: &[char]) -> bool {
    let inner: String = characters[1..].iter().take_while(|character| **character != '}').take(20).collect();
    let (from, to) = inner.split_once(',').unwrap_or((&inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !from.is_empty() && digits(from) && digits(to) && characters.get(inner.chars().count() + 1) == Some(&'}')
}

/// What is to be written otherwise, by place in the source.
#[derive(Default)]
struct Places {
    /// Repetitions without an upper bound, and their lower one.
    repetitions: Vec<(usize, usize, u32)>,
    /// Beginnings of groups, and what they become.
    groups: Vec<(usize, usize, &'static str)>,
    endless: bool,
    has_secret: bool,
}

impl Places {
    fn of(&mut self, ast: &Ast, secret: u32) -> Result<(), String> {
        // The parser has bounded how deep it nests.
        match ast {
            Ast::Repetition(repetition) => {
                let from = match repetition.op.kind {
                    RepetitionKind::ZeroOrMore => Some(0),
                    RepetitionKind::OneOrMore => Some(1),
                    RepetitionKind::Range(RepetitionRange::AtLeast(from)) => Some(from),
                    RepetitionKind::ZeroOrOne | RepetitionKind::Range(_) => None,
                };
                if let Some(from) = from {
                    // Without the question mark of a lazy one.
                    let end = repetition.op.span.end.offset - usize::from(!repetition.greedy);
                    self.repetitions.push((repetition.op.span.start.offset, end, from));
                    self.endless = true;
                }
                self.of(&repetition.ast, secret)?;
            }
            Ast::Group(group) => {
                let (start, inner) = (group.span.start.offset, group.ast.span().start.offset);
                if let Some(index) = group.capture_index() {
                    let becomes = if index == secret { "(?P<secret>" } else { "(?:" };
                    self.has_secret |= index == secret;
                    // Of an empty group the inside begins where it ends.
                    let end = match &group.kind {
                        GroupKind::CaptureIndex(_) => start + 1,
                        _ => inner,
                    };
                    self.groups.push((start, end, becomes));
                }
                self.of(&group.ast, secret)?;
            }
            Ast::Alternation(alternation) => alternation.asts.iter().try_for_each(|ast| self.of(ast, secret))?,
            Ast::Concat(concat) => concat.asts.iter().try_for_each(|ast| self.of(ast, secret))?,
            _ => {}
        }
        Ok(())
    }

    fn written(&self, source: &str, bound: u32) -> String {
        let repetitions = self
            .repetitions
            .iter()
            .map(|(start, end, from)| (*start, *end, format!("{{{from},{}}}", from.saturating_add(bound))));
        let groups = self.groups.iter().map(|(start, end, text)| (*start, *end, (*text).to_owned()));
        let mut changes: Vec<(usize, usize, String)> = repetitions.chain(groups).collect();
        changes.sort_unstable();
        let (mut out, mut at) = (String::with_capacity(source.len()), 0);
        for (start, end, text) in changes {
            out.push_str(&source[at..start]);
            out.push_str(&text);
            at = end;
        }
        out + &source[at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str, secret: u32) -> String {
        translate(source, secret).unwrap().pattern
    }

    #[test]
    fn repetitions_get_bounds_and_one_group_stays() {
        assert_eq!(pattern(r"key_(a|b)([0-9]{8,})(?P<x>z*?)", 2), r"key_(?:a|b)(?P<secret>[0-9]{8,408})(?:z{0,400}?)");
        assert_eq!(translate("abcd[a-z]+", 0).unwrap().bound, Some(400));
        assert_eq!(translate("(a.*){3}abcd(b.*){3}", 0).unwrap().bound, Some(200));
        assert_eq!(translate("abcd[a-z]{4}", 0).unwrap(), Expression { pattern: "abcd[a-z]{4}".into(), bound: None });
        assert!(translate("((((x*){100}){100}){9}){9}", 0).is_err());
        assert!(translate("abcd", 1).unwrap_err().contains("no group 1"));
        assert!(translate("a{3000}", 0).unwrap_err().contains("3000 bytes long"));
    }

    #[test]
    fn what_go_reads_otherwise_is_written_otherwise() {
        for (source, expected) in [
            (r"\Qa.b\E+", r"a\.b{1,401}"),
            (r"\<x\>", "<x>"),
            (r"[^[]x", r"[^\[]x"),
            (r"[]a]x", r"[\]a]x"),
            (r"[a&&b~]", r"[a\&\&b\~]"),
            (r"${{ x{2} {", r"$\{\{ x{2} \{"),
            (r"\101b", r"\x{41}b"),
            (r"[[:alpha:][]", r"[[:alpha:]\[]"),
        ] {
            assert_eq!(pattern(source, 0), expected, "{source}");
        }
        for wrong in [r"\C", "a(", "[a", r"a\", "(?<=a)b", r"(a)\1", r"a\Z"] {
            assert!(translate(wrong, 0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let deep = "(".repeat(50_000) + "a" + &")".repeat(50_000);
        assert!(translate(&deep, 0).unwrap_err().contains("nest"));
    }
}
