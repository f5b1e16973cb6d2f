"""The two solvers of the gradient flow side by side: processor time, and the error in the weights at the end.

Events are exact, so they are the reference. The adaptive integrator chatters where neurons slide along kinks.
"""

import re
import resource
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np

import ours
import tables

HEADER = ("scale", "solver", "processor time", "trial steps", "largest error of a weight")
SCALES = (1, 1e-3)
TOLERANCES = (1e-3, 1e-4, 1e-5)
LIMIT = 60  # seconds, after which a row is not finished


def run(scale, solver, quick):
    """User seconds of a descent, its trial steps and weights at the end; None where it is not finished."""
    size = "n: 10, width: 10, steps: 1, gamma: 1" if quick else "n: 70, width: 1000, steps: 10, gamma: 1"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with tempfile.TemporaryDirectory() as folder:
        spec, result = Path(folder, "spec.yaml"), Path(folder, "out.h5")
        spec.write_text(f"name: solvers\nfixed: {{method: flow, data: sinus, output: mean, init_scale: {scale}, "
                        f"{size}, save: last, time_limit: {LIMIT}, {solver}}}\n")
        command = [ours.build / "wgf", "run", spec, "-o", result, "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        if done.returncode not in (0, 3):
            raise RuntimeError(done.stderr.strip())
        with h5py.File(result) as file:
            finished = done.returncode == 0
            return seconds, np.nansum(file["inner_steps_used"][0]), file["state"][()] if finished else None


def table(options):
    """The Markdown of the table, and whether every row ran."""
    made, good = [], True
    solvers = ["flow_solver: events"]
    solvers += [f"flow_solver: adaptive, rtol: {rtol}, atol: {rtol * 1e-3:.0e}" for rtol in TOLERANCES]
    for scale in SCALES:
        exact = None
        for solver in solvers:
            if not re.search(options.only, solver):
                continue
            try:
                seconds, trials, weights = run(scale, solver, options.quick)
                if exact is None:
                    exact, error = weights, ""
                else:
                    error = "not finished" if weights is None else f"{np.abs(weights - exact).max():.1e}"
                cells = [tables.duration(seconds), f"{trials:,.0f}".replace(",", " ") if trials else "", error]
            except Exception as problem:  # a benchmark that fails is a row; the others still run
                cells, good = [f"failed: {problem}", "", ""], False
            made.append([f"{scale:g}", f"`{solver}`", *cells])
            print(tables.line(made[-1]), flush=True)
    return tables.markdown(HEADER, made), good
