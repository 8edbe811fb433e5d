"""Features of the linear stage: distinct word 1-, 2- and 3-grams of a window of the folded text, hashed.

The definition is shared with the Rust side to the letter: words are maximal runs of alphanumeric characters, every other
character but white space is a word of its own; a gram is its words joined by one space; its bucket is the upper bits of
FNV-1a 64 over its UTF-8 bytes.
"""

import numpy as np
import regex

BITS = 18
WINDOW = 64
STRIDE = 40

_WORD = regex.compile(r"[\p{Alphabetic}\p{N}]+|[^\p{White_Space}]")
_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


def words(folded: str) -> list[str]:
    return _WORD.findall(folded)


def word_spans(folded: str) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(folded)]


def window_starts(count: int, window: int, stride: int) -> list[int]:
    """Starts of the windows over `count` words: every word is in one, and the last window ends with the last word."""
    starts = [0]
    while starts[-1] + window < count:
        starts.append(starts[-1] + stride)
    return starts


def _extend(state, data, starts, lengths):
    """FNV-1a of each word of `data`, going on from `state`."""
    state = state.copy()
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths = lengths[order]
    for at in range(int(sorted_lengths[0]) if len(lengths) else 0):
        live = order[: np.searchsorted(-sorted_lengths, -at, side="left")]
        state[live] = (state[live] ^ data[starts[live] + at]) * _PRIME
    return state


def grams(text_words: list[str]) -> list[np.ndarray]:
    """Hashes of the 1-, 2- and 3-grams that begin at each word; the later arrays are shorter."""
    encoded = [word.encode() for word in text_words]
    data = np.frombuffer(b"".join(encoded), dtype=np.uint8).astype(np.uint64)
    lengths = np.array([len(word) for word in encoded], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    count = len(encoded)
    with np.errstate(over="ignore"):
        state = _extend(np.full(count, _OFFSET, dtype=np.uint64), data, starts, lengths)
        result = [state]
        for n in (1, 2):
            if count <= n:
                break
            state = (result[-1][:-1] ^ np.uint64(32)) * _PRIME
            result.append(_extend(state, data, starts[n:], lengths[n:]))
    return result


def window_buckets(text_words: list[str], bits: int = BITS) -> list[np.ndarray]:
    """For each window its distinct buckets. Grams do not reach over the end of a window."""
    if not text_words:
        return [np.zeros(0, dtype=np.int64)]
    shift = np.uint64(64 - bits)
    hashed = [(level >> shift).astype(np.int64) for level in grams(text_words)]
    windows = []
    for start in window_starts(len(text_words), WINDOW, STRIDE):
        end = min(start + WINDOW, len(text_words))
        parts = [level[start : max(start, end - n)] for n, level in enumerate(hashed)]
        windows.append(np.unique(np.concatenate(parts)))
    return windows
