//! How fast this machine inspects, stage by stage: for choosing hardware, and for telling a slow machine from a slow rule.
//!
//! In: an engine and what to measure. Out: a [`Report`]; as JSON by serde, as a table by [`table`]. docs/bench.md says how to read it.
//!
//! All figures are taken in turns, pass after pass, so that a machine that gets slower or busier does so for all of them; each is
//! the median over the passes. Every run of every loop counts what it did and compares that with the first run: what skips work
//! is an error, not a good figure.

mod adversarial;
mod machine;
mod measure;
mod print;
mod providers;
mod scaling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tamiz_core::{Classifier, Engine};

pub use adversarial::{ADVERSARIAL, Make};
pub use machine::features;
pub use print::table;
pub use providers::ProviderFigure;

use crate::texts;
use measure::Measured;

/// Sizes of messages that are measured unless others are asked for.
pub const SIZES: [usize; 4] = [256, 2 << 10, 16 << 10, 1 << 20];

/// A part of an inspection that is measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Making case, white space, look-alikes and compatibility forms equal.
    Fold,
    /// Seeing in one pass which sorts of bytes there are, and the long runs of token characters and digits.
    Classes,
    /// Searching folded text for all literals of the rules: phrases, and what every match of an expression contains.
    Phrases,
    /// A scan less fold, classes and phrases: taking the content apart, decoding, expressions, detectors.
    Confirm,
    /// A whole inspection without the report: `Scanner::scan` and counting the rules that matched.
    Scan,
}

impl Stage {
    /// All of them, in the order of an inspection.
    pub const ALL: [Self; 5] = [Self::Fold, Self::Classes, Self::Phrases, Self::Confirm, Self::Scan];

    /// The name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fold => "fold",
            Self::Classes => "classes",
            Self::Phrases => "phrases",
            Self::Confirm => "confirm",
            Self::Scan => "scan",
        }
    }

    /// What has to be measured to know it.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Confirm => &[Self::Fold, Self::Classes, Self::Phrases, Self::Scan],
            Self::Fold => &[Self::Fold],
            Self::Classes => &[Self::Classes],
            Self::Phrases => &[Self::Phrases],
            Self::Scan => &[Self::Scan],
        }
    }
}

/// What to measure, and for how long. Nothing chosen is everything.
#[derive(Debug, Clone)]
pub struct Options {
    /// Stages.
    pub stages: Vec<Stage>,
    /// Texts by name; the part before a `/` stands for all that have it.
    pub texts: Vec<String>,
    /// Sizes in bytes; [`SIZES`] if there are none.
    pub sizes: Vec<usize>,
    /// About how long all of it may take.
    pub time: Duration,
    /// Encoders to measure.
    pub encoders: Vec<Arc<dyn Classifier>>,
    /// Measure nothing but the encoders.
    pub encoders_only: bool,
}

/// What came out.
#[derive(Debug, Serialize)]
pub struct Report {
    /// A figure per stage, text and size.
    pub stages: Vec<StageFigure>,
    /// Whole scans on more and more threads; only where scans are measured.
    pub scaling: Vec<ScalingFigure>,
    /// The classifier's encoder, and those it is compared with, in each shape; empty without a model.
    pub providers: Vec<ProviderFigure>,
    /// What was measured, on what.
    pub engine: EngineFigure,
}

/// What one stage takes for one message.
#[derive(Debug, Serialize)]
pub struct StageFigure {
    /// Which stage.
    pub stage: Stage,
    /// Which text.
    pub text: String,
    /// How long the message is.
    pub size_bytes: usize,
    /// Nanoseconds: the median of the passes.
    pub ns_per_message: f64,
    /// Millions of bytes of the message a second, on one thread.
    pub mb_per_s: f64,
    /// Speed as a part of the speed of copying the message, in the same passes. 1 is as fast as `memcpy`.
    pub ratio_to_memcpy: f64,
    /// Nanoseconds: the fastest pass.
    #[serde(skip)]
    pub fastest_ns: f64,
}

/// Whole scans on some threads.
#[derive(Debug, Serialize)]
pub struct ScalingFigure {
    /// How many, each with a scanner of its own.
    pub threads: usize,
    /// Millions of bytes a second, all threads together.
    pub mb_per_s: f64,
}

/// What was measured, on what.
#[derive(Debug, Serialize)]
pub struct EngineFigure {
    /// Version of Tamiz.
    pub version: String,
    /// Number of rules.
    pub rules: usize,
    /// Digest of the rules.
    pub rules_digest: String,
    /// The matcher back end.
    pub matcher: String,
    /// The processor.
    pub cpu: String,
    /// Which byte kernels run.
    pub simd: &'static str,
    /// Threads that can run at once.
    pub threads: usize,
}

/// Names of all texts.
pub fn text_names() -> impl Iterator<Item = &'static str> {
    texts::all().map(|sort| sort.name).chain(ADVERSARIAL.iter().map(|(name, _)| *name))
}

/// A text in one size.
struct Text {
    name: &'static str,
    bytes: Vec<u8>,
}

fn chosen_texts(engine: &Engine, options: &Options) -> Vec<Text> {
    let wanted = |name: &str| {
        let named = |asked: &String| asked == name || name.split('/').next() == Some(asked.as_str());
        options.texts.is_empty() || options.texts.iter().any(named)
    };
    let sizes = if options.sizes.is_empty() { &SIZES[..] } else { &options.sizes };
    let literals = engine.rules().literals();
    let mut texts = Vec::new();
    for sort in texts::all().filter(|sort| wanted(sort.name)) {
        texts.extend(sizes.iter().map(|size| Text { name: sort.name, bytes: texts::sized(sort, *size) }));
    }
    for (name, make) in ADVERSARIAL.iter().filter(|(name, _)| wanted(name)) {
        texts.extend(sizes.iter().map(|size| Text { name, bytes: make(literals, *size) }));
    }
    texts
}

/// Measures.
///
/// # Errors
/// When no text has a name that was asked for, a loop did not do the same work twice, or threads cannot be started.
pub fn run(engine: &Engine, options: &Options) -> anyhow::Result<Report> {
    let started = Instant::now();
    let texts = chosen_texts(engine, options);
    if texts.is_empty() {
        anyhow::bail!("no text of that name; there are {}", text_names().collect::<Vec<_>>().join(", "));
    }
    let stages = match () {
        () if options.encoders_only => &[][..],
        () if options.stages.is_empty() => &Stage::ALL[..],
        () => &options.stages,
    };
    let scales = stages.contains(&Stage::Scan);
    let for_providers = match options.encoders.len() {
        0 => Duration::ZERO,
        _ if options.encoders_only => options.time,
        _ => options.time.mul_f64(0.3),
    };
    let providers =
        if options.encoders.is_empty() { Vec::new() } else { providers::measure(&options.encoders, for_providers)? };
    let for_scans = options.time - for_providers;
    let for_stages = if scales { for_scans.mul_f64(0.75) } else { for_scans };
    let measured = if stages.is_empty() { Vec::new() } else { measure::all(engine, &texts, stages, for_stages)? };
    let mut figures = Vec::new();
    for (text, measured) in texts.iter().zip(&measured) {
        figures.extend(stages.iter().filter_map(|stage| figure(*stage, text, measured)));
    }
    let left = options.time.saturating_sub(started.elapsed());
    let scaling = if scales { scaling::measure(engine, &texts, left)? } else { Vec::new() };
    let info = engine.info();
    Ok(Report {
        stages: figures,
        scaling,
        providers,
        engine: EngineFigure {
            version: info.version.clone(),
            rules: info.rules,
            rules_digest: info.rules_digest.clone(),
            matcher: info.matcher.clone(),
            cpu: machine::cpu(),
            simd: tamiz_simd::level(),
            threads: machine::threads(),
        },
    })
}

/// None where what is left of a scan is too little to tell from nothing.
fn figure(stage: Stage, text: &Text, measured: &Measured) -> Option<StageFigure> {
    let less_parts = |of: fn(&Measured, Stage) -> Option<f64>| {
        let parts = [Stage::Fold, Stage::Classes, Stage::Phrases].map(|part| of(measured, part));
        let parts = parts.into_iter().try_fold(0.0, |sum, part| Some(sum + part?))?;
        Some(of(measured, Stage::Scan)? - parts)
    };
    let (median, fastest) = match stage {
        Stage::Confirm => (less_parts(Measured::median)?, less_parts(Measured::fastest)?),
        _ => (measured.median(stage)?, measured.fastest(stage)?),
    };
    let bytes = text.bytes.len() as f64;
    (median > 0.0).then(|| StageFigure {
        stage,
        text: text.name.to_owned(),
        size_bytes: text.bytes.len(),
        ns_per_message: median,
        mb_per_s: bytes / median * 1e3,
        ratio_to_memcpy: measured.memcpy() / median,
        fastest_ns: fastest,
    })
}
