"""Trains the encoder. Stops and goes on: a checkpoint holds weights, optimiser, averaged weights and place in the schedule.

    python train.py --data DIR --base DIR --work DIR --run NAME [--held-out SOURCE,...] [--from RUN]
"""

import argparse
import hashlib
import json
import math
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
from records import LABELS, Record, digest, parse, read_folder

KIND_WEIGHT = 0.3


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


def tensors(batch):
    longest = max(len(sample[0]) for sample in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, sample in enumerate(batch):
        ids[row, : len(sample[0])] = torch.tensor(sample[0])
        mask[row, : len(sample[0])] = 1
    kinds = torch.tensor([sample[1] for sample in batch])[:, None].expand_as(ids)
    label = torch.tensor([sample[2] for sample in batch], dtype=torch.float32)
    labels = torch.tensor([sample[3] for sample in batch], dtype=torch.float32)
    return ids, mask, kinds, label, labels


def loss_of(logits, label, labels, smoothing: float):
    target = label * (1 - smoothing) + (1 - label) * smoothing
    injection = F.binary_cross_entropy_with_logits(logits[:, 0], target)
    known = (labels >= 0).float()
    kinds = F.binary_cross_entropy_with_logits(logits[:, 1:], labels.clamp(min=0), weight=known)
    return injection + KIND_WEIGHT * kinds


def rate(step: int, steps: int) -> float:
    """Warm-up over 4 %, then even, then down to a twentieth over the last 40 %."""
    done = step / steps
    if done < 0.04:
        return (step + 1) / max(1.0, 0.04 * steps)
    return 1.0 if done < 0.6 else 0.05 + 0.95 * (1 - done) / 0.4


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "base", "work"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--run", required=True)
    arguments.add_argument("--held-out", default="")
    arguments.add_argument("--from", dest="start", default="", help="begin with the averaged weights of this run")
    arguments.add_argument("--samples", type=int, default=CONFIG["samples"])
    arguments.add_argument("--seed", type=int, default=CONFIG["seed"], help="of the samples: another one when a run goes on from another")
    arguments.add_argument("--steps", type=int, default=0, help="end the schedule here, slowing down before; may change when a run goes on")
    arguments.add_argument("--rate", type=float, default=CONFIG["rate"])
    arguments.add_argument("--stop-after", type=int, default=0, help="stop at this step, to go on later")
    arguments.add_argument("--minutes-per-checkpoint", type=float, default=3)
    args = arguments.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)

    records = load_records(args.data, args.work)
    tokenizer, kept = tokenizer_of(records, args.base, args.work)
    held_out = {name for name in args.held_out.split(",") if name}
    unknown = held_out - {r.source for r in records}
    if unknown:
        raise SystemExit(f"no such sources: {sorted(unknown)}")
    chosen = np.array([r.source not in held_out for r in records])
    scores_file = args.work / "linear_scores.npy"
    scores = np.load(scores_file) if scores_file.exists() else None
    sampler = samples.Sampler(records, chosen, scores, CONFIG)
    schedule = samples.batches(sampler.draw(args.samples, args.seed), tokenizer, CONFIG["max_tokens"], CONFIG["batch_tokens"], args.seed)
    if args.steps:
        schedule = schedule[: args.steps]
    total = sum(len(s[0]) for batch in schedule for s in batch)

    torch.manual_seed(CONFIG["seed"])
    model = encoder.from_base(args.base, kept, CONFIG["layers"], CONFIG["max_tokens"], 1 + len(LABELS))
    if args.start:
        model.load_state_dict(torch.load(args.work / f"{args.start}.pt")["average"])
    trained = [p for p in model.parameters() if p.requires_grad]
    head = list(model.head.parameters())
    body = [p for p in trained if not any(p is h for h in head)]
    head_rate = 1.0 if args.start else CONFIG["head_factor"]
    optimiser = torch.optim.AdamW([{"params": body, "factor": 1.0}, {"params": head, "factor": head_rate}], lr=args.rate, weight_decay=0.01)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    learnt = [name for name, value in model.named_parameters() if value.requires_grad]
    checkpoint, step, spent = args.work / f"{args.run}.pt", 0, 0.0
    hard = hashlib.sha256(scores.tobytes()).hexdigest() if scores is not None else ""
    identity = {"digest": digest(records), "linear_scores": hard, "held_out": sorted(held_out), "samples": args.samples, "seed": args.seed, "rate": args.rate, "from": args.start, "config": CONFIG}
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        if saved["identity"] != identity:
            raise SystemExit(f"{checkpoint} is of other data or settings: name another --run, or remove it")
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step, spent = saved["average"], saved["step"], saved["seconds"]
    print(f"{args.run}: {len(schedule)} steps, {args.samples} samples, {total} tokens, from step {step}", flush=True)

    def save():
        state = {"identity": identity, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average, "step": step, "steps": len(schedule), "seconds": spent}
        torch.save(state, checkpoint.with_suffix(".part"))
        os.replace(checkpoint.with_suffix(".part"), checkpoint)

    model.train()
    last_save, seen, running = time.monotonic(), 0, None
    while step < len(schedule):
        begun = time.monotonic()
        torch.manual_seed(args.seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = args.rate * group["factor"] * rate(step, len(schedule))
        ids, mask, kinds, label, labels = tensors(schedule[step])
        loss = loss_of(model(ids, mask, kinds, CONFIG["dropout"]), label, labels, CONFIG["smoothing"])
        if not math.isfinite(loss.item()):
            raise SystemExit(f"loss at step {step} is {loss.item()}")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        keep = min(CONFIG["averaging"], step / (step + 10))
        state = model.state_dict()
        for name in learnt:
            average[name].lerp_(state[name], 1 - keep)
        seconds = time.monotonic() - begun
        spent, seen = spent + seconds, seen + ids.numel()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if time.monotonic() - last_save > 60 * args.minutes_per_checkpoint or step in (len(schedule), args.stop_after):
            save()
            print(f"step {step}/{len(schedule)} loss {running:.4f} {seen / (time.monotonic() - last_save):.0f} tokens/s", flush=True)
            last_save, seen = time.monotonic(), 0
        if step == args.stop_after:
            return
    print(f"{args.run}: done, {spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
