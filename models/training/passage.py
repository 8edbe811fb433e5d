"""The text that is classified, as the Rust side cuts it out of a content: folded, JSON as its strings one after another."""

import json

from fold import fold

LONGEST_PAIR = 512
SHORTEST_NUMBER = 9


class _Number(str):
    """A number as it is written."""


def _leaves(value, out: list[str]) -> None:
    # Iterative: the depth of a text is not ours to choose.
    stack = [(None, value)]
    while stack:
        name, value = stack.pop()
        pair = name is not None and isinstance(value, str) and " " not in value and len(value.encode()) <= LONGEST_PAIR
        pair = pair and (isinstance(value, _Number) or json.dumps(value, ensure_ascii=False) == f'"{value}"')
        if isinstance(value, _Number) and len(value) < SHORTEST_NUMBER:
            pair, value = False, None
        if pair:
            out.append(f"{name}: {value}")
            continue
        if name is not None:
            out.append(name)
        if isinstance(value, str):
            out.append(value)
        elif isinstance(value, _Members):
            stack.extend(reversed(value.items))
        elif isinstance(value, list):
            stack.extend((None, item) for item in reversed(value))


class _Members:
    def __init__(self, items):
        self.items = items


def strings_of(text: str) -> str | None:
    """The strings of a JSON text, a line each; None if it is none."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    try:
        value = json.loads(text.lstrip("\ufeff"), object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, strict=True)
    except (ValueError, RecursionError):
        return None
    out: list[str] = []
    _leaves(value, out)
    return "\n".join(out)


def mostly_look_alike(text: str) -> bool:
    """Whether most letters are Greek, Cyrillic or Armenian: folding would garble those rather than unmask them."""
    data = text.encode("utf-8", "replace")
    alike = sum(0xCD <= byte <= 0xD6 for byte in data)
    return alike > 2 * sum(65 <= byte <= 90 or 97 <= byte <= 122 for byte in data)


def passage(text: str) -> str:
    text = strings_of(text) or text
    return text if not text.isascii() and mostly_look_alike(text) else fold(text)
