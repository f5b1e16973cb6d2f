"""A job's samples, made again by the program: the result file has their parameters but not the samples."""

import io
import subprocess
from pathlib import Path

import numpy as np

from .result import PlotError

BUILT = Path(__file__).resolve().parents[2] / "build" / "wgf"


def samples(job, options):
    """X [n, d] and y [n] of `wgf show --data`."""
    program = options.wgf or BUILT
    command = [program, "show", job.source.path, "--job", str(job.row), "--data", "--csv"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise PlotError(
            f"{program} makes the samples again but cannot be run ({error.strerror}); name the program with --wgf"
        ) from None
    if done.returncode != 0:
        raise PlotError(f"{program} could not make the samples of job {job.row} again: {done.stderr.strip()}")
    table = np.loadtxt(io.StringIO(done.stdout), delimiter=",", skiprows=1, ndmin=2)
    return table[:, :-1], table[:, -1]
