//! The loops.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::bail;
use tamiz_core::{Content, ContentKind, Engine, Folder, ScanControl, Scanner, Searcher};
use tamiz_simd::Survey;

use super::{Stage, Text};

/// Passes aimed at; fewer if the time is over, more never: the median of nine is steady.
const PASSES: u32 = 9;
/// Passes made whatever the time says.
const FEWEST_PASSES: u32 = 3;

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

/// Of sorted times.
pub(super) fn middle(times: &[f64]) -> f64 {
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A loop over a text.
struct Cell {
    text: usize,
    what: Loop,
    /// What each run has to come to.
    count: u64,
    /// Runs between two looks at the clock.
    runs: u32,
    /// One run before the clock starts: worth it where it is a small part.
    warm: bool,
    times: Vec<f64>,
}

/// Measures the stages (and what they need) on each text.
pub(super) fn all(engine: &Engine, texts: &[Text], stages: &[Stage], time: Duration) -> anyhow::Result<Vec<Measured>> {
    let started = Instant::now();
    let mut loops = vec![Loop::Memcpy];
    for stage in Stage::ALL.into_iter().filter(|of| stages.iter().any(|stage| stage.needs().contains(of))) {
        loops.push(Loop::Stage(stage));
    }
    let mut bench = Bench::new(engine);
    let mut folder = Folder::default();
    let folded: Vec<Vec<u8>> = texts.iter().map(|text| folder.fold(&text.bytes).to_vec()).collect();
    let mut cells = Vec::new();
    for text in 0..texts.len() {
        for what in &loops {
            let count = bench.once(*what, &texts[text].bytes, &folded[text]);
            cells.push(Cell { text, what: *what, count, runs: 1, warm: false, times: Vec::new() });
        }
    }
    let share = time.as_nanos() as f64 / f64::from(PASSES) / cells.len() as f64;
    for cell in &mut cells {
        let text = &texts[cell.text];
        let mut once = bench.pass(cell, &text.bytes, &folded[cell.text], text.name)?;
        if once < share / 100.0 {
            // Too short for one look at the clock.
            cell.runs = (share / 100.0 / once.max(1.0)) as u32 + 1;
            once = bench.pass(cell, &text.bytes, &folded[cell.text], text.name)?;
        }
        cell.runs = ((share / once.max(0.5)) as u32).max(1);
        cell.warm = once < share / 4.0;
    }
    for pass in 0..PASSES {
        if pass >= FEWEST_PASSES && started.elapsed() > time {
            break;
        }
        for cell in &mut cells {
            let text = &texts[cell.text];
            let took = bench.pass(cell, &text.bytes, &folded[cell.text], text.name)?;
            cell.times.push(took);
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
    anchors: Box<dyn Searcher>,
    companions: Box<dyn Searcher>,
    copy: Vec<u8>,
}

impl Bench {
    fn new(engine: &Engine) -> Self {
        let [anchors, companions] = engine.searchers();
        Self {
            scanner: engine.scanner(),
            folder: Folder::default(),
            survey: Survey::default(),
            anchors,
            companions,
            copy: Vec::new(),
        }
    }

    /// Runs a cell's loop once through; nanoseconds a message.
    fn pass(&mut self, cell: &Cell, text: &[u8], folded: &[u8], name: &str) -> anyhow::Result<f64> {
        if cell.warm {
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
            Loop::Stage(Stage::Phrases) => hits(&mut *self.anchors, folded),
            Loop::Stage(Stage::Literals) => hits(&mut *self.companions, folded),
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

/// Scans one message. The count is of bytes looked at, of what matching had to do and of rules that matched.
pub(super) fn scan(scanner: &mut Scanner, text: &[u8]) -> u64 {
    let content = Content::new(ContentKind::ToolOutput, black_box(text));
    let scanned = scanner.scan(&content, &ScanControl::unlimited());
    let work = scanned.work();
    let seen = scanned.coverage().inspected_bytes as u64 + work.bytes + work.anchors + work.companions + work.windows;
    seen + scanned.matched().count() as u64
}
