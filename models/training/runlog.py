"""One line per run in runs.jsonl: what was run on what, and what came of it."""

import datetime
import json
import os
from pathlib import Path

from config import CONFIG
from records import digest

LOG = Path(os.environ.get("TAMIZ_RUN_LOG") or Path(__file__).with_name("runs.jsonl"))


def log_run(stage: str, config: dict, records, result: dict, seconds: float, log: Path = LOG) -> None:
    line = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "stage": stage,
        "seed": CONFIG["seed"],
        "data": digest(records),
        "config": config,
        "seconds": round(seconds),
        "metrics": result,
    }
    with open(log, "a", encoding="utf-8") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
