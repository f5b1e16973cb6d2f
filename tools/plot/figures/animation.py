"""Masses of jko on its grid over time, as a GIF."""

import io

import matplotlib.pyplot as plt

from ..figure import Figure
from ..jobs import a_job_each, evenly
from ..style import INK, MUTED, WIDTH, reduce_colours
from ..words import plain
from .masses import USABLE, draw_sheet, mass_norm, sheet_name, sheets, support, with_masses

MOST_FRAMES = 50
FRAME_MS = 120


class Animation:
    """Frames of the sheets of each job, a row a job; saved as a GIF that loops."""

    def __init__(self, chosen, name, shown):
        self.rows = []
        for title, job in chosen:
            states, axis = sheets(job)
            self.rows.append((title, job, states, axis, mass_norm(states), support(states, axis)))
        self.name, self.shown = name, shown

    def frame(self, part):
        """The frame in which that part of the records of every job has passed."""
        count, rows = max(states.shape[1] for _, _, states, *_ in self.rows), len(self.rows)
        size = 0.62 * WIDTH, 0.34 * WIDTH * rows + 0.5
        figure, panels = plt.subplots(rows, count, figsize=size, squeeze=False, layout="constrained")
        figure.suptitle(f"{plain(self.name)}\n{self.shown}", size=9, color=MUTED, x=0.02, ha="left")
        for line, (title, job, states, axis, norm, reach) in zip(panels, self.rows):
            record = round(part * (len(states) - 1))
            words = f"t = {job.trace['time'][record]:<8.4g}  F = {job.trace['objective'][record]:.4g}"
            for sheet, axes in enumerate(line):
                axes.set_visible(sheet < states.shape[1])
                if sheet < states.shape[1]:
                    draw_sheet(axes, states[record, sheet], axis, sheet, norm, reach)
                    said = f"{sheet_name(sheet)}   {words}" if sheet == 0 else sheet_name(sheet)
                    axes.set_title(f"{title}\n{said}" if sheet == 0 else said, size=9.5, color=INK, loc="left")
                    axes.set_xlabel(r"$w_1$")
            line[0].set_ylabel(r"bias  $w_2$")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100, facecolor="white")
        plt.close(figure)
        return reduce_colours(drawn, 64)

    def settle(self):
        """Nothing: a frame has its layout when it is drawn."""

    def save(self, path):
        most = max(len(states) for _, _, states, *_ in self.rows)
        frames = [self.frame(record / (most - 1)) for record in evenly(range(most), MOST_FRAMES)]
        pauses = [FRAME_MS] * (len(frames) - 1) + [10 * FRAME_MS]
        more = {"append_images": frames[1:], "duration": pauses, "loop": 0}
        frames[0].save(path, format="GIF", save_all=True, optimize=True, **more)


def animation(result, options):
    chosen, shown = a_job_each(result, with_masses(result, "animation"), options, 1, USABLE)
    return Animation(chosen, result.name, shown)


FIGURE = Figure(
    place=80, meaning="masses of jko over time, a GIF (save: all)", draw=animation, ending=".gif", scales=False
)
