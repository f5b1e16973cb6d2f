"""A result over two swept parameters as a heat map."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from ..curves import REPLICAS
from ..figure import Figure
from ..jobs import evenly
from ..result import PlotError
from ..style import INK, SEQUENTIAL, Page, is_number, spans_decades, tick_text

MOST_WRITTEN = 80  # with more cells, numbers in them are too small to read
MOST_TICKS = 10


def map_axes(result, options):
    """The two parameters of the map: the user's, else the first two that are swept and not seeds."""
    varying = result.varying()
    for name in (options.x, options.y):
        if name and name not in varying:
            raise PlotError(f"{name} is not swept here; swept are {', '.join(varying) or 'no parameters'}")
    free = [name for name in varying if name not in REPLICAS and name not in (options.x, options.y)]
    names = [options.x or (free.pop(0) if free else None), options.y or (free.pop(0) if free else None)]
    if None in names:
        raise PlotError("heat-map needs two swept parameters; name them with --x and --y")
    return names


def ticks(axis, values):
    places = evenly(range(len(values)), MOST_TICKS)
    chosen = [values[place] for place in places]
    axis.set_ticks(places, [tick_text(float(f"{value:.3g}")) if is_number(value) else str(value) for value in chosen])


def heat_map(result, options):
    """The median of a result over all jobs of a cell. A cell is a pair of values; jobs that lack one are left out."""
    x, y = map_axes(result, options)
    value = options.value or "objective_final"
    cells = {}
    for job in result.jobs:
        if x in job.parameters and y in job.parameters:
            cells.setdefault((job.parameters[y], job.parameters[x]), []).append(float(job.value(value)))
    columns, rows = result.values(x), result.values(y)
    table = np.array([[np.median(cells.get((row, column), [np.nan])) for column in columns] for row in rows])
    seen = table[np.isfinite(table)]
    if not len(seen):
        raise PlotError(f"no finished job has a finite {value}")
    norm = (LogNorm if spans_decades(seen, 1.5) else Normalize)(seen.min(), seen.max())
    page = Page(result, 1, True)
    axes = page.panels[0]
    image = axes.imshow(table, origin="lower", aspect="auto", cmap=SEQUENTIAL, norm=norm, interpolation="nearest")
    axes.grid(False)
    ticks(axes.xaxis, columns)
    ticks(axes.yaxis, rows)
    if table.size <= MOST_WRITTEN:
        for (row, column), number in np.ndenumerate(table):
            if np.isfinite(number):
                colour = "white" if norm(number) < 0.6 else INK
                axes.text(column, row, f"{number:.3g}", ha="center", va="center", size=8.5, color=colour)
    page.axis_labels(x, y)
    page.bar(image, page.label(value), 0, 1)
    most = max(map(len, cells.values()))
    page.note(f"median of up to {most} jobs a cell" if most > 1 else "a job a cell")
    return page


FIGURE = Figure(
    place=120,
    meaning="any result (--value) over two swept parameters (--x, --y), the median of each cell",
    draw=heat_map,
)
