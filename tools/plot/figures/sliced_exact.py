"""The sliced distance beside the exact ones over the number of inputs: what a step costs, where steps end, seconds."""

import numpy as np
from matplotlib.lines import Line2D

from ..figure import Figure
from ..fit import interval_text, median_interval
from ..jobs import REPLICAS, facets, shown
from ..result import PlotError
from ..style import CATEGORICAL, INK, MUTED, QUARTILES, Colours, Page, draw_band, set_log_y, spans_decades

MOST_ROWS = 4
TRACES = ("distance", "distance_wasserstein")
STYLES = {"none": "-", "dimension": (0, (3, 1.5))}  # by what the sliced distance is multiplied by
MARKS = {"frobenius": ("D", INK), "wasserstein": ("s", CATEGORICAL[3])}
NUMBERS = ("objective_final", "seconds")
HEADER = ("", "distance", "times", "directions", "d", "W₂² / sliced", "F", "seconds")
OWN = ("metric", "sliced_scale", "projections", "d")


def suits(result):
    return "d" in result.varying() and "sliced" in result.values("metric") and result.has(*TRACES)


def ratio(job):
    """W2^2 of a step over its sliced distance, the median over the steps that move anything."""
    distance, exact = (job.trace[name][1:] for name in TRACES)
    moved = distance > 0
    return float(np.median(exact[moved] / distance[moved])) if moved.any() else np.nan


def number(name):
    """A result of a job, as `ratio` is one."""
    return lambda job: float(job.value(name))


def groups(jobs):
    """{(metric, scale, projections): {d: its jobs}}"""
    found = {}
    for job in jobs:
        sliced = job.value("metric") == "sliced"
        scale = job.value("sliced_scale") if sliced and "sliced_scale" in job.source.file else "none"
        key = (job.value("metric"), scale, job.value("projections") if sliced else None)
        found.setdefault(key, {}).setdefault(job.value("d"), []).append(job)
    return found


def said(jobs, value):
    """The median over jobs with its 95 % interval."""
    values = [one for one in map(value, jobs) if np.isfinite(one)]
    return interval_text(*median_interval(values)) if values else "–"


def table_rows(title, found):
    """A line for each distance and d."""
    for (metric, scale, projections), own in found.items():
        sliced = metric == "sliced"
        scale = {"none": "1", "dimension": "d"}[scale] if sliced else "–"
        for d, jobs in sorted(own.items()):
            values = said(jobs, ratio) if sliced else "–", *(said(jobs, number(name)) for name in NUMBERS)
            yield [title, metric, scale, str(projections or "–"), str(d), *values]


def draw_curves(axes, found, value, colours, only=None):
    """The median of a value of jobs over d, with the middle half of the jobs."""
    for (metric, scale, projections), own in sorted(found.items(), key=lambda one: one[0][1] == "dimension"):
        if only and metric != only:
            continue
        numbers = {d: [one for one in map(value, jobs) if np.isfinite(one) and one > 0] for d, jobs in own.items()}
        xs = [d for d in sorted(numbers) if numbers[d]]
        if not xs:
            continue
        quartiles = np.transpose([np.percentile(numbers[d], QUARTILES) for d in xs])
        mark, colour = MARKS.get(metric, ("o", None))
        colour = colour or colours(projections)
        style = {"linestyle": STYLES[scale], "linewidth": 1.4, "markersize": 3.5}
        draw_band(axes, xs, quartiles, colour, marker=mark, **style)


def draw_row(page, panels, found, colours):
    draw_curves(panels[0], found, ratio, colours, only="sliced")
    inputs = sorted({d for own in found.values() for d in own})
    panels[0].plot(inputs, inputs, color=MUTED, linewidth=1, linestyle=":")
    panels[0].plot(inputs, [1] * len(inputs), color=MUTED, linewidth=1, linestyle=":")
    for axes, name in zip(panels[1:], NUMBERS):
        draw_curves(axes, found, number(name), colours)
    labels = (r"$W_2^2$ of a step / its sliced distance", "objective", "seconds of a job")
    for axes, words in zip(panels, labels):
        axes.set_xscale("log" if spans_decades(inputs) else "linear")
        set_log_y(axes)
        page.describe(axes, r"inputs  $d$", words)


def handles(jobs):
    found = groups(jobs)
    line = lambda words, **style: Line2D([], [], label=words, **style)
    drawn = [
        line(metric, color=colour, marker=mark, markersize=4)
        for metric, (mark, colour) in MARKS.items()
        if any(key[0] == metric for key in found)
    ]
    words = {"none": "sliced", "dimension": "sliced, times d"}
    drawn += [
        line(words[scale], color=MUTED, linestyle=style)
        for scale, style in STYLES.items()
        if any(key[:2] == ("sliced", scale) for key in found)
    ]
    return [*drawn, line("d, and 1", color=MUTED, linewidth=1, linestyle=":")]


def sliced_exact(result, options):
    """A row of panels for each combination of the other parameters that vary."""
    measured = lambda job: all(name in job.trace and np.isfinite(job.trace[name]).any() for name in TRACES)
    jobs = [job for job in result.jobs if job.value("method") == "prox" and measured(job)]
    if not any(job.value("metric") == "sliced" for job in jobs):
        raise PlotError("sliced-exact needs jobs with method: prox, metric: sliced and record_distances: all")
    others = [name for name in result.varying() if name not in (*OWN, *REPLICAS)]
    rows = [
        (title, own)
        for title, own in facets(result, jobs, options, others, MOST_ROWS)
        if any(job.value("metric") == "sliced" for job in own)
    ]
    used = [job for _, own in rows for job in own]
    said = shown(result, used, "only jobs of prox with all distances" if len(used) < len(result.jobs) else "")
    heads = ("a step", "F after the last step", "cost")
    titles = [f"{title}, {words}" if title else words for title, _ in rows for words in heads]
    page = Page(result, said, titles, columns=3, shared=False, panel_height=2.7)
    colours = Colours("projections", sorted({key[2] for key in groups(used) if key[2]}))
    page.table = HEADER, []
    for k, (title, own) in enumerate(rows):
        found = groups(own)
        draw_row(page, page.panels[3 * k : 3 * k + 3], found, colours)
        page.table[1].extend(table_rows(title, found))
    if colours.continuous:
        page.colour_bar(colours)
    page.legend(handles(used))
    page.note("medians over jobs, bands 25–75 %; a step: the median over the steps of a job")
    return page


FIGURE = Figure(
    place=27,
    meaning="sliced against exact distances over d: W2 of a step, F, seconds (record_distances: all; --table)",
    draw=sliced_exact,
    suits=suits,
)
