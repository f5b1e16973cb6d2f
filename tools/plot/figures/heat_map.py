"""A result over two swept parameters as a heat map."""

import matplotlib.pyplot as plt
import numpy as np

from .. import teacher
from ..figure import Figure
from ..jobs import REPLICAS, evenly, facets, shown
from ..result import PlotError
from ..style import INK, SEQUENTIAL, WIDTH, Page, colour_norm, width_of
from ..words import is_number

MOST_WRITTEN = 80  # with more cells, numbers in them are too small to read
MOST_TICKS = 10
MOST_PANELS = 6  # of words that are no axes; with more their jobs share cells


def map_axes(result, options):
    """The two parameters of the map: the user's, else the first two that are swept, numbers before words, no seeds."""
    varying = result.varying()
    for name in (options.x, options.y):
        if name and name not in varying:
            raise PlotError(f"{name} is not swept here; swept are {', '.join(varying) or 'no parameters'}")
    taken = (options.x, options.y, *REPLICAS, *options.facet)
    free = [name for name in varying if name not in taken]
    free.sort(key=lambda name: not any(map(is_number, result.values(name))))
    names = [options.x or (free.pop(0) if free else None), options.y or (free.pop(0) if free else None)]
    if None in names:
        raise PlotError("heat-map needs two swept parameters; name them with --x and --y")
    words = [name for name in free if not any(map(is_number, result.values(name)))]
    return *names, words if np.prod([len(result.values(name)) for name in words]) <= MOST_PANELS else []


def number(job, value):
    if value in teacher.VALUES:
        return teacher.VALUES[value](job)
    try:
        return float(job.value(value))
    except (TypeError, ValueError):
        raise PlotError(f"{value} is not one number a job; --value takes objective_final or seconds, say") from None


def cells(jobs, x, y, value, columns, rows):
    """The medians [rows, columns] of the finite values of each pair, NaN without one; and the most jobs of a cell."""
    found = {}
    for job in jobs:
        found.setdefault((job.parameters[y], job.parameters[x]), []).append(number(job, value))
    table = np.full((len(rows), len(columns)), np.nan)
    for (row, column), values in found.items():
        finite = [one for one in values if np.isfinite(one)]
        if finite:
            table[rows.index(row), columns.index(column)] = np.median(finite)
    return table, max(map(len, found.values()))


def ticks(axis, texts, room=None):
    """Marks the values, along at most `room` inches; texts that are too wide for it are turned."""
    places = evenly(range(len(texts)), MOST_TICKS)
    chosen = [list(texts.values())[place] for place in places]
    axis.set_ticks(places, chosen)
    if room and len(places) * (max(width_of(words, 9) for words in chosen) + 0.06) > room:
        plt.setp(axis.get_ticklabels(), rotation=25, ha="right", rotation_mode="anchor")


def write(axes, table, norm):
    for (row, column), one in np.ndenumerate(table):
        if np.isfinite(one):
            colour = "white" if norm(one) < 0.6 else INK
            axes.text(column, row, f"{one:.3g}", ha="center", va="center", size=8.5, color=colour)


def heat_map(result, options):
    """The median of a result over all jobs of a cell. A cell is a pair of values; jobs that lack one are left out."""
    x, y, words = map_axes(result, options)
    value = options.value or "objective_final"
    jobs = [job for job in result.jobs if x in job.parameters and y in job.parameters]
    if not any(np.isfinite(number(job, value)) for job in jobs):
        raise PlotError(f"no finished job with {x} and {y} has a finite {value}, so there is nothing to draw")
    panels = facets(result, jobs, options, words)
    columns, rows = result.values(x), result.values(y)
    tables = [cells(own, x, y, value, columns, rows) for _, own in panels]
    seen = np.concatenate([table[np.isfinite(table)] for table, _ in tables])
    norm = colour_norm(seen)
    why = f"only jobs that read {x} and {y}" if len(jobs) < len(result.jobs) else ""
    page = Page(result, shown(result, jobs, why), [title for title, _ in panels])
    for axes, (table, _) in zip(page.panels, tables):
        image = axes.imshow(table, origin="lower", aspect="auto", cmap=SEQUENTIAL, norm=norm, interpolation="nearest")
        axes.grid(False)
        ticks(axes.xaxis, result.texts(x, 3), (WIDTH - 2) / min(len(panels), 3))
        ticks(axes.yaxis, result.texts(y, 3))
        if table.size * min(len(panels), 3) <= MOST_WRITTEN:
            write(axes, table, norm)
    page.axis_labels(x, y)
    page.bar(image, page.label(value))
    most = max(count for _, count in tables)
    page.note(f"median of up to {most} jobs a cell" if most > 1 else "a job a cell")
    return page


FIGURE = Figure(
    place=120,
    meaning="any result (--value) over two swept parameters (--x, --y), the median of each cell",
    draw=heat_map,
    scales=False,
)
