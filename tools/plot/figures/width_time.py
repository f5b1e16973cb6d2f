"""How far F is from the optimum over width and time: a surface with two limits, in either order."""

import numpy as np
from matplotlib.lines import Line2D

from ..figure import Figure
from ..fit import bootstrap_rate, interval_text, median_interval
from ..jobs import evenly, facets, shown
from ..optimum import optimum_of
from ..result import PlotError
from ..style import INK, MUTED, QUARTILES, SEQUENTIAL, Colours, Page, colour_norm, draw_band
from ..words import number_text

TIMES = 61  # of the map, evenly spaced in the logarithm
LINES = 5  # times of the panel over width
MOST_ROWS = 3
LEAST_WIDTHS = 3


def gap_at(job, times):
    """F - J* of a job at the last record before each time, NaN after its end or where J* is not known."""
    level = optimum_of(job)
    at, values = job.trace["time"], job.trace["objective"]
    if level is None or len(at) < 2:
        return np.full(len(times), np.nan)
    last = np.searchsorted(at, times * (1 + 1e-12), side="right") - 1
    return np.where((last >= 0) & (times <= at[-1] * (1 + 1e-12)), values[np.maximum(last, 0)] - level, np.nan)


def tables(jobs, times):
    """{width: gaps [seeds, times]} of the jobs with an optimum."""
    found = {}
    for job in jobs:
        gaps = gap_at(job, times)
        if "width" in job.parameters and np.isfinite(gaps).any():
            found.setdefault(job.parameters["width"], []).append(gaps)
    return {width: np.array(found[width]) for width in sorted(found)}


def common_times(jobs):
    """Times evenly spaced in the logarithm, from the first record that all jobs have to the last of any."""
    traces = [job.trace["time"] for job in jobs if len(job.trace["time"]) > 1]
    return np.geomspace(max(at[1] for at in traces), max(at[-1] for at in traces), TIMES) if traces else np.empty(0)


def edges(values):
    """Boundaries of cells around positive values, in the middle of their logarithms."""
    middles = np.sqrt(np.multiply(values[1:], values[:-1]))
    return np.concatenate([[values[0] ** 2 / middles[0]], middles, [values[-1] ** 2 / middles[-1]]])


def is_surface(times, found):
    """Are there widths, times and gaps above 0 for a map?"""
    gaps = [np.median(gaps, axis=0) for gaps in found.values()]
    return len(found) >= LEAST_WIDTHS and times[0] < times[-1] and np.any(np.array(gaps) > 0)


def positive(values):
    return np.where(values > 0, values, np.nan)


def rate(words, x, samples):
    """The exponent over x of the median over seeds [seeds, x], or nothing where that is not positive."""
    if len(samples) < 2 or not np.all(np.median(samples, axis=0) > 0):
        return ""
    return words + interval_text(*bootstrap_rate(np.array(x), samples, np.median)[:3])


def table_rows(title, found, times):
    """A line for each width: the gap at a few times, and its exponent in t since the last. Then those in m."""
    chosen = evenly(range(len(times)), LINES)
    yield [title, "width", *(f"t = {times[k]:.3g}" for k in chosen)]
    for width, gaps in found.items():
        cells = [interval_text(*median_interval(gaps[:, k])) for k in chosen]
        rates = ["", *(rate("; t^", times[[k, after]], gaps[:, [k, after]]) for k, after in zip(chosen, chosen[1:]))]
        yield [title, f"{width}", *map("".join, zip(cells, rates))]
    if len({len(gaps) for gaps in found.values()}) == 1:
        seeds = np.stack(list(found.values()), axis=1)  # [seeds, widths, times]
        yield [title, "all", *(rate("m^", list(found), seeds[:, :, k]) for k in chosen)]


def draw_map(axes, found, times, norm):
    """The median over seeds as colours, with contours; returns what a colour bar needs."""
    widths = list(found)
    middle = positive(np.array([np.median(gaps, axis=0) for gaps in found.values()]))
    image = axes.pcolormesh(edges(times), edges(widths), middle, cmap=SEQUENTIAL, norm=norm)
    levels = np.geomspace(norm.vmin, norm.vmax, 8)[1:-1]  # of all maps, of which one may be flat
    levels = levels[(levels > np.nanmin(middle)) & (levels < np.nanmax(middle))]
    if len(levels) > 0:
        axes.contour(times, widths, middle, levels=levels, colors=INK, linewidths=0.6)
    axes.grid(False)
    return image


def draw_over_time(axes, found, times, colours):
    for width, gaps in found.items():
        quartiles = positive(np.percentile(gaps, QUARTILES, axis=0))
        draw_band(axes, times, quartiles, colours(width), 0.12, linewidth=1.4)


def draw_over_width(axes, found, times):
    """A line for each of a few times."""
    chosen = evenly(range(len(times)), LINES)
    shades = Colours("time", [float(times[k]) for k in chosen])
    for k in chosen:
        quartiles = positive(np.transpose([np.percentile(gaps[:, k], QUARTILES) for gaps in found.values()]))
        colour, words = shades(float(times[k])), number_text(float(f"{times[k]:.3g}"))
        style = {"marker": "o", "markersize": 3.5, "linewidth": 1.4, "label": words}
        draw_band(axes, list(found), quartiles, colour, 0.12, **style)
    axes.legend(title="time", fontsize=8, title_fontsize=8, labelcolor=MUTED, loc="lower left")


def width_time(result, options):
    """A row for each combination of the other parameters that vary: the map, its lines over time and over width."""
    others = [name for name in result.varying() if name not in ("width", "seed")]
    rows = []
    for title, jobs in facets(result, result.jobs, options, others, MOST_ROWS):
        times = common_times(jobs)
        found = tables(jobs, times)
        if is_surface(times, found):
            rows.append((title, jobs, times, found))
    if not rows:
        raise PlotError(
            f"width-time needs {LEAST_WIDTHS} widths, records of two times after the first, and a known optimum:"
            " objective_optimal, with its optimum_gap"
        )
    used = [job for _, jobs, *_ in rows for job in jobs]
    said = shown(result, used, "only jobs with a known optimum" if len(used) < len(result.jobs) else "")
    heads = ("median over seeds", "a curve a width", "a curve a time")
    titles = [f"{title}, {words}" if title else words for title, *_ in rows for words in heads]
    page = Page(result, said, titles, columns=3, shared=False, panel_height=3.0)
    medians = [np.median(gaps, axis=0) for *_, found in rows for gaps in found.values()]
    shown_gaps = np.concatenate([middle[middle > 0] for middle in medians])
    norm = colour_norm(shown_gaps)
    lines = [line for title, _, times, found in rows for line in table_rows(title, found, times)]
    page.table = lines[0], lines[1:]
    for k, (_, _, times, found) in enumerate(rows):
        over_both, over_time, over_width = page.panels[3 * k : 3 * k + 3]
        image = draw_map(over_both, found, times, norm)
        draw_over_time(over_time, found, times, Colours("width", list(found)))
        draw_over_width(over_width, found, times)
        for axes, x, y in (
            (over_both, "time", "width"), (over_time, "time", r"$F - J^\star$"), (over_width, "width", r"$F - J^\star$")
        ):  # fmt: skip
            axes.set_xscale("log")
            axes.set_yscale("log")
            page.describe(axes, x, y)
    page.bar(image, r"$F - J^\star$  of the map")
    widest = sorted({width for *_, found in rows for width in found})
    colours = Colours("width", widest)
    page.legend([Line2D([], [], color=colours(width), linewidth=2, label=f"width {width}") for width in widest])
    page.note("lines: medians over seeds, bands 25–75 %; a black line joins points of equal height on the map")
    return page


FIGURE = Figure(
    place=15,
    meaning="F − J* over width and time, medians over seeds, where the optimum is known (--table)",
    draw=width_time,
)
