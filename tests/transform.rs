//! Redaction and neutralising, as properties. `PROPTEST_CASES=10000` looks longer.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;
use tamiz_core::{
    Content, ContentKind, Conversation, Encoded, Format, Group, Limits, Plan, Report, ScanControl, TransformContext,
    TransformKey, Transformed, Treatment, reveal,
};

use crate::support::{base64, content, engine, inspect};

fn config(cases: u32) -> Config {
    let default = Config::default();
    let rng_seed =
        if let RngSeed::Random = default.rng_seed { RngSeed::Fixed(0x7a_6d_69_7a) } else { default.rng_seed };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    Config { cases, rng_seed, failure_persistence: None, ..default }
}

fn key() -> TransformKey {
    TransformKey::new("k1", &[7; 32], "tests").unwrap()
}

fn apply(plan: &Plan, content: &Content<'_>) -> Transformed {
    let (key, mut conversation) = (key(), Conversation::default());
    let mut context = TransformContext { key: Some(&key), nonce: [3; 12], conversation: &mut conversation };
    plan.apply(&mut engine().scanner(), content, &mut context, &ScanControl::unlimited()).unwrap()
}

fn leaks(report: &Report) -> Vec<&str> {
    let leaks = report.findings.iter().filter(|finding| finding.family.group() == Group::Leak);
    leaks.map(|finding| finding.rule.as_str()).collect()
}

/// The examples of all rules for secrets and personal data.
fn planted() -> Vec<&'static str> {
    let rules = engine().rules().rules().iter();
    let leaks = rules.filter(|rule| rule.family.group() == Group::Leak);
    leaks.flat_map(|rule| rule.examples.iter().map(String::as_str)).collect()
}

/// The same of the rules for what steers a model.
fn steering() -> Vec<(ContentKind, &'static str)> {
    let rules = engine().rules().rules().iter();
    let rules = rules.filter(|rule| rule.family.group() != Group::Leak);
    let examples = |rule: &'static tamiz_core::Rule| {
        rule.examples.iter().map(move |example| (rule.content_kinds[0], example.as_str()))
    };
    rules.flat_map(examples).collect()
}

// --- JSON with planted data -------------------------------------------------------------------------------------------

/// A text as a JSON string, some of its characters escaped though they need not be.
fn json_string(text: &str, escape: u8) -> String {
    let mut out = String::from("\"");
    for (at, character) in text.chars().enumerate() {
        let needs = matches!(character, '"' | '\\') || character < ' ';
        if needs || (escape > 0 && at % usize::from(escape) == 0) {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
        } else {
            out.push(character);
        }
    }
    out + "\""
}

fn json(leaf: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = String> {
    let words = "[a-zé ]{0,12}";
    let text = (leaf, words, words, 0_u8..6, 0_u8..8).prop_map(|(planted, before, after, escape, form)| match form {
        0 => json_string(&base64(planted.as_bytes()), 0),
        1 => json_string(&planted.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>(), 0),
        2 => json_string(&format!("{before} {}", base64(format!("{before} {planted} {after}").as_bytes())), 0),
        _ => json_string(&format!("{before} {planted} {after}"), escape),
    });
    let number = prop_oneof![
        Just("4111111111111111".to_owned()),
        Just("5500005555555559".to_owned()),
        "-?[1-9][0-9]{0,14}(\\.[0-9]{1,4})?"
    ];
    let value = prop_oneof![
        4 => text.clone(),
        1 => number,
        1 => Just("true".to_owned()),
        1 => words.prop_map(|text| json_string(&text, 0)),
    ];
    let name = prop_oneof![
        4 => select(&["a", "password", "card", "api_key", "text", "x-y", "ssn", "token"][..]).prop_map(|name| json_string(name, 0)),
        1 => text,
    ];
    value.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec((name.clone(), inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("{name} :{value}")).collect();
                format!("{{\n{}}}", members.join(","))
            }),
        ]
    })
}

const HIDING: &[Treatment] = &[
    Treatment::Seal,
    Treatment::Seal,
    Treatment::Placeholder,
    Treatment::Remove,
    Treatment::Mask,
    Treatment::Hash,
    Treatment::Pseudonym,
];

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn redacted_json_is_json_and_clean_and_comes_back(
        document in json(select(planted()).prop_map(str::to_owned)),
        treatment in select(HIDING),
        reencode in any::<bool>(),
    ) {
        let mut plan = Plan::new(treatment, Treatment::Keep);
        plan.encoded = if reencode { Encoded::Reencode } else { Encoded::Blob };
        // A number alone is text to a reader that finds the format out.
        let format = if document.starts_with(['[', '{']) { Format::Auto } else { Format::Json };
        let original = content(Some(ContentKind::ToolOutput), format, document.as_bytes());
        let done = apply(&plan, &original);
        let text = String::from_utf8(done.content.clone()).unwrap();
        let parsed: Result<Value, _> = serde_json::from_str(&text);
        prop_assert!(parsed.is_ok(), "{parsed:?} {text}");
        let after = inspect(Some(ContentKind::ToolOutput), format, &done.content);
        prop_assert!(leaks(&after).is_empty(), "{treatment:?}: {:?} of {text} from {document}", leaks(&after));
        prop_assert!(leaks(&done.after).is_empty() && done.after.coverage.complete, "{:?}", done.after.coverage);
        prop_assert_eq!(done.changes.is_empty(), leaks(&done.before).is_empty());
        if treatment == Treatment::Seal {
            let redacted = content(Some(ContentKind::ToolOutput), format, &done.content);
            let revealed = reveal(&redacted, &Limits::default(), &[key()]);
            prop_assert_eq!(String::from_utf8(revealed.content).unwrap(), document);
            prop_assert_eq!((revealed.opened, revealed.refused), (done.changes.len(), 0));
            let other = TransformKey::new("k1", &[7; 32], "another tenant").unwrap();
            let refused = reveal(&redacted, &Limits::default(), &[other]);
            prop_assert_eq!((refused.opened, refused.refused), (0, done.changes.len()));
            prop_assert_eq!(refused.content, done.content);
        }
    }

    #[test]
    fn any_text_is_redacted_and_comes_back(
        parts in prop::collection::vec(prop_oneof![
            3 => select(planted()).prop_map(str::to_owned),
            2 => "[a-z\"{}:,\\\\ é\n]{0,12}".prop_map(|text: String| text),
            1 => select(&["{\"a\":\"", "\"}", "\n", "\u{feff}", "[sealed:k1:aa]", "\\u0041", "%41", "password: "][..]).prop_map(str::to_owned),
        ], 0..6),
        treatment in select(HIDING),
        format in select(&[Format::Auto, Format::Text, Format::Jsonl, Format::Json][..]),
        wide in 0_u8..6,
    ) {
        let text = parts.concat();
        let body = if wide == 0 {
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        } else {
            text.into_bytes()
        };
        let original = content(Some(ContentKind::ToolOutput), format, &body);
        let done = apply(&Plan::new(treatment, Treatment::Keep), &original);
        let redacted = content(Some(ContentKind::ToolOutput), format, &done.content);
        let after = inspect(Some(ContentKind::ToolOutput), format, &done.content);
        prop_assert!(leaks(&after).is_empty(), "{treatment:?}: {:?} of {:?}", leaks(&after), String::from_utf8_lossy(&done.content));
        prop_assert!(leaks(&done.after).is_empty());
        if treatment == Treatment::Seal {
            let revealed = reveal(&redacted, &Limits::default(), &[key()]);
            prop_assert_eq!(String::from_utf8_lossy(&revealed.content), String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn neutralised_content_is_clean(
        parts in prop::collection::vec((select(steering()), "[a-z ,.\n]{0,16}"), 1..4),
        treatment in select(&[Treatment::Remove, Treatment::Defang, Treatment::Quote, Treatment::Stub][..]),
        in_json in any::<bool>(),
    ) {
        let kind = parts[0].0.0;
        let text: String = parts.iter().map(|((_, example), after)| format!("{example} {after}")).collect();
        let body = if in_json { format!("{{\"page\": {}}}", json_string(&text, 0)) } else { text };
        let format = if in_json { Format::Json } else { Format::Text };
        let done = apply(&Plan::new(Treatment::Keep, treatment), &content(Some(kind), format, body.as_bytes()));
        let after = inspect(Some(kind), format, &done.content);
        let left: Vec<&str> = after
            .findings
            .iter()
            .filter(|finding| finding.family.group() != Group::Leak && !(treatment == Treatment::Quote && finding.quoted))
            .map(|finding| finding.rule.as_str())
            .collect();
        let shown = String::from_utf8_lossy(&done.content);
        prop_assert!(left.is_empty(), "{treatment:?} {left:?} of {shown:?}, from {body:?}");
        prop_assert!(!in_json || serde_json::from_slice::<Value>(&done.content).is_ok());
    }
}
