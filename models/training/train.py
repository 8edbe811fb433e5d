"""Trains the encoder's head, on what frozen layers of the base give for each token: one head of all sources, which is shipped, and one
per fold of whole sources that has not seen that fold, which are measured. Stops and goes on: what was computed is in WORK/tokens.

    python train.py --data DIR --base DIR --work DIR
"""

import argparse
import hashlib
import json
import os
import pickle
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import encoder
import linear
import samples
import synthesis
import tokens
from config import CONFIG
from records import LABELS, Record, digest, fold_of_sources, parse, read_folder

SHARD = 2000


def load_records(data: Path, work: Path) -> list[Record]:
    """All records, ours included; parsed once."""
    cache = work / "records.pickle"
    if not cache.exists():
        own = [parse(raw) for raw in synthesis.honest(CONFIG["seed"], CONFIG["own_honest"])]
        write_whole(cache, pickle.dumps(read_folder(data) + own))
    return pickle.loads(cache.read_bytes())


def write_whole(path: Path, data: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def tokenizer_of(records: list[Record], base: Path, work: Path):
    path, ids = work / "tokenizer.json", work / "kept_ids.json"
    if not ids.exists():
        text, kept = tokens.prune(base / "tokenizer.json", [r.folded for r in records], CONFIG["vocabulary_common"], CONFIG["vocabulary_at_least"])
        path.write_text(text, encoding="utf-8")
        alike = tokens.check_equal(tokens.load(path), tokens.load(base / "tokenizer.json"), [r.folded for r in records[::20]])
        print(f"{len(kept)} tokens kept; {alike:.1%} of texts are split as by the base, the rest further", flush=True)
        write_whole(ids, json.dumps(kept).encode())
    return tokens.load(path), json.loads(ids.read_text())


def encode(tokenizer, drawn: list[samples.Sample]) -> list[tuple[list[int], np.ndarray | None]]:
    """Of each sample the ids, and which of them are of its attack where that is known."""
    first, last, body = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"), CONFIG["max_tokens"] - 2
    result = []
    for sample, encoding in zip(drawn, tokenizer.encode_batch([s.text for s in drawn], add_special_tokens=False)):
        inside = None
        if sample.span:
            begin, end = sample.span
            inside = np.array([False, *(a < end and b > begin for a, b in encoding.offsets[:body]), False])
        result.append(([first, *encoding.ids[:body], last], inside))
    return result


@torch.inference_mode()
def look(model: encoder.Encoder, tokenizer, drawn: list[samples.Sample], seed: int) -> dict[str, np.ndarray]:
    """Some tokens of each sample: what the head reads of them, whose they are, and whether they are of its attack (-1: unknown)."""
    encoded, rng = encode(tokenizer, drawn), np.random.default_rng(seed)
    chosen = [rng.choice(len(ids), min(len(ids), CONFIG["tokens_per_sample"]), replace=False) for ids, _ in encoded]
    starts = np.concatenate([[0], np.cumsum([len(places) for places in chosen])])
    read = np.empty((starts[-1], model.head.in_features), dtype=np.float16)
    order, at = sorted(range(len(drawn)), key=lambda n: len(encoded[n][0])), 0
    while at < len(order):
        end = at + 1
        while end < len(order) and (end + 1 - at) * len(encoded[order[end]][0]) <= CONFIG["batch_tokens"]:
            end += 1
        ids = torch.zeros((end - at, len(encoded[order[end - 1]][0])), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, number in enumerate(order[at:end]):
            given = encoded[number][0]
            ids[row, : len(given)] = torch.tensor(given)
            mask[row, : len(given)] = 1
        # The kind of content has no say here: rows for it are alike in the base. Calibration and thresholds go by kind.
        found = model.tokens(ids, mask, torch.zeros_like(ids)).half().numpy()
        for row, number in enumerate(order[at:end]):
            read[starts[number] : starts[number + 1]] = found[row, chosen[number]]
        at = end
    attack = [np.full(len(places), -1) if inside is None else inside[places] for (_, inside), places in zip(encoded, chosen)]
    return {"read": read, "owner": np.repeat(np.arange(len(drawn)), np.diff(starts)), "attack": np.concatenate(attack).astype(np.int8)}


def fit(read: torch.Tensor, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Logistic regression with a ridge, by L-BFGS from zero: no seed, the same result each time. `read` has mean 0 and deviation 1."""
    target, weight = torch.from_numpy(target.astype(np.float32)), torch.from_numpy((weight / weight.sum()).astype(np.float32))
    theta = torch.zeros(read.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([theta], max_iter=CONFIG["head_iterations"], history_size=15, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        errors = F.binary_cross_entropy_with_logits(read @ theta[:-1] + theta[-1], target, reduction="none")
        value = (weight * errors).sum() + CONFIG["head_ridge"] * (theta[:-1] ** 2).sum()
        value.backward()
        return value

    optimiser.step(loss)
    found = theta.detach().numpy()
    return found[:-1], float(found[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "base", "work"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    args = arguments.parse_args()
    begun = time.monotonic()
    torch.set_flush_denormal(True)
    records = load_records(args.data, args.work)
    tokenizer, kept = tokenizer_of(records, args.base, args.work)
    scores_file = args.work / "linear_scores.npy"
    scores = np.load(scores_file) if scores_file.exists() else None
    model = encoder.from_base(args.base, kept, CONFIG["layers"], CONFIG["max_tokens"], 1 + len(LABELS), CONFIG["read"], CONFIG["reach"])
    drawn = samples.draw(records, scores, CONFIG, CONFIG["seed"])
    identity = {"digest": digest(records), "linear_scores": hashlib.sha256(scores.tobytes()).hexdigest() if scores is not None else "", "config": CONFIG}

    folder = args.work / "tokens"
    folder.mkdir(exist_ok=True)
    stamp = folder / "identity.json"
    if stamp.exists() and json.loads(stamp.read_text()) != identity:
        raise SystemExit(f"{folder} is of other data or settings: remove it")
    write_whole(stamp, json.dumps(identity).encode())
    parts = []
    for start in range(0, len(drawn), SHARD):
        path = folder / f"{start:06}.npz"
        if not path.exists():
            np.savez(path.with_suffix(".part.npz"), **look(model, tokenizer, drawn[start : start + SHARD], start))
            os.replace(path.with_suffix(".part.npz"), path)
            print(f"{start + SHARD} of {len(drawn)} samples after {time.monotonic() - begun:.0f} s", flush=True)
        part = dict(np.load(path))
        part["owner"] += start
        parts.append(part)
    read, owner, attack = (np.concatenate([part[name] for part in parts]) for name in ("read", "owner", "attack"))
    parts.clear()
    read = torch.from_numpy(read.astype(np.float32))
    middle, spread = read.mean(0), read.std(0) + 1e-3
    read = read.sub_(middle).div_(spread)
    middle, spread = middle.double().numpy(), spread.double().numpy()

    of_sample = [records[sample.record] for sample in drawn]
    fold = fold_of_sources(records, CONFIG["linear"]["folds"])
    folds = np.array([fold[record.source] for record in of_sample])
    label = np.array([record.label for record in of_sample])
    kinds = np.array([record.labels for record in of_sample])
    target = np.where(attack >= 0, attack, label[owner])
    # Where nobody knows which words are the attack, all of the text counts as it, but for less.
    sure = np.where((attack >= 0) | (label[owner] == 0), 1.0, CONFIG["unknown_span"]) / np.bincount(owner)[owner]

    def head(chosen: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, float]:
        weights = linear.source_weights(of_sample, chosen, CONFIG["power"], CONFIG["synthetic"], CONFIG["cap"])[owner] * sure
        inside = weights > 0
        whole = bool(inside.all())
        found, bias = fit(read if whole else read[torch.from_numpy(inside)], goal[inside], weights[inside])
        scaled = found / spread
        print(f"a head of {int(chosen.sum())} samples after {time.monotonic() - begun:.0f} s", flush=True)
        return scaled, bias - float(scaled @ middle)

    everything = np.ones(len(drawn), dtype=bool)
    measured = [head(folds != number, target) for number in range(CONFIG["linear"]["folds"])]
    shipped = [head(everything, target)]
    shipped += [head(kinds[:, number] >= 0, target * (kinds[:, number] == 1)[owner]) for number in range(len(LABELS))]
    state = model.state_dict()
    result = {"identity": identity, "fold": fold, "samples": len(drawn), "seconds": time.monotonic() - begun}
    for name, heads in (("shipped", shipped), ("measured", measured)):
        weight, bias = (torch.from_numpy(np.array(part, dtype=np.float32)) for part in zip(*heads))
        result[name] = state | {"head.weight": weight, "head.bias": bias}
    torch.save(result, args.work / "encoder.part")
    os.replace(args.work / "encoder.part", args.work / "encoder.pt")
    print(f"done, {result['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
