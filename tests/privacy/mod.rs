//! What is inspected reaches nobody who did not ask for it: no log line, error, metric, report or `Debug` output holds it.
//!
//! Made-up secrets are planted in everything a user runs, whole and broken, and everything that comes out is searched for them in
//! the forms in which programs let content slip.

mod cli;
mod server;
mod types;

use std::fmt::Write as _;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::support::base64;

/// Planted values, none of which was ever issued. The last is found by no rule: content is private whether it is found or not.
pub(crate) const PLANTED: [&str; 4] = [
    "AKIAZ7Q4MX2WLR5TJ6KD",
    "ghp\u{5f}Wq7ZkT2mXv9RdB4tLw8HsNcJ3pYfG5aSuE61",
    "4539 5787 6362 1486",
    "Quittenmond \"Wachtürme\" 7\\Laternenöl",
];

/// Shortest part of a value that counts as the value.
const PART: usize = 10;

/// The forms in which a text may stand somewhere: as it is, and as usual notations and encodings write it.
fn forms(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let mut forms = vec![("plain", text.to_owned()), ("Debug", text.escape_debug().to_string())];
    let json = serde_json::to_string(text).unwrap();
    forms.push(("JSON", json[1..json.len() - 1].to_owned()));
    forms.push(("JSON in JSON", json[1..json.len() - 1].escape_default().to_string()));
    forms.push(("escaped bytes", bytes.escape_ascii().to_string()));
    forms.push(("escaped characters", text.escape_unicode().to_string()));
    let units = |form: fn(u16) -> String| text.encode_utf16().map(form).collect::<String>();
    forms.push(("UTF-16 escapes", units(|unit| format!("\\u{unit:04x}"))));
    let ascii_json = |unit: u16| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() && byte != b'"' && byte != b'\\' => char::from(byte).to_string(),
        Ok(byte) if byte.is_ascii() => format!("\\{}", char::from(byte)),
        _ => format!("\\u{unit:04x}"),
    };
    forms.push(("ASCII JSON", units(ascii_json)));
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    forms.push(("a list of bytes", numbers.join(",")));
    let each =
        |form: fn(&mut String, u8)| bytes.iter().fold(String::new(), |mut all, byte| (form(&mut all, *byte), all).1);
    forms.push(("hexadecimal", each(|all, byte| write!(all, "{byte:02x}").unwrap())));
    forms.push(("all bytes escaped", each(|all, byte| write!(all, "\\x{byte:02x}").unwrap())));
    forms.push(("percent", each(|all, byte| write!(all, "%{byte:02x}").unwrap())));
    let url = |all: &mut String, byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => all.push(char::from(byte)),
        _ => write!(all, "%{byte:02x}").unwrap(),
    };
    forms.push(("URL", each(url)));
    forms.push(("without spaces", text.replace(' ', "")));
    forms.push(("backwards", text.chars().rev().collect()));
    forms
}

/// The digits of base64 that a text has wherever it stands in what was encoded.
fn base64_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&b"\0\0"[..before], text.as_bytes()].concat();
        let whole = base64(&padded[..padded.len() / 3 * 3]);
        // The first digits also hold what stands before.
        let digits = whole[[0, 2, 3][before]..].to_owned();
        forms.push(digits.replace('+', "-").replace('/', "_"));
        forms.push(digits);
    }
    forms
}

/// All that is searched for, in any case, and what each of it is; of base64, which has two cases, apart.
struct Forms {
    texts: AhoCorasick,
    meanings: Vec<String>,
    base64: AhoCorasick,
}

static FORMS: LazyLock<Forms> = LazyLock::new(|| {
    let (mut texts, mut meanings) = (Vec::new(), Vec::new());
    for value in PLANTED {
        // A part of it is too much already: an error message may cut what it quotes.
        let letters: Vec<char> = value.chars().collect();
        for part in letters.windows(PART) {
            for (form, text) in forms(&part.iter().collect::<String>()) {
                texts.push(text);
                meanings.push(format!("{value:?}, or a part of it, as {form}"));
            }
        }
    }
    let base64: Vec<String> = PLANTED.into_iter().flat_map(base64_forms).collect();
    Forms {
        texts: AhoCorasick::builder().ascii_case_insensitive(true).build(texts).unwrap(),
        meanings,
        base64: AhoCorasick::builder().build(base64).unwrap(),
    }
});

/// What of the planted values stands in an output, and how it is written there.
pub(crate) fn slipped(output: &[u8]) -> Option<String> {
    // However it is laid out.
    let packed: Vec<u8> = output.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let text = FORMS
        .texts
        .find(output)
        .or_else(|| FORMS.texts.find(&packed))
        .map(|found| FORMS.meanings[found.pattern().as_usize()].clone());
    text.or_else(|| FORMS.base64.is_match(output).then(|| "a planted value in base64".to_owned()))
}

/// Everything that came out, and where. All that slipped is told at once.
#[derive(Default)]
pub(crate) struct Watch {
    seen: usize,
    slips: Vec<String>,
}

impl Watch {
    pub(crate) fn output(&mut self, place: impl AsRef<str>, output: impl AsRef<[u8]>) {
        self.seen += 1;
        if let Some(what) = slipped(output.as_ref()) {
            let output = String::from_utf8_lossy(output.as_ref());
            self.slips.push(format!("{}: {what}\n{}", place.as_ref(), &output.chars().take(1_500).collect::<String>()));
        }
    }

    /// Fails if anything slipped, or if less than `fewest` outputs were looked at.
    pub(crate) fn end(self, fewest: usize) {
        assert!(self.seen >= fewest, "only {} outputs were looked at", self.seen);
        assert!(
            self.slips.is_empty(),
            "{} of {} outputs:\n{}",
            self.slips.len(),
            self.seen,
            self.slips.join("\n---\n")
        );
    }
}

/// Contents of every sort that hold the planted values, with a name each: sound ones, and ones broken in every way.
pub(crate) fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let [id, token, card, words] = PLANTED;
    let text = format!("The id is {id}, the token {token}, the card {card}, and: {words}.\n");
    let json = serde_json::json!({
        "id": id, "nested": {"token": token, "list": [card, words, id]}, "text": text,
        "blob": base64(text.as_bytes()),
    });
    let name = serde_json::json!({ (id): {(token): {(words): "x"}, (format!("of {card}")): token} });
    let call = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
        "name": "post", "arguments": {"to": format!("https://x.example/?k={token}"), "body": text, "n": words},
        "_meta": {"authorization": format!("Bearer {token}")},
    }});
    let chat = serde_json::json!([{"role": "user", "content": text}, {"role": token, "content": [{"type": "text", "text": card}]}]);
    let whole = json.to_string();
    let lines = format!("{whole}\n{{\"broken\": \"{token}\n{whole}\n{id}\n");
    let utf16 = |text: &str| [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut gzip, text.repeat(50).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    vec![
        ("text", text.clone().into_bytes()),
        ("JSON", whole.clone().into_bytes()),
        ("names", name.to_string().into_bytes()),
        ("MCP call", call.to_string().into_bytes()),
        ("chat", chat.to_string().into_bytes()),
        ("lines", lines.into_bytes()),
        ("cut JSON", whole.as_bytes()[..whole.len() - 40].to_vec()),
        ("cut in a name", format!("{{\"a\": 1, \"{id}").into_bytes()),
        ("no string", format!("{{\"a\": {id}, \"b\": {token}}}").into_bytes()),
        ("bad escape", format!("{{\"a\": \"{id}\\q{token}\"}}").into_bytes()),
        ("control character", format!("{{\"{id}\": \"{token}\u{1}\"}}").into_bytes()),
        ("twice", format!("{{\"{id}\": 1, \"{id}\": 2, \"name\": \"{token}\", \"name\": \"{card}\"}}").into_bytes()),
        ("deep", format!("{}\"{token}\"", format!("{{\"{id}\": [").repeat(400)).into_bytes()),
        ("long number", b"{\"n\": 4539578763621486453957876362148645395787636214864539578763621486e99999}".to_vec()),
        ("not UTF-8", [text.as_bytes(), b"\xff\xfe\xf0\x80", token.as_bytes(), &[0x80; 200]].concat()),
        ("binary", [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe\xfd\0"[..], text.as_bytes()].concat()),
        ("UTF-16", utf16(&text)),
        ("UTF-16, odd", utf16(&whole)[..201].to_vec()),
        ("cut gzip", gzip[..gzip.len() - 30].to_vec()),
        (
            "events",
            format!("event: {id}\ndata: {{\"jsonrpc\": \"2.0\", \"result\": \"{token}\"\n\ndata: {card}\n\n")
                .into_bytes(),
        ),
        ("terminal", format!("\u{1b}]0;{id}\u{7}\u{1b}[31m{token}\u{1b}[0m\u{202e}{words}").into_bytes()),
    ]
}

/// The search finds a value in every form in which a program might write it, so a clean output means something.
#[test]
fn what_slips_is_noticed() {
    for value in PLANTED {
        for line in [
            format!("WARN tamiz::grpc: refused body={value}"),
            format!("{value:?}"),
            format!("{:?}", value.as_bytes()),
            format!("{:#?}", value.as_bytes().to_vec()),
            format!("{:?}", serde_json::json!({"text": {"deep": value}})),
            serde_json::json!({"message": serde_json::json!({"text": value}).to_string()}).to_string(),
            base64(format!("x{value}y").as_bytes()),
            base64(format!("xx{value}yy").as_bytes()).replace('+', "-").replace('/', "_"),
            value.bytes().map(|byte| format!("{byte:02X}")).collect(),
            value.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            value.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
            value.chars().rev().collect(),
            value.to_uppercase(),
            format!("expected a number, found {}…", value.chars().skip(4).take(12).collect::<String>()),
            format!("cut: …{}", value.chars().skip(value.chars().count() - 11).collect::<String>()),
        ] {
            assert!(slipped(line.as_bytes()).is_some(), "{line}");
        }
    }
    assert_eq!(slipped(b"nothing of it: [github-token:1], **** **** **** 1486, 4 findings at bytes 10..30"), None);
    // And through a logger.
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let to = std::sync::Arc::clone(&lines);
    let logger = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
    let logger = logger.with_writer(move || Line(std::sync::Arc::clone(&to))).finish();
    tracing::subscriber::with_default(logger, || tracing::trace!(body = PLANTED[3], "planted on purpose"));
    assert!(slipped(&lines.lock().unwrap()).is_some());
}

struct Line(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
