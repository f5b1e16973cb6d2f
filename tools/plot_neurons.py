"""Neurons in the plane: where they go, and how a small initialisation aligns them before they grow."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from plot_data import samples
from plot_limit import signs
from plot_result import PlotError
from plot_style import CATEGORICAL, INK, MUTED, Page, is_number, set_log_ticks, tick_text

# The notes' colours; these two shades differ in lightness too, for readers who cannot tell red from green.
POSITIVE, NEGATIVE, SILENT = "#1a9850", "#c51b3a", "#9aa3ad"
MOST_PANELS = 4
MOST_NEURONS = 400
DISTINCT = 0.01  # radians: directions closer than this in a chain count as one
PHASES = (0.01, 0.9)  # the alignment phase ends when F has made the first part of its way, convergence the second


def in_plane(result, name):
    """The jobs that keep every state of neurons with two inputs, at most one a panel."""
    jobs = [job for job in result.jobs if job.value("method") != "jko" and job.has_state() and job.value("state_records") > 1]
    jobs = [job for job in jobs if job.value("d") == 2]
    if not jobs:
        raise PlotError(f"{name} needs descents of neurons in the plane with all states: d: 2 and save: all in the spec")
    return [jobs[i] for i in np.unique(np.linspace(0, len(jobs) - 1, min(MOST_PANELS, len(jobs))).astype(int))]


def titles(jobs):
    """What tells the jobs apart, in words."""
    names = [name for name in jobs[0].parameters if len({str(job.parameters.get(name)) for job in jobs}) > 1]
    words = []
    for job in jobs:
        pairs = [(name, job.parameters[name]) for name in names if name in job.parameters]
        words.append(", ".join(f"{name} {tick_text(value)}" if is_number(value) else str(value) for name, value in pairs))
    return words


def chosen_neurons(width, split):
    """Rows drawn: all, or evenly chosen of more, and which of them are positive."""
    rows = np.unique(np.linspace(0, width - 1, min(width, MOST_NEURONS)).astype(int))
    return rows, rows < split


def view(jobs):
    """The part of the plane that holds all paths: ((left, right), (low, high))."""
    corners = np.concatenate([edge(job.state()[:, :, :2], axis=(0, 1))[None] for job in jobs for edge in (np.min, np.max)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.04 * max(*(high - low), 1e-12)
    return tuple(zip(low - margin, high + margin))


def add_paths(axes, paths, colour, width):
    axes.add_collection(LineCollection([path for path in paths], colors=colour, linewidths=width, alpha=0.55, zorder=2))


def draw_neurons(axes, job, result_inputs):
    weights = job.state()[:, :, :2]
    rows, positive = chosen_neurons(weights.shape[1], signs(job))
    paths = weights[:, rows].transpose(1, 0, 2)
    active = (paths @ result_inputs.T > 0).any(axis=2)  # [neurons, records]
    silent = ~active[:, 0] & (np.ptp(paths, axis=1).max(axis=1) == 0)
    size = 7 if len(rows) <= 200 else 4
    for group, colour in ((positive & ~silent, POSITIVE), (~positive & ~silent, NEGATIVE)):
        add_paths(axes, paths[group], colour, 0.9)
        axes.scatter(*paths[group, 0].T, s=size, facecolors="white", edgecolors=MUTED, linewidths=0.7, zorder=3)
        dead = group & ~active[:, -1]
        axes.scatter(*paths[group & ~dead, -1].T, s=1.6 * size, color=colour, linewidths=0, zorder=4)
        axes.scatter(*paths[dead, -1].T, s=3 * size, marker="x", color=colour, linewidths=0.9, zorder=4)
    axes.scatter(*paths[silent, 0].T, s=2.5 * size, marker="x", color=SILENT, linewidths=0.8, zorder=3)
    axes.set_aspect("equal", adjustable="box")


def neuron_legend():
    def mark(shape, edge, face, words):
        return Line2D([], [], linestyle="", marker=shape, markeredgecolor=edge, markerfacecolor=face, markersize=5, label=words)

    return [
        Line2D([], [], color=POSITIVE, linewidth=2, label=r"$\alpha = +1$"),
        Line2D([], [], color=NEGATIVE, linewidth=2, label=r"$\alpha = -1$"),
        mark("o", MUTED, "white", "initial neuron"),
        mark("o", MUTED, MUTED, "last"),
        mark("x", MUTED, MUTED, "activates nothing now"),
        mark("x", SILENT, SILENT, "never did"),
    ]


def trajectories(result, options):
    """Every neuron's path in the plane, a panel a job."""
    jobs = in_plane(result, "neurons")
    wide, high = view(jobs)
    columns = 1 if wide[1] - wide[0] > 1.5 * (high[1] - high[0]) else min(2, len(jobs))
    height = (8.0 if columns == 1 else 3.8) * (high[1] - high[0]) / (wide[1] - wide[0])
    page = Page(result.name, result.description, len(jobs), columns=columns, shared=False, panel_height=min(height, 7.5), gap=0.75)
    for axes, job, title in zip(page.panels, jobs, titles(jobs)):
        draw_neurons(axes, job, samples(job, options)[0])
        axes.set_xlim(wide)
        axes.set_ylim(high)
        Page.describe(axes, title, r"$w_1$", r"bias  $w_2$")
    page.legend(neuron_legend())
    return page


def angles(weights):
    """Directions in degrees, made continuous over the records."""
    return np.degrees(np.unwrap(np.arctan2(weights[..., 1], weights[..., 0]), axis=0))


def distinct_directions(weights):
    """How many chains of directions there are, neighbours in a chain closer than DISTINCT."""
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
    """Records from the first step to the last, spread evenly in the logarithm of time."""
    return np.unique(np.geomspace(1, last, min(most, last)).round().astype(int))


def draw_alignment(column, job, title, options, first):
    """Four panels of a job, from the first step on: F, norms, angles, distinct directions."""
    weights = job.state()[:, :, :2]
    rows, positive = chosen_neurons(weights.shape[1], signs(job))
    inputs = samples(job, options)[0]
    time, objective = job.trace["time"], job.trace["objective"]
    records = log_spaced(len(time) - 1)
    kept = (weights[0, rows] @ inputs.T > 0).any(axis=1)
    shown = weights[:, rows][:, kept]
    column[0].plot(time[1:], objective[1:], color=INK, linewidth=1.5)
    draw_fan(column[1], time[records], np.hypot(shown[records, :, 0], shown[records, :, 1]), positive[kept])
    draw_fan(column[2], time[records], angles(shown)[records], positive[kept])
    for group, colour, words in ((slice(0, signs(job)), POSITIVE, "+"), (slice(signs(job), None), NEGATIVE, "−")):
        states = [state[group] for state in weights[records]]
        counts = [distinct_directions(state[(state @ inputs.T > 0).any(axis=1)]) for state in states]
        column[3].plot(time[records], counts, color=colour, linewidth=1.6, label=rf"$\alpha = {words}1$")
    for axes, y in zip(column, ("objective", r"norm  $\Vert w_i \Vert$", "angle  (degrees)", "distinct directions")):
        axes.set_xscale("log")
        axes.set_xlim(time[1], time[-1])
        for end in phase_ends(objective):
            axes.axvline(time[max(end, 1)], color=CATEGORICAL[0], linewidth=1, linestyle=":")
        Page.describe(axes, title if axes is column[0] else "", "time" if axes is column[3] else None, y if first else None)
    column[1].set_yscale("log")
    column[3].set_yscale("log")
    column[3].legend(loc="lower left", fontsize=8)
    column[3].set_ylim(0.9, None)


def alignment(result, options):
    """Small against large initialisation, a column a job."""
    jobs = in_plane(result, "alignment")[:3]
    page = Page(result.name, result.description, 4 * len(jobs), columns=len(jobs), shared="row", panel_height=1.75, gap=0.32)
    for i, (job, title) in enumerate(zip(jobs, titles(jobs))):
        draw_alignment(page.panels[i :: len(jobs)], job, title, options, i == 0)
    page.figure.canvas.draw()
    for axes in page.panels[-len(jobs) :]:
        set_log_ticks(axes.yaxis)
    page.note(
        f"dotted: F has made {PHASES[0]:.0%} and {PHASES[1]:.0%} of its way.  Directions within {DISTINCT:g} rad of the next one count as one."
    )
    return page


def suits_alignment(result):
    return "init_scale" in result.varying() and suits_trajectories(result)


def suits_trajectories(result):
    return any(job.has_state() and job.value("state_records") > 1 and job.value("method") != "jko" for job in result.jobs)
