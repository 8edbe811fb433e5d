"""Whether a stage is worth having: with it, recall must rise by more than the false positives it costs.

    python gate.py --tamiz BINARY --data DIR --dev DIR --work DIR --model MODEL_DIR [--encoder]

Compares what is there without the stage with what is there with it, at each threshold of model.toml: on records of sources that the
stage had not seen, and on the development records. Without the linear stage there are the rules; without the encoder (--encoder)
there are the rules and the linear stage, which costs a thousandth. Fails if, at the threshold for 0.5 %, recall does not rise by
more than the false positives do, on both, or false positives rise by more than 0.5 points on unseen sources. An encoder must
besides beat the rules by itself, in AUC and in recall at 1 %, on both: else its weights are not committed.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from pathlib import Path

import numpy as np

import metrics
from evaluate import balanced
from records import CONTENT_KINDS, Record, read_folder
from runlog import log_run
from train import load_records


def rules(tamiz: Path, records: list[Record]) -> tuple[np.ndarray, dict]:
    """Which records the rules and the policy flag, with no model; and the figures of their score."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "records.jsonl"
        fields = ("source", "split", "surface", "lang", "label", "kind", "text")
        lines = [json.dumps({"id": str(n)} | {f: getattr(r, f) for f in fields}) for n, r in enumerate(records)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([str(tamiz), "eval", str(path), "--output", "json", "--errors", str(len(records))], capture_output=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(done.stderr.decode(errors="replace"))
    answer = json.loads(done.stdout)
    if answer["records"] != len(records) or answer["engine"].get("model"):
        raise SystemExit("tamiz eval did not judge all records by rules alone")
    wrong = {int(error["id"]) for error in answer["errors"]}
    figures = {"auc": round(answer["score"]["auc"], 4)} | {f"recall@{rate}": round(x, 4) for rate, x in answer["score"]["recall_at_fpr"].items()}
    return np.array([(n in wrong) != bool(r.label) for n, r in enumerate(records)]), figures


def calibrated(records: list[Record], logits: np.ndarray, calibration: dict) -> np.ndarray:
    """Logits as the engine has them: comparable from one kind of content to another."""
    tables = [calibration[CONTENT_KINDS[r.content_kind]] for r in records]
    return np.array([table["scale"] * logit + table["bias"] for table, logit in zip(tables, logits)])


def compare(records: list[Record], flagged: np.ndarray, logits: np.ndarray, limits: dict) -> dict:
    labels = np.array([r.label for r in records]) == 1
    kinds = [CONTENT_KINDS[r.content_kind] for r in records]
    probability = metrics.sigmoid(logits)
    result = {"without": {"recall": round(float(flagged[labels].mean()), 4), "fpr": round(float(flagged[~labels].mean()), 4)}}
    for rate, row in limits.items():
        over = probability >= np.array([row[k] for k in kinds])
        both = over | flagged
        result[rate] = {
            "stage": {"recall": round(float(over[labels].mean()), 4), "fpr": round(float(over[~labels].mean()), 4)},
            "either": {"recall": round(float(both[labels].mean()), 4), "fpr": round(float(both[~labels].mean()), 4)},
            "of_those_missed_without": round(float(over[labels & ~flagged].mean()), 4),
        }
    return result


def linear_flags(records: list[Record], logits: np.ndarray, card: dict) -> np.ndarray:
    """Those at or above the linear stage's threshold for 0.5 %."""
    row = card["linear"]["thresholds"]["0.005"]
    return metrics.sigmoid(logits) >= np.array([row[CONTENT_KINDS[r.content_kind]] for r in records])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("tamiz", "data", "dev", "work", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--encoder", action="store_true", help="else the linear stage")
    args = arguments.parse_args()
    card = tomllib.loads((args.model / "model.toml").read_text(encoding="utf-8"))
    records, dev = load_records(args.data, args.work), read_folder(args.dev)
    linear_unseen, linear_dev = np.load(args.work / "linear_scores.npy"), np.load(args.work / "linear_dev.npy")
    numbers = balanced(records)
    sample = [records[n] for n in numbers]
    there, alone = rules(args.tamiz, sample)
    there_dev, alone_dev = rules(args.tamiz, dev)
    if args.encoder:
        logits = (np.load(args.work / f"scores.{name}.npz")["logits"] for name in ("measured", "fp32"))
        unseen, seen = (calibrated(of, those, card["calibration"]) for of, those in zip((sample, dev), logits))
        limits = card["thresholds"]
        there |= linear_flags(sample, linear_unseen[numbers], card)
        there_dev |= linear_flags(dev, linear_dev, card)
    else:
        unseen, seen, limits = linear_unseen[numbers], linear_dev, card["linear"]["thresholds"]
    result = {"unseen_sources": compare(sample, there, unseen, limits), "dev": compare(dev, there_dev, seen, limits)}
    for part, figures, who, logits in (("unseen_sources", alone, sample, unseen), ("dev", alone_dev, dev, seen)):
        result[part]["alone"] = {"rules": figures, "stage": metrics.report([r.label for r in who], logits)}
    print(json.dumps(result, indent=1))
    gains = {name: {key: part["0.005"]["either"][key] - part["without"][key] for key in ("recall", "fpr")} for name, part in result.items()}
    passed = all(gain["recall"] > gain["fpr"] for gain in gains.values()) and gains["unseen_sources"]["fpr"] <= 0.005
    both = [part["alone"] for part in result.values()]
    beats = all(part["stage"][key] > part["rules"][key] for part in both for key in ("auc", "recall@0.01"))
    adds, passed = passed, passed and (beats or not args.encoder)
    stage = "encoder" if args.encoder else "linear"
    log_run("gate", {"stage": stage, "passed": passed, "adds": adds, "beats_rules_alone": beats}, records, result, 0)
    if not passed:
        raise SystemExit(f"{stage}: does not pass")


if __name__ == "__main__":
    main()
