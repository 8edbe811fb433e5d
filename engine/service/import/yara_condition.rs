//! Conditions of YARA rules, as far as they say which strings must be there together.

use super::yara_lexer::Token;

/// Most ways in which a condition can be met.
const MOST: usize = 24;
/// Deepest nesting of parentheses.
const DEEPEST: usize = 40;

/// Ways to meet a condition: for each, the strings that must be there, by number, in order. No way holds another.
pub(super) fn ways(tokens: &[Token], names: &[String]) -> Result<Vec<Vec<usize>>, String> {
    let mut reader = Reader { tokens, at: 0, names, depth: 0 };
    let mut ways = reader.either()?;
    if let Some(token) = reader.peek() {
        return Err(unsupported(token));
    }
    ways.sort_by_key(|way| (way.len(), way.clone()));
    let mut least: Vec<Vec<usize>> = Vec::new();
    for way in ways {
        if !least.iter().any(|less| less.iter().all(|string| way.contains(string))) {
            least.push(way);
        }
    }
    Ok(least)
}

fn unsupported(token: &Token) -> String {
    let what = match token {
        Token::Word(word) => word.chars().take(40).collect(),
        Token::Mark(mark) => mark.to_string(),
        Token::StringId(_) => "a string in this place".to_owned(),
        _ => "a value".to_owned(),
    };
    format!("its condition has `{what}`, which has no counterpart")
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    names: &'t [String],
    depth: usize,
}

type Ways = Vec<Vec<usize>>;

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(is);
        is
    }

    fn mark(&mut self, mark: char) -> bool {
        let is = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> Result<Ways, String> {
        let mut ways = self.both()?;
        while self.word("or") {
            ways.extend(self.both()?);
            bounded(&ways)?;
        }
        Ok(ways)
    }

    fn both(&mut self) -> Result<Ways, String> {
        let mut ways = self.one()?;
        while self.word("and") {
            let more = self.one()?;
            ways = ways.iter().flat_map(|a| more.iter().map(|b| union(a, b))).collect();
            bounded(&ways)?;
        }
        Ok(ways)
    }

    fn one(&mut self) -> Result<Ways, String> {
        match self.peek() {
            None => Err("its condition is incomplete".to_owned()),
            Some(Token::Mark('(')) => {
                self.at += 1;
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(format!("its condition nests deeper than {DEEPEST} levels"));
                }
                let ways = self.either()?;
                self.depth -= 1;
                if self.mark(')') { Ok(ways) } else { Err("a parenthesis of its condition is not closed".to_owned()) }
            }
            Some(Token::StringId(name)) if !name.ends_with('*') => {
                self.at += 1;
                let string = self.names.iter().position(|known| known == name && !name.is_empty());
                Ok(vec![vec![string.ok_or("its condition names a string that is not there")?]])
            }
            Some(Token::Word(word)) if word == "any" || word == "all" => {
                self.at += 1;
                let all = word == "all";
                self.of(|strings| if all { strings } else { 1 })
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                let number = usize::try_from(*number).unwrap_or(usize::MAX);
                self.of(|_| number)
            }
            Some(token) => Err(unsupported(token)),
        }
    }

    /// `of them`, `of ($a, $b*)`; `count` of so many strings.
    fn of(&mut self, count: impl Fn(usize) -> usize) -> Result<Ways, String> {
        if !self.word("of") {
            return Err(self.peek().map_or_else(|| "its condition is incomplete".to_owned(), unsupported));
        }
        let strings = if self.word("them") { (0..self.names.len()).collect() } else { self.set()? };
        let count = count(strings.len());
        if count == 0 || count > strings.len() {
            return Err(format!("its condition wants {count} of {} strings", strings.len()));
        }
        let mut ways: Ways = vec![Vec::new()];
        // All choices of so many, in order.
        for _ in 0..count {
            let longer = |way: &Vec<usize>| {
                let from =
                    way.last().map_or(0, |last| strings.iter().position(|string| string == last).unwrap_or(0) + 1);
                strings[from..].iter().map(|string| [way.as_slice(), &[*string]].concat()).collect::<Ways>()
            };
            ways = ways.iter().flat_map(longer).collect();
            if ways.len() > MOST * 8 {
                break;
            }
        }
        bounded(&ways)?;
        Ok(ways)
    }

    fn set(&mut self) -> Result<Vec<usize>, String> {
        let mut strings = Vec::new();
        let open = self.mark('(');
        loop {
            let Some(Token::StringId(name)) = self.peek().filter(|_| open) else {
                return Err("its condition has a set that is none of strings".to_owned());
            };
            self.at += 1;
            let matches =
                |known: &String| name.strip_suffix('*').map_or(known == name, |start| known.starts_with(start));
            strings.extend(self.names.iter().enumerate().filter(|(_, known)| matches(known)).map(|(at, _)| at));
            if self.mark(')') {
                strings.sort_unstable();
                strings.dedup();
                return Ok(strings);
            }
            if !self.mark(',') {
                return Err("its condition has a set that is not closed".to_owned());
            }
        }
    }
}

fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut both = [a, b].concat();
    both.sort_unstable();
    both.dedup();
    both
}

fn bounded(ways: &Ways) -> Result<(), String> {
    if ways.len() > MOST * 8 { Err("its condition can be met in too many ways".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::yara_lexer::Lexer;
    use super::*;

    fn read(condition: &str) -> Result<Ways, String> {
        let (mut lexer, mut tokens) = (Lexer::new(condition), Vec::new());
        while let Some(token) = lexer.next()? {
            tokens.push(token);
        }
        ways(&tokens, &["a", "b1", "b2"].map(str::to_owned))
    }

    #[test]
    fn ways_to_meet_a_condition() {
        for (condition, expected) in [
            ("any of them", vec![vec![0], vec![1], vec![2]]),
            ("all of them", vec![vec![0, 1, 2]]),
            ("2 of them", vec![vec![0, 1], vec![0, 2], vec![1, 2]]),
            ("$a and any of ($b*)", vec![vec![0, 1], vec![0, 2]]),
            ("$a or ($a and $b1) or $b2", vec![vec![0], vec![2]]),
            ("($b1 or $b2) and ($a)", vec![vec![0, 1], vec![0, 2]]),
            ("1 of ($a, $b2)", vec![vec![0], vec![2]]),
        ] {
            assert_eq!(read(condition), Ok(expected), "{condition}");
        }
        for (condition, why) in [
            ("not $a", "`not`"),
            ("#a > 2", "`#a`"),
            ("$a at 0", "`at`"),
            ("filesize < 10", "`filesize`"),
            ("for any of them : ( $ )", "`for`"),
            ("$x", "not there"),
            ("4 of them", "4 of 3"),
            ("none of them", "`none`"),
            ("50% of them", "`%`"),
            ("", "incomplete"),
            ("($a", "not closed"),
            ("any of ($a", "not closed"),
            ("pe.is_pe", "`pe`"),
        ] {
            let error = read(condition).unwrap_err();
            assert!(error.contains(why), "{condition}: {error}");
        }
        assert!(read(&format!("{}$a", "(".repeat(10_000))).unwrap_err().contains("deeper"));
    }
}
