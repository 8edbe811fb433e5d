"""Whether a stage is worth having: with it, recall must rise by more than the false positives it costs.

    python gate.py --tamiz BINARY --dev DIR --model MODEL_DIR [--encoder]

Compares what is there without the stage with what is there with it, at each threshold of model.toml, on the records in `unseen/`: they
were written by others than `written/`, and neither rules nor stages were made with them in view. Without the linear stage there are the
rules; without the encoder (--encoder) there are the rules and the linear stage, which costs a thousandth. Fails if at the threshold for
1 % recall does not rise by three times as much as the false positives do, or by less than three points. The development sets are
reported beside it: the rules were tuned on them.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from pathlib import Path

import numpy as np

import linear
import metrics
import tokens
from evaluate import score
from records import CONTENT_KINDS, UNSEEN, Record, read_folder
from runlog import log_run

LEAST_GAIN, TIMES = 0.03, 3


def rules(tamiz: Path, records: list[Record]) -> tuple[np.ndarray, dict]:
    """Which records the rules and the policy flag, with no model; and the figures of their score."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "records.jsonl"
        fields = ("source", "split", "surface", "lang", "label", "kind", "text")
        lines = [json.dumps({"id": str(n)} | {f: getattr(r, f) for f in fields}) for n, r in enumerate(records)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run([str(tamiz), "eval", str(path), "--classify", "off", "--output", "json", "--errors", str(len(records))], capture_output=True, check=False)
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


def compare(records: list[Record], flagged: np.ndarray, beside: np.ndarray, logits: np.ndarray, limits: dict) -> dict:
    """`flagged` by what is there without the stage, `beside` by what still counts with it."""
    labels = np.array([r.label for r in records]) == 1
    kinds = [CONTENT_KINDS[r.content_kind] for r in records]
    probability = metrics.sigmoid(logits)
    result = {"without": {"recall": round(float(flagged[labels].mean()), 4), "fpr": round(float(flagged[~labels].mean()), 4)}}
    for rate, row in limits.items():
        over = probability >= np.array([row[k] for k in kinds])
        both = over | beside
        result[rate] = {
            "stage": {"recall": round(float(over[labels].mean()), 4), "fpr": round(float(over[~labels].mean()), 4)},
            "either": {"recall": round(float(both[labels].mean()), 4), "fpr": round(float(both[~labels].mean()), 4)},
            "of_those_missed_without": round(float(over[labels & ~flagged].sum() / max(1, (labels & ~flagged).sum())), 4),
        }
    return result


def linear_flags(records: list[Record], logits: np.ndarray, card: dict) -> np.ndarray:
    """Those at or above the linear stage's threshold for 1 %: what it flags where there is no encoder."""
    row = card["linear"]["thresholds"]["0.01"]
    return metrics.sigmoid(logits) >= np.array([row[CONTENT_KINDS[r.content_kind]] for r in records])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("tamiz", "dev", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--encoder", action="store_true", help="else the linear stage")
    args = arguments.parse_args()
    card = tomllib.loads((args.model / "model.toml").read_text(encoding="utf-8"))
    weights, bits = linear.read(args.model / "linear.bin")
    result = {}
    for part, folder in (("unseen", UNSEEN), ("dev", args.dev)):
        records = read_folder(folder)
        there, alone = rules(args.tamiz, records)
        kinds = np.array([r.content_kind for r in records])
        logits, limits = weights.scores(linear.build(records, bits), kinds), card["linear"]["thresholds"]
        beside = there
        if args.encoder:
            # Beside an encoder the linear stage counts where it is sure.
            beside = there | (metrics.sigmoid(logits) >= card["linear"]["settle_attack"])
            there = there | linear_flags(records, logits, card)
            graph, tokenizer = args.model / "model.int8.onnx", tokens.load(args.model / "tokenizer.json")
            logits = calibrated(records, score(graph, tokenizer, records, True)[:, 0], card["calibration"])
            limits = card["thresholds"]
        result[part] = {"alone": {"rules": alone, "stage": metrics.report([r.label for r in records], logits)}}
        for name in ["all", *sorted({r.surface for r in records})]:
            inside = np.array([name in ("all", r.surface) for r in records])
            some = [r for r, take in zip(records, inside) if take]
            result[part][name] = compare(some, there[inside], beside[inside], logits[inside], limits)
    print(json.dumps(result, indent=1))
    found = result["unseen"]["all"]
    gain, cost = (found["0.01"]["either"][key] - found["without"][key] for key in ("recall", "fpr"))
    passed = gain >= max(LEAST_GAIN, TIMES * cost)
    stage = "encoder" if args.encoder else "linear"
    log_run("gate", {"stage": stage, "passed": bool(passed)}, read_folder(UNSEEN), result, 0)
    if not passed:
        raise SystemExit(f"{stage}: does not pass")


if __name__ == "__main__":
    main()
