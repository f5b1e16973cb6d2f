"""A job's samples, made again by the program: the result file has their parameters but not the samples."""

import io

import numpy as np

from .result import ask


def samples(job, options):
    """X [n, d] and y [n] of `wgf show --data`."""
    words = ("show", job.source.path, "--job", str(job.row), "--data", "--csv")
    table = np.loadtxt(io.StringIO(ask(options.wgf, "makes the samples again", *words)), delimiter=",", skiprows=1,
                       ndmin=2)
    return table[:, :-1], table[:, -1]
