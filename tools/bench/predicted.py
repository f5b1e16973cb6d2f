#!/usr/bin/python3
"""How well is the time of the sweeps predicted? Runs every spec in sweeps/, the long ones in part, and prints what each
run says at its end."""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"agreement": "0/3", "flow": "0/5", "mean_field": "0/25"}  # of the jobs of a spec, by --shard
SAID = re.compile(r"descents took (.*) of processor time, predicted were (.*) \(a factor (.*)\); (\d+) % of the jobs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("specs", nargs="*", type=Path, default=sorted((ROOT / "sweeps").glob("*.yaml")), metavar="SPEC")
    specs = parser.parse_args().specs
    print("| spec | jobs | predicted | taken | factor | within 3 |\n| --- | --- | --- | --- | --- | --- |")
    for spec in specs:
        part = ["--shard", PARTS[spec.stem]] if spec.stem in PARTS else []
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([ROOT / "build" / "wgf", "run", spec, "-o", f"{folder}/out.h5", "--progress", "none",
                                   *part], capture_output=True, text=True, check=True)
        jobs = re.search(r"of (\d+) (?:selected )?jobs", done.stderr)[1]
        taken, predicted, factor, share = (found := SAID.search(done.stderr)) and found.groups() or ["-"] * 4
        print(f"| `{spec.stem}` | {jobs} | {predicted} | {taken} | {factor} | {share} % |", flush=True)


if __name__ == "__main__":
    main()
