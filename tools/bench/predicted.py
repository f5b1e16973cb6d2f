#!/usr/bin/python3
"""How well is the time of the sweeps predicted? Runs every spec in sweeps/, the long ones in part, and prints what each
run says at its end. With --write the table goes into README.md."""

import argparse
import datetime
import re
import subprocess
import tempfile
from pathlib import Path

import tables

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"agreement": "2/7", "flow": "0/20", "flow_order": "7/40", "flow_order_inputs": "0/7", "mean_field": "0/40",
         "wasserstein": "0/2"}  # of the jobs of a spec, by --shard
SAID = re.compile(r"descents took (.*) of processor time, predicted were (.*) \(a factor (.*)\); (\d+) % of the jobs")


HEADER = ("spec", "jobs", "predicted", "taken", "factor", "within 3")


def row(spec):
    part = ["--shard", PARTS[spec.stem]] if spec.stem in PARTS else []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([ROOT / "build" / "wgf", "run", spec, "-o", f"{folder}/out.h5", "--progress", "none",
                               *part], capture_output=True, text=True, check=True)
    jobs = re.search(r"of (\d+) (?:selected )?jobs", done.stderr)[1]
    found = SAID.search(done.stderr)
    taken, predicted, factor, share = found.groups() if found else ["a moment", "", "", ""]
    return f"`{spec.stem}`", jobs, predicted, taken, factor, share and f"{share} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("specs", nargs="*", type=Path, default=sorted((ROOT / "sweeps").glob("*.yaml")), metavar="SPEC")
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    options = parser.parse_args()
    rows = []
    for spec in options.specs:
        rows.append(row(spec))
        print(tables.line(rows[-1]), flush=True)
    if options.write:
        revision = tables.first_line(ROOT / "build" / "wgf", "--version")
        parts = ", ".join(map(" ".join, PARTS.items()))
        about = (f"`tools/bench/predicted.py --write`: {datetime.date.today()}, {tables.processor()}; {revision}. "
                 f"Parts by `--shard`: {parts}")
        tables.write("predicted", about, tables.markdown(HEADER, rows))


if __name__ == "__main__":
    main()
