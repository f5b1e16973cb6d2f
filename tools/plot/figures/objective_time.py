"""Objective against time; suits every result."""

import numpy as np

from ..curves import MOST_CURVES, default_colour, draw, with_values
from ..figure import Figure
from ..style import spans_decades


def objective_time(result, options):
    """An axis is logarithmic where its values spread over decades."""
    x, y = options.x or "time", options.y or "objective"
    jobs = with_values(result, x, y)
    ends = [np.nanmax(job.trace[x]) for job in jobs]
    finite = lambda name: [value for job in jobs for value in job.trace[name][np.isfinite(job.trace[name])]]
    records = x in ("time", "step")  # every curve begins at 0
    wide = spans_decades([end for end in ends if end > 0], 1.5) if records else spans_decades(finite(x), zero=True)
    colour = options.by or default_colour(result)
    first = int(options.view.logarithmic("x", wide) and records)
    return draw(result, options, x, y, colour, first, (wide, spans_decades(finite(y), zero=True)))


FIGURE = Figure(
    place=140,
    meaning="objective against Wasserstein time, a curve a job",
    draw=objective_time,
    suits=lambda result: True,
    most=MOST_CURVES,
)
