"""Every number of the recipe. A run's log holds a copy. For a trial, TAMIZ_TRAINING holds changes as JSON."""

import json
import os

CONFIG = {
    "seed": 20261122,
    "own_honest": 2400,
    # Linear stage.
    "linear": {"bits": 18, "power": 0.6, "synthetic": 1.0, "cap": 1500, "min_sources": 2, "ridge": 3e-6, "iterations": 60, "folds": 8},
    # Vocabulary: the first ids of the base, and what training text uses this often.
    "vocabulary_common": 12000,
    "vocabulary_at_least": 4,
    # Encoder: the base's first layers as they are; the head reads what those in `read` give (1 is the first).
    "layers": 5,
    "read": [3, 4, 5],
    "reach": 15,
    "max_tokens": 128,
    "stride": 96,
    "batch_tokens": 4096,
    "reduce_range": False,
    # Head.
    "window_tokens": [32, 48, 64, 96, 120, 120],
    "cap": 800,
    "cap_synthetic": 1000,
    "hard_above": -1.0,
    "hard_factor": 3.0,
    "disguise": 0.08,
    "tokens_per_sample": 8,
    "power": 0.3,
    "synthetic": 0.2,
    "unknown_span": 0.5,
    "head_ridge": 1e-2,
    "head_iterations": 60,
    "evaluated_per_source": 150,
    # Shares of unseen attacks that the linear stage may call benign, and of unseen benign texts that it may call attacks.
    "settle_miss": 0.01,
    "settle_false": 0.0005,
    "created": "2026-11-22",
}

CONFIG |= json.loads(os.environ.get("TAMIZ_TRAINING", "{}"))
