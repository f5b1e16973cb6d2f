"""Results over two swept parameters as a heat map, and the use of the cores over time."""

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import Patch

from plot_curves import REPLICAS
from plot_result import PlotError
from plot_style import INK, SEQUENTIAL, Colours, Page, is_number, label, spans_decades, tick_text

MOST_WRITTEN = 80  # cells beyond which numbers in them could not be read
MOST_TICKS = 10


def map_axes(result, options):
    """The two parameters of the map: as asked for, else the first two that are swept and are no repetitions."""
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
    places = np.unique(np.linspace(0, len(values) - 1, min(MOST_TICKS, len(values))).astype(int))
    axis.set_ticks(places, [tick_text(float(f"{values[i]:.3g}")) if is_number(values[i]) else str(values[i]) for i in places])


def heat_map(result, options):
    """Median of a result over all jobs of a cell, a cell a pair of values, in the order of the values."""
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
    page = Page(result.name, result.description, 1, True)
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
    page.bar(image, label(value), 0, 1)
    most = max(map(len, cells.values()))
    page.note(f"median of up to {most} jobs a cell" if most > 1 else "a job a cell")
    return page


def gantt(result, options):
    """A row a rank, a bar a job from its start to its end, coloured by a swept parameter."""
    jobs = [job for job in result.jobs if job.value("started") >= 0]  # a job taken over from another file was not run here
    if not jobs:
        raise PlotError("gantt: no job was run for this file")
    name = options.by or next((name for name in result.varying() if name not in REPLICAS), None)
    colours = Colours(name, result.values(name)) if name else None
    ranks = sorted({job.value("rank") for job in jobs})
    start = min(job.value("started") for job in jobs)
    page = Page(result.name, result.description, 1, bool(colours and colours.continuous), panel_height=0.9 + 0.45 * len(ranks))
    axes = page.panels[0]
    busy = 0.0
    for rank in ranks:
        own = [job for job in jobs if job.value("rank") == rank]
        bars = [(job.value("started") - start, job.value("seconds")) for job in own]
        faces = [colours(job.parameters.get(name)) if colours else "#0072B2" for job in own]
        axes.broken_barh(bars, (ranks.index(rank) - 0.4, 0.8), facecolors=faces, linewidth=0)
        busy += sum(seconds for _, seconds in bars)
    end = max(job.value("started") + job.value("seconds") for job in jobs) - start
    axes.set_yticks(range(len(ranks)), [f"rank {rank}" for rank in ranks])
    axes.set_ylim(-0.6, len(ranks) - 0.4)
    axes.set_xlim(0, end)
    axes.grid(False, axis="y")
    page.axis_labels("seconds since the first job began", "")
    if colours and colours.continuous:
        page.colour_bar(colours)
    elif colours:
        page.legend([Patch(color=colours(value), label=str(value)) for value in colours.values])
    share = busy / (len(ranks) * end)
    if not (colours and not colours.continuous):
        page.note(f"{len(jobs)} jobs; {share:.1%} of the time of {len(ranks)} workers is in jobs")
    return page
