"""Objective against time; suits every result."""

import numpy as np

from ..curves import MOST_CURVES, default_colour, draw, require_traces
from ..figure import Figure
from ..style import spans_decades


def objective_time(result, options):
    """An axis is logarithmic where its values spread over decades."""
    x, y = options.x or "time", options.y or "objective"
    require_traces(result, x, y)
    ends = [job.trace[x][-1] for job in result.jobs if len(job.trace[x]) and job.trace[x][-1] > 0]
    heights = np.concatenate([job.trace[y] for job in result.jobs])
    heights = heights[np.isfinite(heights)]
    wide = spans_decades(ends, 1.5)
    return draw(result, x, y, options.by or default_colour(result), int(wide), (wide, spans_decades(heights)))


FIGURE = Figure(
    place=140,
    meaning="objective against Wasserstein time, a curve a job",
    draw=objective_time,
    suits=lambda result: True,
    most=MOST_CURVES,
)
