//! What shapes find in whole texts, and what that may cost.

#[cfg(test)]
mod tests {
    use crate::content::{Content, ContentKind, Format};
    use crate::detect::Work;
    use crate::engine::Engine;
    use crate::limits::ScanControl;
    use crate::rule::RuleSet;

    const NUMBER: &str = r#"
id = "pii.number"
title = "t"
severity = "medium"
confidence = "high"
description = "d"
why = "w"
remedy = "r"
validator = "es-dni"
examples = ["a", "b"]
negative_examples = ["c", "d"]
[shape]
forms = ["99-999-999-A"]
separators = " -."
[context]
words = ["dni", "documento de identidad", "身分"]
"#;

    fn found(source: &str, text: &str) -> Vec<(String, String)> {
        let (rules, problems) = RuleSet::parse([("number.toml", source)]);
        assert!(problems.is_empty(), "{problems:?}");
        let engine = Engine::builder().rules(rules).build().expect("the rules are good");
        let report = engine.inspect(&Content::new(ContentKind::Prompt, text.as_bytes()));
        let one = |finding: &crate::report::Finding| {
            (finding.rule.clone(), text[finding.span.start..finding.span.end].to_owned())
        };
        report.findings.iter().map(one).collect()
    }

    fn texts(source: &str, text: &str) -> Vec<String> {
        found(source, text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn forms_are_found_as_people_write_them() {
        for text in ["12345678Z", "12.345.678-Z", "12 345 678 Z", "12\u{a0}345\u{a0}678\u{2011}Z", "1234\u{200b}5678Z"]
        {
            assert_eq!(texts(NUMBER, &format!("Es {text}, dijo.")), [text], "{text}");
            assert_eq!(texts(NUMBER, text), [text], "{text}");
        }
        for text in [
            "12345678A",
            "123-45678Z",
            "12/345/678/Z",
            "x12345678Z",
            "12345678Zx",
            "0.12345678Z",
            "2-12345678Z",
            "12345678Z@x.es",
            "$12345678Z",
            "12345678z",
            "1234567\u{ff18}Z",
            "a/12345678Z",
            "12  345  678  Z",
        ] {
            assert_eq!(texts(NUMBER, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn words_near_it_decide() {
        let required = NUMBER.replace("[context]", "[context]\nrequired = true\nwindow = 30");
        for text in [
            "DNI: 12345678Z",
            "dni_12 12345678Z",
            "12345678Z (DNI)",
            "Documento de\n identidad nº 12345678Z",
            "身分12345678Z",
            "{\"dni\": \"12345678Z\"}",
            "{\"documento de identidad\": \"el 12345678Z\"}",
        ] {
            assert_eq!(texts(&required, text), ["12345678Z"], "{text}");
        }
        assert_eq!(texts(&required, "dni 12345678z"), ["12345678z"]);
        for text in ["12345678Z", "dnis 12345678Z", "dni. This sentence goes on and on and on: 12345678Z"] {
            assert_eq!(texts(&required, text), [""; 0], "{text}");
        }
        assert_eq!(texts(&required, "El 身分 12345678Z"), ["12345678Z"]);
    }

    #[test]
    fn another_numbers_name_takes_it_away() {
        for text in
            ["Order number: 12345678Z", "pedido nº 12345678Z", "Bestellnummer ist 12345678Z", "commit 12345678Z"]
        {
            assert_eq!(texts(NUMBER, text), [""; 0], "{text}");
        }
        for text in ["dni 12345678Z", "order by dni 12345678Z", "the order of 12 12345678Z", "ordered 12345678Z"] {
            assert_eq!(texts(NUMBER, text), ["12345678Z"], "{text}");
        }
    }

    #[test]
    fn each_place_goes_to_the_rule_whose_name_is_near() {
        let other = NUMBER.replace("pii.number", "pii.other").replace("\"dni\", \"documento de identidad\"", "\"nif\"");
        let (mut rules, _) = RuleSet::parse([("a.toml", NUMBER), ("b.toml", other.as_str())]);
        let mut of = |text: &str| {
            let engine = Engine::builder().rules(std::mem::take(&mut rules)).build().expect("the rules are good");
            let report = engine.inspect(&Content::new(ContentKind::Prompt, text.as_bytes()));
            rules = engine.rules().rule_set().clone();
            report.findings.iter().map(|finding| finding.rule.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("nif 12345678Z, dni 87654321X"), ["pii.other", "pii.number"]);
        assert_eq!(of("12345678Z").len(), 1);
    }

    #[test]
    fn mistakes_in_a_shape_are_pointed_at() {
        for (from, to, code) in [
            ("99-999-999-A", "99-999-999-a", "E060"),
            ("99-999-999-A", "9999", "E060"),
            (" -.", "+", "E061"),
            ("separators = \" -.\"", "", "E061"),
            ("[\"dni\", \"documento de identidad\", \"身分\"]", "[]", "E062"),
            ("\"dni\"", "\"-\"", "E062"),
            ("[context]", "[context]\nwindow = 1000", "E062"),
            ("validator = \"es-dni\"", "", "E064"),
            ("validator = \"es-dni\"", "detector = \"unicode-tags\"", "E006"),
            ("required", "required", ""),
        ] {
            let source = NUMBER.replace(from, to);
            let (_, problems) = RuleSet::parse([("number.toml", source.as_str())]);
            let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
            assert!(if code.is_empty() { codes.is_empty() } else { codes.contains(&code) }, "{to}: {codes:?}");
        }
        let detector =
            NUMBER.replace("validator = \"es-dni\"", "detector = \"unicode-tags\"").replace("[shape]", "[taxonomy]");
        let detector = detector.replace("forms = [\"99-999-999-A\"]\nseparators = \" -.\"", "");
        let (_, problems) = RuleSet::parse([("number.toml", detector.as_str())]);
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["E063"]);
    }

    fn work(text: &[u8]) -> Work {
        let engine = Engine::builder().build().expect("the built-in rules are good");
        let mut scanner = engine.scanner();
        let content = Content::new(ContentKind::ToolOutput, text).with_format(Format::Text);
        scanner.scan(&content, &ScanControl::unlimited()).work()
    }

    /// A megabyte of digits, with every sort of separator: what is done for each byte is bounded, whatever the number of rules.
    #[test]
    fn a_megabyte_of_digits_costs_a_bounded_number_of_steps() {
        let mut state = 7_u64;
        let mut dice = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut mixed = Vec::new();
        while mixed.len() < 1 << 20 {
            mixed.extend((0..=dice(9)).map(|_| b'0' + dice(10) as u8));
            if dice(9) == 0 {
                mixed.push(b'A' + dice(26) as u8);
            }
            mixed.extend_from_slice(
                [" ", "-", ".", "/", ":", "_", "(", "\u{a0}", "\u{200b}", ", ", "\n"][dice(11) as usize].as_bytes(),
            );
        }
        let repeated = |unit: &str| unit.as_bytes().iter().copied().cycle().take(64 << 10).collect::<Vec<u8>>();
        for text in [
            mixed,
            repeated("1 "),
            repeated("12-"),
            repeated("123 "),
            repeated("1234 "),
            repeated("12345678 "),
            repeated("1"),
            repeated("A1 "),
            repeated("GB82 WEST 1234 5698 7654 32 "),
            repeated("ssn iban card 078-05-1120 "),
            repeated("1.2.3.4:5 "),
            repeated("a1:b2:"),
            repeated("(212) 555-0182 x123 "),
        ] {
            let Work { shape_steps, shape_checks, shape_bytes, .. } = work(&text);
            let len = text.len() as u64;
            let shown = String::from_utf8_lossy(&text[..40]);
            assert!(shape_steps <= 20 * len, "{shown}: {shape_steps} steps for {len} bytes");
            assert!(shape_checks <= 8 * len, "{shown}: {shape_checks} checks for {len} bytes");
            assert!(shape_bytes <= 10 * len, "{shown}: {shape_bytes} bytes for detectors of {len}");
        }
    }

    #[test]
    fn text_without_numbers_costs_nothing() {
        let prose = "A sentence of 12 words that says nothing at all to anybody. It is long, and so on. ".repeat(100);
        assert_eq!((work(prose.as_bytes()).shape_steps, work(prose.as_bytes()).shape_bytes), (0, 0));
    }
}
