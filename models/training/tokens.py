"""The tokeniser: the base's lower-casing WordPiece with a vocabulary pruned to what training text uses."""

import json
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def load(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def prune(base: Path, texts: list[str], common: int, at_least: int) -> tuple[str, list[int]]:
    """The pruned tokenizer.json, and for each new id the id it had.

    Kept: special tokens, every single character (alone and as a continuation), the first `common` of the base's list, which
    goes by frequency, and what `texts` use `at_least` times.
    """
    tokenizer = load(base)
    counts = Counter()
    for start in range(0, len(texts), 2048):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + 2048], add_special_tokens=False):
            counts.update(encoding.ids)
    described = json.loads(base.read_text(encoding="utf-8"))
    old = described["model"]["vocab"]
    by_id = {number: token for token, number in old.items()}

    def keep(number: int) -> bool:
        token = by_id[number]
        if token in SPECIAL:
            return False
        if token.startswith("[unused"):
            return False
        return len(token.removeprefix("##")) == 1 or number < common or counts[number] >= at_least

    kept = [old[token] for token in SPECIAL] + [number for number in sorted(by_id) if keep(number)]
    new = {number: place for place, number in enumerate(kept)}
    described["model"]["vocab"] = {by_id[number]: place for number, place in new.items()}
    described["truncation"] = described["padding"] = None
    for added in described["added_tokens"]:
        added["id"] = new[added["id"]]
    for token in described["post_processor"]["special_tokens"].values():
        token["ids"] = [new[number] for number in token["ids"]]
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")), kept


def check_equal(pruned: Tokenizer, base: Tokenizer, texts: list[str]) -> float:
    """Share of `texts` that both split alike. Where they differ, the pruned one must only split further; else this fails."""
    same = 0
    for text in texts:
        ours, theirs = pruned.encode(text).tokens, base.encode(text).tokens
        same += ours == theirs
        if "".join(t.removeprefix("##") for t in ours if t != "[UNK]") != "".join(t.removeprefix("##") for t in theirs if t != "[UNK]"):
            raise SystemExit(f"the pruned tokeniser reads other characters than the base does: {text[:80]!r}")
    return same / max(len(texts), 1)
