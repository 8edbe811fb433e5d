"""Whether a stage is worth having beside the rules: with it, recall must rise by more than the false positives it costs.

    python gate.py --tamiz BINARY --data DIR --dev DIR --work DIR --model MODEL_DIR [--measured RUN]

Compares rules alone with rules or stage, at each threshold of model.toml: on records of sources that the stage had not seen, and
on the development records. Fails if, at the threshold for 0.5 %, recall does not rise on both, or false positives rise by more
than 0.5 points on unseen sources.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from pathlib import Path

import numpy as np

import metrics
from package import balanced
from records import CONTENT_KINDS, Record, read_folder
from runlog import log_run
from train import load_records


def rules(tamiz: Path, records: list[Record]) -> np.ndarray:
    """Which records the rules and the policy flag, with no model."""
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
    return np.array([(n in wrong) != bool(r.label) for n, r in enumerate(records)])


def compare(records: list[Record], flagged: np.ndarray, logits: np.ndarray, limits: dict, calibration: dict | None) -> dict:
    labels = np.array([r.label for r in records]) == 1
    kinds = [CONTENT_KINDS[r.content_kind] for r in records]
    if calibration:
        logits = np.array([calibration[k]["scale"] * x + calibration[k]["bias"] for k, x in zip(kinds, logits)])
    probability = metrics.sigmoid(logits)
    result = {"rules": {"recall": round(float(flagged[labels].mean()), 4), "fpr": round(float(flagged[~labels].mean()), 4)}}
    for rate, row in limits.items():
        over = probability >= np.array([row[k] for k in kinds])
        both = over | flagged
        result[rate] = {
            "stage": {"recall": round(float(over[labels].mean()), 4), "fpr": round(float(over[~labels].mean()), 4)},
            "either": {"recall": round(float(both[labels].mean()), 4), "fpr": round(float(both[~labels].mean()), 4)},
            "of_those_the_rules_miss": round(float(over[labels & ~flagged].mean()), 4),
        }
    return result


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("tamiz", "data", "dev", "work", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--measured", default="", help="run of the encoder; else the linear stage")
    args = arguments.parse_args()
    card = tomllib.loads((args.model / "model.toml").read_text(encoding="utf-8"))
    records, dev = load_records(args.data, args.work), read_folder(args.dev)
    if args.measured:
        found = np.load(args.work / f"scores.{args.measured}.fp32.npz")
        numbers, unseen, seen = found["numbers"], found["held"][:, 0], found["dev"][:, 0]
        limits, calibration = card["thresholds"], card["calibration"]
    else:
        numbers = balanced(records)
        unseen, seen = np.load(args.work / "linear_scores.npy")[numbers], np.load(args.work / "linear_dev.npy")
        limits, calibration = card["linear"]["thresholds"], None
    sample = [records[n] for n in numbers]
    result = {
        "unseen_sources": compare(sample, rules(args.tamiz, sample), unseen, limits, calibration),
        "dev": compare(dev, rules(args.tamiz, dev), seen, limits, calibration),
    }
    print(json.dumps(result, indent=1))
    passed = all(part["0.005"]["either"]["recall"] > part["rules"]["recall"] for part in result.values())
    passed &= result["unseen_sources"]["0.005"]["either"]["fpr"] - result["unseen_sources"]["rules"]["fpr"] <= 0.005
    stage = args.measured or "linear"
    log_run("gate", {"stage": stage, "passed": passed}, records, result, 0)
    if not passed:
        raise SystemExit(f"{stage}: does not pass")


if __name__ == "__main__":
    main()
