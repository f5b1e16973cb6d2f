"""What `wgf show` prints as CSV, as numpy arrays."""

import numpy as np
from harness import OK, equal


def numbers(rows, names):
    """The cells of rows of a table, as rows of an array."""
    return np.array([[float(row[name]) for name in names] for row in rows])


def samples(wgf, job):
    """X and y of a job of out.h5."""
    header, rows = wgf("show", "out.h5", "--job", job, "--data").require(OK).table()
    equal(header, [f"x{k}" for k in range(len(header) - 1)] + ["y"], "header")
    values = numbers(rows, header)
    return values[:, :-1], values[:, -1]
