//! Rules of a YARA file: a subset, which `docs/importing-rules.md` describes.

use super::yara_condition::ways;
use super::yara_lexer::{Lexer, Token};
use super::{Draft, Import, MOST_RULES, Target, expression, one_line};

const WHY: &str = "It reads like what an imported YARA rule describes; the reasons are its author's.";
const REMEDY: &str = "Read the passage, and ask where it comes from, before a model gets it.";

/// Most bytes between strings that must be there together.
const GAP: usize = 200;
/// Most strings that must be there together.
const TOGETHER: usize = 3;
/// Most expressions of a rule.
const MOST_PATTERNS: usize = 64;
/// Most strings of a rule.
const MOST_STRINGS: usize = 2_000;
/// Longest bounded jump of a hexadecimal string, in bytes.
const LONGEST_JUMP: usize = 400;

/// A rule as it stands in the file.
#[derive(Default)]
struct Rule {
    name: String,
    meta: Vec<(String, String)>,
    strings: Vec<Text>,
    condition: Vec<Token>,
    private: bool,
}

/// A string of a rule.
struct Text {
    name: String,
    value: Token,
    modifiers: Vec<String>,
}

/// Reads a file and makes rules of it.
///
/// # Errors
/// When it is no YARA, with the line.
pub fn import(name: &str, source: &str, target: &Target) -> Result<Import, String> {
    let mut lexer = Lexer::new(source);
    let (rules, notes) = read(&mut lexer).map_err(|why| format!("{name}:{}: no YARA rules: {why}", lexer.line()))?;
    if rules.is_empty() {
        return Err(format!("{name}: there is no rule in it"));
    }
    let mut import = Import::of(rules.into_iter().map(draft), target);
    import.notes = notes;
    Ok(import)
}

fn read(lexer: &mut Lexer<'_>) -> Result<(Vec<Rule>, Vec<String>), String> {
    let (mut rules, mut notes, mut private) = (Vec::new(), Vec::new(), false);
    while let Some(token) = lexer.next()? {
        let Token::Word(word) = token else { return Err("expected `rule`".to_owned()) };
        match word.as_str() {
            "rule" => {
                if rules.len() >= MOST_RULES {
                    return Err(format!("more than {MOST_RULES} rules"));
                }
                rules.push(Rule { private: std::mem::take(&mut private), ..rule(lexer)? });
            }
            "private" => private = true,
            "global" => notes.push("`global` has no counterpart: the rule stands for itself alone".to_owned()),
            "import" | "include" => {
                lexer.next()?;
                notes.push(format!("`{word}` is not followed"));
            }
            _ => return Err("expected `rule`".to_owned()),
        }
    }
    Ok((rules, notes))
}

fn rule(lexer: &mut Lexer<'_>) -> Result<Rule, String> {
    let Some(Token::Word(name)) = lexer.next()? else { return Err("a rule needs a name".to_owned()) };
    let mut rule = Rule { name, ..Rule::default() };
    // Tags say nothing that a rule file has.
    loop {
        match lexer.next()? {
            Some(Token::Mark('{')) => break,
            Some(Token::Mark(':') | Token::Word(_)) => {}
            _ => return Err("expected `{`".to_owned()),
        }
    }
    let mut section = String::new();
    let mut token = lexer.next()?;
    loop {
        let Some(now) = token.take() else { return Err("a rule does not end".to_owned()) };
        match (&now, section.as_str()) {
            (Token::Mark('}'), _) => return Ok(rule),
            (Token::Word(word), _) if matches!(word.as_str(), "meta" | "strings" | "condition") => {
                section.clone_from(word);
                if lexer.next()? != Some(Token::Mark(':')) {
                    return Err(format!("expected `:` after `{section}`"));
                }
                token = lexer.next()?;
            }
            (Token::Word(key), "meta") => {
                equals(lexer)?;
                let value = match lexer.next()? {
                    Some(Token::Text(text)) => String::from_utf8_lossy(&text).into_owned(),
                    Some(Token::Number(number)) => number.to_string(),
                    Some(Token::Word(word)) => word,
                    Some(Token::Mark('-')) => lexer.next()?.map(|_| String::new()).unwrap_or_default(),
                    _ => return Err(format!("`{key}` needs a value")),
                };
                rule.meta.push((key.clone(), value));
                token = lexer.next()?;
            }
            (Token::StringId(name), "strings") => {
                equals(lexer)?;
                let value =
                    lexer.next()?.filter(|value| matches!(value, Token::Text(_) | Token::Regex(..) | Token::Hex(_)));
                let value =
                    value.ok_or_else(|| format!("`${name}` needs a text, an expression or hexadecimal digits"))?;
                let (modifiers, next) = modifiers(lexer)?;
                if rule.strings.len() >= MOST_STRINGS {
                    return Err(format!("more than {MOST_STRINGS} strings in a rule"));
                }
                rule.strings.push(Text { name: name.clone(), value, modifiers });
                token = next;
            }
            (_, "condition") => {
                rule.condition.push(now);
                token = lexer.next()?;
            }
            _ => return Err("expected `meta:`, `strings:` or `condition:`".to_owned()),
        }
    }
}

fn equals(lexer: &mut Lexer<'_>) -> Result<(), String> {
    if lexer.next()? == Some(Token::Mark('=')) { Ok(()) } else { Err("expected `=`".to_owned()) }
}

/// The words after a string, and what comes after them.
fn modifiers(lexer: &mut Lexer<'_>) -> Result<(Vec<String>, Option<Token>), String> {
    const KNOWN: [&str; 8] = ["nocase", "wide", "ascii", "fullword", "xor", "base64", "base64wide", "private"];
    let mut all: Vec<String> = Vec::new();
    loop {
        match lexer.next()? {
            Some(Token::Word(word)) if KNOWN.contains(&word.as_str()) => all.push(word),
            // Arguments of `xor` and `base64`.
            Some(Token::Mark('(')) if !all.is_empty() => {
                while !matches!(lexer.next()?.ok_or("a modifier does not end")?, Token::Mark(')')) {}
            }
            next => return Ok((all, next)),
        }
    }
}

fn draft(rule: Rule) -> Result<Draft, (String, String)> {
    let name = rule.name.clone();
    let fail = |why: String| (name.clone(), why);
    if rule.private {
        return Err(fail("it is private: a helper of other rules".to_owned()));
    }
    if rule.strings.is_empty() {
        return Err(fail("it has no strings".to_owned()));
    }
    let names: Vec<String> = rule.strings.iter().map(|string| string.name.clone()).collect();
    let ways = ways(&rule.condition, &names).map_err(fail)?;
    let fail = |why: String| (name.clone(), why);
    let mut notes = Vec::new();
    let written: Vec<Result<String, String>> = rule.strings.iter().map(|string| string.pattern(&mut notes)).collect();
    let (mut patterns, mut gaps) = (Vec::new(), false);
    for way in &ways {
        let parts: Vec<&Result<String, String>> = way.iter().map(|string| &written[*string]).collect();
        let missing = way.iter().find_map(|string| Some((&names[*string], written[*string].as_ref().err()?)));
        if let Some((string, why)) = missing {
            notes.push(format!("not by ${string}: {why}"));
            continue;
        }
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        if parts.len() > TOGETHER {
            return Err(fail(format!("its condition wants {} strings together; {TOGETHER} can be said", parts.len())));
        }
        gaps |= parts.len() > 1;
        patterns.extend(orders(&parts));
    }
    notes.sort();
    notes.dedup();
    if patterns.is_empty() {
        let why = notes.into_iter().find(|note| note.starts_with("not by")).unwrap_or_default();
        return Err(fail(format!("none of its strings can be taken over ({why})")));
    }
    if patterns.len() > MOST_PATTERNS {
        return Err(fail(format!("its condition becomes {} expressions; at most {MOST_PATTERNS}", patterns.len())));
    }
    if gaps {
        notes.push(format!("strings that must be there together must stand within {GAP} bytes of each other"));
    }
    let of = |key: &str| {
        rule.meta.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| one_line(value, 400))
    };
    let description = of("description").filter(|text| !text.is_empty());
    let description = description.unwrap_or_else(|| format!("What the YARA rule {name} finds."));
    Ok(Draft {
        title: one_line(&description, 100),
        description,
        why: WHY,
        remedy: REMEDY,
        patterns,
        validator: None,
        notes,
        name,
    })
}

/// The expressions for parts that must be there together, in any order.
fn orders(parts: &[&str]) -> Vec<String> {
    let gap = format!("(?s:.{{0,{GAP}}}?)");
    match parts {
        [] => Vec::new(),
        [one] => vec![(*one).to_owned()],
        _ => (0..parts.len())
            .flat_map(|first| {
                let rest: Vec<&str> =
                    parts.iter().enumerate().filter(|(at, _)| *at != first).map(|(_, part)| *part).collect();
                let gap = &gap;
                orders(&rest).into_iter().map(move |rest| format!("{}{gap}{rest}", parts[first]))
            })
            .collect(),
    }
}

impl Text {
    fn has(&self, modifier: &str) -> bool {
        self.modifiers.iter().any(|known| known == modifier)
    }

    /// The expression for it.
    fn pattern(&self, notes: &mut Vec<String>) -> Result<String, String> {
        if self.has("xor") {
            return Err("`xor` has no counterpart".to_owned());
        }
        for (modifier, note) in [
            ("wide", "`wide` is not needed: contents in UTF-16 are read as text"),
            ("base64", "`base64` is not needed: base64 is decoded, and so the text is found plain as well"),
            ("base64wide", "`base64wide` is not needed: base64 is decoded, and so the text is found plain as well"),
        ] {
            if self.has(modifier) {
                notes.push(note.to_owned());
            }
        }
        let (plain, mut flags) = match &self.value {
            Token::Text(text) => (literal(text), String::new()),
            Token::Hex(hex) => (Hex { bytes: hex.as_bytes(), at: 0 }.all()?, String::new()),
            Token::Regex(regex, flags) => {
                if regex.contains("{,") {
                    return Err("`{,n}` is not read; write `{0,n}`".to_owned());
                }
                if let Some(unknown) = flags.chars().find(|flag| !matches!(flag, 'i' | 's')) {
                    return Err(format!("the flag `{unknown}` of its expression"));
                }
                let translated = expression::translate(regex, 0)?;
                if let Some(bound) = translated.bound {
                    notes.push(format!("repetitions without an end stop after {bound} more"));
                }
                (translated.pattern, flags.clone())
            }
            _ => return Err("it is no string".to_owned()),
        };
        if self.has("nocase") && !flags.contains('i') {
            flags.push('i');
        }
        if !self.has("fullword") {
            return Ok(format!("(?{flags}:{plain})"));
        }
        let edges = expression::parse(&plain)?;
        let word = |ends: bool| edge_is_word(&edges, ends);
        let boundary = |is_word: bool| if is_word { r"\b" } else { "" };
        if !(word(false) && word(true)) {
            notes.push("`fullword` holds only where the text begins or ends with a letter or digit".to_owned());
        }
        Ok(format!("{}(?{flags}:{plain}){}", boundary(word(false)), boundary(word(true))))
    }
}

/// Whether every match begins (or ends) with a letter, digit or underscore, as far as that is plain to see.
fn edge_is_word(hir: &regex_syntax::hir::Hir, ends: bool) -> bool {
    use regex_syntax::hir::{Class, HirKind};
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match hir.kind() {
        HirKind::Literal(literal) => {
            let edge = if ends { literal.0.last() } else { literal.0.first() };
            edge.is_some_and(|byte| word(*byte))
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().all(|range| (range.start()..=range.end()).all(word))
        }
        HirKind::Capture(capture) => edge_is_word(&capture.sub, ends),
        HirKind::Concat(parts) => {
            (if ends { parts.last() } else { parts.first() }).is_some_and(|part| edge_is_word(part, ends))
        }
        HirKind::Alternation(branches) => branches.iter().all(|branch| edge_is_word(branch, ends)),
        HirKind::Repetition(repetition) => repetition.min > 0 && edge_is_word(&repetition.sub, ends),
        _ => false,
    }
}

/// Bytes as an expression over bytes writes them.
fn literal(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::new(), |mut all, chunk| {
        for character in chunk.valid().chars() {
            match character {
                control if control.is_control() => {
                    all.extend(control.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("\\x{byte:02X}")));
                }
                character => all.push_str(&regex_syntax::escape(character.encode_utf8(&mut [0; 4]))),
            }
        }
        all.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
        all
    })
}

/// A hexadecimal string.
struct Hex<'h> {
    bytes: &'h [u8],
    at: usize,
}

impl Hex<'_> {
    fn all(mut self) -> Result<String, String> {
        let pattern = self.row(0)?;
        if self.at < self.bytes.len() {
            return Err("a hexadecimal string has a parenthesis too many".to_owned());
        }
        Ok(pattern)
    }

    /// Bytes, jumps and alternatives, up to the end or a parenthesis.
    fn row(&mut self, depth: usize) -> Result<String, String> {
        let mut pattern = String::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'(' if depth < 8 => {
                    self.at += 1;
                    pattern.push_str(&format!("(?:{})", self.row(depth + 1)?));
                    if self.bytes.get(self.at) != Some(&b')') {
                        return Err("a parenthesis in a hexadecimal string is not closed".to_owned());
                    }
                    self.at += 1;
                }
                b'|' if depth > 0 => {
                    self.at += 1;
                    pattern.push('|');
                }
                b')' => break,
                b'[' => pattern.push_str(&self.jump()?),
                _ => {
                    let digits = [byte, self.bytes.get(self.at + 1).copied().unwrap_or(0)];
                    self.at += 2;
                    pattern.push_str(&pair(digits)?);
                }
            }
        }
        Ok(pattern)
    }

    fn jump(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at + 1..];
        let end = rest.iter().position(|byte| *byte == b']').ok_or("a jump is not closed")?;
        let text = String::from_utf8_lossy(&rest[..end]).replace(' ', "");
        self.at += end + 2;
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        let number = |digits: &str| digits.parse::<usize>().ok();
        match (if from.is_empty() { Some(0) } else { number(from) }, number(to)) {
            (Some(from), Some(to)) if from <= to && to <= LONGEST_JUMP => Ok(format!("(?s:.{{{from},{to}}})")),
            (Some(_), None) if to.is_empty() => Err("a jump without an end".to_owned()),
            (Some(from), Some(to)) if from <= to => Err(format!("a jump of {to} bytes; at most {LONGEST_JUMP}")),
            _ => Err("a jump that is none".to_owned()),
        }
    }
}

/// Two digits, either of which may be `?`.
fn pair(digits: [u8; 2]) -> Result<String, String> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    match (digits, value(digits[0]), value(digits[1])) {
        (_, Some(high), Some(low)) => Ok(literal(&[high << 4 | low])),
        ([b'?', b'?'], ..) => Ok("(?s:.)".to_owned()),
        ([_, b'?'], Some(high), _) => Ok(format!("[\\x{:02X}-\\x{:02X}]", high << 4, high << 4 | 15)),
        ([b'?', _], _, Some(low)) => {
            let bytes = (0..16_u8).map(|high| format!("\\x{:02X}", high << 4 | low));
            Ok(format!("[{}]", bytes.collect::<String>()))
        }
        ([b'~', _], ..) => Err("`~` in a hexadecimal string has no counterpart".to_owned()),
        _ => Err("something in a hexadecimal string is no digit".to_owned()),
    }
}
