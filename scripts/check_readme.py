#!/usr/bin/env python3
"""Runs the commands of README.md and compares what it claims.

    python3 scripts/check_readme.py PROGRAM

Every ```sh block is run, with PROGRAM as `tamiz`, in a scratch folder that has the repository's folders. A comment on the line
before a block says otherwise:

    <!-- exit: N -->         it ends with N instead of 0
    <!-- not run: WHY -->    it is not run (also on the line after the block)
    <!-- output -->          of a text block: its lines are in the output of the last command, a line of just … aside
    <!-- file: NAME -->      the block is written to NAME
    <!-- same as: FILE -->   of a rust block: FILE has it as a doc example

Links to files of the repository must lead somewhere.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(?:^<!-- (?P<note>.+?) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$(?:\n<!-- (?P<after>not run: .+?) -->$)?", re.M | re.S)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    problems, ran, output = [], 0, ""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for folder in ("examples", "proto", "docs"):
            (scratch / folder).symlink_to(ROOT / folder)
        (scratch / "bin").mkdir()
        (scratch / "bin" / "tamiz").symlink_to(program)
        environment = os.environ | {"XDG_DATA_HOME": str(scratch / "no-models"), "PATH": f"{scratch / 'bin'}:{os.environ['PATH']}", "NO_COLOR": "1"}
        for block in BLOCK.finditer(readme):
            note, _, value = (block["after"] or block["note"] or "").partition(": ")
            line = readme[: block.start("text")].count("\n") + 1
            text = block["text"]
            if note == "file":
                (scratch / value).write_text(text, encoding="utf-8")
            elif note == "output":
                there = output.splitlines()
                missing = [wanted for wanted in text.splitlines() if wanted != "…" and wanted not in there]
                problems += [f"line {line}: the command does not print {wanted!r}" for wanted in missing]
            elif note == "same as":
                if plain(text) not in examples((ROOT / value).read_text(encoding="utf-8")):
                    problems.append(f"line {line}: {value} has no such example")
            elif block["kind"] == "sh" and note != "not run":
                expected = int(value) if note == "exit" else 0
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=scratch, env=environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                output, ran = done.stdout + done.stderr, ran + 1
                if done.returncode != expected:
                    problems.append(f"line {line}: ended with {done.returncode}, not {expected}: {text.strip()}\n{done.stderr}")
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        if not (ROOT / link).exists():
            problems.append(f"no such file: {link}")
    print("\n".join(problems) or f"README.md: {ran} blocks of commands run, all as it says")
    return 1 if problems else 0


def plain(code):
    """Code without blank lines at its ends."""
    return code.strip()


def examples(source):
    """The code blocks in the `//!` and `///` comments of a Rust file, without hidden lines."""
    lines = [re.sub(r"^\s*//[!/] ?", "", line) for line in source.splitlines() if re.match(r"\s*//[!/]", line)]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", "\n".join(lines), re.M | re.S)
    code = [text for kind, text in blocks if kind in ("", "rust")]
    return [plain("\n".join(line for line in text.splitlines() if not re.match(r"# |#$", line))) for text in code]


if __name__ == "__main__":
    sys.exit(main())
