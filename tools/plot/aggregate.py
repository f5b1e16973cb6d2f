"""Curves from the table of `wgf aggregate --csv`: medians or means over a group key, with quantile bands."""

import csv
import math
import re
import sys
from pathlib import Path

import numpy as np
from matplotlib.lines import Line2D

from .jobs import MOST_FACETS, at_most, grouped
from .result import PlotError, Result, in_order
from .style import CATEGORICAL, Colours, Page, spans_decades
from .words import is_number, value_texts

STAT = re.compile(r"(?:(?P<value>\w+)_)?(?P<stat>count|missing|sum|mean|std|sem|min|max|median|q[\d.]+)$")
MOST_MARKERS = 30
MIDDLES = ("median", "q50", "mean")
STDIN = "-"
RECORDS = ("time", "step")  # keys of records; every curve has many of them


def number_or_text(cell):
    try:
        return float(cell)
    except ValueError:
        return cell


def lines_of(path):
    """The header and the rows, as lists of cells."""
    try:
        if path == STDIN:
            return list(csv.reader(sys.stdin)) or [[]]
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.reader(file)) or [[]]
    except OSError as error:
        raise PlotError(f"{path} cannot be read: {error.strerror}") from None


def read(path):
    """Names of the keys, the value ("" where the header does not name it) and the statistics; the rows as lists."""
    header, *rows = lines_of(path)
    stats = [STAT.match(name) for name in header]
    keys = [name for name, stat in zip(header, stats) if not stat]
    values = {stat["value"] or "" for stat in stats if stat}
    path = "standard input" if path == STDIN else path
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


def roles(keys, rows, options):
    """The keys of the horizontal axis, of the colour (or None) and of the panels, in any order of the table's."""
    for option, names in (("--x", [options.x]), ("--by", [options.by]), ("--facet", options.facet)):
        for name in filter(None, names):
            if name not in keys:
                raise PlotError(f"{option} {name}: the groups of the table are {', '.join(keys)}")
    taken = {options.by, *options.facet}
    free = [name for name in keys if name not in taken] or keys
    numbers = [name for name in free if all(is_number(row[keys.index(name)]) for row in rows)]
    x = options.x or next((name for name in (*RECORDS, *numbers) if name in free), free[0])
    rest = [name for name in keys if name not in (x, *options.facet)]
    colour = options.by or next((name for name in (*numbers, *rest) if name in rest), None)  # words can have panels
    return x, colour, [name for name in keys if name not in (x, colour)]


def panels_of(keys, rows, names):
    """[(title, rows)] for each combination of the keys."""
    at = [keys.index(name) for name in names]
    texts = [value_texts({row[k] for row in rows}) for k in at]
    groups = grouped(rows, names, lambda row: tuple(row[k] for k in at), texts)
    return at_most(groups, names, MOST_FACETS, "some with --where of wgf aggregate")


def draw_curve(axes, xs, at, middle, stats, colour, linked):
    """The curve of a group; without `linked`, where x is words, points with bars."""
    for low, high in bands(stats):
        if linked:
            axes.fill_between(xs, at[low], at[high], color=colour, alpha=0.15, linewidth=0)
        else:
            axes.vlines(xs, at[low], at[high], color=colour, alpha=0.5, linewidth=2)
    style = "o" if not linked else "o-" if len(xs) <= MOST_MARKERS else "-"
    axes.plot(xs, at[middle], style, color=colour, markersize=4, linewidth=1.4)


def wide(values, ends, are_records):
    """Does a horizontal axis of these values span decades? That of records does where curves end decades apart."""
    return spans_decades([end for end in ends if end > 0], 1.5) if are_records else spans_decades(values)


def curves(path, options):
    """A curve for each value of one key, and a panel for each combination of the others."""
    keys, value, stats, rows = read(path)
    middle = next((stat for stat in MIDDLES if stat in stats), None)
    if middle is None:
        raise PlotError(f"{path} needs a median or mean: see --stat of wgf aggregate")
    x, by, others = roles(keys, rows, options)
    column = lambda name: [row[keys.index(name)] for row in rows]
    linked = all(is_number(one) and math.isfinite(one) for one in column(x))
    places = {one: place for place, one in enumerate(sorted(set(column(x)), key=in_order))}
    seen = sorted(set(column(by)), key=in_order) if by else [None]
    colours = Colours(by, seen) if by else None
    panels = panels_of(keys, rows, others)
    name = "aggregate" if path == STDIN else Path(path).stem
    middles = [row[len(keys) + stats.index(middle)] for row in rows]
    ends = {}
    for row in rows if linked else []:
        group = tuple(row[keys.index(name)] for name in keys if name != x)
        ends[group] = max(ends.get(group, 0), row[keys.index(x)])
    page = Page(Result(name, view=options.view), f"shown: {middle} over the jobs of a group", [t for t, _ in panels])
    for axes, (_, own) in zip(page.panels, panels):
        for k, one in enumerate(seen):
            members = [row for row in own if not by or row[keys.index(by)] == one]
            shift = 0.0 if linked else 0.4 * ((k + 0.5) / len(seen) - 0.5)  # words side by side
            points = [row[keys.index(x)] for row in members]
            xs = np.array([point if linked else places[point] + shift for point in points], float)
            table = np.array([row[len(keys) :] for row in members], float).reshape(len(members), len(stats))
            rising = np.argsort(xs, kind="stable")
            at = {stat: table[rising, n] for n, stat in enumerate(stats)}
            draw_curve(axes, xs[rising], at, middle, stats, colours(one) if colours else CATEGORICAL[0], linked)
        if linked:
            axes.set_xscale("log" if wide(column(x), ends.values(), x in RECORDS) else "linear")
        else:
            axes.set_xticks(list(places.values()), value_texts(places).values())
        axes.set_yscale("log" if spans_decades([y for y in middles if np.isfinite(y)], zero=True) else "linear")
    page.axis_labels(x, options.value or value or "value")
    if colours and colours.continuous:
        page.colour_bar(colours)
    if colours and colours.words:
        page.legend(colours.handles(lambda shade, words: Line2D([], [], color=shade, marker="o", label=words)))
    page.settle()
    return page
