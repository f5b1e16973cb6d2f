#!/usr/bin/python3
"""Holds the table of efficiencies in src/schedule/README.md against what the model prints, and both against floors:
test_scale.py SCHEDULE_SCALE README.md"""

import subprocess
import sys
from pathlib import Path

FLOORS = {("constant", "5"): {4096: 0.96, 16384: 0.85}, ("constant", "100"): {4096: 0.99, 16384: 0.99},
          ("log-normal", "5"): {4096: 0.94, 16384: 0.80}, ("log-normal", "100"): {16384: 0.98}}
ROUNDING = 0.005  # libraries may round lengths of jobs otherwise


def rows(text):
    """{(law, milliseconds): {ranks: efficiency}} of the lines of a table."""
    ranks, found = (64, 256, 1024, 4096, 16384), {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|\n").split("|")]
        if len(cells) == 7 and cells[0] in ("constant", "log-normal", "few long last"):
            found[cells[0], cells[1]] = dict(zip(ranks, map(float, cells[2:])))
    return found


done = subprocess.run(sys.argv[1], capture_output=True, text=True, check=True)
print(done.stdout)
made, written = rows(done.stdout), rows(Path(sys.argv[2]).read_text(encoding="utf-8"))
assert made.keys() == written.keys() and len(made) == 6, (made.keys(), written.keys())
for key, row in made.items():
    for ranks, value in row.items():
        assert abs(value - written[key][ranks]) <= ROUNDING, f"{key}, {ranks} ranks: {value}, not {written[key][ranks]}"
        assert value >= FLOORS.get(key, {}).get(ranks, 0), f"{key}, {ranks} ranks: {value} is below its floor"
