#!/usr/bin/python3
"""Runs our program and its peers in turn, on one core. Only ratios within a run count: machines are noisy and shared.

    tools/bench/bench.py                 all rows, printed
    tools/bench/bench.py --only 'W2'     rows whose work or peer matches the pattern
    tools/bench/bench.py --quick         tiny sizes, one pair: does every row run and agree with its peer?
    tools/bench/bench.py --growth        cost against m, n, g, and its exponent
    tools/bench/bench.py --flow          processor time and events of the exact gradient flow against m, n, T
    tools/bench/bench.py --solvers       the exact gradient flow against an adaptive integrator
    tools/bench/bench.py --write         writes the table into tools/bench/README.md too; with --only, these rows

Needs a Python with NumPy, SciPy and h5py; `tools/setup.sh --bench` installs the peers. A row whose peer is absent says
so. Exits 1 when a row fails or its results differ by more than its tolerance, never because of a time.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"  # before NumPy is loaded

import argparse
import ctypes
import re
import shlex
import sys
import traceback
from pathlib import Path

# OpenBLAS picks its slowest kernels on a processor newer than itself. `wgf run` corrects that, so peers get the same.
openblas = ctypes.CDLL("libopenblas.so.0")
openblas.openblas_get_corename.restype = ctypes.c_char_p
if openblas.openblas_get_corename() == b"Prescott" and "OPENBLAS_CORETYPE" not in os.environ:
    flags = Path("/proc/cpuinfo").read_text().split()
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else ""
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np

import flow_growth
import flow_solvers
import growth
import ours
import tables
from rows import ROWS

HEADER = ("work", "peer", "ours", "peer's time", "peer / ours", "to reach", "largest difference", "remarks")


class Disagreement(Exception):
    """Ours and the peer computed different things."""


def difference(row, mine, theirs):
    """The largest difference of the results, relative to the largest number; None where the peer has no result."""
    if theirs.result is None:
        return None
    mine, theirs = np.ravel(mine.result), np.ravel(theirs.result)
    if mine.shape != theirs.shape or not np.isfinite(mine).all():
        raise Disagreement(f"{mine.size} numbers against {theirs.size}, or some not finite")
    found = np.abs(mine - theirs).max() / np.abs(theirs).max()
    if not found <= row.tolerance:
        raise Disagreement(f"results differ by {found:.1e}, more than {row.tolerance:.0e}")
    return found


def measure(row, quick):
    """Ours, peer, ours, peer, ...: the cells of the row."""
    case = row.case(**(row.quick if quick else row.sizes))
    mine, theirs, differences = [], [], []
    for _ in range(1 if quick else row.pairs):
        mine.append(row.ours(case))
        theirs.append(row.peer(case))
        differences.append(difference(row, mine[-1], theirs[-1]))
    seconds = [sample.seconds for sample in mine]
    ratios = [b.seconds / a.seconds for a, b in zip(mine, theirs)]
    agreed = "-" if differences[0] is None else f"{max(differences):.0e}"
    reach, ratio = f"{tables.number(row.reach)}×", tables.spread(ratios, tables.number)
    if row.rate:
        reach = f"{tables.number(row.rate)} a second"
        ratio += f"; {tables.spread([1 / one for one in seconds], tables.number)} a second"
        reached = 1 / np.median(seconds) >= row.rate
    else:
        reached = np.median(ratios) >= row.reach
    notes = "; ".join(dict.fromkeys(note for note in (mine[-1].note, theirs[-1].note) if note))
    verdict = "" if quick else ", reached" if reached else ", missed"
    if not row.reach:
        reach, verdict = "-", ""
    times = [tables.spread([sample.seconds for sample in samples], tables.duration) for samples in (mine, theirs)]
    return [*times, ratio, reach + verdict, agreed, notes]


def attempt(row, quick):
    """The cells of the row, and whether it is in order."""
    try:
        return measure(row, quick), True
    except ours.NotBuilt:
        return ["not built"] + [""] * 5, True
    except ImportError as error:
        return ["", f"not installed ({error.name or error})"] + [""] * 4, True
    except Disagreement as error:
        return ["", "", "", "", str(error), ""], False
    except Exception as error:  # a benchmark that fails is a row; the others still run
        traceback.print_exc()
        return ["", "", "", "", "", f"failed: {error}"], False


def compare(options):
    table, good = [], True
    apart = tables.day_and_machine() if options.only and options.write else ""
    for row in ROWS:
        if not re.search(options.only, f"{row.work} {row.peer_name}"):
            continue
        cells, fine = attempt(row, options.quick)
        cells[-1] = "; ".join(filter(None, (cells[-1], apart)))
        table.append([row.work, row.peer_name, *cells])
        good = good and fine
        print(tables.line(table[-1]), flush=True)
    return tables.markdown(HEADER, table), good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--only", default="", metavar="PATTERN", help="regular expression for names of works and peers")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one pair")
    parser.add_argument("--growth", action="store_true", help="cost against size instead")
    parser.add_argument("--flow", action="store_true", help="the exact gradient flow against size instead")
    parser.add_argument("--solvers", action="store_true", help="the two solvers of the gradient flow instead")
    parser.add_argument("--write", action="store_true", help="write the table into tools/bench/README.md")
    parser.add_argument("--build", type=Path, default=ours.build, help="folder of wgf and wgf_bench (%(default)s)")
    options = parser.parse_args()
    if options.write and options.quick:
        parser.error("--write needs the true sizes, without --quick")
    if options.only and (options.growth or options.flow or options.solvers):
        parser.error("--only chooses rows of the first table")
    marker = next((name for name in ("solvers", "flow", "growth") if getattr(options, name)), "bench")
    tables.place(marker)  # a README.md without it is an error before the run, not after
    ours.build = options.build.resolve()
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    about = tables.circumstances(ours.build / "wgf", core)
    print(about, flush=True)
    make = {"bench": compare, "growth": growth.table, "flow": flow_growth.table, "solvers": flow_solvers.table}[marker]
    table, good = make(options)
    if options.write and options.only:
        tables.write_rows(marker, table, [(row.work, row.peer_name) for row in ROWS])
    elif options.write:
        command = shlex.join(["tools/bench/bench.py", *sys.argv[1:]])
        tables.write(marker, f"`{command}`: {about}", table)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
