//! The oracle: what every expression finds on the whole text, without anchors, neighbours, tails and windows.
//!
//! All of these only save work. Here rules' examples are mutated and joined, every expression is run on all of the text, and the
//! rules that match must be those that a scan finds. `TAMIZ_ORACLE_CASES=100000` makes it a long run.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::confirm::each_match;
    use crate::content::{Content, ContentKind, Format};
    use crate::limits::ScanControl;
    use crate::matching::AhoCorasickMatcher;
    use crate::view::{Folder, ViewKind};
    use crate::{CompiledRules, Engine, Rule, Scanner};

    /// xorshift64*: the same texts everywhere.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % limit.max(1)
        }

        fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
            &from[self.below(from.len())]
        }
    }

    const PIECES: [&str; 22] = [
        " ", "  ", "\n", "\t", ".", ", ", ": ", "\"", "'", "-", "_", "(", "\u{200b}", "\u{ad}", "é", "ﬁ", "а", "Ａ",
        "x", "the ", "0", "\u{1}",
    ];

    /// One to three examples, cut, joined and changed in a few places.
    fn text(examples: &[&str], random: &mut Random) -> String {
        let mut text: Vec<char> = Vec::new();
        for _ in 0..=random.below(3) {
            let example: Vec<char> = random.pick(examples).chars().collect();
            let from = if random.below(3) == 0 { random.below(example.len()) } else { 0 };
            let to = if random.below(4) == 0 { from + random.below(example.len() - from + 1) } else { example.len() };
            text.extend(&example[from..to]);
            text.extend(random.pick(&PIECES).chars());
        }
        for _ in 0..random.below(5) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => text[at] = text[at].to_uppercase().next().unwrap_or('x'),
                _ => drop(text.splice(at..at, random.pick(&PIECES).chars())),
            }
        }
        text.truncate(4_000);
        text.into_iter().collect()
    }

    /// The rules that have an expression which matches, of those that apply to `kind`.
    fn expected(rules: &CompiledRules, folded: &[u8], text: &[u8], kind: ContentKind) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for pattern in &rules.patterns {
            let rule = rules.rule(pattern.rule);
            if found.contains(&rule.id) || !rule.content_kinds.contains(&kind) {
                continue;
            }
            let text = if pattern.folded { folded } else { text };
            let regex = pattern.regex().expect("the built-in rules compile");
            each_match(regex, &mut regex.create_cache(), text, 0..text.len(), |range| {
                if pattern.validator.is_none_or(|validator| validator.judge(text, range, None).is_some()) {
                    found.insert(rule.id.clone());
                }
            });
        }
        found
    }

    /// The rules that a scan finds in the text itself, not in what it encodes.
    fn scanned(scanner: &mut Scanner, text: &[u8], kind: ContentKind) -> BTreeSet<String> {
        let report = scanner.inspect(&Content::new(kind, text).with_format(Format::Text), &ScanControl::unlimited());
        let plain = report.findings.into_iter().filter(|finding| {
            let mut views = finding.views.iter().filter(|view| **view != ViewKind::Folded);
            views.next() == Some(&ViewKind::Raw) && views.next().is_none()
        });
        plain.map(|finding| finding.rule).collect()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a long run is asked for by a variable")]
    fn a_scan_finds_what_the_expressions_find_on_the_whole_text() {
        let cases = std::env::var("TAMIZ_ORACLE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(600);
        let shipped = Engine::builder().build().expect("the built-in rules fit");
        let other = Engine::builder().backend(Box::new(AhoCorasickMatcher)).build().expect("the built-in rules fit");
        let rules = shipped.rules();
        // Rules that are found by nothing but expressions: of these the oracle knows all.
        let by_pattern = |id: &String| {
            let alone = |rule: &Rule| rule.phrases.is_empty() && rule.detector.is_none() && rule.shape.is_none();
            rules.rules().iter().any(|rule| rule.id == *id && alone(rule))
        };
        let examples: Vec<&str> = rules
            .rules()
            .iter()
            .flat_map(|rule| rule.examples.iter().chain(&rule.negative_examples))
            .map(String::as_str)
            .collect();
        let (mut scanner, mut reference) = (shipped.scanner(), other.scanner());
        let (mut random, mut folder, mut matched) = (Random(20), Folder::default(), 0);
        for case in 0..cases {
            let text = text(&examples, &mut random);
            let kind = *random.pick(&ContentKind::ALL);
            let found = scanned(&mut scanner, text.as_bytes(), kind);
            assert_eq!(
                found,
                scanned(&mut reference, text.as_bytes(), kind),
                "case {case}: back ends differ on {text:?}"
            );
            let expected = expected(rules, folder.fold(text.as_bytes()), text.as_bytes(), kind);
            matched += expected.len();
            let missed: Vec<_> = expected.difference(&found).collect();
            let invented: Vec<_> = found.difference(&expected).filter(|id| by_pattern(id)).collect();
            assert!(
                missed.is_empty() && invented.is_empty(),
                "case {case}: {text:?}\nmissed {missed:?}\ninvented {invented:?}"
            );
        }
        assert!(matched > cases / 4, "the texts hardly match anything: {matched} rules in {cases} cases");
    }
}
