#!/usr/bin/env python3
"""Counts the instructions of a scan and compares them with what was agreed: a gate on speed that a busy machine does not upset.

    python3 scripts/instructions.py            # compare; ends with 1 if a sort of text is off by more than the tolerance
    python3 scripts/instructions.py --bless    # write the numbers of this tree to benches/expected/instructions.json
    python3 scripts/instructions.py --stages   # where they go: instructions per byte and stage

Runs engine/core/examples/instructions.rs under callgrind. Instructions are not time (a cache miss is none), but they are the same
on every run to about 0.1 %; three percent is beyond what a compiler's mood or a hash's seed does. Fewer instructions than agreed
fail too: bless them, so that the next one who loses them hears of it.

Needs valgrind and a processor with AVX2 (other kernels run without it, and valgrind knows no AVX-512); else it says so and skips.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
AGREED = ROOT / "benches" / "expected" / "instructions.json"
TOLERANCE = 0.03
# Where the function `measured` of the example is entered and left.
FUNCTION = "instructions::measured"
# The functions that the stages of a scan are; what one of them does inside another is not counted twice.
STAGES = {
    "read": "tamiz_core::content::document::Document::read",
    "fold": "tamiz_core::view::layers::Layers::fold",
    "find": "<tamiz_core::matching::gram::Worker as tamiz_core::matching::Searcher>::find",
    "confirm": "tamiz_core::detect::confirm::Confirmer::run",
    "numbers": "tamiz_core::detect::shape::run_shapes",
    "detectors": "tamiz_core::detect::run_detectors",
    "views": "tamiz_core::view::layers::Layers::deepen",
}
INSIDE = {"find": "confirm"}
SIZE = 2048


def why_not():
    """Why nothing can be counted here, if so."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed (Debian, Ubuntu: apt-get install valgrind)"
    cpu = pathlib.Path("/proc/cpuinfo")
    if not cpu.exists() or not re.search(r"\bavx2\b", cpu.read_text()):
        return "the agreed numbers are those of the AVX2 kernels, and this processor has none"
    return None


def build():
    """The example's program, built as releases are."""
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--package", "tamiz-core", "--example", "instructions"]
    output = subprocess.run([*command, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    programs = [json.loads(line).get("executable") for line in output.splitlines()]
    return next(program for program in reversed(programs) if program)


def count(program, of_profile):
    """By sort of text, what `of_profile` makes of its profile and its number of messages."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={FUNCTION}", f"--dump-after={FUNCTION}"]
        # Seeds, locale and the like change where things lie on the stack, and so nothing that is counted; but they need not differ.
        run = subprocess.run([*command, program], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"callgrind failed:\n{run.stderr}")
        counts = {}
        for number, line in enumerate(run.stdout.splitlines(), 1):
            sort, runs = line.split()
            profile = pathlib.Path(f"{out}.{number}").read_text()
            counts[sort] = of_profile(profile, int(runs))
    if not counts or not all(counts.values()):
        sys.exit(f"nothing was counted: is there still a function {FUNCTION} in the example? {counts}")
    return counts


def total(profile, runs):
    """Instructions per message."""
    return round(int(re.search(r"^(?:totals|summary): (\d+)", profile, re.M).group(1)) / runs)


NAMES = {}


def stages(profile, runs):
    """Instructions per message by stage, with all that a stage calls."""
    inclusive, current = {}, None
    for line in profile.splitlines():
        # A name stands only where it is used first, in whichever profile that is.
        if match := re.match(r"c?fn=\((\d+)\)(?: (.*))?$", line):
            number, name = match.groups()
            if name:
                # Callgrind numbers recursion and compilers number copies.
                NAMES[number] = re.sub(r"'\d+$", "", name)
            if line.startswith("fn="):
                current = NAMES.get(number)
        elif match := re.match(r"(?:\+|-)?(?:\d+|\*) (\d+)$", line):
            # The cost of the function's own lines, or (after `calls=`) that of what it calls.
            inclusive[current] = inclusive.get(current, 0) + int(match.group(1))
    found = {stage: inclusive.get(name, 0) / runs for stage, name in STAGES.items()}
    if missing := [stage for stage, cost in found.items() if not cost]:
        sys.exit(f"{', '.join(missing)}: not seen; inlined into another function?")
    for inner, outer in INSIDE.items():
        found[outer] -= found[inner]
    return found | {"all": total(profile, runs)}


def print_stages(program):
    """A table in Markdown."""
    columns = [*STAGES, "all"]
    print("| 2 KB of | " + " | ".join(columns) + " |\n| --- |" + " ---: |" * len(columns))
    for sort, found in count(program, stages).items():
        print(f"| {sort} | " + " | ".join(f"{found[column] / SIZE:.1f}" for column in columns) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bless", action="store_true", help="agree to the numbers of this tree")
    parser.add_argument("--stages", action="store_true", help="print instructions per byte and stage")
    args = parser.parse_args()
    if why := why_not():
        print(f"skipped: {why}")
        sys.exit(1 if args.bless else 0)
    if args.stages:
        print_stages(build())
        return
    rustc = subprocess.run(["rustc", "--version"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    counts = count(build(), total)
    if args.bless:
        agreed = {"size_bytes": SIZE, "rustc": rustc, "instructions_per_message": counts}
        AGREED.write_text(json.dumps(agreed, indent=2) + "\n")
    if not AGREED.exists():
        sys.exit(f"{AGREED.relative_to(ROOT)} is missing; --bless writes it. Counted: {counts}")
    agreed = json.loads(AGREED.read_text())
    if agreed["rustc"] != rustc:
        print(f"skipped: the numbers were agreed with {agreed['rustc']}, and this is {rustc}; its code is not the same")
        return
    before, off = agreed["instructions_per_message"], []
    print(f"{'text of 2 KB':14}{'agreed':>12}{'now':>12}{'change':>9}   (tolerance {TOLERANCE:.0%})")
    for sort in sorted(before.keys() | counts.keys()):
        was, now = before.get(sort), counts.get(sort)
        change = now / was - 1 if was and now else float("inf")
        if abs(change) > TOLERANCE:
            off.append(sort)
        print(f"{sort:14}{was or '-':>12}{now or '-':>12}{change:>+9.2%}")
    if off:
        sys.exit(f"{', '.join(off)}: not what was agreed. If it is meant: python3 scripts/instructions.py --bless")


if __name__ == "__main__":
    main()
