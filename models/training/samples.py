"""What the encoder is shown: which records, which part of them, in which order. All of it follows from the seed."""

import random

import numpy as np

from fold import fold
from linear import source_weights
from records import CONTENT_KINDS, Record
from synthesis import disguise, statement

# Characters per token of folded text, roughly; windows are cut by characters first and by tokens after.
PER_TOKEN = 4.0
TOOL_OUTPUT = CONTENT_KINDS.index("tool-output")
TOOL_METADATA = CONTENT_KINDS.index("tool-metadata")
PROMPT = CONTENT_KINDS.index("prompt")


def cut(record: Record, size: int, rng: random.Random) -> str:
    """A part of `size` characters that holds the attack, where it is known."""
    text = record.folded
    if len(text) <= size:
        return text
    if record.label and record.span:
        begin, end = record.span
        if end - begin >= size:
            return text[begin : begin + size]
        low, high = max(0, end - size), min(begin, len(text) - size)
        start = rng.randint(min(low, high), max(low, high))
    elif record.label:
        start = 0 if rng.random() < 0.6 else rng.randint(0, len(text) - size)
    else:
        start = rng.randint(0, len(text) - size)
    if start and not record.span:
        space = text.find(" ", start, start + 24)
        start = space + 1 if space >= 0 else start
    return text[start : start + size]


def _insert(carrier: str, inner: str, size: int, rng: random.Random) -> str:
    room = max(40, size - len(inner))
    start = rng.randint(0, max(0, len(carrier) - room))
    part = carrier[start : start + room]
    breaks = [i + 1 for i in range(len(part) - 1) if part[i] in ".:;>}|," and part[i + 1] == " "] + [0, len(part)]
    at = rng.choice(breaks)
    return f"{part[:at].rstrip()} {inner} {part[at:].lstrip()}".strip()


class Sampler:
    def __init__(self, records: list[Record], chosen: np.ndarray, scores: np.ndarray | None, config: dict):
        self.records, self.config = records, config
        self.weights = source_weights(records, chosen, config["power"], config["synthetic"], config["cap"])
        self.weights[[r.label == 0 for r in records]] *= 1.5
        if scores is not None:
            # Honest text that looks like an attack to the linear stage is what the encoder is for.
            hard = np.array([r.label == 0 for r in records]) & (scores > config["hard_above"])
            self.weights[hard] *= config["hard_factor"]
        self.weights /= self.weights.sum()
        self.short_attacks = [n for n in np.flatnonzero(chosen) if records[n].label and len(records[n].folded) < 350 and records[n].kind in ("direct_injection", "extraction") and not records[n].span]
        self.carriers = [n for n in np.flatnonzero(chosen) if not records[n].label and records[n].content_kind in (TOOL_OUTPUT, TOOL_METADATA) and len(records[n].folded) > 150]

    def draw(self, count: int, seed: int) -> list[tuple[str, int, int, list[int]]]:
        """`count` samples: folded text, content kind, label, labels of kind."""
        rng, pick = random.Random(seed), np.random.default_rng(seed)
        # Systematic sampling: each record comes as often as its weight says, give or take one.
        places = (np.arange(count) + pick.random()) / count
        order = pick.permutation(len(self.records))
        numbers = order[np.minimum(np.searchsorted(np.cumsum(self.weights[order]), places), len(order) - 1)]
        pick.shuffle(numbers)
        return [self._sample(int(number), rng) for number in numbers]

    def _sample(self, number: int, rng: random.Random):
        record, config = self.records[number], self.config
        size = int(PER_TOKEN * rng.choice(config["window_tokens"]))
        text, kind, labels = cut(record, size, rng), record.content_kind, record.labels
        chance = rng.random()
        if chance < config["insert"] and record.label == 0 and kind == TOOL_OUTPUT and self.carriers and self.short_attacks:
            # Twins: the same carrier once with an order to the model, once with an honest line full of the same words.
            if rng.random() < 0.5:
                attack = self.records[rng.choice(self.short_attacks)]
                text = _insert(record.folded, attack.folded, max(size, len(attack.folded) + 120), rng)
                labels = [0, 1, 0, 0, *attack.labels[4:]]
                return self._disguised(text, rng), kind, 1, labels
            text = _insert(record.folded, fold(statement(rng)), size, rng)
        if kind == TOOL_OUTPUT and rng.random() < config["other_kinds"]:
            kind = CONTENT_KINDS.index(rng.choice(["tool-arguments", "model-output"]))
        return self._disguised(text, rng), kind, record.label, labels

    def _disguised(self, text: str, rng: random.Random) -> str:
        return fold(disguise(text, rng)) if rng.random() < self.config["disguise"] else text


def batches(samples, tokenizer, max_tokens: int, batch_tokens: int, seed: int) -> list[list[tuple]]:
    """Batches of samples alike in length, at most `batch_tokens` tokens with padding, in random order."""
    encoded = []
    for start in range(0, len(samples), 4096):
        part = samples[start : start + 4096]
        for sample, encoding in zip(part, tokenizer.encode_batch_fast([s[0] for s in part])):
            ids = encoding.ids
            if len(ids) > max_tokens:
                ids = ids[: max_tokens - 1] + ids[-1:]
            encoded.append((ids, *sample[1:]))
    rng = np.random.default_rng(seed)
    result = []
    for start in range(0, len(encoded), 8192):
        pool = sorted(encoded[start : start + 8192], key=lambda sample: len(sample[0]))
        made, batch = [], []
        for sample in pool:
            if batch and (len(batch) + 1) * len(sample[0]) > batch_tokens:
                made.append(batch)
                batch = []
            batch.append(sample)
        if batch:
            made.append(batch)
        rng.shuffle(made)
        result += made
    return result
