"""Reading labelled records: what a text is, what is known about where its attack stands, and who belongs to which fold.

A record is a JSON object on a line: id, source, split, surface, lang, label, kind, text and perhaps meta. `label` 1 means that
the text tries to steer the model that reads it.
"""

import hashlib
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from fold import fold
from passage import mostly_look_alike, passage

CONTENT_KINDS = ["prompt", "tool-arguments", "tool-output", "tool-metadata", "model-output"]
LABELS = ["direct", "indirect", "jailbreak", "tool-poisoning", "extraction", "exfiltration"]

_SURFACES = {"user_prompt": "prompt", "tool_output": "tool-output", "document": "tool-output", "tool_metadata": "tool-metadata"}
_KINDS = {
    "direct_injection": "direct",
    "indirect_injection": "indirect",
    "jailbreak": "jailbreak",
    "tool_poisoning": "tool-poisoning",
    "extraction": "extraction",
}
_ABOUT_INSTRUCTIONS = re.compile(
    r"(system|initial|hidden|secret|your) (prompt|instructions?|directives?|configuration)|instructions you (were|have been) given"
)
_TELL = re.compile(r"\b(reveal|repeat|print|show|output|tell|display|disclose|share|list|dump|leak|recite|verbatim)\b")
_SEND = re.compile(r"\b(send|e-?mail|upload|post|forward|transmit|exfiltrate|append|attach|copy|write|include|curl|fetch)\b")
_PLACE = re.compile(r"https?://|[\w.]+@[\w.]+|example\.(com|org|net)|webhook|\.ssh|id_rsa|\.env\b|credentials?|api[ _-]?keys?|passwords?|tokens?\b")


@dataclass
class Record:
    id: str
    source: str
    split: str
    surface: str
    lang: str
    label: int
    kind: str
    text: str
    content_kind: int
    # Folded text, and where in it the attack stands (characters), if that is known.
    folded: str = ""
    span: tuple[int, int] | None = None
    # One entry per label of LABELS: 1, 0, or -1 where the data does not say.
    labels: list[int] = field(default_factory=list)


def _attack_of(raw: dict) -> str | None:
    meta = raw.get("meta") or {}
    attack = meta.get("attack") or (meta.get("group") if raw["source"] == "asb" else None)
    return attack if isinstance(attack, str) else None


def locate(folded: str, attack: str) -> tuple[int, int] | None:
    """Where the folded attack stands. Carriers escape and re-indent, so its first and last few words decide when the whole is not found."""
    wanted = (attack if mostly_look_alike(folded) else fold(attack)).strip()
    at = folded.find(wanted)
    if at >= 0:
        return at, at + len(wanted)
    words = re.findall(r"[^\W_]+", wanted)
    for size in (6, 4, 3):
        if len(words) < size:
            continue
        joined = [r"[\W_]+".join(map(re.escape, part)) for part in (words[:size], words[-size:])]
        head = re.search(joined[0], folded)
        if head:
            tails = [m for m in re.finditer(joined[1], folded) if head.start() <= m.start() < head.start() + 2 * len(wanted) + 80]
            return head.start(), tails[0].end() if tails else min(len(folded), head.start() + len(wanted))
    return None


def _labels(raw: dict, attack: str) -> list[int]:
    if not raw["label"]:
        return [0] * len(LABELS)
    known = _KINDS.get(raw["kind"])
    synthetic = raw["source"].startswith("synth_")
    labels = []
    for name in LABELS:
        if known is None:
            labels.append(1 if name == "direct" else -1)
        elif name == known:
            labels.append(1)
        elif name == "extraction":
            says = bool(_ABOUT_INSTRUCTIONS.search(attack) and _TELL.search(attack))
            labels.append(1 if says else 0 if synthetic else -1)
        elif name == "exfiltration":
            says = bool(_SEND.search(attack) and _PLACE.search(attack))
            labels.append(1 if says else 0 if len(attack) < 1000 else -1)
        elif name == "jailbreak" and known == "direct":
            labels.append(0 if synthetic else -1)
        elif name == "direct" and known in ("jailbreak", "extraction"):
            labels.append(-1)
        else:
            labels.append(0)
    return labels


def parse(raw: dict) -> Record:
    folded = passage(raw["text"])
    attack = _attack_of(raw) if raw["label"] else None
    span = locate(folded, attack) if attack else None
    said = folded[slice(*span)] if span else folded
    return Record(
        id=raw["id"],
        source=raw["source"],
        split=raw.get("split", ""),
        surface=raw["surface"],
        lang=raw["lang"],
        label=int(raw["label"]),
        kind=raw["kind"],
        text=raw["text"],
        content_kind=CONTENT_KINDS.index(_SURFACES[raw["surface"]]),
        folded=folded,
        span=span,
        labels=_labels(raw, said),
    )


def read_file(path: Path) -> list[dict]:
    with open(path, "rb") as compressed:
        stream = zstandard.ZstdDecompressor().stream_reader(compressed) if path.suffix == ".zst" else compressed
        return [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8") if line.strip()]


def read_folder(folder: Path) -> list[Record]:
    """All records of a folder in the order of file names and lines."""
    files = sorted(file for file in folder.iterdir() if file.name.endswith((".jsonl", ".jsonl.zst")))
    if not files:
        raise SystemExit(f"no *.jsonl or *.jsonl.zst in {folder}")
    return [parse(raw) for file in files for raw in read_file(file)]


def digest(records: list[Record]) -> str:
    """SHA-256 over the ordered records: identity, label, kinds and text."""
    state = hashlib.sha256()
    for record in records:
        line = [record.id, record.source, record.content_kind, record.label, record.labels, record.text]
        state.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return state.hexdigest()


def is_synthetic(source: str) -> bool:
    return source.startswith(("synth_", "own_"))


def fold_of_sources(records: list[Record], folds: int) -> dict[str, int]:
    """Whole sources to folds, so that each fold has its share of attacks and of benign texts of each content kind. Greedy, biggest first."""
    sizes: dict[str, dict[tuple, int]] = {}
    for record in records:
        cell = (record.label, record.content_kind)
        sizes.setdefault(record.source, {}).setdefault(cell, 0)
        sizes[record.source][cell] += 1
    cells = {cell for counts in sizes.values() for cell in counts}
    totals = {cell: sum(counts.get(cell, 0) for counts in sizes.values()) for cell in cells}
    load = [dict.fromkeys(cells, 0.0) for _ in range(folds)]
    result = {}
    for source in sorted(sizes, key=lambda name: (-max(sizes[name][c] / totals[c] for c in sizes[name]), name)):
        shares = {cell: count / totals[cell] for cell, count in sizes[source].items()}
        best = min(range(folds), key=lambda n: (sum(load[n][cell] * share for cell, share in shares.items()), sum(load[n].values()), n))
        result[source] = best
        for cell, share in shares.items():
            load[best][cell] += share
    return result


# Records of ours that no rule was tuned on and no stage learned from.
UNSEEN = Path(__file__).parent / "unseen"
UNSEEN_SECOND = Path(__file__).parent / "unseen-second"


def is_written(source: str) -> bool:
    """One of ours in `written/`: each record worded by itself."""
    return source.startswith("written_")
