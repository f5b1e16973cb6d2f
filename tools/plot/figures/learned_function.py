"""The function that a network has learned, against its data, at several times."""

import numpy as np

from ..figure import Figure
from ..jobs import MASSES, a_job_each, grid_axes, grid_sheets, grids, positive_count
from ..neuron_paths import check_inputs
from ..result import PlotError
from ..samples import samples
from ..style import INK, Colours, Page

MOST_PANELS = 9
MOST_TIMES = 7
POINTS = 400


def grid_points(job):
    """(weights [N, d], alpha of each) of the grid points whose masses a state of jko holds, in the state's order."""
    weights, alpha = [], []
    d = int(job.value("d"))
    for x, placed in grids(job):
        points = np.stack(np.meshgrid(*[placed(x)] * grid_axes(job), indexing="ij"), axis=-1)
        points = points.reshape(-1, grid_axes(job))
        for sign in grid_sheets(job):
            weights.append(points[:, :d])
            alpha.append(points[:, d] if points.shape[1] > d else np.full(len(points), sign))
    return np.concatenate(weights), np.concatenate(alpha)


def cell_points(job):
    """The same of the cells of wfr."""
    turn = 2 * np.pi * (np.arange(int(job.value("cells"))) + 0.5) / job.value("cells")
    signs = (1.0,) if job.value("signs") == "positive" else (1.0, -1.0)
    return np.tile(np.column_stack([np.cos(turn), np.sin(turn)]), (len(signs), 1)), np.repeat(signs, len(turn))


def outputs(job, inputs):
    """f at the inputs [points, 2] for every state kept: [records, points]."""
    states = job.state()
    if job.value("method") in MASSES:
        weights, sign = (cell_points if job.value("method") == "wfr" else grid_points)(job)
        return states[:, :, 0] @ (np.maximum(0, weights @ inputs.T) * sign[:, None])
    sign = np.where(np.arange(states.shape[1]) < positive_count(job), 1.0, -1.0)
    trained = states.shape[2] > inputs.shape[1]
    values = []
    for state in states:
        alpha = state[:, -1] if trained else sign
        values.append(alpha @ np.maximum(0, state[:, : inputs.shape[1]] @ inputs.T))
    return np.array(values) / (int(job.value("width")) if job.value("output") == "mean" else 1)


def suits(result):
    return "method" in result.varying() and all(job.has_states() for job in result.jobs)


def chosen_records(times, wanted):
    """The record nearest to each wanted time up to the job's last, and the last one; each once."""
    near = [int(np.argmin(np.abs(times - time))) for time in wanted if time <= times[-1] * (1 + 1e-9)]
    return np.unique([*near, len(times) - 1])


def last_objective(job):
    return f"F = {job.value('objective_final'):.3g}" if job.status == "done" else job.status


def line(inputs, chosen):
    """A line through the samples: coordinates of its points, the points, coordinates of the samples, and its label.

    It goes along the chosen input, by default the first one, the others at their means; for d > 2 and without choice
    along the principal axis of the inputs through their mean.
    """
    middle, d = inputs.mean(axis=0), inputs.shape[1]
    if chosen or d <= 2:
        k = chosen[0] if chosen else 0
        direction, origin, words = np.eye(d)[k], middle * (np.arange(d) != k), f"input  $x_{{{k}}}$"
    else:
        direction = np.linalg.svd(inputs - middle, full_matrices=False)[2][0]
        direction = direction * np.sign(direction[np.abs(direction).argmax()])
        origin, words = middle, "position along the principal axis of the inputs"
    own = (inputs - origin) @ direction
    reach = np.linspace(own.min(), own.max(), POINTS)
    return reach, origin + reach[:, None] * direction, own, words if d > 2 else "input  $x$"


def learned(result, options):
    """A panel for each job, with curves at the same times in all."""
    jobs = [job for job in result.jobs if job.has_states() and job.trace["time"][-1] > 0]
    if not jobs:
        raise PlotError("learned-function needs all states of jobs that moved: set save: all in the spec")
    chosen, shown = a_job_each(result, jobs, options, MOST_PANELS, "keep all states")
    for _, job in chosen if options.inputs else []:
        check_inputs(options.inputs, job, 1)
    first = min(min(job.trace["time"][job.trace["time"] > 0]) for _, job in chosen)
    wanted = np.geomspace(first, max(job.trace["time"][-1] for _, job in chosen), MOST_TIMES - 1)
    colours = Colours("time", sorted({float(time) for time in wanted}))
    titles = [f"{title}:  {last_objective(job)}" for title, job in chosen]
    page = Page(result, shown, titles, panel_height=3.4 if len(chosen) <= 3 else 2.6)
    for axes, (_, job) in zip(page.panels, chosen):
        inputs, labels = samples(job, options)
        reach, points, own, words = line(inputs, options.inputs)
        values, times = outputs(job, points), job.trace["time"]
        for record in chosen_records(times, wanted):
            axes.plot(reach, values[record], color=colours(times[record]), linewidth=1.4)
        axes.plot(own, labels, "o", color=INK, markersize=2.2, zorder=5)
    page.axis_labels(words, "output  $f(x)$")
    if colours.continuous:
        page.colour_bar(colours)
    beyond = any(job.value("d") > 2 for _, job in chosen)
    page.note(
        "points: the data; curves at equal times, as far as a job goes, and at its last"
        + (", on a line\nthrough the mean of the inputs; data beside the line are projected to it" if beyond else "")
    )
    return page


FIGURE = Figure(
    place=50,
    meaning="the learned function against the data at several times, a panel a job (save: all)",
    draw=learned,
    suits=suits,
)
