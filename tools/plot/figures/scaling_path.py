"""What the size of the initial weights decides: when neurons align, when F falls, and what is learned."""

import numpy as np
from matplotlib.lines import Line2D

from ..figure import Figure
from ..fit import CONFIDENCE, resampled
from ..jobs import facets, shown
from ..result import PlotError
from ..samples import samples
from ..style import CATEGORICAL, INK, QUARTILES, Colours, Page, draw_band, set_log_y
from .learned_function import line, outputs

ALIGNED, FALLEN = 0.99, 0.99  # the mean cosine to the nearest extremal direction; the part of F that is left
TITLES = ("alignment, and the first fall of F", "F at the end", "variation norm at the end", "learned functions")
EVENTS = (
    ("alignment to %g" % ALIGNED, lambda trace: trace["alignment"] >= ALIGNED),
    ("F has fallen by 1 %", lambda trace: trace["objective"] <= FALLEN * trace["objective"][0]),
)
HEADER = ("", "later by, for each decade", "95 %", "up to the size")
MOST_COLUMNS = 3


def first_time(job, holds):
    """When a condition first holds at a record; NaN: never."""
    found = np.flatnonzero(holds(job.trace))
    return job.trace["time"][found[0]] if len(found) else np.nan


def has_alignment(job):
    return "alignment" in job.trace and np.isfinite(job.trace["alignment"]).any()


def table(jobs, value):
    """(sizes, values [seeds, sizes]) of the seeds that finished every size."""
    sizes = sorted({job.parameters["init_scale"] for job in jobs})
    found = {}
    for job in jobs:
        found.setdefault(job.parameters.get("seed"), {})[job.parameters["init_scale"]] = value(job)
    whole = [[own[size] for size in sizes] for own in found.values() if len(own) == len(sizes)]
    return np.array(sizes), np.array(whole)


def slope(sizes, times):
    """Of medians over seeds [seeds, sizes] against log10 of the size: (slope, low, high), from whole seeds drawn."""
    columns = np.column_stack([np.ones(len(sizes)), np.log10(sizes)])
    of = lambda values: np.linalg.lstsq(columns, np.median(values, axis=0), rcond=None)[0][1]
    return of(times), *np.percentile([of(times[rows]) for rows in resampled(len(times))], CONFIDENCE)


def draw_range(axes, sizes, values, colour, label=None):
    style = {"marker": "o", "markersize": 3.5, "linewidth": 1.3, "label": label}
    draw_band(axes, sizes, np.percentile(values, QUARTILES, axis=0), colour, **style)
    axes.set_xscale("log")


def two(number):
    """Two decimals, and no minus before 0."""
    return f"{round(number, 2) + 0.0:.2f}"


def draw_times(axes, jobs):
    """Both times over the size, while all seeds have them. Returns the rows of the table, of the sizes at which
    alignment comes first."""
    found = [(name, *table(jobs, lambda job: first_time(job, holds))) for name, holds in EVENTS]
    aligned, fallen = (np.median(times, axis=0) for *_, times in found)
    small = int(np.logical_and.accumulate(aligned < fallen).sum())
    rows = []
    for colour, (name, sizes, times) in zip(CATEGORICAL, found):
        there = np.isfinite(times).all(axis=0)
        draw_range(axes, sizes[there], times[:, there], colour, name)
        if small > 1:
            later, low, high = slope(sizes[:small], times[:, :small])
            rows.append([name, two(-later), f"{two(-high)} to {two(-low)}", f"{sizes[small - 1]:g}"])
    axes.legend(loc="upper right", fontsize=8)
    return rows


def draw_ends(axes, jobs, value, colour):
    sizes, values = table(jobs, value)
    draw_range(axes, sizes, values, colour)
    for own in values:
        axes.plot(sizes, own, ".", color=colour, markersize=3, alpha=0.6)
    set_log_y(axes)


def draw_functions(axes, jobs, colours, options):
    """The first job of each size at its end, and its data."""
    first = {}
    for job in jobs:
        if job.has_state():
            first.setdefault(job.parameters["init_scale"], job)
    for size, job in sorted(first.items()):
        inputs, labels = samples(job, options)
        reach, points, own, words = line(inputs, options.inputs)
        axes.plot(reach, outputs(job, points)[-1], color=colours(size), linewidth=1.3)
        axes.plot(own, labels, "o", color=INK, markersize=2.5, zorder=5)
        axes.set_xlabel(words)
    axes.set_ylabel("output  $f(x)$")


def draw_column(panels, jobs, colours, options):
    """The four panels of one sweep. Returns the rows of its table."""
    times, ends, norms, functions = panels
    rows = draw_times(times, jobs)
    draw_ends(ends, jobs, lambda job: job.trace["objective"][-1], CATEGORICAL[2])
    draw_ends(norms, jobs, lambda job: job.trace["variation_norm"][-1], CATEGORICAL[3])
    least = [job.value("variation_norm_minimal") for job in jobs if "variation_norm_minimal" in job.source.file]
    if least and np.isfinite(least).all():
        norms.axhline(np.median(least), linestyle="--", color=INK, linewidth=1.1)
        norms.legend([Line2D([], [], linestyle="--", color=INK)], ["least norm that fits the labels"], fontsize=8)
    draw_functions(functions, jobs, colours, options)
    return rows


def whole(jobs):
    """Is there a seed that finished every one of three sizes or more?"""
    sizes, ended = table(jobs, lambda job: 0)
    return len(sizes) > 2 and len(ended) > 0


def scaling_path(result, options):
    """A column of four panels for each combination of other parameters, over init_scale."""
    jobs = [job for job in result.jobs if "init_scale" in job.parameters and has_alignment(job)]
    others = [name for name in result.varying() if name not in ("init_scale", "seed")]
    groups = [(title, own) for title, own in facets(result, jobs, options, others, MOST_COLUMNS) if whole(own)]
    if not groups:
        raise PlotError(
            "scaling-path needs a seed that finished three values of init_scale or more with record_diagnostics:"
            " alignment"
        )
    seen = [job for _, own in groups for job in own]
    alone = len(groups) == 1 and not groups[0][0]
    titles = TITLES if alone else [title for title, _ in groups] + [""] * (3 * len(groups))
    page = Page(
        result, shown(result, seen), titles, columns=2 if alone else len(groups), shared=False, panel_height=2.6
    )
    colours = Colours("init_scale", sorted({job.parameters["init_scale"] for job in seen}))
    page.table = HEADER, []
    for i, (title, own) in enumerate(groups):
        panels = page.panels if alone else page.panels[i :: len(groups)]
        rows = draw_column(panels, own, colours, options)
        page.table[1].extend([f"{title}: {name}" if title else name, *rest] for name, *rest in rows)
        for axes, label in zip(panels, ("time", "objective", "variation_norm")):
            page.describe(axes, "init_scale", label)
    page.colour_bar(colours)
    page.note("medians over seeds, bands 25–75 %; points: every seed; functions: the first seed, and its data")
    return page


FIGURE = Figure(
    place=45,
    meaning="when neurons align and F falls, and what is learned, over init_scale (save: last; --table)",
    draw=scaling_path,
)
