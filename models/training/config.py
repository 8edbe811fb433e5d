"""Every number of the recipe. A run's log holds a copy. For a trial, TAMIZ_TRAINING holds changes as JSON."""

import json
import os

CONFIG = {
    "seed": 20261122,
    "own_honest": 2400,
    # Linear stage.
    "linear": {"bits": 18, "power": 0.6, "synthetic": 1.0, "written": 10.0, "cap": 1500, "min_sources": 2, "ridge": 3e-6, "iterations": 60, "folds": 8},
    # Vocabulary: the first ids of the base, and what training text uses this often.
    "vocabulary_common": 12000,
    "vocabulary_at_least": 4,
    # Encoder: the base's first layers, of which the lowest stay as they are; the head reads what those in `read` give (1 is the first).
    "layers": 5,
    "frozen": 2,
    "read": [5],
    "reach": 15,
    "max_tokens": 128,
    "stride": 96,
    "reduce_range": False,
    # Its windows.
    "window_tokens": [32, 48, 64, 96, 120, 120],
    "cap": 800,
    "cap_synthetic": 1000,
    "hard_above": -1.0,
    "hard_factor": 3.0,
    "disguise": 0.08,
    # Its training. `written`: the share of windows from records that were written one by one.
    "tokens": 3_000_000,
    "batch_tokens": 3072,
    "rate": 1e-4,
    "head_rate": 1e-3,
    "dropout": 0.1,
    "smooth": 0.015,
    "kinds_weight": 0.3,
    "power": 0.5,
    "synthetic": 0.2,
    "written": 0.6,
    # Steps after which a process stops, to try that it goes on; 0: none.
    "stop_after": 0,
    # Sources that a measured encoder has not seen, an encoder for each line: some of each sort, and few at a time, since what is asked is
    # how the shipped one, which has seen all of them, fares with one more.
    "held_out": [
        ["asb", "awesome_prompts", "promptshield_db", "repo_docs", "written_chat"],
        ["copilot_docs", "docker_mcp_registry", "self_instruct", "written_techdocs"],
        ["deepset", "injecagent_sim", "tau_airline", "written_tools"],
    ],
    "evaluated_per_source": 150,
    # Shares of unseen attacks that the linear stage may call benign, and of unseen benign texts that it may call attacks.
    "settle_miss": 0.01,
    "settle_false": 0.0005,
    "created": "2026-11-23",
}

CONFIG |= json.loads(os.environ.get("TAMIZ_TRAINING", "{}"))
