"""Processor time and events of the exact gradient flow against m, n and time, with their exponents.

A busy machine stretches times of the wall, but hardly the processor time of a process; events are the same everywhere.
"""

import re
import resource
import tempfile

import numpy as np

import growth
import ours
import tables

HEADER = ("scale", "in", "sizes", "processor time", "exponent", "standard error", "events", "exponent of events")
AXES = {"m": (100, 1000, 10_000, 100_000), "n": (10, 30, 100, 300), "T": (1, 3.2, 10, 32, 100)}
QUICK = {"m": (20, 40), "n": (10, 20), "T": (1, 2)}
USUAL = {"m": 1000, "n": 70, "T": 10}
ENOUGH = 2.0  # seconds after which a size is not run again
SCALES = (1e-3, 1)


def run(settings):
    """User seconds of the program, and events."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with tempfile.TemporaryDirectory() as folder, ours.run(folder, settings) as file:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, float(np.nansum(file["events"][0]))


def measure(scale, sizes, rounds):
    """The least of some rounds, less that of a descent of no steps, and events."""
    settings = {"method": "flow", "data": "sinus", "output": "mean", "init_scale": scale, "width": sizes["m"],
                "n": sizes["n"], "gamma": sizes["T"], "steps": 1}
    spent, empty = [], []
    while not spent or len(spent) < rounds and sum(spent) < ENOUGH:
        seconds, events = run(settings)
        spent.append(seconds)
        empty.append(run({**settings, "steps": 0})[0])
    return max(min(spent) - min(empty), 1e-4), max(events, 1)


def table(options):
    """The Markdown of the table, and whether every row ran."""
    made, good = [], True
    usual, rounds = ({**USUAL, "m": 50}, 1) if options.quick else (USUAL, 7)
    for scale in SCALES:
        for axis, sizes in (QUICK if options.quick else AXES).items():
            if not re.search(options.only, axis):
                continue
            try:
                found = [measure(scale, {**usual, axis: size}, rounds) for size in sizes]
                seconds, events = np.transpose(found)
                slope, error = growth.fit(sizes, seconds)
                cells = [", ".join(map(tables.duration, seconds)), f"{slope:.2f}", f"{error:.2f}",
                         ", ".join(f"{count:,.0f}".replace(",", " ") for count in events),
                         f"{growth.fit(sizes, events)[0]:.2f}"]
            except Exception as error:  # a benchmark that fails is a row; the others still run
                cells, good = [f"failed: {error}", "", "", "", ""], False
            made.append([f"{scale:g}", axis, ", ".join(map(str, sizes)), *cells])
            print(tables.line(made[-1]), flush=True)
    return tables.markdown(HEADER, made), good
