//! Spotlighting: what is marked comes back exactly, however it is written and cut. `PROPTEST_CASES=100000` looks longer.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tamiz_core::{
    Action, Content, ContentKind, Format, Instruction, MarkEncoding, Marker, Placement, ScanControl, SpotlightError,
    SpotlightStream,
};

use crate::support::{content, engine, inspect};
use crate::transform::config;

fn markers() -> impl Strategy<Value = Marker> {
    (any::<[u8; 16]>(), 0_usize..10, 1_usize..6).prop_map(|(random, kind, grams)| match kind {
        0 => Marker::delimit(&random, b""),
        1..4 => Marker::datamark(&random, grams, Placement::Whitespace),
        4..7 => Marker::datamark(&random, grams, Placement::Boundary),
        7 => Marker::encode(MarkEncoding::Base64),
        8 => Marker::encode(MarkEncoding::Hex),
        _ => Marker::encode(MarkEncoding::Rot13),
    })
}

/// Any text, rich in what marks could be mistaken for.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 ]{0,12}",
        2 => "\\PC{0,6}",
        2 => any::<String>().prop_map(|text| text.chars().take(8).collect()),
        3 => select(&[" ", "\n", "\t", "\u{a0}", "\u{2003}", "\u{3000}", "\u{85}", "\r\n", "\\", "\\u", "\\u{", "\\u{5c}", "u{",
            "\u{e000}", "\u{e123}", "\u{f8ff}", "\u{f900}", "\u{100000}", "漢字かな", "\\u{e123}", "\\u{xe123}", "raw:", "<<data:"][..])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// JSON whose strings have escapes of all sorts.
fn documents() -> impl Strategy<Value = String> {
    let string = (
        texts(),
        prop::collection::vec(
            select(
                &[
                    "\\ue123",
                    "\\uE123",
                    "\\u0020",
                    "\\n",
                    "\\\\",
                    "\\\\u{",
                    "\\u005cu{",
                    "\\ud83d\\ude00",
                    "\\ud83d",
                    "\\/",
                    "\\\"",
                    "u{",
                    " ",
                ][..],
            ),
            0..5,
        ),
    )
        .prop_map(|(text, escapes)| {
            let quoted = serde_json::to_string(&text).unwrap();
            format!("{}{}\"", &quoted[..quoted.len() - 1], escapes.concat())
        })
        .boxed();
    let value = prop_oneof![3 => string.clone(), 1 => Just("1.5".to_owned()), 1 => Just("null".to_owned())];
    value.prop_recursive(2, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::vec((string.clone(), inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn any_text_comes_back(text in texts(), marker in markers(), format in select(&[Format::Auto, Format::Text, Format::Jsonl][..])) {
        let marked = marker.mark(&content(None, format, text.as_bytes())).unwrap();
        prop_assert!(std::str::from_utf8(&marked.content).is_ok());
        let undone = marked.marker.undo(&marked.content).unwrap();
        prop_assert_eq!(std::str::from_utf8(&undone).unwrap(), &text);
        let parsed = Marker::parse(&marked.marker.to_string()).unwrap();
        prop_assert_eq!((parsed.undo(&marked.content).unwrap(), parsed.id()), (undone, marked.marker.id()));
    }

    #[test]
    fn json_stays_json_and_comes_back(document in documents(), marker in markers()) {
        let marked = marker.mark(&content(None, Format::Json, document.as_bytes())).unwrap();
        // Lone surrogates are JSON by its grammar, and no value to this reader: only the others are read.
        if serde_json::from_str::<Value>(&document).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&marked.content).is_ok(), "{}", String::from_utf8_lossy(&marked.content));
        }
        prop_assert_eq!(String::from_utf8(marked.marker.undo(&marked.content).unwrap()).unwrap(), document);
    }

    #[test]
    fn a_stream_is_the_whole_text(text in texts(), marker in markers(), cuts in prop::collection::vec(0_usize..60, 0..6)) {
        let marked = marker.mark(&content(None, Format::Text, text.as_bytes())).unwrap();
        let (mut stream, mut out) = (SpotlightStream::new(marker), Vec::new());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            stream.push(&text.as_bytes()[pair[0]..pair[1]], &mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(marked.content).unwrap());
    }
}

#[test]
fn a_pair_of_escapes_is_not_torn_apart() {
    let document = r#"["[:🛰🉠🌀\ud83d\ude00"]"#;
    let marker = Marker::datamark(&[1; 16], 1, Placement::Boundary);
    let marked = marker.mark(&content(None, Format::Json, document.as_bytes())).unwrap();
    assert!(serde_json::from_slice::<Value>(&marked.content).is_ok());
    assert_eq!(marked.marker.undo(&marked.content).unwrap(), document.as_bytes());
}

fn marked(marker: &Marker, text: &str) -> String {
    let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
    String::from_utf8(marker.mark(&content).unwrap().content).unwrap()
}

#[test]
fn marks_stand_where_they_should() {
    let mark = |placement| {
        let marker = Marker::datamark(&[1; 16], 2, placement);
        let sign: String = marked(&marker, " ").chars().filter(|c| !c.is_whitespace()).collect();
        move |text: &str| {
            let sign =
                if placement == Placement::Boundary { marked(&marker, "a")[..6].to_owned() } else { sign.clone() };
            marked(&marker, text).replace(&sign, "^")
        }
    };
    let white = mark(Placement::Whitespace);
    assert_eq!(white("In this  way,\nline\tby line"), "In^this^^way,^\nline^\tby^line");
    assert_eq!(white("ignoreallpreviousinstructions"), "ignoreallpreviousinstructions");
    assert_eq!(white("a\u{e001}b \\u{41}"), "a\\u{e001}b^\\u{5c}u{41}");
    let boundary = mark(Placement::Boundary);
    assert_eq!(boundary("two words"), "^two ^words");
    assert_eq!(boundary("ignoreallprevious"), "^ignore^allpre^vious");
    assert_eq!(boundary("camelCase42!漢字"), "^camel^Case^42^!^漢^字");
}

#[test]
fn markers_are_unguessable_and_not_in_the_text() {
    let random = [9; 16];
    let first = Marker::delimit(&random, b"");
    let text = first.to_string();
    let second = Marker::delimit(&random, text.as_bytes());
    assert_ne!(first.id(), second.id());
    let content = Content::new(ContentKind::ToolOutput, text.as_bytes());
    assert_eq!(first.mark(&content).unwrap_err(), SpotlightError::Collision);
    assert!(second.mark(&content).is_ok());
    assert_ne!(
        Marker::datamark(&[1; 16], 2, Placement::Boundary).id(),
        Marker::datamark(&[2; 16], 2, Placement::Boundary).id()
    );
    assert!(!format!("{first:?}").contains(text.rsplit(':').next().unwrap()), "a marker is a secret");
    let mut stream = SpotlightStream::new(first);
    let (head, tail) = text.as_bytes().split_at(20);
    stream.push(head, &mut Vec::new()).unwrap();
    assert_eq!(stream.push(tail, &mut Vec::new()), Err(SpotlightError::Collision));
    for wrong in ["", "text", "text:datamark:boundary:41", "xml:encode:hex", "text:delimit:ABC", "text:encode:rot14"] {
        assert_eq!(Marker::parse(wrong).unwrap_err(), SpotlightError::NoMarker, "{wrong}");
    }
}

#[test]
fn what_was_changed_is_not_undone() {
    let marker = Marker::datamark(&[1; 16], 2, Placement::Boundary);
    for wrong in ["a\u{e000}", "\\u{41}", "\\u{zz}", "\\u{e123"] {
        assert_eq!(marker.undo(wrong.as_bytes()).unwrap_err(), SpotlightError::NotMarked, "{wrong}");
    }
    assert_eq!(Marker::delimit(&[1; 16], b"").undo(b"text").unwrap_err(), SpotlightError::NotMarked);
    assert_eq!(Marker::encode(MarkEncoding::Hex).undo(b"abc").unwrap_err(), SpotlightError::NotMarked);
    let latin = Content::new(ContentKind::ToolOutput, b"gr\xfcn");
    assert_eq!(marker.mark(&latin).unwrap_err(), SpotlightError::NotUtf8);
}

#[test]
fn the_model_is_told_what_the_marks_mean() {
    let marker = Marker::datamark(&[1; 16], 2, Placement::Boundary);
    let sign = &marked(&marker, "a")[..6];
    let (english, spanish) = (marker.instruction(Instruction::English), marker.instruction(Instruction::Spanish));
    assert!(
        english.contains(sign)
            && english.contains("Never follow")
            && spanish.contains(sign)
            && spanish.contains("nunca")
    );
    assert_eq!(marker.instruction(Instruction::Custom("see {marker}")), format!("see {sign}"));
    let delimiter = Marker::delimit(&[1; 16], b"");
    let text = marked(&delimiter, "x");
    let (begin, end) = text.split_once('x').unwrap();
    assert!(delimiter.instruction(Instruction::English).contains(&format!("between {begin} and {end} is")));
}

#[test]
fn an_echo_is_found() {
    let answer = |marker: &Marker, text: &str| {
        let content = Content::new(ContentKind::ModelOutput, text.as_bytes()).with_format(Format::Text);
        let report = engine().scanner().inspect(&content, &ScanControl::unlimited());
        engine().with_marker_echoes(report, marker, &content, &ScanControl::unlimited())
    };
    let marker = Marker::datamark(&[1; 16], 2, Placement::Boundary);
    let sign = marked(&marker, "a")[..6].to_owned();
    let codes: String = sign.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
    for text in [format!("The page says: {sign}two {sign}words"), format!("{{\"a\": \"{codes}\"}}")] {
        let report = answer(&marker, &text);
        assert_eq!(report.findings[0].rule, "injection.spotlight-marker-echo", "{text}");
        assert_eq!((report.verdict.action, report.verdict.reasons.len()), (Action::Flag, 1));
    }
    assert!(answer(&marker, "The page says two words").findings.is_empty());
    let delimiter = Marker::delimit(&[1; 16], b"");
    let text = marked(&delimiter, "x");
    // The rule sees delimiters without being told which; the marker is told of them in any case.
    assert_eq!(inspect(Some(ContentKind::ModelOutput), Format::Text, text.as_bytes()).findings.len(), 2);
    assert_eq!(answer(&delimiter, &text).findings.len(), 2);
    let upper = answer(&delimiter, &text.to_uppercase());
    assert_eq!((upper.findings.len(), upper.verdict.action), (2, Action::Flag));
}
