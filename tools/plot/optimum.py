"""The line at which curves of F may end: J*, the least objective of any network with these signs, or with `entropy` F
at the least free energy."""

import math

from matplotlib.lines import Line2D

from .style import CATEGORICAL
from .words import number_text

DASHED = {"linewidth": 1.6, "linestyle": (0, (4, 2))}
COLOUR = CATEGORICAL[2]
MOST_LEVELS = 8  # in one panel; more say nothing
TEXT = r"global optimum  $J^\star$"
TEXT_OF_ENTROPY = r"$F$ at the least free energy"


def of_entropy(job):
    """F at the least free energy of a job, or NaN."""
    return job.value("objective_optimum") if "objective_optimum" in job.source.file else math.nan


def optimum_of(job):
    """F at the optimum of a job, or None where it is not known or no more than an upper bound."""
    if math.isfinite(of_entropy(job)):
        return of_entropy(job)
    if "optimum_gap" not in job.source.file:
        return None
    level = job.value("objective_optimal")
    return level if math.isfinite(level) and math.isfinite(job.value("optimum_gap")) else None


def levels_of(jobs):
    """{J*: its jobs}, equal up to rounding."""
    found = {}
    for job in jobs:
        level = optimum_of(job)
        if level is not None:
            found.setdefault(float(f"{level:.9g}"), []).append(job)
    return found


def fits(level, low, high, logarithmic):
    """Is it on the axis, or so near that the axis can reach it and still show the curves?"""
    if logarithmic:
        return level > 0 and level >= low * min(0.1, (low / high) ** 0.5)
    return level >= low - max(high - low, 0.5 * abs(high))


def draw_optima(axes, jobs, curves, logarithmic, shade):
    """The lines of a panel, whose curves have these values; returns the levels that it shows and that it cannot.

    One level is green; of several each has the colour of its curves, if they have one.
    """
    levels = levels_of(jobs)
    if not levels or len(levels) > MOST_LEVELS:
        return [], []
    low, high = min(ys.min() for ys in curves), max(ys.max() for ys in curves)
    shown = [level for level in levels if fits(level, low, high, logarithmic)]
    for level in shown:
        shades = {shade(job) for job in levels[level]}
        colour = shades.pop() if len(levels) > 1 and len(shades) == 1 else COLOUR
        axes.axhline(level, color=colour, zorder=1.5, **DASHED)
    return shown, [level for level in levels if level not in shown]


def handles(shown, hidden, jobs):
    """The legend's lines for what the panels show and cannot show of jobs: one or none."""
    levels = set(shown) | set(hidden)
    if not levels:
        return []
    value = f" = {number_text(levels.pop())}" if len(levels) == 1 else ""
    where = "" if shown else ", below the axis"
    style = DASHED if shown else {"linestyle": ""}
    entropies = [math.isfinite(of_entropy(job)) for job in jobs if optimum_of(job) is not None]
    text = TEXT_OF_ENTROPY if all(entropies) else f"{TEXT}, or {TEXT_OF_ENTROPY}" if any(entropies) else TEXT
    return [Line2D([], [], color=COLOUR, label=text + value + where, **style)]
