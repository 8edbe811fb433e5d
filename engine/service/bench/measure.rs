//! The loops.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::bail;
use tamiz_core::{Content, ContentKind, Engine, Folder, ScanControl, Scanner, Searcher};
use tamiz_simd::Survey;

use super::{Stage, Text};

/// Passes aimed at, if there is time: the median of nine is steady.
const PASSES: u32 = 9;
/// Passes made whatever the time says.
const FEWEST_PASSES: u32 = 2;
/// Nanoseconds that a loop should run before the next one's turn: in less it is still finding its data in the caches.
const TURN: f64 = 4e6;

/// From here on a first run says enough about the next ones.
const LONG: usize = 256 << 10;

/// What is run: a stage, or copying as what to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loop {
    Memcpy,
    Stage(Stage),
}

/// Times of all loops over one text, in nanoseconds a message, sorted.
#[derive(Debug, Default)]
pub(super) struct Measured {
    stages: HashMap<Stage, Vec<f64>>,
    memcpy: Vec<f64>,
}

impl Measured {
    pub(super) fn median(&self, stage: Stage) -> Option<f64> {
        self.stages.get(&stage).map(|times| middle(times))
    }

    pub(super) fn fastest(&self, stage: Stage) -> Option<f64> {
        self.stages.get(&stage)?.first().copied()
    }

    pub(super) fn memcpy(&self) -> f64 {
        middle(&self.memcpy)
    }
}

/// The median of sorted times.
pub(super) fn middle(times: &[f64]) -> f64 {
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    (at(times.len().saturating_sub(1) / 2) + at(times.len() / 2)) / 2.0
}

/// A loop over a text.
struct Cell {
    text: usize,
    what: Loop,
    /// What each run has to come to.
    count: u64,
    /// Runs between two looks at the clock.
    runs: u32,
    /// Runs before the clock starts.
    warm: u32,
    times: Vec<f64>,
}

/// Measures the stages (and what they need) on each text.
pub(super) fn all(engine: &Engine, texts: &[Text], stages: &[Stage], time: Duration) -> anyhow::Result<Vec<Measured>> {
    let started = Instant::now();
    let mut loops = vec![Loop::Memcpy];
    for stage in Stage::ALL.into_iter().filter(|of| stages.iter().any(|stage| stage.needs().contains(of))) {
        loops.push(Loop::Stage(stage));
    }
    let mut folder = Folder::default();
    let folded: Vec<Vec<u8>> = texts.iter().map(|text| folder.fold(&text.bytes).to_vec()).collect();
    // Each sort of text has its own scanner: what one leaves in the caches of expressions must not cost the next.
    let mut benches: HashMap<&str, Bench> = HashMap::new();
    let each = time.as_nanos() as f64 / (texts.len() * loops.len()) as f64;
    let passes = ((each / TURN) as u32).clamp(FEWEST_PASSES + 1, PASSES);
    // Some of the time goes to first runs and to warming up.
    let share = each * 0.75 / f64::from(passes);
    let mut cells = Vec::new();
    for (index, (text, folded)) in texts.iter().zip(&folded).enumerate() {
        let bench = benches.entry(text.name).or_insert_with(|| Bench::new(engine));
        for what in &loops {
            let began = Instant::now();
            let count = bench.once(*what, &text.bytes, folded);
            let mut once = began.elapsed().as_nanos() as f64;
            let mut cell = Cell { text: index, what: *what, count, runs: 1, warm: 0, times: Vec::new() };
            // The first run may have built what later ones use, and what is short is too short for the clock.
            for part in [f64::MAX, 50.0, 5.0] {
                if once < share || part == f64::MAX && text.bytes.len() < LONG {
                    cell.runs = (share / part / once.max(1.0)) as u32 + 1;
                    once = bench.pass(&cell, text, folded)?;
                }
            }
            cell.runs = ((share / once.max(0.5)) as u32).max(1);
            cell.warm = cell.runs / 5;
            cells.push(cell);
        }
    }
    for pass in 0..passes {
        if pass >= FEWEST_PASSES && started.elapsed() > time {
            break;
        }
        for cell in &mut cells {
            let text = &texts[cell.text];
            if let Some(bench) = benches.get_mut(text.name) {
                let took = bench.pass(cell, text, &folded[cell.text])?;
                cell.times.push(took);
            }
        }
    }
    let mut measured: Vec<Measured> = texts.iter().map(|_| Measured::default()).collect();
    for mut cell in cells {
        cell.times.sort_by(f64::total_cmp);
        match cell.what {
            Loop::Memcpy => measured[cell.text].memcpy = cell.times,
            Loop::Stage(stage) => {
                measured[cell.text].stages.insert(stage, cell.times);
            }
        }
    }
    Ok(measured)
}

/// Scratch memory of all loops.
struct Bench {
    scanner: Scanner,
    folder: Folder,
    survey: Survey,
    searcher: Box<dyn Searcher>,
    copy: Vec<u8>,
}

impl Bench {
    fn new(engine: &Engine) -> Self {
        Self {
            scanner: engine.scanner(),
            folder: Folder::default(),
            survey: Survey::default(),
            searcher: engine.searcher(),
            copy: Vec::new(),
        }
    }

    /// Runs a cell's loop once through; nanoseconds a message.
    fn pass(&mut self, cell: &Cell, Text { name, bytes: text }: &Text, folded: &[u8]) -> anyhow::Result<f64> {
        for _ in 0..cell.warm {
            self.once(cell.what, text, folded);
        }
        let started = Instant::now();
        for _ in 0..cell.runs {
            let count = self.once(cell.what, text, folded);
            if count != cell.count {
                bail!("{name}, {} bytes: {:?} counted {count}, and {} at first", text.len(), cell.what, cell.count);
            }
        }
        Ok(started.elapsed().as_nanos() as f64 / f64::from(cell.runs))
    }

    /// One message. The count is of what was done.
    fn once(&mut self, what: Loop, text: &[u8], folded: &[u8]) -> u64 {
        match what {
            Loop::Memcpy => {
                self.copy.clear();
                self.copy.extend_from_slice(black_box(text));
                black_box(self.copy.as_slice()).len() as u64
            }
            Loop::Stage(Stage::Fold) => black_box(self.folder.fold(black_box(text))).len() as u64,
            Loop::Stage(Stage::Classes) => {
                tamiz_simd::survey(black_box(text), &mut self.survey);
                let Survey { tokens, digits, .. } = black_box(&self.survey);
                (tokens.len() + digits.len()) as u64
            }
            Loop::Stage(Stage::Phrases) => hits(&mut *self.searcher, folded),
            Loop::Stage(Stage::Scan | Stage::Confirm) => scan(&mut self.scanner, text),
        }
    }
}

fn hits(searcher: &mut dyn Searcher, folded: &[u8]) -> u64 {
    let mut count = 0;
    searcher.find(black_box(folded), &mut |hit| {
        black_box(hit);
        count += 1;
    });
    count
}

/// Scans one message. The count is of bytes looked at, of literals seen and of rules that matched. Not of windows: an automaton that
/// gives up, as hostile text makes it do, leaves more of them to try, and when it does depends on the messages before.
pub(super) fn scan(scanner: &mut Scanner, text: &[u8]) -> u64 {
    let content = Content::new(ContentKind::ToolOutput, black_box(text));
    let scanned = scanner.scan(&content, &ScanControl::unlimited());
    let work = scanned.work();
    let seen = scanned.coverage().inspected_bytes as u64 + work.bytes + work.anchors;
    seen + scanned.matched().count() as u64
}
