"""How every figure looks: the page with its title, axes, colours and labels."""

import io
import textwrap

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from PIL import Image

INK, MUTED, FAINT = "#1f2328", "#5b636d", "#e4e7eb"
WIDTH = 9.0  # inches; at 100 dots an inch the fonts below are legible
DPI = 160

# Viridis without its palest end, which vanishes on white.
SEQUENTIAL = LinearSegmentedColormap.from_list("wgf", plt.get_cmap("viridis")(np.linspace(0.0, 0.9, 256)))
# Okabe and Ito's palette, distinguishable under every common colour blindness.
CATEGORICAL = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def mass_colours(name):
    """A sequential map without its palest end; what is not drawn is white."""
    shades = LinearSegmentedColormap.from_list(name, plt.get_cmap(name)(np.linspace(0.12, 1, 256)))
    return shades.with_extremes(under="white", bad="white")


# Masses of positive and of negative neurons: green and red, which differ in lightness and place too.
SHEETS = mass_colours("Greens"), mass_colours("Reds")

# The symbol of a variable, written after the words that the file has for it.
SYMBOLS = {
    "objective": r"$F$",
    "time": r"$t$",
    "grad_norm": r"$\|\nabla F\|_F$",
    "weight_norm": r"$\|W\|_F$",
    "gamma": r"$\gamma$",
    "beta": r"$\beta$",
    "epsilon": r"$\varepsilon$",
    "width": r"$m$",
    "n": r"$n$",
    "d": r"$d$",
    "grid": r"$g$",
    "weight_decay": r"$\lambda$",
}

# Labels where the file has no words, or too many for an axis.
LABELS = {
    "distance": r"distance between iterates  $D(W^{t+1}, W^{t})$",
    "distance_frobenius": r"Frobenius distance between iterates  $\frac{1}{m}\|W^{t+1} - W^{t}\|_F^2$",
    "distance_wasserstein": r"Wasserstein distance between iterates  $W_2^2(W^{t+1}, W^{t})$",
    "inner_objective": r"objective  $F(V^k)$",
    "inner_distance": r"distance  $D(V^k, W^t)$",
    "difference": r"1 − Wasserstein / Frobenius distance of a step",
    "init_scale": "initial weights of size",
    "seed": "seed",
    "data_seed": "data seed",
}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}


plt.rcParams.update(STYLE)


def is_number(value):
    return isinstance(value, (int, float))


def spans_decades(values, decades=1.0):
    """Are all values positive, and spread over at least that many decades, so that they belong on a log scale?"""
    return len(values) > 0 and min(values) > 0 and max(values) >= 10.0**decades * min(values)


def tick_text(value, _=None):
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${factor}10^{{{int(exponent)}}}$"


def set_log_ticks(axis):
    """Sets readable ticks on an axis of less than two decades, where matplotlib's own are too few."""
    low, high = axis.get_view_interval()
    if high > 30 * low:
        return
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 6 * low else MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter(FuncFormatter(tick_text))
    axis.set_minor_locator(NullLocator())


def reduce_colours(drawn, count):
    """The picture in a buffer with that many colours."""
    return Image.open(drawn).convert("RGB").quantize(count, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


class Colours:
    """Colours for the values of one parameter: a sequential map for numbers, a palette for words, grey for None."""

    def __init__(self, name, values):
        self.name, self.values = name, values
        self.continuous = len(values) > 1 and all(is_number(value) and np.isfinite(value) for value in values)
        if self.continuous:
            norm = LogNorm if spans_decades(values) else Normalize
            self.map = plt.cm.ScalarMappable(norm(min(values), max(values)), SEQUENTIAL)

    def __call__(self, value):
        if value is None:
            return MUTED
        if self.continuous:
            return self.map.to_rgba(value)
        return CATEGORICAL[self.values.index(value) % len(CATEGORICAL)]


class Page:
    """A figure with the result's name as title, its description beneath, a grid of panels, and room for a colour bar.

    shared: True, all panels have the same axes and one label; "row", the panels of a row share the vertical axis;
    False, each panel has its own axes and labels. Heights and gaps are in inches.
    """

    def __init__(self, result, panels, colour_bar=False, *, columns=None, shared=True, panel_height=None, gap=None):
        self.words = result.words
        lines = textwrap.wrap(result.description, 105)
        columns = columns or (2 if panels == 4 else min(panels, 3))
        rows = -(-panels // columns)
        top = 0.6 + 0.19 * len(lines) + (0.28 if panels > 1 else 0.05)
        bottom, left, right = 1.0, 0.85, 1.2 if colour_bar else 0.25
        if panel_height is None:
            panel_height = {1: 4.0, 2: 3.3, 3: 3.1}[columns] if rows == 1 else 2.5
        between = {True: 0.08, "row": 0.08, False: 0.28}[shared]
        gap = gap or (0.42 if shared is True else 0.85)
        height = top + bottom + rows * panel_height + (rows - 1) * gap
        self.figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(WIDTH, height),
            sharex=shared is True,
            sharey=shared,
            squeeze=False,
            gridspec_kw={
                "left": left / WIDTH,
                "right": 1 - right / WIDTH,
                "top": 1 - top / height,
                "bottom": bottom / height,
                "wspace": between,
                "hspace": gap / panel_height,
            },
        )
        self.panels = list(grid.ravel()[:panels])
        for spare in grid.ravel()[panels:]:
            spare.set_visible(False)
        for axes in grid[-1 if panels == rows * columns else -2][panels % columns or columns :]:
            axes.xaxis.set_tick_params(labelbottom=True)
        self.height, self.left, self.right, self.top, self.bottom = height, left, right, top, bottom
        self.figure.text(left / WIDTH, 1 - 0.2 / height, result.name, size=14, weight="bold", va="top")
        self.figure.text(left / WIDTH, 1 - 0.52 / height, "\n".join(lines), size=9.5, color=MUTED, va="top")

    def label(self, name):
        """What an axis says of a variable: the file's words and a symbol. Other texts stay as they are."""
        if name in LABELS:
            return LABELS[name]
        said = self.words.get(name, name if "$" in name else name.replace("_", " "))
        symbol = SYMBOLS.get(name, "")
        return f"{said.removesuffix(' ' + symbol.strip('$'))}  {symbol}" if symbol else said

    def describe(self, axes, title, x=None, y=None):
        """A panel's own title and labels."""
        axes.set_title(title, size=10.5, color=INK, loc="left")
        if x:
            axes.set_xlabel(self.label(x))
        if y:
            axes.set_ylabel(self.label(y))

    def settle(self):
        """Fixes limits and ticks once everything is drawn. Call it before placing anything in page coordinates."""
        self.figure.canvas.draw()
        for axes in self.panels:
            for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
                if scale == "log":
                    set_log_ticks(axis)

    def axis_labels(self, x, y):
        middle = (self.left + WIDTH - self.right) / 2
        below = (self.bottom - 0.38) / self.height
        centre = (self.bottom + self.height - self.top) / 2 / self.height
        self.figure.text(middle / WIDTH, below, self.label(x), ha="center", va="top", size=10.5)
        self.figure.text(0.16 / WIDTH, centre, self.label(y), rotation=90, va="center", ha="left", size=10.5)

    def bar(self, mappable, words, place, places):
        """A colour bar to the right of the panels: number `place` of `places`, from the top."""
        room = min(self.height - self.top - self.bottom, 4.2)
        span = room / places - (0.25 if places > 1 else 0)
        base = self.height - self.top - place * room / places - span
        axes = self.figure.add_axes([1 - 1.0 / WIDTH, base / self.height, 0.14 / WIDTH, span / self.height])
        bar = self.figure.colorbar(mappable, cax=axes)
        bar.outline.set_visible(False)
        bar.set_label(words, color=INK, size=10)
        axes.grid(False)
        return bar

    def colour_bar(self, colours):
        """The colour bar of a parameter, its values marked."""
        bar = self.bar(colours.map, self.label(colours.name), 0, 1)
        if len(colours.values) <= 6:
            bar.set_ticks(colours.values, labels=[tick_text(float(f"{value:.3g}")) for value in colours.values])
            bar.ax.minorticks_off()
        elif isinstance(colours.map.norm, LogNorm):
            bar.ax.yaxis.set_major_locator(LogLocator())
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        if len(colours.values) <= 16:
            bar.ax.hlines(colours.values, 0, 1, color="white", linewidth=1.1)

    def legend(self, handles):
        self.figure.legend(
            handles=handles,
            loc="lower left",
            ncols=min(len(handles), 6),
            handletextpad=0.5,
            columnspacing=1.8,
            bbox_to_anchor=(self.left / WIDTH, 0.16 / self.height),
            borderaxespad=0,
            borderpad=0,
            labelcolor=MUTED,
        )

    def note(self, words):
        """A line beneath everything."""
        self.figure.text(self.left / WIDTH, 0.16 / self.height, words, size=9, color=MUTED, va="bottom")

    def save(self, path):
        """Writes a PNG of 256 colours, which looks the same as one of all colours at a third of the size."""
        drawn = io.BytesIO()
        self.figure.savefig(drawn, format="png", facecolor="white")
        plt.close(self.figure)
        reduce_colours(drawn, 256).save(path, format="png", optimize=True)
