"""The function that a network has learned, against its data, at several times."""

import numpy as np

from ..figure import Figure
from ..jobs import a_job_each, positive_count
from ..result import PlotError
from ..samples import samples
from ..style import INK, Colours, Page

MOST_PANELS = 9
MOST_TIMES = 7
POINTS = 400


def grid_points(job):
    """(weights [N, 2], sign of each) of the grid points whose masses a state of jko holds, in the state's order."""
    weights, sign = [], []
    sheets = (1.0,) if job.value("signs") == "positive" else (1.0, -1.0)
    for count, radius in (("grid", "grid_radius"), ("grid2", "grid2_radius")):
        side = int(job.value(count))
        if side > 0:
            axis = np.linspace(-job.value(radius), job.value(radius), side)
            plane = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
            for sheet in sheets:
                weights.append(plane)
                sign.append(np.full(len(plane), sheet))
    return np.concatenate(weights), np.concatenate(sign)


def outputs(job, inputs):
    """f at the inputs [points, 2] for every state kept: [records, points]."""
    states = job.state()
    if job.value("method") == "jko":
        weights, sign = grid_points(job)
        return states[:, :, 0] @ (np.maximum(0, weights @ inputs.T) * sign[:, None])
    sign = np.where(np.arange(states.shape[1]) < positive_count(job), 1.0, -1.0)
    trained = states.shape[2] > inputs.shape[1]
    values = []
    for state in states:
        alpha = state[:, -1] if trained else sign
        values.append(alpha @ np.maximum(0, state[:, : inputs.shape[1]] @ inputs.T))
    return np.array(values) / (states.shape[1] if job.value("output") == "mean" else 1)


def suits(result):
    return "method" in result.varying() and all(job.has_states() for job in result.jobs)


def chosen_records(times, wanted):
    """The record nearest to each wanted time up to the job's last, and the last one; each once."""
    near = [int(np.argmin(np.abs(times - time))) for time in wanted if time <= times[-1] * (1 + 1e-9)]
    return np.unique([*near, len(times) - 1])


def last_objective(job):
    return f"F = {job.value('objective_final'):.3g}" if job.status == "done" else job.status


def learned(result, options):
    """A panel for each job, with curves at the same times in all."""
    jobs = [job for job in result.jobs if job.has_states() and job.value("d") == 2 and job.trace["time"][-1] > 0]
    if not jobs:
        raise PlotError("learned-function needs all states of networks with one input and a bias: d: 2, save: all")
    chosen, shown = a_job_each(result, jobs, options, MOST_PANELS, "keep all states, with d: 2")
    first = min(min(job.trace["time"][job.trace["time"] > 0]) for _, job in chosen)
    wanted = np.geomspace(first, max(job.trace["time"][-1] for _, job in chosen), MOST_TIMES - 1)
    colours = Colours("time", sorted({float(time) for time in wanted}))
    titles = [f"{title}:  {last_objective(job)}" for title, job in chosen]
    page = Page(result, shown, titles, panel_height=3.4 if len(chosen) <= 3 else 2.6)
    for axes, (_, job) in zip(page.panels, chosen):
        inputs, labels = samples(job, options)
        reach = np.linspace(inputs[:, 0].min(), inputs[:, 0].max(), POINTS)
        reach = np.column_stack([reach, np.full(POINTS, inputs[0, 1])])
        values, times = outputs(job, reach), job.trace["time"]
        for record in chosen_records(times, wanted):
            axes.plot(reach[:, 0], values[record], color=colours(times[record]), linewidth=1.4)
        axes.plot(inputs[:, 0], labels, "o", color=INK, markersize=2.2, zorder=5)
    page.axis_labels("input  $x$", "output  $f(x)$")
    if colours.continuous:
        page.colour_bar(colours)
    page.note("points: the data; curves at equal times, as far as a job goes, and at its last")
    return page


FIGURE = Figure(
    place=50,
    meaning="the learned function against the data at several times, a panel a job (save: all)",
    draw=learned,
    suits=suits,
)
