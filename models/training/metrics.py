"""Figures: area under the curve, recall at a false-positive rate, and thresholds. Nothing here knows what it measures."""

import numpy as np

RATES = (0.01, 0.005, 0.001)


def auc(labels, scores) -> float | None:
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def threshold_at(negative_scores, rate: float) -> float:
    """The lowest score such that at most `rate` of the negatives reach it."""
    scores = np.sort(np.asarray(negative_scores, dtype=np.float64))[::-1]
    allowed = int(np.floor(rate * len(scores)))
    if allowed >= len(scores):
        return 0.0
    return float(np.nextafter(scores[allowed], np.inf))


def report(labels, scores, weights=None) -> dict:
    """AUC and recall at each rate; `weights` is not used for AUC."""
    labels, scores = np.asarray(labels, dtype=bool), np.asarray(scores, dtype=np.float64)
    result = {"positives": int(labels.sum()), "negatives": int((~labels).sum())}
    area = auc(labels, scores)
    if area is not None:
        result["auc"] = round(area, 4)
        for rate in RATES:
            limit = threshold_at(scores[~labels], rate)
            result[f"recall@{rate:g}"] = round(float((scores[labels] >= limit).mean()), 4)
    return result


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(x, dtype=np.float64), -60, 60)))
