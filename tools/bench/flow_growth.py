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
SCALES = (1e-3, 1)
ENOUGH = 1_400_000  # m n, over all seeds: a second or more of processor time


def run(settings, seeds):
    """User seconds of the program, and events of all its descents."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    swept = {"seed": range(1, seeds + 1)}
    with tempfile.TemporaryDirectory() as folder, ours.run(folder, settings, swept) as file:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, np.nansum(file["events"][:])


def measure(scale, sizes, enough):
    """Processor time and events of one descent, means over seeds; descents of no steps are taken off."""
    settings = {"method": "flow", "data": "sinus", "output": "mean", "init_scale": scale, "width": sizes["m"],
                "n": sizes["n"], "gamma": sizes["T"], "steps": 1}
    seeds = -(-enough // (sizes["m"] * sizes["n"]))
    seconds, events = run(settings, seeds)
    return max(seconds - run({**settings, "steps": 0}, seeds)[0], 1e-4) / seeds, max(events, 1) / seeds


def table(options):
    """The Markdown of the table, and whether every row ran."""
    made, good = [], True
    usual, enough = ({**USUAL, "m": 50}, 1) if options.quick else (USUAL, ENOUGH)
    for scale in SCALES:
        for axis, sizes in (QUICK if options.quick else AXES).items():
            if not re.search(options.only, axis):
                continue
            try:
                found = [measure(scale, {**usual, axis: size}, enough) for size in sizes]
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
