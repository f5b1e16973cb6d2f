"""Paths of neurons in a plane: of their two weights, of two chosen ones, or of two principal axes."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from ..figure import Figure
from ..jobs import a_job_each, positive_count
from ..neuron_paths import NEGATIVE, POSITIVE, SILENT, USABLE, Plane, active, around, chosen_neurons
from ..neuron_paths import keeps_paths, weights_of, with_paths
from ..samples import samples
from ..style import MUTED, Page


MOST_PANELS = 4


def add_paths(axes, paths, colour, width):
    axes.add_collection(LineCollection([path for path in paths], colors=colour, linewidths=width, alpha=0.55, zorder=2))


def draw_neurons(axes, job, inputs, coordinates, records=None):
    """The paths in the plane up to that many records (None: all), with the samples' inputs for what is active."""
    weights = weights_of(job)
    rows, positive = chosen_neurons(weights.shape[1], positive_count(job))
    paths = coordinates[:records, rows].transpose(1, 0, 2)
    first, last = active(weights[[0, (records or len(weights)) - 1]][:, rows], inputs)
    silent = ~first & (np.ptp(weights[:, rows], axis=0).max(axis=1) == 0)
    size = 7 if len(rows) <= 200 else 4
    for group, colour in ((positive & ~silent, POSITIVE), (~positive & ~silent, NEGATIVE)):
        add_paths(axes, paths[group], colour, 0.9)
        axes.scatter(*paths[group, 0].T, s=size, facecolors="white", edgecolors=MUTED, linewidths=0.7, zorder=3)
        dead = group & ~last
        axes.scatter(*paths[group & ~dead, -1].T, s=1.6 * size, color=colour, linewidths=0, zorder=4)
        axes.scatter(*paths[dead, -1].T, s=3 * size, marker="x", color=colour, linewidths=0.9, zorder=4)
    axes.scatter(*paths[silent, 0].T, s=2.5 * size, marker="x", color=SILENT, linewidths=0.8, zorder=3)
    axes.set_aspect("equal", adjustable="box")


def neuron_legend():
    def mark(shape, edge, face, words):
        style = {"linestyle": "", "marker": shape, "markeredgecolor": edge, "markerfacecolor": face, "markersize": 5}
        return Line2D([], [], **style, label=words)

    return [
        Line2D([], [], color=POSITIVE, linewidth=2, label=r"$\alpha = +1$"),
        Line2D([], [], color=NEGATIVE, linewidth=2, label=r"$\alpha = -1$"),
        mark("o", MUTED, "white", "initial neuron"),
        mark("o", MUTED, MUTED, "last"),
        mark("x", MUTED, MUTED, "activates nothing now"),
        mark("x", SILENT, SILENT, "never did"),
    ]


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
    titles = [title for title, _ in chosen]
    page = Page(result, shown, titles, columns=columns, shared=False, panel_height=min(max(height, 1.2), 7.5))
    for axes, (_, job), coordinates, (wide, high) in zip(page.panels, chosen, paths, views):
        draw_neurons(axes, job, samples(job, options)[0], coordinates)
        axes.set_xlim(wide)
        axes.set_ylim(high)
        page.describe(axes, *plane.labels(job))
    page.legend(neuron_legend())
    return page


FIGURE = Figure(
    place=60,
    meaning="paths of neurons in a plane (--inputs), positive green, negative red (save: all)",
    draw=trajectories,
    suits=lambda result: any(keeps_paths(job) for job in result.jobs),
)
