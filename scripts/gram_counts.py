#!/usr/bin/env python3
"""Counts sequences of three and of four bytes in ordinary text: which literals of a rule are rare enough to look for.

    scripts/gram_counts.py OUT FILE.jsonl[.zst]...

Reads the `text` of records with label 0, equal shares per file, in lower case with single spaces, and writes 32,768 bytes for
the hashes of three bytes, then 131,072 for those of four: 8 * log2(1 + occurrences per 16 MB), capped at 255. Only counts leave
the texts.
"""

import json
import math
import subprocess
import sys

BITS = {3: 15, 4: 17}
PER_FILE = 600_000


def bucket(gram: bytes) -> int:
    """The same hash as `rule/rarity.rs`."""
    return (int.from_bytes(gram, "little") * 0x9E3779B1 & 0xFFFFFFFF) >> (32 - BITS[len(gram)])


def texts(path: str):
    command = ["zstd", "-dc", path] if path.endswith(".zst") else ["cat", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            record = json.loads(line)
            if record.get("label", 0) == 0:
                yield record["text"]


def main() -> None:
    out, files = sys.argv[1], sys.argv[2:]
    counts = {length: [0] * (1 << bits) for length, bits in BITS.items()}
    total = 0
    for path in files:
        taken = 0
        for text in texts(path):
            data = " ".join(text.lower().split()).encode()
            for length, of_length in counts.items():
                for at in range(len(data) - length + 1):
                    of_length[bucket(data[at : at + length])] += 1
            taken += len(data)
            if taken >= PER_FILE:
                break
        total += taken
    scale = (16 << 20) / total
    with open(out, "wb") as file:
        for of_length in counts.values():
            file.write(bytes(min(255, round(8 * math.log2(1 + count * scale))) for count in of_length))
    print(f"{total} bytes of text", file=sys.stderr)


if __name__ == "__main__":
    main()
