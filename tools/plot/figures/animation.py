"""Masses of jko on its grid, or neurons in a plane, over time, as a GIF."""

import io

import matplotlib.pyplot as plt

from ..figure import Figure
from ..jobs import a_job_each, evenly
from ..neuron_paths import USABLE as NEURONS
from ..neuron_paths import Plane, around, with_paths
from ..result import PlotError
from ..samples import samples
from ..style import INK, MUTED, WIDTH, reduce_colours
from ..words import plain
from .masses import USABLE, density_norm, draw_sheet, sheets, support, with_masses
from .neurons import draw_neurons

MOST_FRAMES = 50
FRAME_MS = 120


class Masses:
    """The sheets of a job: as many panels as it has signs."""

    def __init__(self, job):
        self.sheets = sheets(job)
        self.norm, self.reach = density_norm(self.sheets), support(self.sheets)
        self.records, self.panels = len(self.sheets[0].values), len(self.sheets)

    def draw(self, line, record):
        for sheet, axes in zip(self.sheets, line):
            draw_sheet(axes, sheet, record, self.norm, self.reach)
            axes.set_title(sheet.words, size=9.5, color=INK, loc="right")
            axes.set_xlabel(r"$w_1$")
        line[0].set_ylabel("density" if self.sheets[0].values.ndim == 2 else r"bias  $w_2$")


class Neurons:
    """The neurons of a job with their paths so far."""

    panels = 1

    def __init__(self, job, plane, inputs):
        self.job, self.plane, self.inputs, self.labels = job, plane, inputs, plane.labels(job)
        self.paths = plane.coordinates(job)
        self.view, self.records = around([self.paths]), len(self.paths)

    def draw(self, line, record):
        draw_neurons(line[0], self.job, self.plane, self.inputs, self.paths, record + 1)
        line[0].set(xlim=self.view[0], ylim=self.view[1], xlabel=self.labels[0], ylabel=self.labels[1])


class Animation:
    """Frames of jobs, a row a job; saved as a GIF that loops. rows: (title, job, Masses or Neurons)."""

    def __init__(self, rows, name, shown):
        self.rows, self.name, self.shown = rows, name, shown

    def frame(self, part):
        """The frame in which that part of the records of every job has passed."""
        count, rows = max(drawn.panels for *_, drawn in self.rows), len(self.rows)
        size = 0.62 * WIDTH, (0.34 if count > 1 else 0.5) * WIDTH * rows + 0.5
        figure, panels = plt.subplots(rows, count, figsize=size, squeeze=False, layout="constrained")
        figure.suptitle(f"{plain(self.name)}\n{self.shown}", size=9, color=MUTED, x=0.02, ha="left")
        for line, (title, job, drawn) in zip(panels, self.rows):
            record = round(part * (drawn.records - 1))
            words = f"t = {job.trace['time'][record]:<8.4g}  F = {job.trace['objective'][record]:.4g}"
            for axes in line[drawn.panels :]:
                axes.set_visible(False)
            drawn.draw(line[: drawn.panels], record)
            line[0].set_title(f"{title}\n{words}" if title else words, size=9.5, color=INK, loc="left")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=100, facecolor="white")
        plt.close(figure)
        return reduce_colours(drawn, 64)

    def settle(self):
        """Nothing: a frame has its layout when it is drawn."""

    def save(self, path):
        most = max(drawn.records for *_, drawn in self.rows)
        frames = [self.frame(record / (most - 1)) for record in evenly(range(most), MOST_FRAMES)]
        pauses = [FRAME_MS] * (len(frames) - 1) + [10 * FRAME_MS]
        more = {"append_images": frames[1:], "duration": pauses, "loop": 0}
        frames[0].save(path, format="GIF", save_all=True, optimize=True, **more)


def animation(result, options):
    """Masses where a job has them, otherwise neurons."""
    try:
        chosen, shown = a_job_each(result, with_masses(result, "animation"), options, 1, USABLE)
    except PlotError:
        chosen, shown = a_job_each(result, with_paths(result, "animation"), options, 1, NEURONS)
        plane = Plane([job for _, job in chosen], options.inputs)
        rows = [(title, job, Neurons(job, plane, samples(job, options)[0])) for title, job in chosen]
        return Animation(rows, result.name, shown)
    return Animation([(title, job, Masses(job)) for title, job in chosen], result.name, shown)


FIGURE = Figure(
    place=80,
    meaning="masses on grids, or neurons, over time, a GIF (save: all)",
    draw=animation,
    ending=".gif",
    scales=False,
)
