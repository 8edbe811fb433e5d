"""Scores records with a graph, as the engine does: overlapping windows, a record's score is that of its highest.

    python evaluate.py --data DIR --dev DIR --work DIR --model MODEL_DIR --graph measured|fp32|int8|unseen

writes WORK/scores.GRAPH.npz: `measured`, for a sample of the records of sources that a measured encoder has not seen, by that encoder; `unseen`, by
the int8 graph for the records in `unseen/`; else, for the development records.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np

from config import CONFIG
from export import session
from records import UNSEEN, Record, read_folder


def windows_of(tokenizer, texts: list[str], max_tokens: int, stride: int) -> list[tuple[int, list[int]]]:
    """(record, ids) of each window, with the special tokens."""
    first, last = (tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    body, result = max_tokens - 2, []
    for start in range(0, len(texts), 1024):
        part = texts[start : start + 1024]
        for number, encoding in enumerate(tokenizer.encode_batch_fast(part, add_special_tokens=False), start):
            at = 0
            while True:
                result.append((number, [first, *encoding.ids[at : at + body], last]))
                if at + body >= len(encoding.ids):
                    break
                at += stride
    return result


def score(path: Path, tokenizer, records: list[Record], singly: bool, threads: int = 2) -> np.ndarray:
    """Logits of each record's highest window. `singly`: one window at a time and unpadded, as int8 graphs are run."""
    run = session(path, threads)
    windows = windows_of(tokenizer, [r.folded for r in records], CONFIG["max_tokens"], CONFIG["stride"])
    windows.sort(key=lambda window: len(window[1]))
    result, at = None, 0
    while at < len(windows):
        longest = len(windows[min(at + 31, len(windows) - 1)][1])
        size = 1 if singly else max(1, min(32, 2048 // longest))
        batch = windows[at : at + size]
        at += size
        longest = len(batch[-1][1])
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, (_, given) in enumerate(batch):
            ids[row, : len(given)] = given
            mask[row, : len(given)] = 1
        kinds = np.repeat(np.array([records[n].content_kind for n, _ in batch])[:, None], longest, 1)
        logits = run.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds})[0]
        if result is None:
            result = np.full((len(records), logits.shape[1]), -np.inf, dtype=np.float32)
        for (number, _), row in zip(batch, logits):
            if row[0] > result[number, 0]:
                result[number] = row
    return result


def sample(records: list[Record], sources: set[str], cap: int, seed: int) -> list[int]:
    """At most `cap` records per source and label of `sources`."""
    groups: dict[tuple, list[int]] = {}
    for number, record in enumerate(records):
        if record.source in sources:
            groups.setdefault((record.source, record.label), []).append(number)
    rng = random.Random(seed)
    return sorted(number for key in sorted(groups) for number in rng.sample(groups[key], min(cap, len(groups[key]))))


def balanced(records: list[Record]) -> np.ndarray:
    """Of all sources the same say: at most so many records of each source and label."""
    return np.array(sample(records, {r.source for r in records}, CONFIG["evaluated_per_source"], CONFIG["seed"]))


def main() -> None:
    import torch

    import metrics
    from runlog import log_run
    from train import load_records
    import tokens

    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "dev", "work", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--graph", choices=["measured", "fp32", "int8", "unseen"], required=True)
    args = arguments.parse_args()
    begun = time.monotonic()
    records = load_records(args.data, args.work)
    saved = torch.load(args.work / "encoder.pt", map_location="cpu")
    tokenizer = tokens.load(args.model / "tokenizer.json")
    if args.graph == "measured":
        logits, numbers = [], []
        for one, sources in enumerate(saved["identity"]["config"]["held_out"]):
            some = [n for n in balanced(records) if records[n].source in sources]
            logits.append(score(args.work / f"measured.{one}.fp32.onnx", tokenizer, [records[n] for n in some], False)[:, 0])
            numbers += some
        logits, numbers = np.concatenate(logits), np.array(numbers)
        scored = [records[n] for n in numbers]
    else:
        scored, numbers = read_folder(UNSEEN if args.graph == "unseen" else args.dev), None
        path = args.work / "model.fp32.onnx" if args.graph == "fp32" else args.model / "model.int8.onnx"
        logits = score(path, tokenizer, scored, args.graph != "fp32")[:, 0]
    np.savez(args.work / f"scores.{args.graph}.npz", logits=logits, **({} if numbers is None else {"numbers": numbers}))
    figures = {{"measured": "sources_left_out", "unseen": "unseen"}.get(args.graph, "dev"): metrics.report([r.label for r in scored], logits)}
    trained = {"graph": args.graph, "samples": saved["samples"], "training_seconds": round(saved["seconds"])} | saved["identity"]
    log_run("encoder", trained, records, figures, time.monotonic() - begun)
    print(figures)
    print(f"{len(scored)} records in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
