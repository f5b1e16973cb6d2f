"""Masses on the grid of jko over time: heat maps of each sheet, and an animation."""

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from PIL import Image

from plot_result import PlotError
from plot_style import INK, MUTED, SHEETS, WIDTH, Page

COLUMNS = 4
DECADES = 5  # masses smaller than the largest by more than this are drawn as nothing
MOST_FRAMES = 50
FRAME_MS = 120


def masses_job(result):
    for job in result.jobs:
        if job.value("method") == "jko" and job.has_state() and job.value("state_records") > 1:
            return job
    raise PlotError("masses needs a job of jko with all states: method: jko and save: all in the spec")


def suits_masses(result):
    methods = {job.value("method") for job in result.jobs}
    return methods == {"jko"} and all(job.has_state() and job.value("state_records") > 1 for job in result.jobs)


def sheets(job):
    """The first grid's masses, [records, sheets, g, g], and its axis."""
    side = int(job.value("grid"))
    count = 1 if job.value("signs") == "positive" else 2
    states = job.state()[:, : count * side * side, 0]
    return states.reshape(len(states), count, side, side), np.linspace(-job.value("grid_radius"), job.value("grid_radius"), side)


def support(masses, axis):
    """The half-width that holds all that is drawn in any record, and a little more."""
    seen = np.any(masses > masses.max() * 10.0**-DECADES * 10, axis=(0, 1))
    reach = np.abs(axis)[np.any(seen, axis=0) | np.any(seen, axis=1)]
    return min(1.1 * reach.max(), axis[-1]) if len(reach) else axis[-1]


def draw_sheet(axes, values, axis, sheet, norm, reach):
    half = (axis[1] - axis[0]) / 2
    extent = [axis[0] - half, axis[-1] + half] * 2
    axes.imshow(values.T, origin="lower", extent=extent, norm=norm, cmap=SHEETS[sheet], interpolation="nearest")
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_xticks([round(reach / 2, 0) * k for k in (-1, 0, 1)] if reach > 2 else [-reach / 2, 0, reach / 2])
    axes.set_yticks(axes.get_xticks())
    axes.grid(False)


def mass_norm(masses):
    return LogNorm(masses.max() * 10.0**-DECADES, masses.max(), clip=False)


def sheet_name(sheet):
    return r"$\alpha = +1$" if sheet == 0 else r"$\alpha = -1$"


def masses(result, options):
    """A row a sheet, a column a time: evenly spread in its logarithm."""
    job = masses_job(result)
    states, axis = sheets(job)
    times = job.trace["time"][: len(states)]
    wanted = [0.0, *np.geomspace(times[1], times[-1], COLUMNS - 1)]
    records = [int(np.argmin(np.abs(times - time))) for time in wanted]
    norm, reach = mass_norm(states), support(states, axis)
    page = Page(result.name, result.description, COLUMNS * states.shape[1], columns=COLUMNS, panel_height=1.85, colour_bar=True)
    for i, axes in enumerate(page.panels):
        sheet, column = divmod(i, COLUMNS)
        draw_sheet(axes, states[records[column], sheet], axis, sheet, norm, reach)
        axes.set_title(f"{sheet_name(sheet)},  t = {times[records[column]]:g}", size=9.5, color=INK, loc="left")
    page.axis_labels(r"$w_1$", r"bias  $w_2$")
    for sheet in range(states.shape[1]):
        page.bar(plt.cm.ScalarMappable(norm, SHEETS[sheet]), f"mass, {sheet_name(sheet)}", sheet, states.shape[1])
    page.note(f"white: less than $10^{{-{DECADES}}}$ of the largest mass")
    return page


class Animation:
    """Frames of both sheets; saved as a GIF that loops."""

    def __init__(self, job, title):
        self.states, self.axis = sheets(job)
        self.times, self.objective, self.title = job.trace["time"], job.trace["objective"], title
        self.norm, self.reach = mass_norm(self.states), support(self.states, self.axis)

    def frame(self, record):
        count = self.states.shape[1]
        figure, panels = plt.subplots(1, count, figsize=(0.62 * WIDTH, 0.36 * WIDTH), sharey=True, squeeze=False)
        figure.subplots_adjust(left=0.11, right=0.98, bottom=0.16, top=0.82, wspace=0.06)
        for sheet, axes in enumerate(panels[0]):
            draw_sheet(axes, self.states[record, sheet], self.axis, sheet, self.norm, self.reach)
            axes.set_title(sheet_name(sheet), size=9.5, color=INK, loc="left")
            axes.set_xlabel(r"$w_1$")
        panels[0][0].set_ylabel(r"bias  $w_2$")
        words = f"t = {self.times[record]:<8.4g}  F = {self.objective[record]:.4f}"
        figure.text(0.11, 0.93, self.title, size=11, weight="bold")
        figure.text(0.98, 0.93, words, size=10, color=MUTED, ha="right")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100, facecolor="white")
        plt.close(figure)
        return Image.open(drawn).convert("RGB").quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)

    def save(self, path):
        last = len(self.states) - 1
        records = np.unique(np.linspace(0, last, min(MOST_FRAMES, last + 1)).astype(int))
        frames = [self.frame(record) for record in records]
        pauses = [FRAME_MS] * (len(frames) - 1) + [10 * FRAME_MS]
        frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0, optimize=True)


def animation(result, options):
    return Animation(masses_job(result), result.name)
