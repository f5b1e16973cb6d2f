"""How a small initialisation aligns neurons before they grow: F, norms, angles and distinct directions over time."""

import numpy as np
from scipy.sparse.csgraph import connected_components

from ..figure import Figure
from ..jobs import a_job_each, positive_count, stacked
from ..neuron_paths import NEGATIVE, POSITIVE, USABLE, active, check_inputs, chosen_neurons, keeps_paths
from ..neuron_paths import weights_of, with_paths
from ..samples import samples
from ..style import CATEGORICAL, INK, Page, set_log_y, spans_decades

MOST_COLUMNS = 3
DISTINCT = 0.01  # radians: directions closer than this in a chain count as one
PHASES = (0.01, 0.9)  # parts of the way of F: the alignment phase ends at the first, convergence at the second


def angles(weights):
    """Directions of [records, neurons, 2] in degrees, made continuous over the records; NaN from 0 on."""
    found = np.where(weights.any(axis=-1), np.arctan2(weights[..., 1], weights[..., 0]), np.nan)
    return np.degrees(np.unwrap(found, axis=0))


def normalised(vectors):
    """The directions of vectors along the last axis; NaN of a zero vector."""
    with np.errstate(invalid="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def angles_to_data(weights, inputs):
    """Degrees between each neuron of [records, neurons, d] and the input that is nearest in direction."""
    unit = normalised(inputs[np.any(inputs != 0, axis=1)])
    return np.array([np.degrees(np.arccos(np.clip((normalised(one) @ unit.T).max(axis=-1), -1, 1))) for one in weights])


def distinct_directions(weights):
    """The number of chains of directions, in which neighbours are closer than DISTINCT."""
    moving = weights[np.any(weights != 0, axis=1)]
    if len(moving) == 0:
        return 0
    if weights.shape[1] != 2:
        unit = normalised(moving)
        return int(connected_components(unit @ unit.T > np.cos(DISTINCT), directed=False)[0])
    sorted_angles = np.sort(np.arctan2(moving[:, 1], moving[:, 0]))
    gaps = np.diff(np.concatenate([sorted_angles, sorted_angles[:1] + 2 * np.pi]))
    return max(1, int(np.sum(gaps > DISTINCT)))


def phase_ends(objective):
    """The records at which F has made each part of its way down."""
    progress = (objective[0] - objective) / max(objective[0] - objective.min(), 1e-300)
    return [int(np.argmax(progress >= part)) for part in PHASES]


def draw_fan(axes, time, values, positive):
    for group, colour in ((positive, POSITIVE), (~positive, NEGATIVE)):
        axes.plot(time, values[:, group], color=colour, linewidth=0.6, alpha=0.5)


def log_spaced(last, most=300):
    """Records from the first step to the last, evenly spaced in their logarithm."""
    return np.unique(np.geomspace(1, last, min(most, last)).round().astype(int))


def draw_alignment(page, column, job, options, first):
    """A job's four panels, from the first step on: F, norms, angles, distinct directions."""
    weights, split = weights_of(job), positive_count(job)
    rows, positive = chosen_neurons(weights.shape[1], split)
    inputs, d = samples(job, options)[0], weights.shape[2]
    if options.inputs:
        check_inputs(options.inputs, job)
    time, objective = job.trace["time"], job.trace["objective"]
    records = log_spaced(len(time) - 1)
    kept = active(weights[:1, rows], inputs)[0]
    kept |= not kept.any()  # all, where none activates a sample
    shown = weights[records][:, rows[kept]]
    plane = list(options.inputs) or ([0, 1] if d == 2 else None)
    turned = angles(shown[:, :, plane]) if plane else angles_to_data(shown, inputs)
    column[0].plot(time[1:], objective[1:], color=INK, linewidth=1.5)
    draw_fan(column[1], time[records], np.linalg.norm(shown, axis=2), positive[kept])
    draw_fan(column[2], time[records], turned, positive[kept])
    counted = np.arange(weights.shape[1]) if d == 2 else rows  # pairs of very many neurons take too long
    for group, colour, words in ((counted[counted < split], POSITIVE, "+"), (counted[counted >= split], NEGATIVE, "−")):
        states = weights[records][:, group]
        counts = [distinct_directions(state[seen]) for state, seen in zip(states, active(states, inputs))]
        column[3].plot(time[records], counts, color=colour, linewidth=1.6, label=rf"$\alpha = {words}1$")
    angle = "angle  (degrees)" if d == 2 else "angle to the data" if not plane else "angle of x{} x{}".format(*plane)
    labels = "objective", r"norm  $\Vert w_i \Vert$", angle, "distinct directions"
    for axes, y in zip(column, labels):
        axes.set_xscale("log")
        if time[1] < time[-1]:
            axes.set_xlim(time[1], time[-1])
        for end in phase_ends(objective):
            axes.axvline(time[max(end, 1)], color=CATEGORICAL[0], linewidth=1, linestyle=":")
        page.describe(axes, "time" if axes is column[3] else None, y if first else None)
    set_log_y(column[1])
    set_log_y(column[3])
    column[3].legend(loc="lower left", fontsize=8)
    column[3].set_ylim(0.9, None)


def alignment(result, options):
    """A column for each job."""
    chosen, shown = a_job_each(result, with_paths(result, "alignment"), options, MOST_COLUMNS, USABLE)
    titles, places = stacked([title for title, _ in chosen], 4, MOST_COLUMNS)
    page = Page(result, shown, titles, columns=min(len(chosen), MOST_COLUMNS), shared="row", panel_height=1.75)
    for i, (_, job) in enumerate(chosen):
        draw_alignment(page, [page.panels[place] for place in places[i]], job, options, i % MOST_COLUMNS == 0)
    heights = np.concatenate([job.trace["objective"] for _, job in chosen])
    for place in places if spans_decades(heights, zero=True) else []:
        page.panels[place[0]].set_yscale("log")
    to_data = not options.inputs and any(job.value("d") != 2 for _, job in chosen)
    page.note(
        f"dotted: F has made {PHASES[0]:.0%} and {PHASES[1]:.0%} of its way."
        f"  Directions within {DISTINCT:g} rad of the next one count as one."
        + ("\nangle to the data: in degrees, to the nearest input" if to_data else "")
    )
    return page


def suits(result):
    return "init_scale" in result.varying() and any(keeps_paths(job) for job in result.jobs)


FIGURE = Figure(
    place=40,
    meaning="norm and angle of each neuron, number of distinct directions over time (save: all)",
    draw=alignment,
    suits=suits,
)
