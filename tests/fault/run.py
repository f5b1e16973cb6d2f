#!/usr/bin/python3
"""Does harm and counts what was survived.

    run.py WGF_BINARY HARM_LIBRARY SWEEP_SH [--minutes M] [--only WORD] [--seed S] [--write README]

Each fault as often as CI asks for; with --minutes, all in turn until the time is over. Ends with a table. With --write
each fault comes as often as CI asks for in any case; the table then goes between the two `harm` marks of a document,
promise by promise, unless a sweep did not survive.
"""

import argparse
import itertools
import os
import random
import re
import sys
import time
from pathlib import Path

from bench import SMALL, Bench, remove_shared_memory
from harness import Skip
from promises import FAULTS, PROMISES, untried
import checkpoints, faults, reads, results, sweeps, writers  # register the faults


def read_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("program", type=Path)
    parser.add_argument("harm", type=Path)
    parser.add_argument("sweep", type=Path)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    return parser.parse_args()


class Tally:
    def __init__(self, name):
        self.name, self.sweeps, self.harm, self.bad, self.seconds, self.skipped = name, 0, 0, 0, 0.0, None

    def count(self, function, bench, seed):
        """One sweep under this fault; its random numbers are of its own, so that it can be done again alone."""
        bench.chance.seed(seed)
        began = time.monotonic()
        try:
            self.harm += function(bench)
        except Skip as reason:
            self.skipped = str(reason)
            return
        except Exception as problem: # a harness that breaks on what it finds has found something
            self.bad += 1
            print(f"FAILED {self.name}, seed {seed}: {type(problem).__name__}: {problem}", flush=True)
        finally:
            self.seconds += time.monotonic() - began
        self.sweeps += 1

    def row(self):
        return f"| {self.name:<52} | {self.harm:>6} | {self.verdict():>14} | {self.seconds:>6.0f} s |"

    def verdict(self):
        return f"skipped: {self.skipped}" if self.skipped else f"{self.sweeps - self.bad} of {self.sweeps}"


def in_turn(tallies, bench, seed, minutes):
    """Round after round, in which each fault comes as often as CI makes of it."""
    until = time.monotonic() + 60 * minutes
    for number in itertools.count():
        for tally in tallies:
            function, count, _ = FAULTS[tally.name]
            for again in range(max(1, count // 10)):
                if time.monotonic() > until:
                    return
                if not tally.skipped:
                    tally.count(function, bench, f"{seed}.{number}.{again}")


def as_often_as_asked(tallies, bench, seed):
    for tally in tallies:
        function, count, _ = FAULTS[tally.name]
        for number in range(4 * count): # a kill may come when all is over, and does not count
            if tally.harm >= count or tally.skipped or tally.bad >= 3:
                break
            tally.count(function, bench, f"{seed}.{number}")


def table(tallies):
    """Promise by promise, the faults that try it."""
    yield from ("| promise, and the faults that try it | times | sweeps survived |", "| --- | --- | --- |")
    for word, sentence in PROMISES.items():
        yield f"| **{sentence}** | | |"
        yield from (f"| {tally.name} | {tally.harm} | {tally.verdict()} |" for tally in tallies
                    if word in FAULTS[tally.name][2])


def write_table(path, tallies, looks):
    """Puts the table between the marks of a Markdown document."""
    text = path.read_text()
    found = re.fullmatch(r"(.*<!-- harm:[^\n]*-->\n).*(<!-- /harm -->.*)", text, re.DOTALL)
    if not found:
        sys.exit(f"{path} has no marks of the table of harm")
    minutes = sum(tally.seconds for tally in tallies) / 60
    head = f"{minutes:.0f} minutes on {os.cpu_count()} cores; readers looked {looks} times meanwhile."
    path.write_text("\n".join([found[1] + head, "", *table(tallies), found[2]]))


def main():
    if untried():
        sys.exit(f"promises without a fault, or faults without a promise: {', '.join(sorted(untried()))}")
    arguments = read_arguments()
    bench = Bench(str(arguments.program.resolve()), SMALL, random.Random())
    bench.harm, bench.sweep = str(arguments.harm.resolve()), str(arguments.sweep.resolve())
    tallies = [Tally(name) for name in FAULTS if arguments.only in name]
    print(f"seed {arguments.seed}; a sweep takes {bench.seconds:.2f} s", flush=True)
    if arguments.minutes:
        in_turn(tallies, bench, arguments.seed, arguments.minutes)
    if arguments.write or not arguments.minutes:
        as_often_as_asked(tallies, bench, arguments.seed)
    remove_shared_memory()
    print(f"| {'fault':<52} | {'times':>6} | {'sweeps survive':>14} | {'time':>8} |")
    print(f"| {'-' * 52} | {'-' * 5}: | {'-' * 13}: | {'-' * 7}: |")
    for tally in tallies:
        print(tally.row())
    print(f"Readers looked {bench.looks} times meanwhile; a row marked done was always whole.")
    bad = sum(tally.bad for tally in tallies)
    few = [tally.name for tally in tallies
           if (arguments.write or not arguments.minutes) and not tally.skipped and tally.harm < FAULTS[tally.name][1]]
    if bad or few:
        print(f"{bad} sweeps did not survive" + (f"; too seldom: {', '.join(few)}" if few else ""))
    elif arguments.write:
        write_table(arguments.write, tallies, bench.looks)
    sys.exit(bool(bad or few))


if __name__ == "__main__":
    main()
