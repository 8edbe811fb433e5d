//! Figures of merit over scores and labels.

use std::collections::BTreeMap;

use serde::Serialize;

/// What one record came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) positive: bool,
    /// Evidence of the injection group, from 0 to 1.
    pub(super) score: f64,
    /// Whether the policy acted for a reason of an injection family.
    pub(super) acted: bool,
    /// Not everything was inspected.
    pub(super) undecided: bool,
}

/// Figures over some records. A figure that does not exist (no positives, say) is null.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Records.
    pub records: usize,
    /// Of these, attacks.
    pub positives: usize,
    /// And the rest.
    pub negatives: usize,
    /// Records of which something was not inspected; counted apart, in no other figure of `policy`.
    pub undecided: usize,
    /// At the policy in use.
    pub policy: PolicyFigures,
    /// Over all thresholds.
    pub score: ScoreFigures,
}

/// At the policy in use: positive means that it did not allow, for a reason of an injection family.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyFigures {
    /// Share of attacks found.
    pub recall: Option<f64>,
    /// Share of the rest that was found too: false alarms.
    pub fpr: Option<f64>,
    /// Share of what was found that are attacks.
    pub precision: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Share decided rightly.
    pub accuracy: Option<f64>,
}

/// Over the score.
#[derive(Debug, Clone, Serialize)]
pub struct ScoreFigures {
    /// Chance that an attack scores above one of the rest; ties count half.
    pub auc: Option<f64>,
    /// Recall at the best threshold with at most this false-positive rate.
    pub recall_at_fpr: BTreeMap<String, Option<f64>>,
}

const RATES: [f64; 3] = [0.01, 0.005, 0.001];

pub(super) fn figures(samples: &[Sample]) -> Figures {
    let count = |test: &dyn Fn(&Sample) -> bool| samples.iter().filter(|sample| test(sample)).count();
    let decided = |positive: bool, acted: bool| {
        count(&|sample: &Sample| !sample.undecided && sample.positive == positive && sample.acted == acted) as f64
    };
    let (hit, missed, alarm, right) =
        (decided(true, true), decided(true, false), decided(false, true), decided(false, false));
    let share = |part: f64, whole: f64| (whole > 0.0).then_some(part / whole);
    let recall_at = |rate: f64| threshold(samples, rate).map(|(_, recall)| recall);
    Figures {
        records: samples.len(),
        positives: count(&|sample| sample.positive),
        negatives: count(&|sample| !sample.positive),
        undecided: count(&|sample| sample.undecided),
        policy: PolicyFigures {
            recall: share(hit, hit + missed),
            fpr: share(alarm, alarm + right),
            precision: share(hit, hit + alarm),
            f1: share(2.0 * hit, 2.0 * hit + missed + alarm),
            accuracy: share(hit + right, hit + missed + alarm + right),
        },
        score: ScoreFigures {
            auc: auc(samples),
            recall_at_fpr: RATES.iter().map(|rate| (rate.to_string(), recall_at(*rate))).collect(),
        },
    }
}

fn ordered(samples: &[Sample]) -> Vec<(f64, bool)> {
    let mut scores: Vec<(f64, bool)> = samples.iter().map(|sample| (sample.score, sample.positive)).collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    scores
}

/// Area under the receiver operating characteristic, by rank sums.
fn auc(samples: &[Sample]) -> Option<f64> {
    let scores = ordered(samples);
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut above, mut area) = (0.0, 0.0);
    for tied in scores.chunk_by(|a, b| a.0 == b.0) {
        let hits = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let alarms = tied.len() as f64 - hits;
        area += alarms * (above + hits / 2.0);
        above += hits;
    }
    Some(area / (positives as f64 * negatives as f64))
}

/// The lowest score to act on that keeps the false-positive rate within `rate`, and the recall it gives.
pub(super) fn threshold(samples: &[Sample], rate: f64) -> Option<(f64, f64)> {
    let scores = ordered(samples);
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    let negatives = scores.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let allowed = (rate * negatives as f64 + 1e-9).floor() as usize;
    let (mut hits, mut alarms, mut best) = (0, 0, (f64::INFINITY, 0.0));
    for tied in scores.chunk_by(|a, b| a.0 == b.0) {
        let tied_hits = tied.iter().filter(|(_, positive)| *positive).count();
        hits += tied_hits;
        alarms += tied.len() - tied_hits;
        // Acting on a score of zero is acting on everything.
        if alarms > allowed || tied[0].0 <= 0.0 {
            break;
        }
        best = (tied[0].0, hits as f64 / positives as f64);
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(scores: &[(f64, bool)]) -> Vec<Sample> {
        let sample = |(score, positive): &(f64, bool)| Sample {
            positive: *positive,
            score: *score,
            acted: *score >= 0.5,
            undecided: false,
        };
        scores.iter().map(sample).collect()
    }

    #[test]
    fn auc_counts_pairs() {
        assert_eq!(auc(&samples(&[(0.9, true), (0.8, false), (0.7, true), (0.1, false)])), Some(0.75));
        assert_eq!(auc(&samples(&[(0.5, true), (0.5, false)])), Some(0.5));
        assert_eq!(auc(&samples(&[(0.5, true)])), None);
    }

    #[test]
    fn thresholds_keep_to_the_rate() {
        let mut all = vec![(0.9, true), (0.6, true), (0.7, false)];
        all.extend([(0.0, false); 99]);
        assert_eq!(threshold(&samples(&all), 0.01), Some((0.6, 1.0)));
        assert_eq!(threshold(&samples(&all), 0.001), Some((0.9, 0.5)));
    }

    #[test]
    fn the_policy_figures_are_the_textbook_ones() {
        let figures = figures(&samples(&[(0.9, true), (0.1, true), (0.9, false), (0.1, false), (0.2, false)]));
        assert_eq!(figures.policy.recall, Some(0.5));
        assert_eq!(figures.policy.fpr, Some(1.0 / 3.0));
        assert_eq!(figures.policy.precision, Some(0.5));
        assert_eq!(figures.policy.f1, Some(0.5));
        assert_eq!(figures.policy.accuracy, Some(0.6));
    }
}
