"""Objective against distance between iterates: short steps end higher, long ones move further at once."""

import numpy as np

from ..curves import MOST_CURVES, draw, gamma_or_default, rest_level, with_values
from ..figure import Figure

DEBIASED = "distance_between"  # the distance without its floor, where there is one


def add_debiased(jobs):
    """Gives each job its distance, of jko the one without a floor; returns whether any has that."""
    found = False
    for job in jobs:
        has = "distance_debiased" in job.trace and np.isfinite(job.trace["distance_debiased"][1:]).any()
        job.trace[DEBIASED] = job.trace["distance_debiased" if has else "distance"]
        found |= has
    return found


def objective_distance(result, options):
    """Both axes are logarithmic unless the user wants others; curves begin with the first step."""
    colour, x = options.by or gamma_or_default(result), options.x or "distance"
    if not options.x and add_debiased(with_values(result, "distance")):
        x = DEBIASED
    return draw(result, options, x, options.y or "objective", colour, 1, (True, True))


def suits(result):
    """A sweep of gamma whose iterates moved."""
    return result.has("distance") and "gamma" in result.varying() and rest_level(result.jobs, "distance") > 0


FIGURE = Figure(
    place=90,
    meaning="objective against distance between iterates, a curve a job coloured by gamma",
    draw=objective_distance,
    suits=suits,
    most=MOST_CURVES,
)
