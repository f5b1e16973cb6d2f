"""Masses on grids of several kinds: by how much F differs from that of particles, against epsilon and over time."""

import numpy as np
from matplotlib.lines import Line2D

from ..figure import Figure
from ..jobs import GRIDS, REPLICAS, facets, grid_axes, grids, shown
from ..result import PlotError
from ..style import CATEGORICAL, INK, MUTED, Page, set_log_y
from ..words import is_number, value_text

MOST_ROWS = 4
OWN = ("grid", "grid_radius", "grid_grading", "grid2", "grid2_radius", "epsilon")
HEADER = ("", "grid", "points", "best epsilon", "mean difference of F")
PINNED = "epsilon pins"  # how the message of a row begins whose masses cannot move freely


def on_grids(job):
    return job.value("method") in GRIDS


def kind(job):
    """(words, points of a sheet) of the grids of a job."""
    found, second = grids(job), job.value("grid2") > 0
    points = sum(len(x) ** grid_axes(job) for x, _ in found)
    radii = [value_text(job.value(name)) for name in ("grid_radius", "grid2_radius")[: 1 + second]]
    grading = job.value("grid_grading") if "grid_grading" in job.source.file else 0
    sides = " and ".join(f"{len(x)}, R = {radius}" for (x, _), radius in zip(found, radii))
    method = "" if job.value("method") == "jko" else f"{job.value('method')}, "
    return f"{method}g = {sides}" + (f", graded, b = {value_text(grading)}" if grading > 0 else ""), points


def particles(jobs):
    """(times, mean F) over the descents of neurons of a panel."""
    times = jobs[0].trace["time"]
    same = [job.trace["objective"] for job in jobs if np.array_equal(job.trace["time"], times)]
    return times, np.mean(same, axis=0)


def difference(job, times, objective):
    """The mean |F - F of particles| over the logarithm of time, from the first record after the start on."""
    own = job.trace["time"]
    known = (own > 0) & (own <= times[-1] * (1 + 1e-9))
    if known.sum() < 2:
        return np.nan
    gaps = np.abs(job.trace["objective"][known] - np.interp(own[known], times, objective))
    weights = np.gradient(np.log(own[known]))
    return float(np.sum(weights * gaps) / np.sum(weights))


def epsilon_of(job):
    """0: it has none, as pde, or an automatic one."""
    epsilon = job.value("epsilon") if job.value("method") == "jko" else 0
    return float(epsilon) if is_number(epsilon) and np.isfinite(epsilon) else 0.0


def draw_errors(axes, found, jobs, colour):
    """found: rising (epsilon, error, number of the job); without an epsilon there is a line across."""
    if found[0][0] == 0:
        axes.axhline(found[0][1], color=colour, linewidth=1.4)
        return
    axes.plot(*zip(*[one[:2] for one in found]), color=colour, linewidth=1.4)
    for epsilon, error, k in found:
        face = "white" if jobs[k].message().startswith(PINNED) else colour
        axes.plot(epsilon, error, "o", color=colour, markerfacecolor=face, markersize=5)


def draw_row(page, panels, jobs, title):
    """Returns the handles of the kinds and the lines of the table."""
    errors, paths = panels
    neurons, masses = [job for job in jobs if not on_grids(job)], [job for job in jobs if on_grids(job)]
    if not neurons or not masses:
        raise PlotError("grid-scale needs descents of neurons beside jobs of jko or pde, in one file or in two")
    times, objective = particles(neurons)
    handles, lines, groups = [], [], {}
    for job in masses:
        groups.setdefault(kind(job), []).append(job)
    for (words, points), own in groups.items():
        colour = CATEGORICAL[len(handles) % len(CATEGORICAL)]
        found = sorted((epsilon_of(job), difference(job, times, objective), k) for k, job in enumerate(own))
        epsilon, error, k = min(found, key=lambda one: one[1] if np.isfinite(one[1]) else np.inf)
        draw_errors(errors, found, own, colour)
        paths.plot(own[k].trace["time"], own[k].trace["objective"], color=colour, linewidth=1.4)
        handles.append(Line2D([], [], color=colour, label=words))
        lines.append([title, words, str(points), value_text(epsilon) if epsilon else "–", f"{error:.2g}"])
    paths.plot(times, objective, color=INK, linewidth=1.6, linestyle=(0, (3, 1.5)))
    set_log_y(errors)
    errors.set_xscale("log")
    page.describe(errors, "epsilon", r"mean $|F - F_{\mathrm{neurons}}|$")
    page.describe(paths, "time", "objective")
    return handles, lines


def grid_scale(result, options):
    """A row for each combination of what else varies among the jobs on grids."""
    masses = [job for job in result.jobs if on_grids(job)]
    names = [name for name in result.varying() if name not in (*OWN, *REPLICAS, "method", "gamma", "steps")]
    names = [name for name in names if len({job.parameters.get(name) for job in masses}) > 1]
    rows = facets(result, result.jobs, options, names, MOST_ROWS)
    heads = ("each epsilon", "the best epsilon of each grid")
    titles = [f"{title}, {words}" if title else words for title, _ in rows for words in heads]
    page = Page(result, shown(result, result.jobs), titles, columns=2, shared=False, panel_height=3.1)
    page.table, handles = (HEADER, []), []
    for k, (title, own) in enumerate(rows):
        kinds, lines = draw_row(page, page.panels[2 * k : 2 * k + 2], own, title)
        handles += [handle for handle in kinds if handle.get_label() not in {one.get_label() for one in handles}]
        page.table[1].extend(lines)
    dashes = Line2D([], [], color=INK, linestyle=(0, (3, 1.5)), label="neurons, mean over seeds")
    pinned = Line2D([], [], color=MUTED, marker="o", markerfacecolor="white", linestyle="", label="masses are pinned")
    page.legend([*handles, dashes, pinned])
    return page


FIGURE = Figure(
    place=115,
    meaning="F of masses on grids of several kinds against that of particles, over epsilon and time (--table)",
    draw=grid_scale,
)
