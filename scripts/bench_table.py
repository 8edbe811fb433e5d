#!/usr/bin/env python3
"""Prints what `cargo bench --bench stages` measured as one table, and draws it.

    python3 scripts/bench_table.py target/criterion target/bench.svg
"""

import html
import json
import math
import pathlib
import sys

# In the order of the table: the stages, then what else does on the same text. Other folders are from other benchmarks.
GROUPS = {
    "scan": "#d62728",
    "phrases": "#ff7f0e",
    "classes": "#2ca02c",
    "fold": "#1f77b4",
    "memcpy": "#000000",
    "memchr": "#7f7f7f",
    "aho-corasick-dfa": "#9467bd",
    "aho-corasick-nfa": "#9467bd",
    "regex-50": "#8c564b",
    "hyperscan-one-literal": "#bcbd22",
    "hyperscan-literals": "#17becf",
    "hyperscan-expressions": "#e377c2",
}
WIDTH, HEIGHT, MARGIN, LEGEND = 360, 240, 46, 40


def read(folder):
    """Nanoseconds a message by group, text and size. A median, as `tamiz bench` has it."""
    figures = {}
    for file in folder.glob("**/new/benchmark.json"):
        about = json.loads(file.read_text())
        if about["group_id"] in GROUPS and about["value_str"]:
            estimates = json.loads((file.parent / "estimates.json").read_text())
            key = about["group_id"], about["function_id"], int(about["value_str"])
            figures[key] = estimates["median"]["point_estimate"]
    return figures


def words(size):
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB" if size >= 1 << 10 else f"{size} B"


def micros(ns):
    return f"{ns / 1e3:.3f}" if ns < 1e4 else f"{ns / 1e3:.1f}" if ns < 1e6 else f"{ns / 1e3:.0f}"


def table(figures, groups, texts, sizes):
    wide = max(len(text) for text in texts)
    print(f"\n{'':22} {'':{wide}}" + "".join(f"{words(size):>20}" for size in sizes))
    print(f"{'':22} {'':{wide}}" + f"{'µs':>11}{'MB/s':>9}" * len(sizes))
    for group in groups:
        for text in texts:
            row = [figures.get((group, text, size)) for size in sizes]
            if any(row):
                cells = (f"{micros(ns):>11}{size / ns * 1e3:>9.0f}" if ns else " " * 20 for ns, size in zip(row, sizes))
                print(f"{group:22} {text:{wide}}" + "".join(cells).rstrip())


def plot(figures, groups, texts, sizes):
    """A panel for each text: size against speed, both in logarithms."""
    speeds = [size / ns * 1e3 for (_, _, size), ns in figures.items()]
    low, high = math.floor(math.log10(min(speeds))), math.ceil(math.log10(max(speeds)))
    columns = 3
    rows = math.ceil(len(texts) / columns)
    total = columns * WIDTH, rows * HEIGHT + LEGEND
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]} {total[1]}" font-family="sans-serif" font-size="11">',
        f'<rect width="{total[0]}" height="{total[1]}" fill="white"/>',
    ]
    first, last = math.log2(sizes[0]), max(math.log2(sizes[-1]), math.log2(sizes[0]) + 1)
    for number, text in enumerate(texts):
        left, top = number % columns * WIDTH + MARGIN, number // columns * HEIGHT + 24
        wide, high_ = WIDTH - MARGIN - 14, HEIGHT - 24 - 30
        across = lambda size: left + (math.log2(size) - first) / (last - first) * wide
        down = lambda speed: top + high_ - (math.log10(speed) - low) / (high - low) * high_
        out.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{html.escape(text)}, MB/s</text>')
        for power in range(low, high + 1):
            y = down(10**power)
            out.append(f'<path d="M{left} {y:.1f}h{wide}" stroke="#ddd"/>')
            out.append(f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{10**power:g}</text>')
        for size in sizes:
            out.append(f'<text x="{across(size):.1f}" y="{top + high_ + 14}" text-anchor="middle">{words(size)}</text>')
        for group in groups:
            points = [(size, size / ns * 1e3) for size in sizes if (ns := figures.get((group, text, size)))]
            line = " ".join(f"{across(size):.1f},{down(speed):.1f}" for size, speed in points)
            wider = 2.5 if group == "scan" else 1.3
            out.append(f'<polyline points="{line}" fill="none" stroke="{GROUPS[group]}" stroke-width="{wider}"/>')
    for number, group in enumerate(groups):
        x, y = 12 + number % 6 * 175, rows * HEIGHT + 14 + number // 6 * 16
        out.append(f'<path d="M{x} {y - 4}h18" stroke="{GROUPS[group]}" stroke-width="3"/><text x="{x + 24}" y="{y}">{group}</text>')
    return "\n".join([*out, "</svg>\n"])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    figures = read(pathlib.Path(sys.argv[1]))
    if not figures:
        sys.exit(f"{sys.argv[1]}: no figures; cargo bench --bench stages makes them")
    groups = [group for group in GROUPS if any(key[0] == group for key in figures)]
    texts = sorted({key[1] for key in figures}, key=lambda text: (text.startswith("adversarial"), text == "hard", text))
    sizes = sorted({key[2] for key in figures})
    table(figures, groups, texts, sizes)
    drawn = [text for text in texts if sum((groups[0], text, size) in figures for size in sizes) > 1]
    if drawn:
        target = pathlib.Path(sys.argv[2])
        target.write_text(plot(figures, groups, drawn, sizes), encoding="utf-8")
        print(f"\nplot: {target}")


if __name__ == "__main__":
    main()
