"""Masses of jko on its grid over time, as a GIF."""

import io

import matplotlib.pyplot as plt

from ..figure import Figure
from ..jobs import evenly
from ..style import INK, MUTED, WIDTH, reduce_colours
from .masses import draw_sheet, mass_norm, masses_job, sheet_name, sheets, support

MOST_FRAMES = 50
FRAME_MS = 120


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
        return reduce_colours(drawn, 64)

    def save(self, path):
        frames = [self.frame(record) for record in evenly(range(len(self.states)), MOST_FRAMES)]
        pauses = [FRAME_MS] * (len(frames) - 1) + [10 * FRAME_MS]
        more = {"append_images": frames[1:], "duration": pauses, "loop": 0}
        frames[0].save(path, format="GIF", save_all=True, optimize=True, **more)


def animation(result, options):
    return Animation(masses_job(result), result.name)


FIGURE = Figure(place=80, meaning="masses of jko over time, a GIF (save: all)", draw=animation, ending=".gif")
