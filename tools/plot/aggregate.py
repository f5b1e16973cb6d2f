"""Curves from the table of `wgf aggregate --csv`: medians or means over the first group key, with quantile bands."""

import csv
import re
from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from .result import PlotError, Result, in_order
from .style import CATEGORICAL, Colours, Page, spans_decades
from .words import is_number

STAT = re.compile(r"(?:(?P<value>\w+)_)?(?P<stat>count|missing|sum|mean|std|sem|min|max|median|q[\d.]+)$")
MOST_MARKERS = 30
MIDDLES = ("median", "q50", "mean")


def number_or_text(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def read(path):
    """Names of the keys, the value ("" where the header does not name it) and the statistics; the rows as lists."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except OSError as error:
        raise PlotError(f"{path} cannot be read: {error.strerror}") from None
    stats = [STAT.match(name) for name in header]
    keys = [name for name, stat in zip(header, stats) if not stat]
    values = {stat["value"] or "" for stat in stats if stat}
    if not keys or not rows or len(values) != 1:
        raise PlotError(f"{path} is not what `wgf aggregate --by NAME --value NAME --csv` prints for one value")
    if header[: len(keys)] != keys:
        raise PlotError(f"{path}: the columns of the groups do not come first, as `wgf aggregate` prints them")
    rows = [list(map(number_or_text, row)) for row in rows]
    return keys, values.pop(), [stat["stat"] for stat in stats if stat], rows


def bands(stats):
    """Pairs of symmetric quantiles (q25 and q75), the widest first."""
    share = {float(stat[1:]): stat for stat in stats if stat[0] == "q" and stat[1:]}
    return [(share[q], share[100 - q]) for q in sorted(share) if q < 50 and 100 - q in share]


def curves(path, options):
    """A curve for each combination of the other keys, coloured by the second one."""
    keys, value, stats, rows = read(path)
    middle = next((stat for stat in MIDDLES if stat in stats), None)
    if middle is None or not all(is_number(row[0]) for row in rows):
        raise PlotError(f"{path} needs a median or mean, and a number as its first group")
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[1 : len(keys)]), []).append(row)
    seen = sorted({group[0] for group in groups}, key=in_order) if keys[1:] else []
    colours = Colours(keys[1], seen) if seen else None
    page = Page(Result(Path(path).stem), f"shown: {middle} over the jobs of a group", [""])
    axes = page.panels[0]
    for group, members in groups.items():
        table = np.array([[row[0], *row[len(keys) :]] for row in members], float)
        at = {stat: table[:, 1 + n] for n, stat in enumerate(stats)}
        colour = colours(group[0]) if colours else CATEGORICAL[0]
        for low, high in bands(stats):
            axes.fill_between(table[:, 0], at[low], at[high], color=colour, alpha=0.15, linewidth=0)
        style = "o-" if len(table) <= MOST_MARKERS else "-"
        axes.plot(table[:, 0], at[middle], style, color=colour, markersize=4, linewidth=1.4)
    middles = [row[len(keys) + stats.index(middle)] for row in rows]
    axes.set_xscale("log" if spans_decades([row[0] for row in rows]) else "linear")
    axes.set_yscale("log" if spans_decades([y for y in middles if np.isfinite(y)]) else "linear")
    page.axis_labels(keys[0], options.value or value or "value")
    if colours and colours.continuous:
        page.colour_bar(colours)
    if colours and colours.words:
        page.legend(colours.handles(lambda shade, words: Line2D([], [], color=shade, marker="o", label=words)))
    page.settle()
    return page
