"""Whether a stage is worth having: with it, recall must rise by more than the false positives it costs.

    python gate.py --tamiz BINARY --dev DIR --model MODEL_DIR [--encoder]

BINARY has the linear stage built in; ONNX Runtime is where `scripts/onnxruntime.sh` puts it. It judges the records in `unseen/` (flagged or
blocked) without the stage and with it: by rules alone, with the linear stage, and, with --encoder, with the encoder. The records were written
by others than `written/`; the rules were not tuned on them, and nothing was learned from them, though they were looked at while the
recipe was chosen. Fails if recall does not rise by three times as much as the false positives do, or by less than three points. Reported
beside it and decided by nothing: `unseen-second/`, which nothing was chosen by, and the development sets, which the rules were tuned on.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from records import UNSEEN, UNSEEN_SECOND, Record, read_folder
from runlog import log_run

LEAST_GAIN, TIMES = 0.03, 3


def flagged(tamiz: Path, records: list[Record], model: str | None, *how: str) -> np.ndarray:
    """Which records the program flags or blocks, asked as `how` says; `model` is what it has to have asked."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "records.jsonl"
        fields = ("source", "split", "surface", "lang", "label", "kind", "text")
        lines = [json.dumps({"id": str(n)} | {f: getattr(r, f) for f in fields}) for n, r in enumerate(records)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [str(tamiz), "eval", str(path), "--output", "json", "--errors", str(len(records)), *how]
        # Without --model the model that is built in, not one that is installed.
        environment = os.environ if "--model" in how else os.environ | {"XDG_DATA_HOME": place}
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode(errors="replace"))
    answer = json.loads(done.stdout)
    if answer["records"] != len(records) or answer["undecided"] or answer["engine"].get("model") != model:
        raise SystemExit(f"tamiz eval did not judge all records with {model}: {answer['engine']}, {answer['undecided']} undecided")
    wrong = {int(error["id"]) for error in answer["errors"]}
    return np.array([(n in wrong) != bool(r.label) for n, r in enumerate(records)])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("tamiz", "dev", "model"):
        arguments.add_argument(f"--{name}", type=Path, required=True)
    arguments.add_argument("--encoder", action="store_true", help="else the linear stage")
    args = arguments.parse_args()
    name = args.model.resolve().name
    stages = {
        "rules": (None, "--classify", "off"),
        "linear": (f"{name}-linear", "--classify", "auto"),
        "encoder": (name, "--classify", "auto", "--model", str(args.model)),
    }
    before, after = ("linear", "encoder") if args.encoder else ("rules", "linear")
    result = {}
    for part, folder in (("unseen", UNSEEN), ("unseen_second", UNSEEN_SECOND), ("dev", args.dev)):
        records = read_folder(folder)
        labels = np.array([r.label for r in records]) == 1
        result[part] = {}
        for stage in (before, after):
            found = flagged(args.tamiz, records, *stages[stage])
            for surface in ["all", *sorted({r.surface for r in records})]:
                inside = np.array([surface in ("all", r.surface) for r in records])
                shares = {"recall": found[inside & labels], "fpr": found[inside & ~labels]}
                result[part].setdefault(surface, {})[stage] = {key: round(float(of.mean()), 4) for key, of in shares.items()}
    print(json.dumps(result, indent=1))
    gain, cost = (result["unseen"]["all"][after][key] - result["unseen"]["all"][before][key] for key in ("recall", "fpr"))
    passed = gain >= max(LEAST_GAIN, TIMES * cost)
    log_run("gate", {"stage": after, "passed": bool(passed)}, read_folder(UNSEEN), result, 0)
    if not passed:
        raise SystemExit(f"{after}: does not pass")


if __name__ == "__main__":
    main()
