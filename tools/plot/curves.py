"""Draws a curve for each job, one trace against another: colour by one parameter, panels by others."""

import numpy as np
from matplotlib.lines import Line2D

from . import optimum
from .jobs import REPLICAS, facets, shown
from .result import PlotError
from .style import INK, MUTED, Colours, Page
from .words import is_number

MOST_CURVES = 2000
MOST_PANELS = 12
MOST_PANELS_OF_A_NUMBER = 4
MOST_ARROWS = 60  # curves beyond which arrowheads would hide the curves

# A distance this far below the largest of the figure is rounding: the descent is at rest.
REST = 1e-12
AT_REST = "rest"

# How a curve ends, the job's state or AT_REST: (marker, words).
ENDS = {
    "done": ("o", "last step"),
    AT_REST: ("D", "at rest from here"),
    "diverged": ("X", "diverged"),
    "timeout": ("s", "stopped by its time limit"),
}


def choose_panels(result, colour):
    """The swept parameters whose values get a panel each: words, and numbers with few values."""
    chosen, count = [], 1
    for name in result.varying():
        values = result.values(name)
        most = MOST_PANELS_OF_A_NUMBER if any(map(is_number, values)) else MOST_PANELS
        if name == colour or name in REPLICAS or len(values) > most or count * len(values) > MOST_PANELS:
            continue
        chosen.append(name)
        count *= len(values)
    return chosen


def rest_level(jobs, x):
    """The distance below which a descent is at rest; 0 where x is not a distance."""
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
    """An arrowhead halfway along the curve, measured on the page."""
    if len(xs) < 2:
        return
    on_page = axes.transData.transform(np.column_stack([xs, ys]))
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(on_page, axis=0).T))])
    if not travelled[-1] > 40:
        return
    middle = 0.5 * travelled[-1]
    around = [[np.interp(middle + step, travelled, on_page[:, k]) for k in (0, 1)] for step in (-6, 6)]
    start, end = axes.transData.inverted().transform(around)
    if np.hypot(*(np.subtract(*around))) > 1:
        head = {"arrowstyle": "-|>", "color": colour, "mutation_scale": size, "linewidth": 0}
        head.update(shrinkA=0, shrinkB=0)
        axes.annotate("", xy=end, xytext=start, zorder=4, arrowprops=head)


def draw_curve(axes, xs, ys, end, colour, count):
    """One of `count` curves of a panel, with an open circle where it starts and a filled mark where it ends."""
    width, size = (1.5, 4.5) if count <= 16 else (1.0, 3.2) if count <= MOST_ARROWS else (0.6, 1.8)
    axes.plot(xs, ys, color=colour, linewidth=width, alpha=0.95 if count <= 16 else 0.7, solid_joinstyle="round")
    axes.plot(xs[:1], ys[:1], "o", markerfacecolor="white", markeredgecolor=colour, markersize=size, zorder=5)
    axes.plot(xs[-1:], ys[-1:], ENDS[end][0], color=colour, markeredgewidth=0, markersize=size * 1.2, zorder=6)


def legend_handles(ends, colours, without, replicas):
    """`without`: whether some jobs do not read the parameter of the colours."""

    def mark(shape, face, name):
        return Line2D(
            [], [], linestyle="", marker=shape, markerfacecolor=face, markeredgecolor=MUTED, markersize=5, label=name
        )

    line = lambda colour, name: Line2D([], [], color=colour, linewidth=2, label=name)
    handles = colours.handles(line, without) if colours else []
    handles.append(mark("o", "white", "first step"))
    handles += [mark(shape, MUTED, name) for end, (shape, name) in ENDS.items() if end in ends]
    if replicas:
        handles.append(Line2D([], [], color=MUTED, linewidth=0.8, label=f"one line a {replicas[0].replace('_', ' ')}"))
    return handles


def with_values(result, *names):
    """The jobs that have a finite value of each trace. Raises PlotError when there are none of one of them."""
    jobs = result.jobs
    for name in names:
        jobs = [job for job in jobs if name in job.trace and np.isfinite(job.trace[name]).any()]
        if not jobs:
            raise PlotError(result.lacks(name))
    return jobs


def draw_optima(page, panels, curves, y, logarithmic, shade):
    """J* in each panel of curves of F; returns what the legend says of it, a list."""
    shown, hidden = [], []
    for axes, (_, own) in zip(page.panels, panels) if y == "objective" else ():
        values = [curves[id(job)][1] for job in own]
        drawn, beyond = optimum.draw_optima(axes, own, values, logarithmic, shade)
        shown, hidden = shown + drawn, hidden + beyond
    return optimum.handles(shown, hidden, [job for _, own in panels for job in own])


def draw(result, options, x, y, colour, first, logarithmic):
    """The page. colour: a parameter or None; first: the first record shown; logarithmic: (x, y), the figure's choice.

    The user's --log and --linear come before it.
    """
    logarithmic = tuple(options.view.logarithmic(axis, usual) for axis, usual in zip("xy", logarithmic))
    jobs = with_values(result, x, y)
    level = rest_level(jobs, x)
    curves = {id(job): points(job, x, y, first, logarithmic, level) for job in jobs}
    jobs = [job for job in jobs if len(curves[id(job)][0])]
    if not jobs:
        raise PlotError(f"no finished job has a positive {x} and {y} after its first step, so there is nothing to draw")
    panels = facets(result, jobs, options, choose_panels(result, colour))
    colours = Colours(colour, result.values(colour)) if colour else None
    shade = lambda job: colours(job.parameters.get(colour)) if colours else INK
    why = ["evenly spaced"] if len(result.jobs) < result.finished else []
    why += [f"only jobs with a {x} and {y} to draw"] if len(jobs) < len(result.jobs) else []
    page = Page(result, shown(result, jobs, "; ".join(why)), [title for title, _ in panels])
    for axes, (_, own) in zip(page.panels, panels):
        axes.set_xscale("log" if logarithmic[0] else "linear")
        axes.set_yscale("log" if logarithmic[1] else "linear")
        for job in own:
            draw_curve(axes, *curves[id(job)], shade(job), len(own))
    levels = draw_optima(page, panels, curves, y, logarithmic[1], shade)
    page.axis_labels(x, y)
    if colours and colours.continuous:
        page.colour_bar(colours)
    replicas = [name for name in result.varying() if name in REPLICAS]
    without = any(colour not in job.parameters for job in result.jobs)
    handles = legend_handles({curves[id(job)][2] for job in jobs}, colours, without, replicas)
    page.legend(handles + levels)
    page.settle()
    for axes, (_, own) in zip(page.panels, panels):
        for job in own if len(own) <= MOST_ARROWS else []:
            xs, ys, _ = curves[id(job)]
            add_arrow(axes, xs, ys, shade(job), 17 if len(own) <= 16 else 11)
    return page


def default_colour(result):
    """The first swept parameter of numbers, since words can have panels; else one of words; else a seed; else None."""
    varying = result.varying()
    numbers = [name for name in varying if any(map(is_number, result.values(name))) and name not in REPLICAS]
    words = [name for name in varying if name not in numbers and name not in REPLICAS]
    return next(iter(numbers + words + varying), None)


def gamma_or_default(result):
    return "gamma" if "gamma" in result.varying() else default_colour(result)
