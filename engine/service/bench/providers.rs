//! The classifier's encoder by itself: windows a second, for windows of different lengths, alone and together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tamiz_core::{Classifier, ContentKind, ScanControl, Windows};

use crate::texts;

/// Windows asked at once, and tokens of each, both marks counted.
const SHAPES: [(usize, usize); 5] = [(1, 32), (1, 128), (1, 512), (8, 128), (64, 128)];
/// Fewest runs of a shape.
const FEWEST: usize = 5;

/// One model on one provider, asked in one shape.
#[derive(Debug, Serialize)]
pub struct ProviderFigure {
    /// The model.
    pub model: String,
    /// Where it ran, and in which precision: `cpu int8`.
    pub provider: String,
    /// Windows asked at once. Whether they ran together is the graph's affair.
    pub windows: usize,
    /// Tokens of each.
    pub tokens: usize,
    /// Milliseconds for all of them: the median.
    pub ms: f64,
    /// Windows a second, in one session.
    pub windows_per_s: f64,
    /// Microseconds to cut a KiB of text into windows.
    pub tokenise_us_per_kib: f64,
}

struct Asked {
    model: usize,
    tokens: usize,
    windows: Windows,
    which: Vec<usize>,
    millis: Vec<f64>,
}

/// Measures all models in turns, in about `time`.
///
/// # Errors
/// When a session cannot be had or fails.
pub(super) fn measure(models: &[Arc<dyn Classifier>], time: Duration) -> anyhow::Result<Vec<ProviderFigure>> {
    let started = Instant::now();
    let (mut sessions, mut tokenise, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (number, model) in models.iter().enumerate() {
        sessions.push(model.session()?);
        let (stock, longest, cost) = tokens(&**model)?;
        tokenise.push(cost);
        for (count, tokens) in SHAPES.into_iter().filter(|(_, tokens)| *tokens <= longest) {
            let mut windows = Windows::default();
            for window in 0..count {
                let body: Vec<u32> = stock.iter().cycle().skip(window * 7).take(tokens - 2).copied().collect();
                windows.push(&body, 0..1, ContentKind::ToolOutput);
            }
            all.push(Asked { model: number, tokens, windows, which: (0..count).collect(), millis: Vec::new() });
        }
    }
    let mut passes = 0;
    while passes < FEWEST || started.elapsed() < time {
        for Asked { model, windows, which, millis, .. } in &mut all {
            let (mut scored, begun) = (0, Instant::now());
            sessions[*model].score(windows, which, &ScanControl::unlimited(), &mut |_, _| scored += 1)?;
            millis.push(begun.elapsed().as_secs_f64() * 1e3);
            anyhow::ensure!(
                scored == which.len(),
                "{} scored {scored} of {} windows",
                models[*model].info().id,
                which.len()
            );
        }
        passes += 1;
    }
    let figure = |asked: Asked| {
        let Asked { model, tokens, which, mut millis, .. } = asked;
        millis.sort_by(f64::total_cmp);
        let (info, ms) = (models[model].info(), millis[millis.len() / 2]);
        ProviderFigure {
            model: info.id,
            provider: info.provider,
            windows: which.len(),
            tokens,
            ms,
            windows_per_s: which.len() as f64 / ms * 1e3,
            tokenise_us_per_kib: tokenise[model],
        }
    };
    Ok(all.into_iter().map(figure).collect())
}

/// Tokens of ordinary text, the longest window, and what a KiB costs in microseconds: the median.
fn tokens(model: &dyn Classifier) -> anyhow::Result<(Vec<u32>, usize, f64)> {
    let prose = texts::all().next().map(|sort| texts::sized(sort, 16 << 10)).unwrap_or_default();
    let text = String::from_utf8_lossy(&prose);
    let (mut windows, mut micros) = (Windows::default(), Vec::new());
    for _ in 0..FEWEST {
        windows.clear();
        let begun = Instant::now();
        model.plan(&text, ContentKind::ToolOutput, &mut windows)?;
        micros.push(begun.elapsed().as_secs_f64() * 1e6 * 1024.0 / text.len().max(1) as f64);
    }
    micros.sort_by(f64::total_cmp);
    let count = windows.list().len();
    let longest = (0..count).map(|window| windows.tokens(window).len() + 2).max().unwrap_or(0);
    let stock: Vec<u32> = (0..count).flat_map(|window| windows.tokens(window).iter().copied()).collect();
    anyhow::ensure!(!stock.is_empty(), "{} makes no tokens of text", model.info().id);
    Ok((stock, longest, micros[micros.len() / 2]))
}
