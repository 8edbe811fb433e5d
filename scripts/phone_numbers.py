"""Writes engine/core/src/detect/phone/numbers.in: which digits after a + are a telephone number somewhere.

The patterns are those of Google's libphonenumber, by way of its Python port:

    pip install phonenumbers==9.0.43 && python scripts/phone_numbers.py

All patterns of all countries, each with its calling code before it, become one minimal automaton over digits. It has no loops,
for no number is of any length. A line of the file is a state: where each digit leads (0: nowhere; a state counts from 1), and
`*` if a number may end there. The first line is the start.
"""

import pathlib
import re._parser as parser
import sys

import phonenumbers
from phonenumbers import PhoneMetadata

TYPES = (
    "fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail".split()
)
OUT = pathlib.Path(__file__).parent.parent / "engine/core/src/detect/phone/numbers.in"


class Nfa:
    def __init__(self):
        self.empty, self.steps = [], []

    def state(self):
        self.empty.append([])
        self.steps.append([])
        return len(self.empty) - 1

    def add(self, pattern, start, end):
        at = start
        for op, arg in pattern:
            to = self.state()
            self.one(str(op), arg, at, to)
            at = to
        self.empty[at].append(end)

    def one(self, op, arg, start, end):
        if op == "LITERAL":
            self.steps[start].append((frozenset([int(chr(arg))]), end))
        elif op == "IN":
            self.steps[start].append((members(arg), end))
        elif op == "SUBPATTERN":
            self.add(arg[3], start, end)
        elif op == "BRANCH":
            for branch in arg[1]:
                self.add(branch, start, end)
        elif op == "MAX_REPEAT":
            low, high, body = arg
            at = start
            for count in range(int(high)):
                if count >= low:
                    self.empty[at].append(end)
                to = self.state()
                self.add(body, at, to)
                at = to
            self.empty[at].append(end)
        else:
            sys.exit(f"a pattern has {op}")

    def closure(self, states):
        seen, todo = set(states), list(states)
        while todo:
            for to in self.empty[todo.pop()]:
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        return frozenset(state for state in seen if self.steps[state] or state == 1)


def members(items):
    digits = set()
    for op, arg in items:
        if str(op) == "LITERAL":
            digits.add(int(chr(arg)))
        elif str(op) == "RANGE":
            digits.update(range(int(chr(arg[0])), int(chr(arg[1])) + 1))
        elif str(op) == "CATEGORY":
            digits.update(range(10))
        else:
            sys.exit(f"a class has {op}")
    return frozenset(digits)


def main():
    nfa = Nfa()
    start, end = nfa.state(), nfa.state()
    every = [PhoneMetadata.metadata_for_region(region) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]
    every += [PhoneMetadata.metadata_for_nongeo_region(code) for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)]
    for country in every:
        patterns = {getattr(country, sort).national_number_pattern for sort in TYPES if getattr(country, sort)}
        for pattern in sorted(pattern for pattern in patterns if pattern and pattern != "NA"):
            nfa.add(parser.parse(f"{country.country_code}(?:{pattern})"), start, end)

    # Bottom up: states with the same continuations are one state.
    lines, known, done = [], {}, {}

    def number(states):
        if states in done:
            return done[states]
        row = []
        for digit in range(10):
            to = nfa.closure({to for state in states for some, to in nfa.steps[state] if digit in some})
            row.append(number(to) if to else 0)
        key = (tuple(row), end in states)
        if key not in known:
            lines.append(key)
            known[key] = len(lines)
        done[states] = known[key]
        return known[key]

    number(nfa.closure({start}))
    # The start is made last and has to be first: number from the other end.
    count = len(lines)
    flip = lambda state: count + 1 - state if state else 0
    with OUT.open("w") as out:
        for row, final in reversed(lines):
            out.write(" ".join(str(flip(to)) for to in row) + (" *" if final else "") + "\n")
    print(f"{count} states, libphonenumber {phonenumbers.__version__}")


if __name__ == "__main__":
    main()
