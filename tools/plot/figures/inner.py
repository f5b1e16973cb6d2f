"""The inner iterations of the proximal point, one outer step after the other."""

import numpy as np

from ..figure import Figure
from ..jobs import a_job_each, stacked
from ..result import PlotError
from ..style import CATEGORICAL, FAINT, Page

MOST_COLUMNS = 3
MOST_LINES = 40  # with more outer steps, lines between them would hide the curve


def has_inner(job):
    return "inner_objective" in job.trace and np.isfinite(job.trace["inner_objective"]).any()


def suits(result):
    return all(map(has_inner, result.jobs))


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
    logarithmic = name == "inner_distance" and any(np.any(values > 0) for _, values in pieces)
    for iterations, values in pieces:
        seen = values > 0 if logarithmic else slice(None)
        axes.plot(iterations[seen], values[seen], color=colour, linewidth=1.2)
    if len(ends) <= MOST_LINES:
        for end in ends[:-1]:
            axes.axvline(end, color=FAINT, linewidth=1, zorder=0)
    axes.set_yscale("log" if logarithmic else "linear")
    axes.grid(False, axis="x")


def inner(result, options):
    """Objective above, below it the distance to the last iterate, which starts again at every outer step."""
    jobs = list(filter(has_inner, result.jobs))
    if not jobs:
        raise PlotError("inner needs the inner iterations of prox or jko: set record_inner in the spec")
    chosen, shown = a_job_each(result, jobs, options, MOST_COLUMNS, "record inner iterations")
    titles, places = stacked([title for title, _ in chosen], 2, MOST_COLUMNS)
    page = Page(result, shown, titles, columns=min(len(chosen), MOST_COLUMNS), shared="row", panel_height=2.5)
    for i, (_, job) in enumerate(chosen):
        for place, name, colour in zip(places[i], ("inner_objective", "inner_distance"), CATEGORICAL):
            draw_inner(page.panels[place], job, name, colour)
            below = "inner iteration, over all outer steps" if name == "inner_distance" else None
            page.describe(page.panels[place], below, None if i % MOST_COLUMNS else name)
    page.note("grey lines: outer steps")
    return page


FIGURE = Figure(
    place=30,
    meaning="objective and distance against inner iteration across outer steps (record_inner)",
    draw=inner,
    suits=suits,
)
