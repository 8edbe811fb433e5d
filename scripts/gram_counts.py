#!/usr/bin/env python3
"""Counts three-byte sequences of ordinary text: which literals of a rule are rare enough to look for.

    scripts/gram_counts.py OUT FILE.jsonl[.zst]...

Reads the `text` of records with label 0, equal shares per file, in lower case with single spaces, and writes 32,768 bytes:
for each hash of three bytes, 8 * log2(1 + occurrences per 16 MB), capped at 255. Only counts leave the texts.
"""

import json
import math
import subprocess
import sys

BUCKETS = 1 << 15
PER_FILE = 600_000


def bucket(a: int, b: int, c: int) -> int:
    """The same hash as `rule/rarity.rs`."""
    return ((a | b << 8 | c << 16) * 0x9E3779B1 & 0xFFFFFFFF) >> 17


def texts(path: str):
    command = ["zstd", "-dc", path] if path.endswith(".zst") else ["cat", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            record = json.loads(line)
            if record.get("label", 0) == 0:
                yield record["text"]


def main() -> None:
    out, files = sys.argv[1], sys.argv[2:]
    counts = [0] * BUCKETS
    total = 0
    for path in files:
        taken = 0
        for text in texts(path):
            data = " ".join(text.lower().split()).encode()
            for a, b, c in zip(data, data[1:], data[2:]):
                counts[bucket(a, b, c)] += 1
            taken += len(data)
            if taken >= PER_FILE:
                break
        total += taken
    scale = (16 << 20) / total
    with open(out, "wb") as file:
        file.write(bytes(min(255, round(8 * math.log2(1 + count * scale))) for count in counts))
    print(f"{total} bytes of text", file=sys.stderr)


if __name__ == "__main__":
    main()
