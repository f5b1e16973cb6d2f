"""Figures with one curve a job: any trace against any other, coloured by a parameter, a panel a variant."""

from itertools import product

import numpy as np
from matplotlib.lines import Line2D

from plot_result import DIVERGED, DONE, TIMEOUT, PlotError
from plot_style import INK, MUTED, Colours, Page, is_number, spans_decades

MOST_CURVES = 2000
MOST_PANELS = 12
MOST_PANELS_OF_A_NUMBER = 4
MOST_ARROWS = 60  # curves beyond which arrowheads would hide the curves

# A distance this much smaller than the figure's largest is rounding: the descent has come to rest.
REST = 1e-12
AT_REST = "rest"

END_MARKERS = {DONE: "o", AT_REST: "D", DIVERGED: "X", TIMEOUT: "s"}
END_NAMES = {
    DONE: "last step",
    AT_REST: "at rest from here",
    DIVERGED: "diverged",
    TIMEOUT: "stopped by its time limit",
}
REPLICAS = ("seed", "data_seed")  # their values are repetitions, never panels or colours by themselves


def choose_panels(result, colour):
    """The swept parameters whose values get a panel each: words, and numbers of few values."""
    chosen, count = [], 1
    for name in result.varying():
        values = result.values(name)
        most = MOST_PANELS_OF_A_NUMBER if all(map(is_number, values)) else MOST_PANELS
        if name == colour or name in REPLICAS or len(values) > most or count * len(values) > MOST_PANELS:
            continue
        chosen.append(name)
        count *= len(values)
    return chosen


def split(jobs, names):
    """Jobs by panel: (title, jobs) for every combination of values that has jobs, in the order of the values."""
    found = {}
    for job in jobs:
        found.setdefault(tuple(job.parameters.get(name) for name in names), []).append(job)
    values = [sorted({key[i] for key in found}, key=lambda v: (v is None, v)) for i in range(len(names))]
    panels = []
    for key in product(*values):
        if key in found:
            named = [(name, value) for name, value in zip(names, key) if value is not None]
            words = [f"{name} {value:g}" if is_number(value) else value for name, value in named]
            panels.append((", ".join(words), found[key]))
    return panels


def rest_level(jobs, x):
    """The distance below which a curve ends as at rest; 0 where x is no distance."""
    if not x.startswith("distance"):
        return 0.0
    return REST * max((np.nanmax(job.trace[x], initial=0.0) for job in jobs), default=0.0)


def points(job, x, y, first, logarithmic, level):
    """The finite points of a curve that its axes can show, and how it ends."""
    xs, ys = job.trace[x][first:], job.trace[y][first:]
    with np.errstate(invalid="ignore"):
        shown = np.isfinite(xs) & np.isfinite(ys)
        shown &= ((xs > 0) | (not logarithmic[0])) & ((ys > 0) | (not logarithmic[1]))
    xs, ys = xs[shown], ys[shown]
    moving = int(np.flatnonzero(xs >= level)[-1]) + 1 if np.any(xs >= level) else 0
    if 0 < moving < len(xs):
        return xs[:moving], ys[:moving], AT_REST
    return xs, ys, job.status


def add_arrow(axes, xs, ys, colour, size):
    """An arrowhead half way along the curve, as long as it looks on the page."""
    on_page = axes.transData.transform(np.column_stack([xs, ys]))
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(on_page, axis=0).T))])
    if not travelled[-1] > 40:
        return
    middle = 0.5 * travelled[-1]
    around = [[np.interp(middle + step, travelled, on_page[:, k]) for k in (0, 1)] for step in (-6, 6)]
    start, end = axes.transData.inverted().transform(around)
    if np.hypot(*(np.subtract(*around))) > 1:
        axes.annotate(
            "", xy=end, xytext=start, zorder=4,
            arrowprops={
                "arrowstyle": "-|>", "color": colour, "mutation_scale": size, "linewidth": 0,
                "shrinkA": 0, "shrinkB": 0,
            },
        )  # fmt: skip


def draw_curve(axes, xs, ys, end, colour, crowd):
    """One trajectory, with an open circle where it starts and a filled mark where it ends."""
    width, size = (1.5, 4.5) if crowd <= 16 else (1.0, 3.2) if crowd <= MOST_ARROWS else (0.6, 1.8)
    axes.plot(xs, ys, color=colour, linewidth=width, alpha=0.95 if crowd <= 16 else 0.7, solid_joinstyle="round")
    axes.plot(xs[:1], ys[:1], "o", markerfacecolor="white", markeredgecolor=colour, markersize=size, zorder=5)
    axes.plot(xs[-1:], ys[-1:], END_MARKERS[end], color=colour, markeredgewidth=0, markersize=size * 1.2, zorder=6)


def legend_handles(ends, colours, replicas):
    def mark(shape, face, name):
        return Line2D(
            [], [], linestyle="", marker=shape, markerfacecolor=face, markeredgecolor=MUTED, markersize=5, label=name
        )

    handles = []
    if colours and not colours.continuous:
        handles = [Line2D([], [], color=colours(value), linewidth=2, label=str(value)) for value in colours.values]
    handles.append(mark("o", "white", "first step"))
    handles += [mark(END_MARKERS[end], MUTED, name) for end, name in END_NAMES.items() if end in ends]
    if replicas:
        handles.append(Line2D([], [], color=MUTED, linewidth=0.8, label=f"one line a {replicas[0].replace('_', ' ')}"))
    return handles


def draw(result, x, y, colour, first, logarithmic):
    """The figure: `colour` is a parameter's name or None; `first` the first record shown."""
    for name in (x, y):
        if not result.has(name):
            raise PlotError(f"the result has no {name}; some traces are recorded only where the spec asks for them")
    panels = split(result.jobs, choose_panels(result, colour))
    colours = Colours(colour, result.values(colour)) if colour else None
    bar = colours is not None and colours.continuous
    page = Page(result.name, result.description, max(len(panels), 1), bar)
    level = rest_level(result.jobs, x)
    drawn, ends = [], set()
    for axes, (title, jobs) in zip(page.panels, panels):
        axes.set_xscale("log" if logarithmic[0] else "linear")
        axes.set_yscale("log" if logarithmic[1] else "linear")
        axes.set_title(title, size=10.5, color=INK, loc="left")
        for job in jobs:
            xs, ys, end = points(job, x, y, first, logarithmic, level)
            if len(xs):
                shade = colours(job.parameters.get(colour)) if colours else INK
                draw_curve(axes, xs, ys, end, shade, len(jobs))
                drawn.append((axes, xs, ys, shade, len(jobs)))
                ends.add(end)
    if not drawn:
        raise PlotError(f"no finished job has a positive {x.replace('_', ' ')} and {y}, so there is nothing to draw")
    page.axis_labels(x, y)
    if bar:
        page.colour_bar(colours)
    replicas = [name for name in result.varying() if name in REPLICAS]
    page.legend(legend_handles(ends, colours, replicas))
    page.settle()
    for axes, xs, ys, shade, crowd in drawn:
        if crowd <= MOST_ARROWS and len(xs) > 1:
            add_arrow(axes, xs, ys, shade, 17 if crowd <= 16 else 11)
    return page


def default_colour(result):
    """The first swept number (words can have panels), else the first word, else a replica, else none."""
    varying = result.varying()
    numbers = [name for name in varying if all(map(is_number, result.values(name))) and name not in REPLICAS]
    words = [name for name in varying if name not in numbers and name not in REPLICAS]
    return next(iter(numbers + words + varying), None)


def objective_distance(result, options):
    """Objective against distance between iterates, both logarithmic, from the first step on."""
    colour = options.by or ("gamma" if "gamma" in result.varying() else default_colour(result))
    return draw(result, options.x or "distance", options.y or "objective", colour, 1, (True, True))


def suits_objective_distance(result):
    """A sweep of gamma whose iterates moved."""
    return result.has("distance") and "gamma" in result.varying() and rest_level(result.jobs, "distance") > 0


def distance_difference(result, options):
    """By how much the Frobenius distance of a step exceeds the Wasserstein distance: 0 while neurons keep their places."""
    both = ("distance_frobenius", "distance_wasserstein")
    if not result.has(*both):
        raise PlotError("distance-difference needs both distances: set record_distances: all in the spec")
    for job in result.jobs:
        frobenius, wasserstein = (job.trace[name] for name in both)
        with np.errstate(invalid="ignore", divide="ignore"):
            job.trace["difference"] = np.where(frobenius > 0, 1 - wasserstein / frobenius, 0.0)
    colour = options.by or ("gamma" if "gamma" in result.varying() else default_colour(result))
    return draw(result, options.x or "step", "difference", colour, 1, (False, False))


def objective_time(result, options):
    """Objective against time; an axis is logarithmic where its values spread over decades."""
    x, y = options.x or "time", options.y or "objective"
    ends = [job.trace[x][-1] for job in result.jobs if len(job.trace[x]) and job.trace[x][-1] > 0]
    heights = np.concatenate([job.trace[y] for job in result.jobs])
    heights = heights[np.isfinite(heights)]
    wide = spans_decades(ends, 1.5)
    return draw(result, x, y, options.by or default_colour(result), int(wide), (wide, spans_decades(heights)))
