"""Paths of neurons in a plane: of their two weights, of two chosen ones, or of two principal axes."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from ..figure import Figure
from ..jobs import a_job_each, evenly, positive_count
from ..neuron_paths import NEGATIVE, POSITIVE, SILENT, USABLE, Plane, active, around, chosen_neurons
from ..neuron_paths import keeps_paths, slides, sliding, weights_of, with_paths
from ..samples import samples
from ..style import INK, MUTED, Page


MOST_PANELS = 4
MOST_KINKS = 100
KINK, SLIDE = "#c9ced4", "#f5b638"


def add_paths(axes, paths, colour, width, **style):
    axes.add_collection(LineCollection(list(paths), colors=colour, linewidths=width, **{"zorder": 2, **style}))


def draw_slides(axes, paths, weights, inputs):
    """A broad line under the stretches along kinks of paths [neurons, records, 2] of weights [records, neurons, d]."""
    stretches = np.stack([paths[:, :-1], paths[:, 1:]], axis=2)
    add_paths(axes, stretches[sliding(weights, inputs).T], SLIDE, 5, zorder=1.5, capstyle="butt")


def draw_kinks(axes, normals, reach):
    """The lines through the origin with these normals [lines, 2], to either side as far as that."""
    ends = np.array([[-y, x] for x, y in evenly(normals, MOST_KINKS)]).reshape(-1, 2)
    ends *= reach / np.linalg.norm(ends, axis=1, keepdims=True)
    axes.add_collection(LineCollection(np.stack([-ends, ends], axis=1), colors=KINK, linewidths=0.5, zorder=1), False)


def draw_neurons(axes, job, plane, inputs, coordinates, records=None):
    """The paths in the plane up to that many records (None: all), with the samples' inputs for what is active."""
    weights = weights_of(job)[:records]
    rows, positive = chosen_neurons(weights.shape[1], positive_count(job))
    weights, paths = weights[:, rows], coordinates[:records, rows].transpose(1, 0, 2)
    first, last = active(weights[[0, -1]], inputs)
    silent = ~first & (np.ptp(weights_of(job)[:, rows], axis=0).max(axis=1) == 0)
    absorbed = ~silent & ~weights[-1].any(axis=1) & slides(job)
    size = 7 if len(rows) <= 200 else 4
    for group, colour in ((positive & ~silent, POSITIVE), (~positive & ~silent, NEGATIVE)):
        add_paths(axes, paths[group], colour, 0.9, alpha=0.55)
        axes.scatter(*paths[group, 0].T, s=size, facecolors="white", edgecolors=MUTED, linewidths=0.7, zorder=3)
        dead = group & ~last & ~absorbed
        axes.scatter(*paths[group & last, -1].T, s=1.6 * size, color=colour, linewidths=0, zorder=4)
        axes.scatter(*paths[dead, -1].T, s=3 * size, marker="x", color=colour, linewidths=0.9, zorder=4)
    style = {"facecolors": "white", "edgecolors": INK, "linewidths": 1.2, "zorder": 5}
    axes.scatter(*paths[absorbed, -1][:1].T, s=5 * size, marker="D", **style)
    if slides(job):
        draw_kinks(axes, plane.kinks(job, inputs), 10 * np.abs(coordinates).max())
        draw_slides(axes, paths[~silent], weights[:, ~silent], inputs)
    axes.scatter(*paths[silent, 0].T, s=2.5 * size, marker="x", color=SILENT, linewidths=0.8, zorder=3)
    axes.set_aspect("equal", adjustable="box")


def neuron_legend(slide):
    """slide: whether neurons may slide along kinks."""

    def mark(shape, edge, face, words):
        style = {"linestyle": "", "marker": shape, "markeredgecolor": edge, "markerfacecolor": face, "markersize": 5}
        return Line2D([], [], **style, label=words)

    handles = [
        Line2D([], [], color=POSITIVE, linewidth=2, label=r"$\alpha = +1$"),
        Line2D([], [], color=NEGATIVE, linewidth=2, label=r"$\alpha = -1$"),
        mark("o", MUTED, "white", "initial neuron"),
        mark("o", MUTED, MUTED, "last"),
        mark("x", MUTED, MUTED, "activates nothing now"),
        mark("x", SILENT, SILENT, "never did"),
    ]
    slidden = [
        Line2D([], [], color=SLIDE, linewidth=5, label="slides along a kink"),
        Line2D([], [], color=KINK, linewidth=0.8, label="kinks of samples"),
        mark("D", INK, "white", "at rest at the origin"),
    ]
    return handles + slidden * slide


def told(title, job):
    """The title, with the shares of neurons that slide and that came to rest at the origin, at the last record."""
    if not slides(job):
        return title
    words = f"{job.trace['sliding'][-1]:.0%} slide and {job.trace['at_origin'][-1]:.0%} rest at the origin"
    return f"{title}, {words}" if title else words


def trajectories(result, options):
    """A panel for each job with the path of every neuron."""
    chosen, shown = a_job_each(result, with_paths(result, "neurons"), options, MOST_PANELS, USABLE)
    plane = Plane([job for _, job in chosen], options.inputs)
    paths = [plane.coordinates(job) for _, job in chosen]
    alike = bool(options.inputs) or len({job.value("d") for _, job in chosen}) == 1
    views = [around(paths if alike else [one]) for one in paths]
    wide, high = views[0]
    columns = 1 if wide[1] - wide[0] > 1.5 * (high[1] - high[0]) else min(2, len(chosen))
    height = (8.0 if columns == 1 else 3.8) * (high[1] - high[0]) / (wide[1] - wide[0])
    titles = [told(*one) for one in chosen]
    page = Page(result, shown, titles, columns=columns, shared=False, panel_height=min(max(height, 1.2), 7.5))
    for axes, (_, job), coordinates, (wide, high) in zip(page.panels, chosen, paths, views):
        draw_neurons(axes, job, plane, samples(job, options)[0], coordinates)
        axes.set_xlim(wide)
        axes.set_ylim(high)
        page.describe(axes, *plane.labels(job))
    page.legend(neuron_legend(any(slides(job) for _, job in chosen)))
    return page


FIGURE = Figure(
    place=60,
    meaning="paths of neurons in a plane (--inputs), with slides and deaths of flow (save: all)",
    draw=trajectories,
    suits=lambda result: any(keeps_paths(job) for job in result.jobs),
)
