"""How a small initialisation aligns neurons before they grow: F, norms, angles and distinct directions over time."""

import numpy as np

from ..figure import Figure
from ..jobs import a_job_each, positive_count, stacked
from ..neuron_paths import NEGATIVE, POSITIVE, USABLE, chosen_neurons, in_plane, keeps_paths
from ..samples import samples
from ..style import CATEGORICAL, INK, Page, set_log_y

MOST_COLUMNS = 3
DISTINCT = 0.01  # radians: directions closer than this in a chain count as one
PHASES = (0.01, 0.9)  # parts of the way of F: the alignment phase ends at the first, convergence at the second


def angles(weights):
    """Directions in degrees, made continuous over the records."""
    return np.degrees(np.unwrap(np.arctan2(weights[..., 1], weights[..., 0]), axis=0))


def distinct_directions(weights):
    """The number of chains of directions, in which neighbours are closer than DISTINCT."""
    moving = weights[np.hypot(*weights.T) > 0]
    if len(moving) == 0:
        return 0
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
    weights, split = job.state()[:, :, :2], positive_count(job)
    rows, positive = chosen_neurons(weights.shape[1], split)
    inputs = samples(job, options)[0]
    time, objective = job.trace["time"], job.trace["objective"]
    records = log_spaced(len(time) - 1)
    kept = (weights[0, rows] @ inputs.T > 0).any(axis=1)
    kept |= not kept.any()  # all, where none activates a sample
    shown = weights[:, rows][:, kept]
    column[0].plot(time[1:], objective[1:], color=INK, linewidth=1.5)
    draw_fan(column[1], time[records], np.hypot(shown[records, :, 0], shown[records, :, 1]), positive[kept])
    draw_fan(column[2], time[records], angles(shown)[records], positive[kept])
    for group, colour, words in ((slice(0, split), POSITIVE, "+"), (slice(split, None), NEGATIVE, "−")):
        states = [state[group] for state in weights[records]]
        counts = [distinct_directions(state[(state @ inputs.T > 0).any(axis=1)]) for state in states]
        column[3].plot(time[records], counts, color=colour, linewidth=1.6, label=rf"$\alpha = {words}1$")
    labels = "objective", r"norm  $\Vert w_i \Vert$", "angle  (degrees)", "distinct directions"
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
    chosen, shown = a_job_each(result, in_plane(result, "alignment"), options, MOST_COLUMNS, USABLE)
    titles, places = stacked([title for title, _ in chosen], 4, MOST_COLUMNS)
    page = Page(result, shown, titles, columns=min(len(chosen), MOST_COLUMNS), shared="row", panel_height=1.75)
    for i, (_, job) in enumerate(chosen):
        draw_alignment(page, [page.panels[place] for place in places[i]], job, options, i % MOST_COLUMNS == 0)
    page.note(
        f"dotted: F has made {PHASES[0]:.0%} and {PHASES[1]:.0%} of its way."
        f"  Directions within {DISTINCT:g} rad of the next one count as one."
    )
    return page


def suits(result):
    return "init_scale" in result.varying() and any(keeps_paths(job) for job in result.jobs)


FIGURE = Figure(
    place=40,
    meaning="norm and angle of each neuron and number of distinct directions over time (save: all)",
    draw=alignment,
    suits=suits,
)
