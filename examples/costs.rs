//! What MCP gateways pay for on this machine: `cargo run --release --example costs`, or one part of it: `… costs catalogue`.
//!
//! Prints the time to pin and to check 2,000 tools, the cost of a conversation of 200 turns that is sent again at every turn, from memory
//! and without, what a stream costs beside one inspection, and checks that 100,000 random texts come back from spotlighting whole.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tamiz::catalogue::{By, Catalogue, FirstSight, Look};
use tamiz::transcript::{Outcome, Said, Transcripts, Turn};
use tamiz_core::{
    Content, ContentKind, Engine, Format, MarkEncoding, Marker, Placement, ScanControl, Scanner, TextStream,
};

const WORDS: [&str; 24] = [
    "list", "folder", "weather", "read", "the", "ticket", "of", "a", "customer", "by", "its", "number", "and", "gives",
    "back", "what", "is", "known", "about", "orders", "with", "date", "city", "state",
];

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn prose(&mut self, words: usize) -> String {
        let words: Vec<&str> = (0..words).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ") + "."
    }

    fn text(&mut self) -> String {
        let len = self.below(60);
        (0..len)
            .filter_map(|_| match self.below(8) {
                0..3 => Some(char::from(b' ' + self.below(95) as u8)),
                3 => Some(['\n', '\t', ' ', '\r', '\u{a0}', '\u{2003}'][self.below(6)]),
                4 => char::from_u32(self.below(0x800) as u32),
                5 => char::from_u32(0xe000 + self.below(0x200) as u32),
                6 => char::from_u32(0x2000 + self.below(0x3000) as u32),
                _ => char::from_u32(0x1_f300 + self.below(0x900) as u32),
            })
            .collect()
    }
}

fn best(times: usize, mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..times {
        let started = Instant::now();
        run()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

fn tools(random: &mut Random) -> Value {
    let tool = |number: usize, random: &mut Random| {
        json!({
            "name": format!("{}_{}_{number}", WORDS[number % 24], WORDS[number / 24 % 24]), "title": random.prose(3),
            "description": random.prose(40),
            "inputSchema": { "type": "object", "required": ["id"], "properties": {
                "id": { "type": "string", "description": random.prose(8) },
                "limit": { "type": "integer", "minimum": 1, "maximum": 100, "description": random.prose(6) } } }
        })
    };
    json!({ "tools": (0..2_000).map(|number| tool(number, random)).collect::<Vec<_>>() })
}

fn catalogue(engine: &Engine, random: &mut Random) -> Result<(), Box<dyn Error>> {
    let list = tools(random).to_string();
    let by = By { who: "costs".into(), note: None };
    let folder = std::env::temp_dir().join(format!("tamiz-costs-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (mut pin, mut check) = (Duration::MAX, Duration::MAX);
    for number in 0..3 {
        let catalogue = Catalogue::open(&folder.join(format!("{number}.redb")), engine.clone())?;
        let look = |look| -> Result<(), Box<dyn Error>> {
            let outcome = catalogue.look("server", list.as_bytes(), look, &by)?;
            assert!(
                outcome.listed == 2_000 && outcome.tools.iter().all(|tool| tool.findings.is_empty()),
                "a clean list"
            );
            Ok(())
        };
        pin = pin.min(best(1, || look(Look::Pin(FirstSight::Pin)))?);
        check = check.min(best(5, || look(Look::Check))?);
    }
    std::fs::remove_dir_all(&folder)?;
    println!("2,000 tools ({} KB): pin {pin:.1?}, check unchanged {check:.1?}", list.len() >> 10);
    Ok(())
}

fn conversation(engine: &Engine, random: &mut Random) -> Result<(), Box<dyn Error>> {
    let kinds = [ContentKind::Prompt, ContentKind::ModelOutput, ContentKind::ToolOutput];
    let turns: Vec<Turn> = (0..200)
        .map(|number| {
            let said = Said::Bytes(random.prose(160).into_bytes().into());
            Turn { kind: Some(kinds[number % 3]), format: Format::Auto, said, server: None, tool: None, handled: false }
        })
        .collect();
    let rooms = NonZeroUsize::MIN;
    let (mut scanner, control) = (engine.scanner(), ScanControl::unlimited());
    let ask = |all: &Transcripts, scanner: &mut Scanner, len: usize| -> Result<Outcome, Box<dyn Error>> {
        Ok(all.inspect(scanner, "c", &turns[..len], None, &control)?)
    };
    // Once, so that expressions are compiled.
    drop(ask(&Transcripts::new(0, rooms), &mut scanner, 200)?);
    let (mut took, mut inspected, mut verdicts) = ([Duration::MAX; 2], [0, 0], [Vec::new(), Vec::new()]);
    for (which, bytes) in [0, 64 << 20].into_iter().enumerate() {
        for _ in 0..3 {
            let all = Transcripts::new(bytes, rooms);
            (inspected[which], verdicts[which]) = (0, Vec::new());
            let started = Instant::now();
            for len in 1..=turns.len() {
                let outcome = ask(&all, &mut scanner, len)?;
                inspected[which] += outcome.inspected_bytes;
                verdicts[which].push(outcome);
            }
            took[which] = took[which].min(started.elapsed());
        }
    }
    let verdict = |outcome: &Outcome| outcome.turns.iter().map(|turn| turn.report.verdict.clone()).collect::<Vec<_>>();
    assert!(verdicts[0].iter().map(verdict).eq(verdicts[1].iter().map(verdict)), "the same verdicts");
    let ratio = took[0].as_secs_f64() / took[1].as_secs_f64();
    println!(
        "200 turns, sent again at every turn: {:.1?} without memory, {:.1?} with it ({ratio:.0} times less); {} KB inspected, {} KB ({} \
         times less)",
        took[0],
        took[1],
        inspected[0] >> 10,
        inspected[1] >> 10,
        inspected[0] / inspected[1]
    );
    Ok(())
}

fn stream(engine: &Engine, random: &mut Random) -> Result<(), Box<dyn Error>> {
    let text = random.prose(40_000);
    let (mut scanner, control) = (engine.scanner(), ScanControl::unlimited());
    let content = Content::new(ContentKind::ModelOutput, text.as_bytes()).with_format(Format::Text);
    let whole = best(5, || {
        drop(scanner.inspect(&content, &control));
        Ok(())
    })?;
    for size in [5, 100, 4_000] {
        let took = best(3, || {
            let mut stream = TextStream::new(engine, ContentKind::ModelOutput);
            let mut went = 0;
            for chunk in text.as_bytes().chunks(size) {
                went += stream.push(&mut scanner, chunk, &control).bytes.len();
            }
            went += stream.finish(&mut scanner, &control).last.bytes.len();
            assert_eq!(went, text.len());
            Ok(())
        })?;
        let times = took.as_secs_f64() / whole.as_secs_f64();
        println!(
            "{} KB of text in chunks of {size} bytes: {took:.1?}, {times:.1} times one inspection",
            text.len() >> 10
        );
    }
    Ok(())
}

fn spotlight(random: &mut Random) -> Result<(), Box<dyn Error>> {
    const TEXTS: usize = 100_000;
    let started = Instant::now();
    for number in 0..TEXTS {
        let text = random.text();
        let bytes: [u8; 16] = std::array::from_fn(|_| random.below(256) as u8);
        let marker = match number % 7 {
            0 => Marker::delimit(&bytes, text.as_bytes()),
            1 => Marker::datamark(&bytes, 1, Placement::Whitespace),
            2 => Marker::datamark(&bytes, 2, Placement::Whitespace),
            3 => Marker::datamark(&bytes, 3, Placement::Boundary),
            4 => Marker::encode(MarkEncoding::Base64),
            5 => Marker::encode(MarkEncoding::Hex),
            _ => Marker::encode(MarkEncoding::Rot13),
        };
        let content = Content::new(ContentKind::ToolOutput, text.as_bytes()).with_format(Format::Text);
        let marked = marker.mark(&content)?;
        assert!(marked.marker.undo(&marked.content)? == text.as_bytes(), "text {number} came back changed");
    }
    println!("{TEXTS} random texts marked and unmarked, all whole: {:.1?}", started.elapsed());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder().build()?;
    let mut random = Random(0x5eed);
    let part = std::env::args().nth(1);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    if wanted("spotlight") {
        spotlight(&mut random)?;
    }
    if wanted("catalogue") {
        catalogue(&engine, &mut random)?;
    }
    if wanted("conversation") {
        conversation(&engine, &mut random)?;
    }
    if wanted("stream") {
        stream(&engine, &mut random)?;
    }
    Ok(())
}
