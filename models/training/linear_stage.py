"""Trains the linear stage on everything, and measures it with whole sources left out.

    python linear_stage.py --data DIR --dev DIR --work DIR --out MODEL_DIR
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import linear
import metrics
from config import CONFIG
from records import CONTENT_KINDS, digest, fold_of_sources, read_folder
from runlog import log_run
from train import load_records, write_whole


def by(records, labels, scores, key) -> dict:
    """Figures per value of `key`; a group that has only one label is compared with all of the other label."""
    result = {}
    for value in sorted({key(r) for r in records}):
        inside = np.array([key(r) == value for r in records])
        result[value] = metrics.report(labels[inside], scores[inside])
    return result


def out_of_fold(windows, records, kinds, config) -> tuple[np.ndarray, dict]:
    fold = fold_of_sources(records, config["folds"])
    number = np.array([fold[r.source] for r in records])
    scores = np.zeros(len(records), dtype=np.float64)
    for one in range(config["folds"]):
        model = linear.train(windows, records, number != one, config).quantised()[0]
        scores[number == one] = model.scores(windows, kinds)[number == one]
        print(f"fold {one} left out", flush=True)
    return scores, fold


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "dev", "work", "out"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    args = arguments.parse_args()
    begun, config = time.monotonic(), CONFIG["linear"]
    args.work.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    records = load_records(args.data, args.work)
    stamp, identity = args.work / "linear.json", {"digest": digest(records), "config": config}
    if stamp.exists() and json.loads(stamp.read_text()) == identity and (args.out / "linear.bin").exists():
        print("the linear stage is there")
        return
    labels = np.array([r.label for r in records])
    kinds = np.array([r.content_kind for r in records])
    windows = linear.build(records, config["bits"])
    scores, fold = out_of_fold(windows, records, kinds, config)
    np.save(args.work / "linear_scores.npy", scores)
    final = linear.write(linear.train(windows, records, np.ones(len(records), dtype=bool), config), config["bits"], args.out / "linear.bin")

    dev = read_folder(args.dev)
    dev_labels, dev_kinds = np.array([r.label for r in dev]), np.array([r.content_kind for r in dev])
    dev_scores = final.scores(linear.build(dev, config["bits"]), dev_kinds)
    np.save(args.work / "linear_dev.npy", dev_scores)
    result = {
        "sources_left_out": metrics.report(labels, scores),
        "per_content_kind": by(records, labels, scores, lambda r: CONTENT_KINDS[r.content_kind]),
        "dev": metrics.report(dev_labels, dev_scores),
        "dev_per_source": by(dev, dev_labels, dev_scores, lambda r: r.source),
    }
    print(json.dumps(result, indent=1))
    log_run("linear", config, records, result, time.monotonic() - begun)
    write_whole(stamp, json.dumps(identity).encode())


if __name__ == "__main__":
    main()
