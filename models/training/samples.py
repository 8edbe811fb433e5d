"""What the encoder is shown: which records, and which part of them. All of it follows from the seed."""

import random
from dataclasses import dataclass

import numpy as np

from fold import fold
from records import Record, is_synthetic
from synthesis import disguise

# Characters per token of folded text, roughly; windows are cut by characters first and by tokens after.
PER_TOKEN = 4.0


@dataclass
class Sample:
    record: int
    text: str
    # Where in the text the attack stands; None for all of it or for where nobody knows.
    span: tuple[int, int] | None = None


def cut(record: Record, size: int, rng: random.Random) -> tuple[str, tuple[int, int] | None]:
    """A part of `size` characters that holds the attack, where it is known, and where the attack stands in it."""
    text = record.folded
    span = record.span if record.label else None
    if len(text) <= size:
        return text, span
    if span:
        begin, end = span
        if end - begin >= size:
            return text[begin : begin + size], (0, size)
        low, high = max(0, end - size), min(begin, len(text) - size)
        start = rng.randint(min(low, high), max(low, high))
        return text[start : start + size], (max(0, begin - start), min(size, end - start))
    if record.label:
        start = 0 if rng.random() < 0.6 else rng.randint(0, len(text) - size)
    else:
        start = rng.randint(0, len(text) - size)
    space = text.find(" ", start, start + 24) if start else -1
    start = space + 1 if space >= 0 else start
    return text[start : start + size], None


def draw(records: list[Record], scores: np.ndarray, config: dict, seed: int) -> list[Sample]:
    """At most `cap` records of each source and label (`cap_synthetic` where it is made up), one part of each.

    Honest text that the linear stage, not having seen its source, finds suspicious comes more readily: it is what the encoder is for.
    """
    groups: dict[tuple, list[int]] = {}
    for number, record in enumerate(records):
        groups.setdefault((record.source, record.label), []).append(number)
    rng, pick, result = random.Random(seed), np.random.default_rng(seed), []
    for (source, label), numbers in sorted(groups.items()):
        cap = min(len(numbers), config["cap_synthetic" if is_synthetic(source) else "cap"])
        chance = np.ones(len(numbers))
        if not label:
            chance[scores[numbers] > config["hard_above"]] = config["hard_factor"]
        for number in pick.choice(numbers, cap, replace=False, p=chance / chance.sum()):
            text, span = cut(records[number], int(PER_TOKEN * rng.choice(config["window_tokens"])), rng)
            if rng.random() < config["disguise"]:
                other = fold(disguise(text, rng))
                text, span = (text, span) if other == text else (other, None)
            result.append(Sample(int(number), text, span))
    rng.shuffle(result)
    return result
