#!/usr/bin/env python3
"""Composes the generated part of the corpus of hard negatives from its phrase banks.

    python3 scripts/hard_negatives.py            writes tests/corpus/hard-negatives/generated.jsonl
    python3 scripts/hard_negatives.py --check    only says whether the file is what the banks give

A bank is a `[[bank]]` of `banks/*.toml`: `parts` is a list of lists of templates, of which a text takes one each; `{name}` in a
template stands for one entry of `slots.name`, which may have slots itself. Choices come from hashes of the bank and a number, so
the same banks give the same texts everywhere. A choice that gives a text that is there already is made again.
"""

import hashlib
import itertools
import json
import pathlib
import re
import sys
import tomllib

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "corpus" / "hard-negatives"
SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
TRIES = 200


class Choices:
    """Numbers that look drawn, and are the same for the same key."""

    def __init__(self, key):
        self.key, self.drawn = key, 0

    def one_of(self, options):
        self.drawn += 1
        digest = hashlib.sha256(f"{self.key}/{self.drawn}".encode()).digest()
        return options[int.from_bytes(digest[:8], "big") % len(options)]


def filled(template, slots, choices):
    while slot := SLOT.search(template):
        if slot[1] not in slots:
            raise SystemExit(f"no slot {slot[1]!r} for {template!r}")
        template = template[: slot.start()] + choices.one_of(slots[slot[1]]) + template[slot.end() :]
    return template


def joined(pieces):
    """Pieces with a space between them, unless one brings its own space or the writing has none."""
    text = ""
    for piece in filter(None, pieces):
        spaced = text and not text[-1].isspace() and not piece[0].isspace() and text[-1] not in "。？！、"
        text += (" " if spaced else "") + piece
    return text.rstrip(" ")


def texts(bank, seen):
    name = f"{bank['lang']}/{bank['kind']}"
    numbers = itertools.count()
    for _ in range(bank["count"]):
        for _ in range(TRIES):
            choices = Choices(f"{name}/{next(numbers)}")
            text = joined([filled(choices.one_of(part), bank.get("slots", {}), choices) for part in bank["parts"]])
            if text not in seen:
                break
        else:
            raise SystemExit(f"{name}: the bank has fewer than {bank['count']} different texts")
        seen.add(text)
        yield text


def records():
    seen = set()
    for path in sorted((CORPUS / "banks").glob("*.toml")):
        for bank in tomllib.loads(path.read_text(encoding="utf-8"))["bank"]:
            for text in texts(bank, seen):
                yield {
                    "id": "hn-" + hashlib.sha256(text.encode()).hexdigest()[:12],
                    "text": text,
                    "label": 0,
                    "surface": bank["surface"],
                    "kind": bank["kind"],
                    "lang": bank["lang"],
                    "source": "generated",
                }


def main():
    path = CORPUS / "generated.jsonl"
    wanted = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records())
    if "--check" in sys.argv[1:]:
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there != wanted:
            print(f"{path.name} is not what the banks give; run python3 scripts/hard_negatives.py")
            return 1
        print(f"{path.name}: {wanted.count(chr(10))} texts, as the banks give them")
        return 0
    path.write_text(wanted, encoding="utf-8")
    print(f"{wanted.count(chr(10))} texts, {len(wanted.encode()) // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
