"""Masses of jko on its grid at several times: a heat map for each sign."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..figure import Figure
from ..jobs import a_job_each
from ..result import PlotError
from ..style import SHEETS, Page

COLUMNS = 4
MOST_JOBS = 2
USABLE = "keep all states of masses"
DECADES = 5  # masses that many decades below the largest are not drawn


def with_masses(result, name):
    """The jobs that keep the masses of more than one record."""
    jobs = [job for job in result.jobs if job.value("method") == "jko" and job.has_states()]
    jobs = [job for job in jobs if job.state()[:, :, 0].max() > 0]
    if not jobs:
        raise PlotError(f"{name} needs a job of jko with all states: method: jko and save: all in the spec")
    return jobs


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


def records_at(times):
    """The first record and COLUMNS - 1 others, evenly spaced in the logarithm of their times."""
    return [0, *(int(np.argmin(np.abs(times - time))) for time in np.geomspace(times[1], times[-1], COLUMNS - 1))]


def masses(result, options):
    """For each job a row for each sign and a column for each time."""
    chosen, shown = a_job_each(result, with_masses(result, "masses"), options, MOST_JOBS, USABLE)
    kept = [sheets(job) for _, job in chosen]
    norm = mass_norm(max((states for states, _ in kept), key=np.max))
    reach = max(support(states, axis) for states, axis in kept)
    panels, titles = [], []
    for (title, job), (states, axis) in zip(chosen, kept):
        times = job.trace["time"][: len(states)]
        for sheet in range(states.shape[1]):
            for column, record in enumerate(records_at(times)):
                start = f"{title}\n" if title and len(chosen) > 1 and column + sheet == 0 else ""
                titles.append(f"{start}{sheet_name(sheet)}, t = {times[record]:.4g}")
                panels.append((states[record, sheet], axis, sheet))
    page = Page(result, shown, titles, columns=COLUMNS, panel_height=1.85)
    for axes, panel in zip(page.panels, panels):
        draw_sheet(axes, *panel, norm, reach)
    page.axis_labels(r"$w_1$", r"bias  $w_2$")
    for row, (_, _, sheet) in enumerate(panels[::COLUMNS]):
        page.bar(plt.cm.ScalarMappable(norm, SHEETS[sheet]), f"mass, {sheet_name(sheet)}", row)
    page.note(f"white: less than $10^{{-{DECADES}}}$ of the largest mass")
    return page


FIGURE = Figure(
    place=70,
    meaning="masses of jko on the grid at several times, a row a sign (save: all)",
    draw=masses,
    suits=suits,
    scales=False,
)
