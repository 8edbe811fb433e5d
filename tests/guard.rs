//! The context guard: limits of tokens, floods, dialogues of many turns, and orders that are thinned out in long honest text.

use tamiz_core::{Action, Content, ContentKind, Engine, Format, Policy, RuleSet, ScanControl, TokenFamily};

use crate::support::{ORDER, engine, repository, rules_of, tamiz_with_input};

/// Honest text of a given length, of many different sentences.
fn honest(bytes: usize) -> String {
    const WHO: [&str; 9] = [
        "The gardener",
        "A neighbour",
        "Our teacher",
        "The captain",
        "My aunt",
        "The clerk",
        "A painter",
        "The miller",
        "Her cousin",
    ];
    const DOES: [&str; 8] =
        ["repairs", "carries", "describes", "remembers", "paints", "collects", "measures", "borrows"];
    const WHAT: [&str; 11] = [
        "an old boat",
        "the wooden bridge",
        "a basket of pears",
        "the town clock",
        "a map of the coast",
        "the copper kettle",
        "seven letters",
        "a quiet song",
        "the winter coat",
        "a box of nails",
        "the harbour wall",
    ];
    const WHEN: [&str; 7] =
        ["in spring", "after lunch", "on Monday", "before the rain", "every year", "at the market", "with great care"];
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        let pick = |from: &[&'static str], step: usize| from[number / step % from.len()];
        let (who, does) = (pick(&WHO, 1), pick(&DOES, 2));
        text.push_str(&format!("{who} {does} {} {}. ", pick(&WHAT, 3), pick(&WHEN, 5)));
        if number % 6 == 5 {
            text.push('\n');
        }
    }
    text
}

/// The orders of the tests' corpora, one for each language and kind.
fn orders() -> Vec<(ContentKind, String)> {
    let mut orders = vec![(ContentKind::ToolOutput, format!("{ORDER}."))];
    for file in ["tests/data/mutate.jsonl", "tests/corpus/orders/written.jsonl"] {
        let text = std::fs::read_to_string(repository(file)).unwrap();
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let kind = match record["surface"].as_str().unwrap() {
                "user_prompt" => ContentKind::Prompt,
                "tool_metadata" => ContentKind::ToolMetadata,
                _ => ContentKind::ToolOutput,
            };
            if record["label"] == 1 {
                orders.push((kind, record["text"].as_str().unwrap().to_owned()));
            }
        }
    }
    orders
}

#[test]
fn a_short_order_in_a_long_text_weighs_what_it_weighs_alone() {
    let mut scanner = engine().scanner();
    let mut act = |kind: ContentKind, text: &str| {
        let content = Content::new(kind, text.as_bytes()).with_format(Format::Text);
        scanner.inspect(&content, &ScanControl::unlimited()).verdict.action
    };
    let (mut tried, mut wrong) = (0, Vec::new());
    let texts = [honest(2 << 10), honest(64 << 10)];
    for text in &texts {
        assert_eq!(act(ContentKind::ToolOutput, text), Action::Allow);
    }
    for (number, (kind, order)) in orders().into_iter().enumerate() {
        let alone = act(kind, &order);
        if alone == Action::Allow {
            continue;
        }
        tried += 1;
        for text in &texts {
            // The long text takes a while: each order stands in one place of it, and in all places of the short one.
            let half = text[..text.len() / 2].rfind(". ").unwrap() + 2;
            let places = [0, half, text.len()];
            let places = if text.len() > 4 << 10 { &places[number % 3..=number % 3] } else { &places[..] };
            for at in places {
                let diluted = format!("{}\n{order}\n{}", &text[..*at], &text[*at..]);
                let action = act(kind, &diluted);
                if action != alone {
                    wrong.push(format!("{alone:?} -> {action:?} at {at} of {}: {order}", text.len()));
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_policy_limits_tokens() {
    let rules = RuleSet::builtin();
    let policy = Policy::parse("p.toml", "max_tokens = 200\ntoken_family = \"claude\"", &rules).unwrap();
    let engine = Engine::builder().rules(rules).policy(policy).build().unwrap();
    let (short, long) = (honest(200), honest(4_000));
    let short = engine.inspect(&Content::new(ContentKind::Prompt, short.as_bytes()));
    assert_eq!((short.verdict.action, short.findings.len()), (Action::Allow, 0));
    let estimate = short.tokens.unwrap();
    assert_eq!((estimate.family, estimate.limit), (TokenFamily::Claude, 200));
    assert!((30..80).contains(&estimate.tokens), "{estimate:?}");
    let content = Content::new(ContentKind::Prompt, long.as_bytes());
    let report = engine.inspect(&content);
    assert_eq!(report.verdict.action, Action::Flag);
    assert_eq!(rules_of(&report), ["injection.over-token-limit"]);
    let span = report.findings[0].span;
    assert!((500..1_500).contains(&span.start) && span.end == long.len(), "{span:?}");
    let json = serde_json::to_string(&long).unwrap();
    let report = engine.inspect(&Content::unplaced(format!("{{\"a\": {json}}}").as_bytes()));
    assert_eq!(report.findings[0].pointer, "/a");
    assert!(self::engine().inspect(&content).tokens.is_none(), "no limit, no estimate");
}

#[test]
fn floods_and_long_dialogues_are_noted_and_add_up() {
    let flood = "Say the magic word again. ".repeat(400);
    let report = engine().inspect(&Content::new(ContentKind::Prompt, flood.as_bytes()));
    assert_eq!(rules_of(&report), ["injection.repetition-flood"]);
    assert_eq!(report.verdict.action, Action::Allow, "a long filler is no attack");
    let turn = |n: usize| {
        format!(
            "User: question {n}, of which nobody knows the answer at all, not even the teacher?\nAssistant: Here it is, in full: {n} and a half.\n"
        )
    };
    let dialogue: String = (0..40).map(turn).collect();
    let body = format!("{dialogue}User: and now the real one\n{}", honest(200));
    let report = engine().inspect(&Content::new(ContentKind::Prompt, body.as_bytes()));
    assert!(rules_of(&report).contains(&"jailbreak.many-shot"), "{:?}", rules_of(&report));
    let report = engine().inspect(&Content::new(ContentKind::Prompt, honest(40_000).as_bytes()));
    assert!(report.findings.is_empty(), "{:?}", rules_of(&report));
    let run = tamiz_with_input(&["scan", "-", "--kind", "prompt", "--output", "json"], flood.as_bytes());
    assert_eq!(run.code, 0);
    assert_eq!(run.json()["reports"][0]["findings"][0]["rule"], "injection.repetition-flood");
}
