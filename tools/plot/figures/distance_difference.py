"""By how much the Frobenius distance of a step exceeds the Wasserstein distance: 0 while neurons keep their order."""

import numpy as np

from ..curves import MOST_CURVES, draw, gamma_or_default, with_values
from ..figure import Figure


def distance_difference(result, options):
    both = ("distance_frobenius", "distance_wasserstein")
    for job in with_values(result, *both):
        frobenius, wasserstein = (job.trace[name] for name in both)
        with np.errstate(invalid="ignore", divide="ignore"):
            job.trace["difference"] = np.where(frobenius == 0, 0.0, 1 - wasserstein / frobenius)
    colour = options.by or gamma_or_default(result)
    return draw(result, options, options.x or "step", "difference", colour, 1, (False, False))


FIGURE = Figure(
    place=100,
    meaning="relative difference of Frobenius and Wasserstein distance of a step (record_distances: all)",
    draw=distance_difference,
    most=MOST_CURVES,
)
