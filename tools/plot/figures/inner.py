"""The inner iterations of the proximal point, one outer step after the other."""

import numpy as np

from ..figure import Figure
from ..jobs import evenly, titles
from ..result import PlotError
from ..style import CATEGORICAL, FAINT, Page

MOST_COLUMNS = 3
MOST_LINES = 40  # with more outer steps, lines between them would hide the curve


def suits(result):
    return all("inner_objective" in job.trace and job.value("record_inner") > 0 for job in result.jobs)


def inner_iterations(job):
    """Of each record the inner iteration, counted over all outer steps, and the outer step; where each step ends."""
    every = int(job.value("record_inner"))
    used = job.trace["inner_steps_used"][1:].astype(int)
    ends = np.cumsum(used)
    records = [np.arange(every, count + 1, every) for count in used]
    iterations = np.concatenate([record + end - count for record, end, count in zip(records, ends, used)])
    return iterations, np.repeat(np.arange(len(used)), [len(record) for record in records]), ends


def segments(job, name):
    """(iterations, values) of each outer step, since no line joins one step to the next; and where each step ends."""
    iterations, step, ends = inner_iterations(job)
    values = job.trace[name]
    values = values[np.isfinite(values)][: len(iterations)]
    iterations, step = iterations[: len(values)], step[: len(values)]
    return [(iterations[step == k], values[step == k]) for k in range(len(ends))], ends


def draw_inner(axes, job, name, colour):
    pieces, ends = segments(job, name)
    for iterations, values in pieces:
        shown = values > 0
        axes.plot(iterations[shown], values[shown], color=colour, linewidth=1.2)
    if len(ends) <= MOST_LINES:
        for end in ends[:-1]:
            axes.axvline(end, color=FAINT, linewidth=1, zorder=0)
    axes.set_yscale("log" if name == "inner_distance" else "linear")
    axes.grid(False, axis="x")


def inner(result, options):
    """Objective above, below it the distance to the last iterate, which starts again at every outer step."""
    if not suits(result):
        raise PlotError("inner needs the inner iterations of prox: set record_inner in the spec")
    jobs = evenly(result.jobs, MOST_COLUMNS)
    count = len(jobs)
    page = Page(result, 2 * count, columns=count, shared="row", panel_height=2.5, gap=0.35)
    for i, (job, title) in enumerate(zip(jobs, titles(jobs))):
        for axes, name, colour in zip(page.panels[i::count], ("inner_objective", "inner_distance"), CATEGORICAL):
            draw_inner(axes, job, name, colour)
            last = name == "inner_distance"
            below = "inner iteration, over all outer steps" if last else None
            page.describe(axes, "" if last else title, below, None if i else name)
    page.note("grey lines: outer steps")
    return page


FIGURE = Figure(
    place=30,
    meaning="objective and distance against inner iteration across outer steps (record_inner)",
    draw=inner,
    suits=suits,
)
