"""Trains the encoder: the base's upper layers, and a head that gives every token a logit. `shipped` learns from all sources;
each `measured.N` has not seen those in `held_out[N]` of config.py, and together they say what to expect of new ones. Stops and goes on: WORK/tune.*.pt.

    python train.py --data DIR --base DIR --work DIR
"""

import argparse
import hashlib
import json
import math
import os
import pickle
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import encoder
import samples
import synthesis
import tokens
from config import CONFIG
from records import LABELS, Record, digest, is_synthetic, is_written, parse, read_folder

# Exit code of a run that `stop_after` ended.
STOPPED = 3
# Records of ours, each worded by itself.
WRITTEN = Path(__file__).parent / "written"


def load_records(data: Path, work: Path) -> list[Record]:
    """All records, ours included; parsed once for these files and the code that reads them."""
    here = Path(__file__).parent
    state = hashlib.sha256(json.dumps([CONFIG["seed"], CONFIG["own_honest"]]).encode())
    sources = [here / name for name in ("records.py", "passage.py", "fold.py", "fold_table.tsv", "synthesis.py")]
    for path in [*sources, *sorted(data.iterdir()), *sorted(WRITTEN.iterdir())]:
        state.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    key, cache = state.hexdigest(), work / "records.pickle"
    if cache.exists():
        kept = pickle.loads(cache.read_bytes())
        if isinstance(kept, tuple) and kept[0] == key:
            return kept[1]
    own = [parse(raw) for raw in synthesis.honest(CONFIG["seed"], CONFIG["own_honest"])]
    records = read_folder(data) + read_folder(WRITTEN) + own
    write_whole(cache, pickle.dumps((key, records)))
    return records


def write_whole(path: Path, data: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def tokenizer_of(records: list[Record], base: Path, work: Path):
    path, ids, of = work / "tokenizer.json", work / "kept_ids.json", digest(records)
    if not ids.exists() or json.loads(ids.read_text())["digest"] != of:
        text, kept = tokens.prune(base / "tokenizer.json", [r.folded for r in records], CONFIG["vocabulary_common"], CONFIG["vocabulary_at_least"])
        path.write_text(text, encoding="utf-8")
        alike = tokens.check_equal(tokens.load(path), tokens.load(base / "tokenizer.json"), [r.folded for r in records[::20]])
        print(f"{len(kept)} tokens kept; {alike:.1%} of texts are split as by the base, the rest further", flush=True)
        write_whole(ids, json.dumps({"digest": of, "ids": kept}).encode())
    return tokens.load(path), json.loads(ids.read_text())["ids"]


@dataclass
class Window:
    """What is shown at once: its tokens, and for each whether it is of the attack: 1, 0, or -1 where nobody knows."""

    ids: list[int]
    attack: list[int]
    label: int
    kinds: list[int]
    source: str


def windows(tokenizer, records: list[Record], drawn: list[samples.Sample]) -> list[Window]:
    first, last, body = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"), CONFIG["max_tokens"] - 2
    result = []
    for sample, encoding in zip(drawn, tokenizer.encode_batch([s.text for s in drawn], add_special_tokens=False)):
        record, offsets = records[sample.record], encoding.offsets[:body]
        if sample.span:
            begin, end = sample.span
            attack = [int(a < end and b > begin) for a, b in offsets]
        else:
            attack = [-1 if record.label else 0] * len(offsets)
        result.append(Window([first, *encoding.ids[:body], last], [-1, *attack, -1], record.label, list(record.labels), record.source))
    return result


def runs_of_words(text: str) -> set[int]:
    words = text.split()
    return {hash(tuple(words[n : n + 8])) for n in range(len(words) - 7)}


def shown(records: list[Record], drawn: list[samples.Sample], unseen: list[str]) -> list[bool]:
    """Which samples an encoder may see that has not seen the sources `unseen`: none of these, and no made-up one that was built on a text of
    theirs, which is known by three runs of eight words."""
    if not unseen:
        return [True] * len(drawn)
    theirs = set().union(*(runs_of_words(r.folded) for r in records if r.source in unseen))
    sources = [records[sample.record].source for sample in drawn]
    return [
        source not in unseen and not (is_synthetic(source) and len(runs_of_words(sample.text) & theirs) >= 3)
        for source, sample in zip(sources, drawn)
    ]


def check_held_out(records: list[Record], groups: list[list[str]]) -> None:
    names = [source for group in groups for source in group]
    unknown = set(names) - {r.source for r in records}
    if unknown or len(names) != len(set(names)) or not all(groups):
        raise SystemExit(f"held_out in config.py: sources without a record {sorted(unknown)}, or one named twice, or an empty group")


def linear_scores(work: Path, records: list[Record]) -> np.ndarray:
    """What the linear stage says of each record, by weights that had not seen its source."""
    stamp = work / "linear.json"
    if not stamp.exists() or json.loads(stamp.read_text())["digest"] != digest(records):
        raise SystemExit(f"{stamp} is missing or of other records: run linear_stage.py first")
    return np.load(work / "linear_scores.npy")


def shares(given: list[Window], written: bool) -> np.ndarray:
    """How often each is drawn, 1 in all; half of it attacks. Nothing for windows that are, or are not, of records written one by one."""
    inside = np.array([is_written(w.source) == written for w in given])
    label = np.array([w.label for w in given])
    counts = Counter((w.source, w.label) for w in given)
    weight = np.array([counts[w.source, w.label] ** (CONFIG["power"] - 1) * (CONFIG["synthetic"] if is_synthetic(w.source) else 1.0) for w in given])
    weight *= inside
    for one in (0, 1):
        weight[label == one] *= 0.5 / max(weight[label == one].sum(), 1e-9)
    return weight


def schedule(given: list[Window], seed: int) -> list[list[int]]:
    """Batches of windows of like length, `tokens` tokens in all. Each comes as often as its share says, give or take one."""
    share = shares(given, True)
    weight = share * CONFIG["written"] + shares(given, False) * (1 - CONFIG["written"]) if share.any() else shares(given, False)
    weight /= weight.sum()
    length = np.array([len(w.ids) for w in given])
    rng, count = np.random.default_rng(seed), max(1, int(CONFIG["tokens"] / (weight * length).sum()))
    places = (np.arange(count) + rng.random()) / count
    drawn = np.searchsorted(np.cumsum(weight), places).clip(0, len(given) - 1)
    rng.shuffle(drawn)
    batches = []
    for start in range(0, count, 3000):
        some = drawn[start : start + 3000]
        some = some[np.argsort(length[some], kind="stable")]
        part, batch = [], []
        for one in some:
            if batch and (len(batch) + 1) * length[one] > CONFIG["batch_tokens"]:
                part.append(batch)
                batch = []
            batch.append(int(one))
        part.append(batch)
        batches += [part[n] for n in rng.permutation(len(part))]
    return batches


def tensors(batch: list[Window]) -> tuple[torch.Tensor, ...]:
    longest = max(len(w.ids) for w in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.int64)
    mask, attack = torch.zeros_like(ids), torch.full((len(batch), longest), -1.0)
    for row, w in enumerate(batch):
        ids[row, : len(w.ids)] = torch.tensor(w.ids)
        mask[row, : len(w.ids)] = 1
        attack[row, : len(w.ids)] = torch.tensor(w.attack, dtype=torch.float32)
    return ids, mask, attack


def loss_of(model: encoder.Encoder, batch: list[Window]) -> torch.Tensor:
    ids, mask, attack = tensors(batch)
    # The kind of content has no say here: rows for it are alike in the base. Calibration and thresholds go by kind.
    read = F.dropout(model.tokens(ids, mask, torch.zeros_like(ids)), CONFIG["dropout"], model.training)
    tokens = model.head(read)
    pooled = model.pool(tokens, mask)
    label = torch.tensor([w.label for w in batch], dtype=torch.float32)
    kinds = torch.tensor([w.kinds for w in batch], dtype=torch.float32)
    known = (attack >= 0).float()
    # Honest words count half: there are many.
    each = F.binary_cross_entropy_with_logits(tokens[:, :, 0], attack.clamp(min=0), reduction="none") * known * torch.where(attack == 1, 1.0, 0.5)
    of_tokens = (each.sum(1) / known.sum(1).clamp(min=1)).mean()
    smooth = CONFIG["smooth"]
    of_text = F.binary_cross_entropy_with_logits(pooled[:, 0], label * (1 - 2 * smooth) + smooth)
    of_kinds = F.binary_cross_entropy_with_logits(pooled[:, 1:], kinds.clamp(min=0), weight=(kinds >= 0).float())
    return of_tokens + of_text + CONFIG["kinds_weight"] * of_kinds


def tune(model: encoder.Encoder, given: list[Window], place: Path, seed: int) -> dict[str, torch.Tensor]:
    """Trains, and gives the running average of the weights."""
    for parameter in model.parameters():
        parameter.requires_grad = False
    upper = [parameter for layer in model.layers[CONFIG["frozen"] :] for parameter in layer.parameters()]
    for parameter in [*upper, *model.head.parameters()]:
        parameter.requires_grad = True
    groups = [{"params": upper, "rate": CONFIG["rate"]}, {"params": list(model.head.parameters()), "rate": CONFIG["head_rate"]}]
    optimiser = torch.optim.AdamW(groups, lr=CONFIG["rate"], weight_decay=0.02)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    batches, step, begun = schedule(given, seed), 0, time.monotonic()
    if place.exists():
        saved = torch.load(place, map_location="cpu")
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step = saved["average"], saved["step"]
    model.train()
    while step < len(batches):
        warm, turn = (step + 1) / (0.05 * len(batches)), math.pi * step / len(batches)
        for group in optimiser.param_groups:
            group["lr"] = group["rate"] * min(warm, 1.0, max(0.03, 0.5 * (1 + math.cos(turn))))
        # So that a run that goes on drops what an uninterrupted one would.
        torch.manual_seed(seed * 1_000_003 + step)
        loss = loss_of(model, [given[n] for n in batches[step]])
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*upper, *model.head.parameters()], 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(0.98, step / (step + 10))
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        stop = step == CONFIG["stop_after"]
        if step % 50 == 0 or stop or step == len(batches):
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average, "step": step}
            torch.save(state, place.with_suffix(".part"))
            os.replace(place.with_suffix(".part"), place)
            print(f"{place.name}: {step} of {len(batches)} steps after {time.monotonic() - begun:.0f} s, loss {loss.item():.3f}", flush=True)
        if stop:
            raise SystemExit(STOPPED)
    return average


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "base", "work"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    args = arguments.parse_args()
    begun = time.monotonic()
    torch.set_flush_denormal(True)
    records = load_records(args.data, args.work)
    tokenizer, kept = tokenizer_of(records, args.base, args.work)
    check_held_out(records, CONFIG["held_out"])
    scores = linear_scores(args.work, records)
    drawn = samples.draw(records, scores, CONFIG, CONFIG["seed"])
    config = {name: value for name, value in CONFIG.items() if name != "stop_after"}
    identity = {"digest": digest(records), "linear_scores": hashlib.sha256(scores.tobytes()).hexdigest(), "config": config}
    stamp = args.work / "tune.json"
    if stamp.exists() and json.loads(stamp.read_text()) != identity:
        raise SystemExit(f"{stamp} is of other data or settings: remove {args.work}/tune.*")
    write_whole(stamp, json.dumps(identity).encode())
    given = windows(tokenizer, records, drawn)
    result = {"identity": identity, "samples": len(given)}
    for which, unseen in [*((f"measured.{n}", sources) for n, sources in enumerate(CONFIG["held_out"])), ("shipped", [])]:
        some = [w for w, seen in zip(given, shown(records, drawn, unseen)) if seen]
        # A head that begins with little has to begin the same each time.
        torch.manual_seed(CONFIG["seed"])
        model = encoder.from_base(args.base, kept, CONFIG["layers"], CONFIG["max_tokens"], 1 + len(LABELS), CONFIG["read"], CONFIG["reach"])
        result[which] = tune(model, some, args.work / f"tune.{which}.pt", CONFIG["seed"])
    torch.save(result | {"seconds": time.monotonic() - begun}, args.work / "encoder.part")
    os.replace(args.work / "encoder.part", args.work / "encoder.pt")
    print(f"done, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
