"""Objective against distance between iterates: short steps end higher, long ones move further at once."""

from ..curves import MOST_CURVES, draw, gamma_or_default, rest_level
from ..figure import Figure


def objective_distance(result, options):
    """Both axes are logarithmic unless the user wants others; curves begin with the first step."""
    colour = options.by or gamma_or_default(result)
    return draw(result, options, options.x or "distance", options.y or "objective", colour, 1, (True, True))


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
