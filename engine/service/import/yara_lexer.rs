//! The words of a YARA file.

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// `$a`, `$a*`, `$`, without the sign.
    StringId(String),
    Text(Vec<u8>),
    /// What stands between the slashes, and the letters after them.
    Regex(String, String),
    /// What stands between the braces, without comments.
    Hex(String),
    Number(u64),
    Mark(char),
}

/// Reads one word after another. Errors have the line.
pub(super) struct Lexer<'s> {
    source: &'s str,
    at: usize,
    /// Whether a brace or slash begins a string, as it does after `=`.
    value: bool,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source: source.strip_prefix('\u{feff}').unwrap_or(source), at: 0, value: false }
    }

    /// The line where it is, from 1.
    pub(super) fn line(&self) -> usize {
        self.source.as_bytes()[..self.at].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn take(&mut self, len: usize) -> &'s str {
        let taken = &self.source[self.at..self.at + len];
        self.at += len;
        taken
    }

    fn skip_blanks(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let end = rest.find("*/").ok_or("a comment does not end")?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// The next word; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, String> {
        self.skip_blanks()?;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let value = std::mem::take(&mut self.value);
        let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let name_len = |text: &str| text.find(|character| !is_name(character)).unwrap_or(text.len());
        let token = match first {
            '"' => Token::Text(self.text()?),
            '{' if value => Token::Hex(self.hex()?),
            '/' if value => self.regex()?,
            '$' | '#' | '@' | '!' if first == '$' || self.rest()[1..].starts_with(is_name) => {
                self.at += 1;
                let len = name_len(self.rest());
                let mut name = self.take(len).to_owned();
                if self.rest().starts_with('*') {
                    self.at += 1;
                    name.push('*');
                }
                // Counts, offsets and lengths are words of no condition that is read here.
                if first == '$' { Token::StringId(name) } else { Token::Word(format!("{first}{name}")) }
            }
            '0'..='9' => {
                let len = name_len(self.rest());
                let digits = self.take(len);
                let number =
                    digits.strip_prefix("0x").map_or_else(|| digits.parse(), |digits| u64::from_str_radix(digits, 16));
                number.map_or_else(|_| Token::Word(digits.to_owned()), Token::Number)
            }
            _ if is_name(first) => {
                let len = name_len(self.rest());
                Token::Word(self.take(len).to_owned())
            }
            _ => {
                self.at += first.len_utf8();
                self.value = first == '=' && !self.rest().starts_with('=');
                Token::Mark(first)
            }
        };
        Ok(Some(token))
    }

    fn text(&mut self) -> Result<Vec<u8>, String> {
        let (bytes, start) = (self.source.as_bytes(), self.at);
        let (mut text, mut at) = (Vec::new(), start + 1);
        loop {
            match bytes.get(at) {
                None | Some(b'\n') => return Err("a text does not end on its line".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => {
                    at += 1;
                    match bytes.get(at) {
                        Some(b'n') => text.push(b'\n'),
                        Some(b't') => text.push(b'\t'),
                        Some(b'r') => text.push(b'\r'),
                        Some(quoted @ (b'"' | b'\\')) => text.push(*quoted),
                        Some(b'x') => {
                            let digits =
                                self.source.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                            text.push(digits.ok_or(r"\x needs two hexadecimal digits")?);
                            at += 2;
                        }
                        _ => return Err("an unknown escape in a text".to_owned()),
                    }
                }
                Some(byte) => text.push(*byte),
            }
            at += 1;
        }
        self.at = at + 1;
        Ok(text)
    }

    fn hex(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let end = rest.find('}').ok_or("a hexadecimal string does not end")?;
        let mut inner = String::new();
        let mut left = &rest[1..end];
        while let Some(at) = left.find('/') {
            inner.push_str(&left[..at]);
            left = match left.as_bytes().get(at + 1) {
                Some(b'/') => &left[at..][left[at..].find('\n').unwrap_or(left.len() - at)..],
                Some(b'*') => &left[at..][left[at..].find("*/").ok_or("a comment does not end")? + 2..],
                _ => return Err("a slash in a hexadecimal string".to_owned()),
            };
        }
        inner.push_str(left);
        self.at += end + 1;
        Ok(inner)
    }

    fn regex(&mut self) -> Result<Token, String> {
        let (bytes, start) = (self.source.as_bytes(), self.at + 1);
        let (mut at, mut inner) = (start, String::new());
        let mut from = start;
        loop {
            match bytes.get(at) {
                None | Some(b'\n') => return Err("an expression does not end on its line".to_owned()),
                Some(b'/') => break,
                Some(b'\\') if bytes.get(at + 1) == Some(&b'/') => {
                    inner.push_str(&self.source[from..at]);
                    from = at + 1;
                    at += 2;
                }
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
        inner.push_str(&self.source[from..at]);
        self.at = at + 1;
        let flags = self.rest().bytes().take_while(u8::is_ascii_lowercase).count();
        let flags = self.take(flags).to_owned();
        Ok(Token::Regex(inner, flags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Result<Vec<Token>, String> {
        let (mut lexer, mut all) = (Lexer::new(source), Vec::new());
        while let Some(token) = lexer.next()? {
            all.push(token);
        }
        Ok(all)
    }

    #[test]
    fn strings_of_three_sorts_and_comments() {
        let word = |text: &str| Token::Word(text.to_owned());
        let source = "$a = \"x\\x41\\\"\\n\" nocase /* { */ $b = { 6A ?? // [\n /* } no */ }";
        // A closing brace in a comment ends it, as the comment is not seen before.
        assert!(tokens(source).is_err());
        assert_eq!(
            tokens("$a = \"x\\x41\\\"\\n\" nocase // {\n$b = { 6A /* x */ ?? } $c* = /a\\/[b]{2}/is 0x1F 12 #a =="),
            Ok(vec![
                Token::StringId("a".into()),
                Token::Mark('='),
                Token::Text(b"xA\"\n".to_vec()),
                word("nocase"),
                Token::StringId("b".into()),
                Token::Mark('='),
                Token::Hex(" 6A  ?? ".into()),
                Token::StringId("c*".into()),
                Token::Mark('='),
                Token::Regex("a/[b]{2}".into(), "is".into()),
                Token::Number(31),
                Token::Number(12),
                word("#a"),
                Token::Mark('='),
                Token::Mark('='),
            ])
        );
        for broken in
            ["$a = \"x", "$a = \"\\q\"", "$a = { 6A", "$a = /x", "/* x", "$a = \"\\xZZ\"", "$a = \"\\xé\"", "$a = /x\\"]
        {
            assert!(tokens(broken).is_err(), "{broken}");
        }
    }
}
