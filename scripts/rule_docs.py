#!/usr/bin/env python3
"""Writes docs/rules/ from the rule files: a page per family, and an index that counts phrases by language.

    python3 scripts/rule_docs.py            writes the pages
    python3 scripts/rule_docs.py --check    only says which pages are not what the rules give
"""

import math
import pathlib
import re
import sys
import tomllib
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = ROOT / "engine" / "core" / "rules"
DOCS = ROOT / "docs" / "rules"
LONGEST = 200

FAMILIES = {
    "injection": "Orders that replace, override, extract or impersonate instructions.",
    "jailbreak": "Personas and frameworks that talk a model out of its rules.",
    "hidden-text": "Text a person does not see and a model does.",
    "exfiltration": "Channels that carry data out: images, links, active markup, terminal escapes, commands.",
    "tool-poisoning": "Orders hidden in tool metadata.",
    "tool-misuse": "Calls, arguments and messages that no honest use of a tool needs.",
    "secret": "Credentials. Those shown here are invented.",
    "pii": "Personal data with a checkable form.",
}
LANGUAGES = {
    "ar": "Arabic", "bn": "Bengali", "de": "German", "es": "Spanish", "fa": "Persian", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese",
    "ru": "Russian", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese (simplified)",
    "zh-hant": "Chinese (traditional)",
}  # fmt: skip
MARK = re.compile(r"^\s*# ([a-z]{2}(?:-[a-z]+)?)$")
GROUP = re.compile(r"\(\?:([^()]*)\)(\??)")


def shown(text):
    """Text as inline code on one line: what cannot be seen is escaped, what is long is cut."""
    text = "".join(
        f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cn") and c != "\n" else c for c in text[: LONGEST + 1]
    )
    text = text.replace("\n", "\\n")
    text = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") or text != text.strip() else ""
    return f"{fence}{space}{text}{space}{fence}"


def page(family, rules):
    lines = [
        f"# Rules: {family}",
        "",
        "<!-- Written by scripts/rule_docs.py from engine/core/rules; do not edit. -->",
        "",
        f"{FAMILIES[family]} {len(rules)} rules.",
        "",
        "*Alone* says what a match does under the shipped policy when nothing else was found. To turn a rule off, or to make it act",
        "differently, put its id into a policy file (`tamiz scan --policy FILE`):",
        "",
        "```toml",
        "[[override]]",
        f'rules = ["{rules[0]["id"]}"]   # or "{family}.*" for the family',
        'action = "allow"',
        "",
        "[[suppress]]                       # for one tool, and not for ever",
        f'rules = ["{rules[0]["id"]}"]',
        'tools = ["search_manual"]',
        "until = 2026-12-31",
        'reason = "The manual quotes it; seen by K. Lind."',
        "```",
        "",
        "[policy.md](../policy.md) has the rest.",
        "",
    ]
    for rule in rules:
        kinds = ", ".join(rule.get("content_kinds", ["all kinds of content"]))
        lines += [
            f"## {rule['id']}",
            "",
            f"**{rule['title']}.** Severity {rule['severity']}, confidence {rule['confidence']}; alone: {alone(rule)}. Looks at {kinds}.",
            "",
            f"{rule['description']}",
            "",
            f"*Why it matters:* {rule['why']}",
            "",
            f"*What to do:* {rule['remedy']}",
            "",
            "*Finds:* " + " · ".join(map(shown, rule["examples"][:3])),
            "",
            "*Leaves alone:* " + " · ".join(map(shown, rule["negative_examples"][:3])) + " What is closer to an attack than this may be found.",
            "",
        ]
    return "\n".join(lines)


def alone(rule):
    """What the shipped policy does with this rule's evidence alone: it flags at 0.30 and blocks at 0.85."""
    severity = {"info": 0, "low": 0.25, "medium": 0.5, "high": 0.9, "critical": 0.97}[rule["severity"]]
    weight = severity * {"low": 0.5, "medium": 0.8, "high": 1}[rule["confidence"]]
    return "blocked" if weight >= 0.85 else "flagged" if weight >= 0.30 else "noted"


def phrases_by_language(files):
    """How many wordings the lines under a language's mark, and the files named after a language, stand for."""
    counts = dict.fromkeys(LANGUAGES, 0)
    for path in files:
        named = path.stem.rpartition("-")[2]
        language = named if named in LANGUAGES else None
        for line in path.read_text(encoding="utf-8").splitlines():
            if mark := MARK.match(line):
                language = mark[1]
            elif line.startswith("]"):
                language = named if named in LANGUAGES else None
            elif language and line.startswith("  "):
                counts[language] += wordings(line.strip())
    return counts


def wordings(line):
    """The number of texts a phrase template stands for; of an expression, only what plain alternatives give."""
    if line.startswith('"'):
        return math.prod(len(choice.split("|")) for choice in re.findall(r"\{([^{}]*)\}", line))
    if line.startswith("'''"):
        return math.prod(len(choice.split("|")) + bool(optional) for choice, optional in GROUP.findall(line))
    return 0


def index(families, counts):
    lines = [
        "# Rules",
        "",
        "<!-- Written by scripts/rule_docs.py from engine/core/rules; do not edit. -->",
        "",
        "What the built-in rules look for, why, and what they leave alone. How a rule is written is in [rule-format.md](../rule-format.md).",
        "",
        "| family | rules | what |",
        "|---|---:|---|",
        *(f"| [{name}]({name}.md) | {len(rules)} | {FAMILIES[name]} |" for name, rules in families.items()),
        "",
        "## Languages",
        "",
        "English is in all rules. For other languages, these many wordings are spelled out: alternatives of phrases multiplied out, and of",
        "expressions the alternatives in fixed words (what an expression allows between them is not counted).",
        "",
        "| language | wordings |",
        "|---|---:|",
        *(f"| {LANGUAGES[language]} | {count:,} |" for language, count in sorted(counts.items(), key=lambda item: LANGUAGES[item[0]])),
        "",
    ]
    return "\n".join(lines)


def main():
    families, files = {name: [] for name in FAMILIES}, sorted(RULES.glob("*/*.toml"))
    for path in files:
        families[path.parent.name].append(tomllib.loads(path.read_text(encoding="utf-8")))
    pages = {f"{name}.md": page(name, rules) for name, rules in families.items()}
    pages["README.md"] = index(families, phrases_by_language(files))
    if "--check" in sys.argv[1:]:
        there = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
        wrong = sorted(name for name in pages.keys() | there.keys() if pages.get(name) != there.get(name))
        print(f"not what the rules give: {', '.join(wrong)}; run python3 scripts/rule_docs.py" if wrong else f"docs/rules: {len(pages)} pages, as the rules say")
        return 1 if wrong else 0
    DOCS.mkdir(exist_ok=True)
    for name, text in pages.items():
        (DOCS / name).write_text(text, encoding="utf-8")
    print(f"docs/rules: {len(pages)} pages for {len(files)} rules")
    return 0


if __name__ == "__main__":
    sys.exit(main())
