"""Masses of jko on its grid at several times: a heat map for each sign."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..figure import Figure
from ..result import PlotError
from ..style import INK, SHEETS, Page

COLUMNS = 4
DECADES = 5  # masses that many decades below the largest are not drawn


def masses_job(result):
    for job in result.jobs:
        if job.value("method") == "jko" and job.has_states():
            return job
    raise PlotError("masses needs a job of jko with all states: method: jko and save: all in the spec")


def suits(result):
    methods = {job.value("method") for job in result.jobs}
    return methods == {"jko"} and all(job.has_states() for job in result.jobs)


def sheets(job):
    """The first grid's masses, [records, sheets, g, g], and its axis."""
    side = int(job.value("grid"))
    count = 1 if job.value("signs") == "positive" else 2
    states = job.state()[:, : count * side * side, 0]
    axis = np.linspace(-job.value("grid_radius"), job.value("grid_radius"), side)
    return states.reshape(len(states), count, side, side), axis


def support(masses, axis):
    """The half-width of the square that holds all drawn masses of all records, with a margin."""
    seen = np.any(masses > masses.max() * 10.0**-DECADES * 10, axis=(0, 1))
    reach = np.abs(axis)[np.any(seen, axis=0) | np.any(seen, axis=1)]
    return min(1.1 * reach.max(), axis[-1]) if len(reach) else axis[-1]


def draw_sheet(axes, values, axis, sheet, norm, reach):
    half = (axis[1] - axis[0]) / 2
    extent = [axis[0] - half, axis[-1] + half] * 2
    axes.imshow(values.T, origin="lower", extent=extent, norm=norm, cmap=SHEETS[sheet], interpolation="nearest")
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_xticks([round(reach / 2, 0) * k for k in (-1, 0, 1)] if reach > 2 else [-reach / 2, 0, reach / 2])
    axes.set_yticks(axes.get_xticks())
    axes.grid(False)


def mass_norm(masses):
    return LogNorm(masses.max() * 10.0**-DECADES, masses.max(), clip=False)


def sheet_name(sheet):
    return r"$\alpha = +1$" if sheet == 0 else r"$\alpha = -1$"


def masses(result, options):
    """A row for each sign, a column for each time; times are evenly spaced in their logarithm."""
    job = masses_job(result)
    states, axis = sheets(job)
    times = job.trace["time"][: len(states)]
    wanted = [0.0, *np.geomspace(times[1], times[-1], COLUMNS - 1)]
    records = [int(np.argmin(np.abs(times - time))) for time in wanted]
    norm, reach = mass_norm(states), support(states, axis)
    page = Page(result, COLUMNS * states.shape[1], columns=COLUMNS, panel_height=1.85, colour_bar=True)
    for i, axes in enumerate(page.panels):
        sheet, column = divmod(i, COLUMNS)
        draw_sheet(axes, states[records[column], sheet], axis, sheet, norm, reach)
        axes.set_title(f"{sheet_name(sheet)},  t = {times[records[column]]:g}", size=9.5, color=INK, loc="left")
    page.axis_labels(r"$w_1$", r"bias  $w_2$")
    for sheet in range(states.shape[1]):
        page.bar(plt.cm.ScalarMappable(norm, SHEETS[sheet]), f"mass, {sheet_name(sheet)}", sheet, states.shape[1])
    page.note(f"white: less than $10^{{-{DECADES}}}$ of the largest mass")
    return page


FIGURE = Figure(
    place=70,
    meaning="masses of jko on the grid at several times, a row a sign (save: all)",
    draw=masses,
    suits=suits,
)
