"""Folding as `Folder` of tamiz-core does it: both stages are trained on what they will be shown.

`fold_table.tsv` is the table that engine/core/build/fold.rs makes, one changed character a line: code point, tab, replacement
(nothing: dropped). After a change of that file: `cargo build -p tamiz-core && python fold.py TARGET_DIR`.
"""

import re
import sys
from pathlib import Path

TABLE = Path(__file__).with_name("fold_table.tsv")
_SPACES = re.compile(" {2,}")


def _load() -> dict[int, str]:
    table = {code: None for code in (*range(0x20), 0x7F)}
    table.update({code: " " for code in range(0x09, 0x0E)})
    table.update({code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        code, replacement = line.split("\t")
        table[int(code, 16)] = replacement
    return table


_FOLD = _load()


def fold(text: str) -> str:
    return _SPACES.sub(" ", text.translate(_FOLD))


def _unescape(literal: str) -> str:
    literal = re.sub(r"\\u\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), literal)
    simple = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "'": "'", '"': '"', "\\": "\\"}
    return re.sub(r"\\(.)", lambda m: simple[m[1]], literal)


def generate(target: Path) -> str:
    """The table in the form of `fold_table.tsv`, from the Rust source that the build script wrote last."""
    built = max(target.rglob("fold_table.rs"), key=lambda file: file.stat().st_mtime)
    source = built.read_text(encoding="utf-8")
    pages = [int(n) for n in re.search(r"PAGES: [^=]*= \[([^\]]*)\]", source)[1].split(",")]
    entries = [int(n) for n in re.search(r"ENTRIES: [^=]*= \[([^\]]*)\]", source)[1].split(",")]
    pool = _unescape(re.search(r'POOL: &str = "(.*)";', source)[1]).encode()
    lines = []
    for page, start in enumerate(pages):
        for low in range(256):
            entry, code = entries[start * 256 + low], page << 8 | low
            if entry == 0 or code < 0x80:
                continue
            replacement = {1: "", 2: " "}.get(entry)
            if replacement is None:
                offset, size = entry >> 8, entry & 0xFF
                replacement = pool[offset : offset + size].decode()
            lines.append(f"{code:04x}\t{replacement}\n")
    return "".join(lines)


if __name__ == "__main__":
    TABLE.write_text(generate(Path(sys.argv[1])), encoding="utf-8")
