//! The cascade at work on one content: windows, the linear stage, the cache, the encoder.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::{Cache, Key};
use super::cascade::{Cascade, Model};
use super::passage::{Passage, copy_text, passages as find_passages, pieces};
use super::{
    ClassifierReport, ClassifierSession, ClassifierState, ClassifyError, HighestScore, LinearScratch, Score, Windows,
};
use crate::content::Document;
use crate::limits::{Classify, Limits, ScanControl};
use crate::verdict::{CLASSIFIER, Coverage, Evidence, FINDING_FROM, REASON_FROM};
use crate::view::Layers;

/// Windows that the encoder gets together.
const TOGETHER: usize = 64;

/// The content that is classified.
#[derive(Clone, Copy)]
pub(crate) struct Material<'s> {
    pub(crate) document: &'s Document,
    pub(crate) layers: &'s Layers,
    /// The document's text.
    pub(crate) base: &'s [u8],
}

impl Material<'_> {
    /// From a place in a passage's layer to the original bytes.
    fn source_span(&self, passage: &Passage, range: Range<usize>) -> Range<usize> {
        let range = if passage.folded { self.layers.layer(passage.depth).unfold(range) } else { range };
        self.document.source_span(self.layers.to_document(passage.depth, range))
    }
}

/// A window that was scored, and what that says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// In the original bytes.
    pub(crate) span: Range<usize>,
    pub(crate) depth: usize,
    pub(crate) folded: bool,
    /// In the layer's text, or in its folded text.
    pub(crate) place: Range<usize>,
    pub(crate) probability: f64,
    pub(crate) weight: f64,
    labels: u64,
    stage: ClassifierState,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) report: ClassifierReport,
    /// Windows that are evidence by themselves, in the order they were scored.
    pub(crate) marks: Vec<Mark>,
    highest: Option<Mark>,
    /// Time for each stage.
    pub(crate) linear: Duration,
    pub(crate) tokenise: Duration,
    pub(crate) infer: Duration,
}

impl Outcome {
    /// What it adds to the verdict.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        let HighestScore { weight, probability, start, end, ref kinds, .. } = *self.report.highest.as_ref()?;
        // What is too little to be a reason needs no words.
        let title = if weight < REASON_FROM {
            String::new()
        } else {
            let kinds = if kinds.is_empty() { String::new() } else { format!("; {}", kinds.join(", ")) };
            format!(
                "The classifier reads bytes {start}..{end} as an attempt to steer the model (probability {probability:.2}{kinds})"
            )
        };
        Some(Evidence { code: CLASSIFIER, title, weight })
    }
}

/// Classifies contents one after another, re-using its memory and its session. One per worker.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    session: Option<Result<Box<dyn ClassifierSession>, ClassifyError>>,
    cache: Cache,
    scratch: LinearScratch,
    text: String,
    passages: Vec<Passage>,
    pending: Pending,
    outcome: Outcome,
}

/// Windows that wait for the encoder.
#[derive(Debug, Default)]
struct Pending {
    windows: Windows,
    /// For each window, its passage.
    passages: Vec<usize>,
    /// What is not settled of a piece.
    open: Vec<Range<usize>>,
}

impl Judge {
    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Forgets the content before.
    pub(crate) fn clear(&mut self) {
        self.outcome = Outcome::default();
    }

    /// Gives memory back that a large content took; the session stays.
    pub(crate) fn shrink(&mut self) {
        (self.text, self.pending) = Default::default();
        self.passages = Vec::new();
    }

    /// Classifies a content, and notes in `coverage` what it could not. `required`: the policy wants every content classified.
    pub(crate) fn run(
        &mut self,
        cascade: &Cascade,
        required: bool,
        material: Material<'_>,
        limits: &Limits,
        control: &ScanControl,
        coverage: &mut Coverage,
    ) {
        self.clear();
        let mode = control.classify().unwrap_or(cascade.mode);
        let report = &mut self.outcome.report;
        let Some(model) = cascade.model.as_ref().filter(|_| mode != Classify::Off) else {
            let missing = mode != Classify::Off && cascade.why.is_some();
            report.state = if missing { ClassifierState::Unavailable } else { ClassifierState::Off };
            let why = match &cascade.why {
                Some(why) if missing => Cow::Owned(why.clone()),
                _ if mode == Classify::Off => Cow::Borrowed("it was not asked for"),
                _ => Cow::Borrowed("no model is configured"),
            };
            report.why = Some(why.clone());
            if required || missing && cascade.stated {
                coverage
                    .skip("classification of the content", format!("classifier: {}: {why}", state_name(report.state)));
            } else if missing {
                coverage.note(format!("classifier: unavailable: {why}; only rules were applied"));
            }
            return;
        };
        report.model = Some(Arc::clone(&model.id));
        report.provider.clone_from(&model.provider);
        let mut passages = std::mem::take(&mut self.passages);
        // The linear stage knows folded text only.
        let folded = model.card.encoder.is_none();
        find_passages(material.document, material.layers, material.base, folded, &mut passages);
        let call = Call { cascade, model, mode, material, passages: &passages, limits, control };
        let mut left_out = LeftOut::default();
        self.windows(&call, &mut left_out);
        self.passages = passages;
        let report = &mut self.outcome.report;
        report.state = match &left_out.failed {
            Some(why) => {
                report.why = Some(Cow::Owned(why.clone()));
                ClassifierState::Unavailable
            }
            None if report.encoder_windows > 0 => ClassifierState::Encoder,
            None => ClassifierState::Linear,
        };
        report.highest = self.outcome.highest.as_ref().map(|mark| HighestScore {
            probability: mark.probability,
            weight: mark.weight,
            stage: mark.stage,
            start: mark.span.start,
            end: mark.span.end,
            kinds: model.card.encoder.as_ref().map_or_else(Vec::new, |encoder| encoder.labels(mark.labels)),
        });
        left_out.tell(cascade.stated || required, coverage);
    }

    /// All windows of a content.
    fn windows(&mut self, call: &Call<'_>, left_out: &mut LeftOut) {
        self.pending.clear();
        for (number, passage) in call.passages.iter().enumerate() {
            let bytes = call.text(passage);
            for piece in pieces(bytes, passage.range.clone()) {
                if let Some(why) = call.control.interruption() {
                    let rest = (number, piece.start);
                    return self.leave_rest(call, rest, &Missing::Stopped(why.reason().into()), left_out);
                }
                self.text.clear();
                copy_text(&bytes[piece.clone()], &mut self.text);
                if self.text.trim().is_empty() {
                    continue;
                }
                self.settle(call, passage, piece.start);
                if self.pending.open.is_empty() {
                    continue;
                }
                if let Err(why) = self.plan(call, number, piece.start) {
                    for open in std::mem::take(&mut self.pending.open) {
                        left_out.add(call, passage, piece.start + open.start..piece.start + open.end, &why);
                    }
                }
                if self.pending.windows.list().len() >= TOGETHER
                    && let Err(why) = self.ask(call, left_out)
                {
                    return self.leave_rest(call, (number, piece.end), &why, left_out);
                }
            }
        }
        // What that leaves out it has told.
        let _ = self.ask(call, left_out);
    }

    /// What still waits, and everything from `from` of passage `number` on, is left out.
    fn leave_rest(&mut self, call: &Call<'_>, (number, from): (usize, usize), why: &Missing, left_out: &mut LeftOut) {
        for (window, passage) in self.pending.windows.list().iter().zip(&self.pending.passages) {
            left_out.add(call, &call.passages[*passage], window.text.clone(), why);
        }
        self.pending.clear();
        for (passage, start) in
            call.passages[number..].iter().zip(std::iter::once(Some(from)).chain(std::iter::repeat(None)))
        {
            left_out.add(call, passage, start.unwrap_or(passage.range.start)..passage.range.end, why);
        }
    }

    /// The linear stage on the text at hand, which starts at `at` of its passage's layer; leaves in `pending.open` what it does not settle.
    fn settle(&mut self, call: &Call<'_>, passage: &Passage, at: usize) {
        let open = &mut self.pending.open;
        open.clear();
        let (text, outcome) = (&self.text, &mut self.outcome);
        let all = 0..text.len();
        let stage = call.model.linear.as_ref().zip(call.model.card.linear.as_ref());
        let alone = call.model.card.encoder.is_none();
        let asked = call.mode == Classify::Auto || call.model.encoder.is_none();
        let Some((linear, card)) = stage.filter(|_| alone || passage.folded && asked) else {
            open.push(all);
            return;
        };
        let started = Instant::now();
        linear.score(text, passage.kind, &mut self.scratch, |range, probability| {
            outcome.report.linear_windows += 1;
            let sure =
                probability <= card.settle_benign || probability >= card.settle_attack && card.thresholds.is_some();
            // Where there is no encoder to ask, it is the judge.
            let settled = alone || sure;
            outcome.report.linear_settled += usize::from(settled);
            if settled || call.model.encoder.is_none() {
                let weight = card.thresholds.as_ref().map_or(0.0, |of| of.weight(passage.kind, probability));
                let place = at + range.start..at + range.end;
                outcome.mark(call, passage, place, probability, weight, 0, ClassifierState::Linear);
            }
            if !settled {
                match open.last_mut() {
                    Some(last) if last.end >= range.start => last.end = range.end,
                    _ => open.push(range),
                }
            }
        });
        outcome.linear += started.elapsed();
    }

    /// Cuts what is open of the text at hand into windows for the encoder.
    fn plan(&mut self, call: &Call<'_>, number: usize, at: usize) -> Result<(), Missing> {
        let kind = call.passages[number].kind;
        // Without a session there is nothing to plan for.
        session(&mut self.session, call)?;
        let Some(encoder) = &call.model.encoder else { return Ok(()) };
        let pending = &mut self.pending;
        let started = Instant::now();
        let mut result = Ok(());
        for open in &pending.open {
            let before = pending.windows.list().len();
            if self.outcome.report.encoder_windows >= call.limits.max_windows {
                let limit = call.limits.max_windows;
                result =
                    Err(Missing::Stopped(format!("there are more than max_windows ({limit}) windows to classify")));
                break;
            }
            result = encoder.plan(&self.text[open.clone()], kind, &mut pending.windows).map_err(Missing::from);
            pending.windows.shift(before, at + open.start);
            let more = pending.windows.list().len() - before;
            pending.passages.extend(std::iter::repeat_n(number, more));
            self.outcome.report.encoder_windows += more;
            if result.is_err() {
                break;
            }
        }
        self.outcome.tokenise += started.elapsed();
        result
    }

    /// Scores all windows that wait: from the cache, or by the encoder.
    fn ask(&mut self, call: &Call<'_>, left_out: &mut LeftOut) -> Result<(), Missing> {
        let count = self.pending.windows.list().len();
        if count == 0 {
            return Ok(());
        }
        let started = Instant::now();
        let windows = &self.pending.windows;
        let mut scores: Vec<Option<Score>> = vec![None; count];
        let keys: Vec<Key> =
            (0..count).map(|window| Key::new(windows.tokens(window), windows.list()[window].kind)).collect();
        let mut asked = Vec::with_capacity(count);
        for (window, key) in keys.iter().enumerate() {
            scores[window] = self.cache.get(key);
            match scores[window] {
                Some(_) => self.outcome.report.cached += 1,
                None => asked.push(window),
            }
        }
        let mut result = Ok(());
        if !asked.is_empty() {
            let session = session(&mut self.session, call)?;
            let mut inferred = 0;
            let told = session.score(windows, &asked, call.control, &mut |window, score| {
                let sound = (0.0..=1.0).contains(&score.injection);
                if let Some(place) = scores.get_mut(window).filter(|_| sound) {
                    inferred += usize::from(place.is_none());
                    *place = Some(score);
                    self.cache.put(keys[window], score);
                }
            });
            self.outcome.report.inferred += inferred;
            result = told.map_err(Missing::from);
            if result.is_ok() && scores.contains(&None) {
                result = Err(Missing::Failed("the classifier gave no score for a window".into()));
            }
        }
        self.outcome.infer += started.elapsed();
        for (window, score) in scores.into_iter().enumerate() {
            let passage = &call.passages[self.pending.passages[window]];
            let range = self.pending.windows.list()[window].text.clone();
            match (score, &result) {
                (Some(Score { injection, labels }), _) => {
                    let probability = f64::from(injection);
                    let card = call.model.card.encoder.as_ref();
                    let weight = card.map_or(0.0, |card| card.thresholds.weight(passage.kind, probability));
                    self.outcome.mark(call, passage, range, probability, weight, labels, ClassifierState::Encoder);
                }
                (None, Err(why)) => left_out.add(call, passage, range, why),
                (None, Ok(())) => {}
            }
        }
        self.pending.clear();
        result
    }
}

impl Pending {
    fn clear(&mut self) {
        self.windows.clear();
        self.passages.clear();
        self.open.clear();
    }
}

/// The worker's session, made when first needed.
fn session<'j>(
    kept: &'j mut Option<Result<Box<dyn ClassifierSession>, ClassifyError>>,
    call: &Call<'_>,
) -> Result<&'j mut dyn ClassifierSession, Missing> {
    let Some(encoder) = &call.model.encoder else {
        return Err(Missing::Failed(call.cascade.why.clone().unwrap_or_else(|| "the model has no encoder".into())));
    };
    match kept.get_or_insert_with(|| encoder.session()) {
        Ok(session) => Ok(&mut **session),
        Err(error) => Err(Missing::from(error.clone())),
    }
}

/// One content and what it is classified with.
struct Call<'c> {
    cascade: &'c Cascade,
    model: &'c Model,
    mode: Classify,
    material: Material<'c>,
    passages: &'c [Passage],
    limits: &'c Limits,
    control: &'c ScanControl,
}

impl<'c> Call<'c> {
    /// The text that a passage is a part of.
    fn text(&self, passage: &Passage) -> &'c [u8] {
        let Material { layers, base, .. } = self.material;
        if passage.folded { &layers.layer(passage.depth).folded } else { layers.text(passage.depth, base) }
    }
}

impl Outcome {
    #[expect(clippy::too_many_arguments, reason = "all there is to say about a window")]
    fn mark(
        &mut self,
        call: &Call<'_>,
        passage: &Passage,
        place: Range<usize>,
        probability: f64,
        weight: f64,
        labels: u64,
        stage: ClassifierState,
    ) {
        let more =
            self.highest.as_ref().is_none_or(|highest| (weight, probability) > (highest.weight, highest.probability));
        if !more && weight < FINDING_FROM {
            return;
        }
        let span = call.material.source_span(passage, place.clone());
        let Passage { depth, folded, .. } = *passage;
        let mark = Mark { span, depth, folded, place, probability, weight, labels, stage };
        if more {
            self.highest = Some(mark.clone());
        }
        if weight >= FINDING_FROM {
            let room = self.marks.len() < call.limits.max_findings;
            match self.marks.last_mut() {
                // Windows overlap: what is seen twice is told once.
                Some(last)
                    if (last.depth, last.folded) == (depth, folded)
                        && last.place.end >= mark.place.start
                        && last.place.start <= mark.place.start =>
                {
                    last.span.end = last.span.end.max(mark.span.end);
                    last.place.end = last.place.end.max(mark.place.end);
                    if mark.weight > last.weight {
                        (last.weight, last.probability, last.labels) = (mark.weight, mark.probability, mark.labels);
                    }
                }
                _ if room => self.marks.push(mark),
                _ => {}
            }
        }
    }
}

/// Why something was not scored.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing {
    /// A deadline or a budget.
    Stopped(String),
    /// The classifier failed.
    Failed(String),
}

impl From<ClassifyError> for Missing {
    fn from(error: ClassifyError) -> Self {
        match error {
            ClassifyError::Interrupted(why) => Self::Stopped(why.reason().into()),
            ClassifyError::Failed(why) => Self::Failed(why),
        }
    }
}

/// What was not scored: for each reason, from where to where.
#[derive(Debug, Default)]
struct LeftOut {
    failed: Option<String>,
    list: Vec<(Missing, Range<usize>)>,
}

impl LeftOut {
    fn add(&mut self, call: &Call<'_>, passage: &Passage, range: Range<usize>, why: &Missing) {
        if range.is_empty() {
            return;
        }
        let span = call.material.source_span(passage, range);
        if let Missing::Failed(why) = why {
            self.failed.get_or_insert_with(|| why.clone());
        }
        match self.list.iter_mut().find(|(known, _)| known == why) {
            Some((_, all)) => *all = all.start.min(span.start)..all.end.max(span.end),
            None => self.list.push((why.clone(), span)),
        }
    }

    /// `missed`: somebody counts on the classifier, so what it left out makes the coverage incomplete, whatever the cause. Else that is
    /// so only where there is an encoder that could have done it.
    fn tell(self, missed: bool, coverage: &mut Coverage) {
        for (why, Range { start, end }) in self.list {
            let what = format!("classification of bytes {start}..{end}");
            match why {
                Missing::Stopped(why) => coverage.skip(what, why),
                Missing::Failed(why) if missed => coverage.skip(what, format!("classifier: unavailable: {why}")),
                Missing::Failed(why) => {
                    coverage.note(format!("{what}: classifier: unavailable: {why}; the encoder was not asked"))
                }
            }
        }
    }
}

fn state_name(state: ClassifierState) -> &'static str {
    match state {
        ClassifierState::Unavailable => "unavailable",
        _ => "off",
    }
}
