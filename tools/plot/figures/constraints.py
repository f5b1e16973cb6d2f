"""How far the inner iterations of jko are from both constraints of a step: the masses before it, and those after it."""

import numpy as np
from matplotlib.lines import Line2D

from ..figure import Figure
from ..jobs import a_job_each
from ..result import PlotError
from ..style import CATEGORICAL, MUTED, Page

MOST_PANELS, MOST_COLUMNS = 6, 3
LONG = 30  # iterations beyond which the horizontal axis is logarithmic
# Trace, words.
ERRORS = (
    ("inner_constraint_even", "masses before the step, after the update of a"),
    ("inner_constraint_odd", "masses after the step, after the update of b; newton: residual"),
)


def has_errors(job):
    return "inner_constraint_odd" in job.trace and np.isfinite(job.trace["inner_constraint_odd"]).any()


def suits(result):
    return all(map(has_errors, result.jobs))


def of_steps(job, name):
    """(iterations, values) of each outer step."""
    every, values = int(job.value("record_inner")), job.trace[name]
    used = job.trace["inner_steps_used"][1:].astype(int) // every
    if len(used) != job.trace["step"][-1]:
        raise PlotError("constraints needs the iterations of every step: leave record_every at 1 in the spec")
    values = np.split(values[np.isfinite(values)], np.cumsum(used))[: len(used)]
    return [(every * np.arange(1, len(own) + 1), own) for own in values]


def constraints(result, options):
    """A panel a job: both errors against the iteration within a step, the first step's lines thicker."""
    jobs = list(filter(has_errors, result.jobs))
    if not jobs:
        raise PlotError("constraints needs the inner iterations of jko: set record_inner in the spec")
    chosen, shown = a_job_each(result, jobs, options, MOST_PANELS, "record errors of constraints")
    page = Page(result, shown, [title for title, _ in chosen], columns=min(len(chosen), MOST_COLUMNS))
    pieces = {id(job): [of_steps(job, name) for name, _ in ERRORS] for _, job in chosen}
    longest = max(len(values) for both in pieces.values() for steps in both for _, values in steps)
    for axes, (_, job) in zip(page.panels, chosen):
        for steps, colour, width in zip(pieces[id(job)], CATEGORICAL, (3.5, 1.2)):  # they are nearly the same
            for k, (iterations, values) in enumerate(steps):
                seen = values > 0
                style = {"linewidth": width} if k == 0 else {"linewidth": width / 3, "alpha": 0.6}
                marker = {"marker": "o", "markersize": width + 1.5} if len(values) < LONG else {}
                axes.plot(iterations[seen], values[seen], color=colour, **style, **marker)
        axes.set_yscale("log")
        axes.set_xscale("log" if longest >= LONG else "linear")
    page.axis_labels("inner iteration of a step", "error of a constraint")
    page.legend([Line2D([], [], color=colour, linewidth=2, label=words)
                 for (_, words), colour in zip(ERRORS, CATEGORICAL)]
                + [Line2D([], [], color=MUTED, linewidth=0.8, label="steps after the first")])  # fmt: skip
    page.note("not drawn: errors that are 0, as that of the masses before the step under newton")
    return page


FIGURE = Figure(
    place=29,
    meaning="errors of both constraints of jko's steps against inner iteration (record_inner)",
    draw=constraints,
    suits=suits,
)
