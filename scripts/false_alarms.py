#!/usr/bin/env python3
"""Counts findings in ordinary text: code, lock files, logs and prose that nobody attacks with and nothing leaks from.

    python3 scripts/false_alarms.py [--tamiz PROGRAM] [--most N] [--list] [FOLDER ...]

Reads the text files of the folders (default: the sources that Cargo has unpacked, which every checkout has after a build) and, to go with them,
20,000 lines of logs made here from a fixed seed. Each is cut into pieces of 200 lines, because that is how such text reaches a model. A
rule counts once for each of its findings in a piece where it alone would make the policy flag or block; a piece that is flagged by
several rules together counts once more. Some of what is found is really there: keys in tests, addresses of authors. `--list` shows
every finding with its text, to be judged one by one.

Ends with 1 if there are more than N findings per 10,000 lines (default 1), counting leak rules, and prints the other families apart.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

PIECE = 200
KINDS = {
    ".rs": "code", ".c": "code", ".h": "code", ".py": "code", ".js": "code", ".sh": "code", ".ts": "code", ".go": "code", ".cpp": "code",
    ".lock": "lock", ".toml": "lock", ".md": "prose", ".txt": "prose", ".rst": "prose", ".json": "data", ".yml": "data", ".yaml": "data",
    ".log": "log",
}  # fmt: skip
LEAKS = ("secret", "pii")


def logs(lines):
    """Lines as web servers, containers, build machines and schedulers write them."""
    drawn = random.Random(20261122)
    hexes = lambda n: "".join(drawn.choice("0123456789abcdef") for _ in range(n))
    uuid = lambda: "-".join(hexes(n) for n in (8, 4, 4, 4, 12))
    words = "cache queue index worker shard lease upload batch session token user key secret report invoice payment".split()
    day = lambda: f"2026-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
    time = lambda: f"{drawn.randint(0, 23):02}:{drawn.randint(0, 59):02}:{drawn.randint(0, 59):02}"
    makers = [
        lambda: f"{day()}T{time()}.{drawn.randint(0, 999):03}Z INFO  {drawn.choice(words)}: request {uuid()} took {drawn.randint(1, 9999)} ms",
        lambda: f'10.0.{drawn.randint(0, 255)}.{drawn.randint(1, 254)} - - [{day()} {time()}] "GET /static/{hexes(20)}.js HTTP/1.1" 200 {drawn.randint(99, 99999)}',
        lambda: f"{time()} [{drawn.randint(100, 99999)}] DEBUG {drawn.choice(words)}_{drawn.choice(words)} id={drawn.randint(10**9, 10**16)} etag={hexes(32)}",
        lambda: f"sha256:{hexes(64)}: pulling fs layer, {drawn.randint(1, 900)}.{drawn.randint(0, 9)} MB",
        lambda: f"commit {hexes(40)} ({drawn.choice(words)}/{drawn.randint(1, 9999)}): {drawn.choice(words)} {drawn.choice(words)} moved",
        lambda: f"    at org.acme.{drawn.choice(words)}.{drawn.choice(words).title()}Handler.handle({drawn.choice(words).title()}.java:{drawn.randint(1, 2000)})",
        lambda: f"kernel: [{drawn.randint(1, 99999)}.{drawn.randint(0, 999999):06}] eth0: rx_bytes={drawn.randint(10**8, 10**13)} seq={drawn.randint(10**8, 10**10)}",
        lambda: f"trace_id={hexes(32)} span_id={hexes(16)} {drawn.choice(words)}={drawn.randint(0, 10**6)} status=ok",
        lambda: f"order {drawn.randint(10**9, 10**12)} shipped in {drawn.randint(1, 9)} parcels, tracking {drawn.randint(10**11, 10**15)}",
        lambda: f"WARN {drawn.choice(words)} expired; renewing in {drawn.randint(1, 60)} s (attempt {drawn.randint(1, 5)}, next {day()} {time()})",
    ]
    return [drawn.choice(makers)() for _ in range(lines)]


def pieces(folders, extra):
    """Records of text with what sort of text it is and where it starts."""
    files = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix in KINDS and path.is_file() and path.stat().st_size < 1 << 20:
                files.append((f"{path.relative_to(folder)}", KINDS[path.suffix], path))
    for name, kind, path in files:
        try:
            yield name, kind, path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
    yield "(generated)", "log", extra


def main():
    cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("folders", nargs="*", default=[str(cargo / "registry" / "src")], metavar="FOLDER")
    options.add_argument("--tamiz", default="target/release/tamiz", metavar="PROGRAM")
    options.add_argument("--rules", metavar="DIR", help="passed on to the program")
    options.add_argument("--most", type=float, default=1.0, metavar="N", help="findings per 10,000 lines")
    options.add_argument("--list", action="store_true", help="show each finding with its text")
    given = options.parse_args()
    for folder in given.folders:
        if not pathlib.Path(folder).is_dir():
            sys.exit(f"{folder}: no such folder; name one with text files in it")

    lines, where = collections.Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        records = pathlib.Path(scratch) / "pieces.jsonl"
        with records.open("w", encoding="utf-8") as out:
            for name, kind, text in pieces(given.folders, logs(20_000)):
                lines[kind] += len(text)
                for at in range(0, len(text), PIECE):
                    where.append((name, kind, at + 1))
                    out.write(json.dumps({"text": "\n".join(text[at : at + PIECE])}, ensure_ascii=False) + "\n")
        command = [given.tamiz, "scan", "--format", "jsonl", "--output", "jsonl", "--kind", "tool-output", str(records)]
        command += ["--excerpts"] if given.list else []
        command += ["--rules", given.rules] if given.rules else []
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        reports = [json.loads(line) for line in ran.stdout.splitlines()]
    reports = [report for report in reports if "verdict" in report]
    if ran.returncode not in (0, 1) or len(reports) != len(where):
        sys.exit(f"{given.tamiz} inspected {len(reports)} of {len(where)} pieces and ended with {ran.returncode}")

    by_rule, by_kind, other = collections.Counter(), collections.Counter(), collections.Counter()
    partly = sum(not report["coverage"]["complete"] for report in reports)
    for (name, kind, line), report in zip(where, reports):
        if report["verdict"]["action"] == "allow":
            continue
        acting = {reason["code"]: reason.get("family") for reason in report["verdict"]["reasons"] if reason["action"] != "allow"}
        found = [finding for finding in report["findings"] if finding["rule"] in acting]
        if not found:
            together = sorted(reason["code"] for reason in report["verdict"]["reasons"] if reason["code"] != "incomplete")
            if len(together) < 2:
                continue
            by_rule["together: " + ", ".join(together)] += 1
            by_kind[kind] += 1
            if given.list:
                print(f"{name}, from line {line}: together: {', '.join(together)}")
        for finding in found:
            if finding["family"] in LEAKS:
                by_rule[finding["rule"]] += 1
                by_kind[kind] += 1
            else:
                other[finding["rule"]] += 1
            if given.list:
                print(f"{name}, from line {line}: {finding['rule']}: {finding.get('excerpt', '')[:100]!r}")
    total = sum(lines.values())
    print("lines:", ", ".join(f"{count:,} {kind}" for kind, count in lines.most_common()))
    for title, counts in (("leak rules", by_rule), ("other rules", other)):
        print(f"{title}: {sum(counts.values())} findings at flag or above, {sum(counts.values()) * 10_000 / total:.2f} per 10,000 lines")
        for rule, count in counts.most_common():
            print(f"  {count:5} {rule}")
    print(f"not fully inspected: {partly} of {len(reports)} pieces")
    print("leaks by sort of text:", ", ".join(f"{kind} {count}" for kind, count in by_kind.most_common()) or "none")
    return int(sum(by_rule.values()) * 10_000 > given.most * total)


if __name__ == "__main__":
    sys.exit(main())
