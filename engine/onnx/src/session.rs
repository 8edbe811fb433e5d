//! A session of ONNX Runtime: windows in, scores out.

use std::sync::Arc;

use ort::session::Session;
use ort::value::TensorRef;
use tamiz_core::{ClassifierSession, ClassifyError, ContentKind, EncoderCard, ScanControl, Score, Windows};

use crate::runtime::one_line;
use crate::tokens::Tokens;

/// Tokens of a batch, padding included, on a processor and on a device.
const BATCH_TOKENS: usize = 2_048;
const DEVICE_BATCH_TOKENS: usize = 32_768;
/// Lengths of batches on a device are rounded up to this, so that there are few shapes.
const DEVICE_STEP: usize = 16;

/// One worker's session.
pub(crate) struct OnnxSession {
    session: Session,
    card: Arc<EncoderCard>,
    tokens: Arc<Tokens>,
    /// Whether a row's answer does not depend on the other rows.
    batch_invariant: bool,
    on_device: bool,
    ids: Vec<i64>,
    mask: Vec<i64>,
    kinds: Vec<i64>,
    order: Vec<usize>,
}

impl std::fmt::Debug for OnnxSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxSession").field("on_device", &self.on_device).finish_non_exhaustive()
    }
}

impl OnnxSession {
    pub(crate) fn new(
        session: Session,
        card: Arc<EncoderCard>,
        tokens: Arc<Tokens>,
        batch_invariant: bool,
        on_device: bool,
    ) -> Self {
        let (ids, mask, kinds, order) = Default::default();
        Self { session, card, tokens, batch_invariant, on_device, ids, mask, kinds, order }
    }

    /// Runs a short and a full window, so that what is wrong with the graph shows before a request comes.
    pub(crate) fn warm_up(&mut self) -> Result<(), String> {
        let mut windows = Windows::default();
        let text = vec![self.tokens.end; self.tokens.longest() - 2];
        windows.push(&text[..1], 0..1, ContentKind::Prompt);
        windows.push(&text, 0..1, ContentKind::ModelOutput);
        let mut scores = 0;
        self.score(&windows, &[0, 1], &ScanControl::unlimited(), &mut |_, _| scores += 1)
            .map_err(|error| error.to_string())?;
        if scores == 2 { Ok(()) } else { Err("the warm-up gave no scores".into()) }
    }

    /// Scores windows of nearly the same length together.
    fn batch(
        &mut self,
        windows: &Windows,
        batch: &[usize],
        scored: &mut dyn FnMut(usize, Score),
    ) -> Result<(), ClassifyError> {
        let longest = batch.iter().map(|window| windows.tokens(*window).len()).max().unwrap_or(0) + 2;
        let length = match self.on_device {
            true => longest.next_multiple_of(DEVICE_STEP).min(self.tokens.longest().max(longest)),
            false => longest,
        };
        self.ids.clear();
        self.mask.clear();
        self.kinds.clear();
        for window in batch {
            let tokens = windows.tokens(*window);
            self.ids.push(self.tokens.start.into());
            self.ids.extend(tokens.iter().map(|token| i64::from(*token)));
            self.ids.push(self.tokens.end.into());
            self.mask.extend(std::iter::repeat_n(1, tokens.len() + 2));
            let padding = length - tokens.len() - 2;
            self.ids.extend(std::iter::repeat_n(i64::from(self.tokens.padding), padding));
            self.mask.extend(std::iter::repeat_n(0, padding));
            self.kinds.extend(std::iter::repeat_n(windows.list()[*window].kind as i64, length));
        }
        let shape = [batch.len(), length];
        let fail = |error: ort::Error| ClassifyError::Failed(format!("ONNX Runtime: {}", one_line(&error.to_string())));
        let tensor = |data| TensorRef::from_array_view((shape, data)).map_err(fail);
        let outputs = self
            .session
            .run(ort::inputs![
                "input_ids" => tensor(&*self.ids)?,
                "attention_mask" => tensor(&*self.mask)?,
                "token_type_ids" => tensor(&*self.kinds)?,
            ])
            .map_err(fail)?;
        let logits = outputs.get("logits").ok_or_else(|| failed("the graph has no output `logits`"))?;
        let (have, logits) = logits.try_extract_tensor::<f32>().map_err(fail)?;
        let labels = self.card.kinds.len();
        let want = [batch.len() as i64, 1 + labels as i64];
        if have[..] != want {
            return Err(ClassifyError::Failed(format!(
                "the graph's output has the shape {:?} instead of {want:?}",
                &have[..]
            )));
        }
        for (window, row) in batch.iter().zip(logits.chunks_exact(1 + labels)) {
            let probability = self.card.probability(windows.list()[*window].kind, row[0]);
            let injection = probability.ok_or_else(|| failed("the graph's output holds what is no number"))?;
            if row.iter().any(|logit| logit.is_nan()) {
                return Err(failed("the graph's output holds what is no number"));
            }
            // More likely than not: a probability above one half is a logit above 0.
            let set = |bits: u64, (place, logit): (usize, &f32)| bits | u64::from(*logit > 0.0) << place;
            scored(*window, Score { injection, labels: row[1..].iter().enumerate().fold(0, set) });
        }
        Ok(())
    }
}

fn failed(why: &str) -> ClassifyError {
    ClassifyError::Failed(why.to_owned())
}

impl ClassifierSession for OnnxSession {
    fn score(
        &mut self,
        windows: &Windows,
        which: &[usize],
        control: &ScanControl,
        scored: &mut dyn FnMut(usize, Score),
    ) -> Result<(), ClassifyError> {
        let budget = if self.on_device { DEVICE_BATCH_TOKENS } else { BATCH_TOKENS };
        // By length, so that there is little padding.
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend_from_slice(which);
        order.sort_by_key(|window| windows.tokens(*window).len());
        let mut rest = &order[..];
        let mut result = Ok(());
        while !rest.is_empty() && result.is_ok() {
            if let Some(why) = control.interruption() {
                result = Err(ClassifyError::Interrupted(why));
                break;
            }
            let fits = |count: &usize| (windows.tokens(rest[*count - 1]).len() + 2) * *count <= budget;
            let count = if self.batch_invariant { (1..=rest.len()).take_while(fits).last().unwrap_or(1) } else { 1 };
            result = self.batch(windows, &rest[..count], scored);
            rest = &rest[count..];
        }
        self.order = order;
        result
    }
}
