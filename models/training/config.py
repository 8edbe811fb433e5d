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
    # Encoder.
    "layers": [0, 2, 5],
    "max_tokens": 128,
    "stride": 96,
    "window_tokens": [24, 32, 48, 48, 64, 96, 120],
    "samples": 30000,
    "batch_tokens": 1280,
    "rate": 2.5e-4,
    "held_steps": 640,
    "final_samples": 14000,
    "final_steps": 560,
    "final_rate": 2e-4,
    "head_factor": 4.0,
    "dropout": 0.05,
    "smoothing": 0.04,
    "averaging": 0.99,
    "reduce_range": False,
    "evaluated_per_source": 150,
    # Left out by the run that is measured: of every kind of attack and of honest text.
    "held_out": [
        "asb", "ziran", "promptshield_db", "gptfuzz", "hinglish", "deepset", "giskard", "tasktracker_jb",
        "synth_trigger_benign", "cyberseceval_frr", "awesome_prompts", "arena_hard", "injecagent_sim", "docker_mcp_registry",
        "security_docs", "logs", "repo_docs_zh", "toolalpaca", "livemcp_outputs",
    ],
    # Shares of unseen attacks that the linear stage may call benign, and of unseen benign texts that it may call attacks.
    "settle_miss": 0.01,
    "settle_false": 0.0005,
    "created": "2026-11-22",
    # Sampling.
    "power": 0.6,
    "synthetic": 0.7,
    "cap": 2500,
    "hard_above": 0.0,
    "hard_factor": 3.0,
    "insert": 0.25,
    "other_kinds": 0.15,
    "disguise": 0.1,
}

CONFIG |= json.loads(os.environ.get("TAMIZ_TRAINING", "{}"))
