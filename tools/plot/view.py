"""How the user wants the axes: --log, --linear, --xlim, --ylim. What is not given is the figure's own choice."""

import argparse
import math
from dataclasses import dataclass, field

from .result import PlotError


def limits(words):
    """The two ends of LOW,HIGH, None for one that is left out."""
    try:
        low, high = (float(word) if word.strip() else None for word in words.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes LOW,HIGH, either of which may be left out, not {words}") from None
    if not all(end is None or math.isfinite(end) for end in (low, high)) or None not in (low, high) and low >= high:
        raise argparse.ArgumentTypeError(f"takes finite LOW,HIGH with LOW below HIGH, not {words}")
    return low, high


@dataclass(frozen=True)
class View:
    log: tuple = ()  # of "x" and "y"
    linear: bool = False  # all axes that `log` does not name
    ends: dict = field(default_factory=dict)  # {"x" or "y": (low, high)}

    def changes(self):
        return bool(self.log or self.linear or self.ends)

    def logarithmic(self, axis, usual):
        """Is axis "x" or "y" logarithmic, for a figure that would have it so or not (`usual`)?"""
        return axis in self.log or (usual and not self.linear)

    def apply(self, panels):
        """Gives panels the wanted scales and ends. Raises PlotError for ends that a logarithmic axis cannot have."""
        for axes in panels:
            for name, get, scale, limit in (
                ("x", axes.get_xscale, axes.set_xscale, axes.set_xlim),
                ("y", axes.get_yscale, axes.set_yscale, axes.set_ylim),
            ):
                wanted = "log" if self.logarithmic(name, get() == "log") else "linear"
                if wanted != get():
                    scale(wanted)
                low, high = self.ends.get(name, (None, None))
                if wanted == "log" and any(end is not None and end <= 0 for end in (low, high)):
                    raise PlotError(f"--{name}lim: a logarithmic axis has only positive values; see --linear")
                if name in self.ends:
                    seen = [axes.dataLim.intervalx if name == "x" else axes.dataLim.intervaly for axes in panels]
                    positive = [axes.dataLim.minposx if name == "x" else axes.dataLim.minposy for axes in panels]
                    low = low if low is not None else min(positive if wanted == "log" else [ends[0] for ends in seen])
                    limit(low, max(ends[1] for ends in seen) if high is None else high)


def add_arguments(add):
    add("--log", metavar="AXIS", choices=("x", "y"), action="append", default=[], help="a logarithmic axis: x or y")
    add("--linear", action="store_true", help="linear axes; by default an axis over decades is logarithmic")
    add("--xlim", metavar="LOW,HIGH", type=limits, help="ends of the horizontal axis; --xlim=-1,1 for a negative one")
    add("--ylim", metavar="LOW,HIGH", type=limits, help="ends of the vertical axis; either may be left out: 0.1,")


def view_of(options):
    ends = {"x": options.xlim, "y": options.ylim}
    return View(tuple(options.log), options.linear, {name: pair for name, pair in ends.items() if pair})
