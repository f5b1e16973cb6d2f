"""How every figure looks: the page with its title, axes, colours and labels."""

import functools
import io
import re
import textwrap
from itertools import zip_longest

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import AutoLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from PIL import Image

from .words import is_number, number_text, plain, value_texts

INK, MUTED, FAINT = "#1f2328", "#5b636d", "#e4e7eb"
WIDTH = 9.0  # inches; at 100 dots an inch the fonts below are legible
DPI = 160
METRICS = RendererAgg(1, 1, 72)  # measures texts
MARGIN = 0.16  # inches
TITLE = 10.5  # points, of a panel's title
QUARTILES = (25, 50, 75)  # percentiles of a band
MOST_KEYS = 40  # values that a legend names
BENEATH = ("note", "legend", "label")  # from the foot upwards

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
    "confine": r"$\lambda_1$",
    "entropy": r"temperature  $\lambda$",
    "arc_start": "where the arc begins",
    "arc_width": "width of the arc",
}

# Labels where the file has no words, or too many for an axis.
LABELS = {
    "distance": r"distance between iterates  $D(W^{t+1}, W^{t})$",
    "distance_between": r"distance between iterates  $D(W^{t+1}, W^{t})$, of jko without its floor",
    "distance_debiased": r"distance between masses  $S_\varepsilon(p_{t+1}, p_t)$",
    "distance_frobenius": r"Frobenius distance between iterates  $\frac{1}{m}\|W^{t+1} - W^{t}\|_F^2$",
    "distance_wasserstein": r"Wasserstein distance between iterates  $W_2^2(W^{t+1}, W^{t})$",
    "distance_reference": r"distance to the reference  $W_p$",
    "inner_objective": r"objective  $F(V^k)$",
    "inner_distance": r"distance  $D(V^k, W^t)$",
    "inner_kl_objective": "objective of the step",
    "difference": r"1 − Wasserstein / Frobenius distance of a step",
    "alignment": "cosine to the nearest extremal direction",
    "directions": "distinct directions",
    "extremals": "extremal directions",
    "patterns": "distinct activation patterns",
    "pattern_changes": "activations that changed since the last record",
    "moving": "fraction of neurons that move",
    "exchanged": "fraction of neurons that change places",
    "teacher_found": "from the teacher's directions to the nearest neurons  (degrees)",
    "teacher_distance": "Hausdorff distance to the teacher's directions  (degrees)",
    "init_scale": "initial weights of size",
    "seed": "seed",
    "data_seed": "data seed",
    "teacher_seed": "teacher seed",
    "teacher_width": "teacher width",
    "sinus_frequency": "frequency",
    "sinus_range": "range of inputs",
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


def spans_decades(values, decades=1.0, zero=False):
    """Are all values positive, and spread over at least that many decades, so that they belong on a log scale?

    zero: some may be 0, and are not drawn.
    """
    positive = [value for value in values if value > 0] if zero else values
    return len(positive) > 0 and min(values) >= 0 < min(positive) and max(positive) >= 10.0**decades * min(positive)


def draw_band(axes, x, quartiles, colour, shade=0.15, **style):
    """A line at the middle one of three rows, and a band between the other two."""
    low, middle, high = quartiles
    axes.fill_between(x, low, high, color=colour, alpha=shade, linewidth=0)
    axes.plot(x, middle, color=colour, **style)


def set_log_y(axes):
    """A logarithmic vertical axis, where anything is positive."""
    axes.set_yscale("log" if np.isfinite(axes.dataLim.minposy) else "linear")


def set_log_ticks(axis):
    """Sets readable ticks on an axis of less than two decades, where matplotlib's own are too few."""
    low, high = axis.get_view_interval()
    if high > 30 * low:
        return
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 6 * low else MaxNLocator(6, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
    axis.set_minor_locator(NullLocator())


def reduce_colours(drawn, count):
    """The picture in a buffer with that many colours."""
    return Image.open(drawn).convert("RGB").quantize(count, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def colour_norm(values):
    """Colours over finite numbers: logarithmic where the positive ones span decades and none is negative."""
    positive = [value for value in values if value > 0]
    if spans_decades(values, zero=True):
        return LogNorm(min(positive), max(positive), clip=True)
    return Normalize(min(values), max(values))


class Colours:
    """Colours for the values of one parameter: a sequential map for numbers, a palette for words, grey for None."""

    def __init__(self, name, values):
        self.name, self.values, self.texts = name, values, value_texts(values)
        numbers = [value for value in values if is_number(value)]
        self.continuous = len(numbers) > 1
        if self.continuous:
            self.map = plt.cm.ScalarMappable(colour_norm(numbers), SEQUENTIAL)
        above = 0 if self.continuous and isinstance(self.map.norm, LogNorm) else -np.inf  # log colours have no zero
        self.numbers = [value for value in numbers if value > above] if self.continuous else []
        self.words = [value for value in values if value not in self.numbers]
        palette = CATEGORICAL[self.continuous :]  # the sequential map is blue at one end
        if len(self.words) > len(palette):
            palette = list(map(to_hex, plt.get_cmap("turbo")(np.linspace(0.02, 0.98, len(self.words)))))
        self.palette = dict(zip(self.words, palette))

    def __call__(self, value):
        if value is None:
            return MUTED
        if value in self.palette or not self.continuous:
            return self.palette.get(value, CATEGORICAL[0])
        return self.map.to_rgba(value)

    def handles(self, mark, without=False):
        """Handles of a legend: of every value that the colour bar does not show, and of jobs without the parameter."""
        name = f"{self.name} " if self.continuous else ""
        handles = [mark(self(value), f"{name}{self.texts[value]}") for value in self.words[:MOST_KEYS]]
        if len(self.words) > MOST_KEYS:
            handles.append(mark("white", f"and {len(self.words) - MOST_KEYS} more"))
        return handles + ([mark(MUTED, f"without {self.name}")] if without else [])


@functools.lru_cache(4096)
def width_of(words, size):
    """Inches that a line of text takes."""
    if not words:
        return 0.0
    formula = cbook.is_math_text(words)
    plain_words = words if formula else words.replace(r"\$", "$")
    return METRICS.get_text_width_height_descent(plain_words, FontProperties(size=size), formula)[0] / 72


def broken(words, room, size):
    """The words on lines that are broken after commas where they are longer than `room` inches."""
    lines = []
    for piece in re.split(r"(?<=,) |(?<=\n)", words):
        if lines and not lines[-1].endswith("\n") and width_of(f"{lines[-1]} {piece}".strip(), size) <= room:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return "\n".join(line.rstrip("\n") for line in lines)


class Page:
    """A figure: the result's name, its description, which jobs it shows, a grid of panels with titles, and the rest.

    shown: from jobs.shown; titles: one a panel, None where the grid stays empty. shared: True, all panels have the
    same axes and one label; "row", the panels of a row share the vertical axis; False, each panel has its own axes and
    labels. Heights are in inches.
    What stands beneath the panels has its own height, by which the figure grows; the panels share the rest.
    """

    def __init__(self, result, shown, titles, *, columns=None, shared=True, panel_height=None, gap=0.1):
        self.result = result
        panels = len(titles)
        columns = columns or (2 if panels == 4 else min(panels, 3))
        rows = -(-panels // columns)
        if panel_height is None:
            panel_height = {1: 4.0, 2: 3.3}.get(columns, 3.1) if rows == 1 else 2.5
        self.figure, grid = plt.subplots(
            rows, columns, sharex=shared is True, sharey=shared, squeeze=False, layout="constrained"
        )
        self.grid, self.panels = grid, list(grid.ravel()[:panels])
        for axes, title in zip_longest(grid.ravel(), titles):
            axes.set_visible(title is not None)
        for axes in grid[-1 if panels == rows * columns else -2][panels % columns or columns :]:
            axes.xaxis.set_tick_params(labelbottom=True)
        room = (WIDTH - 1.5) / columns - (0.75 if shared is False else 0.1)
        heads = [broken(title or "", room, TITLE) for title in titles]
        for axes, words in zip(self.panels, heads):
            widest = max(width_of(line, TITLE) for line in words.split("\n"))
            axes.set_title(words, size=TITLE * min(1, room / max(widest, 1e-9)), color=INK, loc="left")
        lines = sum(max(len(words.splitlines()) for words in heads[k : k + columns]) for k in range(0, panels, columns))
        ticks = 0.75 * rows if shared is False else 0.12 * rows + 0.3
        self.inside = rows * panel_height + ticks + (rows - 1) * gap + 0.21 * lines
        self.figure.get_layout_engine().set(hspace=0, wspace=0.02, h_pad=gap / 2, w_pad=0.06)
        self.headers, self.beneath, self.beside, self.settled = [], {}, 0.0, False
        self.header(plain(result.name), 14, INK, 0.2, weight="bold")
        base = 0.52
        for line in textwrap.wrap(result.description, 105, max_lines=4, placeholder=" …"):
            self.header(plain(line), 9.5, MUTED, base)
            base += 0.19
        for line in textwrap.wrap(shown, 115, max_lines=4, placeholder=" …"):
            self.header(line, 9, MUTED, base)
            base += 0.18
        self.top = base + 0.08
        self.arrange()

    def header(self, words, size, colour, inches, **style):
        size *= min(1, (WIDTH - 2 * MARGIN) / max(width_of(words, size), 1e-9))
        self.headers.append((self.figure.text(0, 0, words, size=size, color=colour, va="top", **style), inches))

    def arrange(self):
        """Stacks note, legend and shared label at the foot; the panels lie between these and the header."""
        dots, heights, base = self.figure.dpi, {}, MARGIN
        renderer = self.figure.canvas.get_renderer()
        for place in BENEATH:
            if place in self.beneath:
                heights[place] = base
                base += self.beneath[place].get_window_extent(renderer).height / dots + 0.1
        height = base + self.inside + self.top
        self.figure.set_size_inches(WIDTH, height)
        for words, inches in self.headers:
            words.set_position((MARGIN / WIDTH, 1 - inches / height))
        for place, inches in heights.items():
            if place == "legend":
                self.beneath[place].set_bbox_to_anchor((MARGIN / WIDTH, inches / height), self.figure.transFigure)
            else:
                self.beneath[place].set_y(inches / height)
        left = (MARGIN + self.beside) / WIDTH
        box = (left, base / height, 1 - left - 0.5 * MARGIN / WIDTH, 1 - (base + self.top) / height)
        self.figure.get_layout_engine().set(rect=box)
        if self.beside:
            self.side.set_position((MARGIN / WIDTH, (base + 0.5 * self.inside) / height))

    def label(self, name):
        """What an axis says of a variable: the file's words and a symbol. Other texts stay as they are."""
        if name in LABELS:
            return LABELS[name]
        said = self.result.said(name)[0] or (name if "$" in name else name.replace("_", " "))
        symbol = SYMBOLS.get(name, "")
        return f"{said.removesuffix(' ' + symbol.strip('$'))}  {symbol}" if symbol else said

    def describe(self, axes, x=None, y=None):
        """A panel's own labels."""
        if x:
            axes.set_xlabel(self.label(x))
        if y:
            axes.set_ylabel(self.label(y))

    def settle(self):
        """Fixes ticks and layout once everything else is there; what stands in page coordinates may follow."""
        if self.settled:
            return
        self.settled = True
        if self.result.view:
            self.result.view.apply(self.panels)
        for axes in self.panels:
            for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
                if scale == "log":
                    set_log_ticks(axis)
        self.figure.get_layout_engine().execute(self.figure)
        self.figure.set_layout_engine("none")
        for axes in self.panels:
            axes.apply_aspect()
            if isinstance(axes.xaxis.get_major_locator(), AutoLocator):
                room = axes.get_position().width * WIDTH
                axes.xaxis.set_major_locator(MaxNLocator(max(1, min(9, int(room / 0.5))), steps=(1, 2, 2.5, 5, 10)))

    def axis_labels(self, x, y):
        """The labels that all panels share."""
        self.beneath["label"] = self.figure.text(0.5, 0, self.label(x), ha="center", va="bottom", size=10.5)
        if y:
            self.side = self.figure.text(0, 0.5, self.label(y), rotation=90, va="center", ha="left", size=10.5)
            self.beside = 0.25
        self.arrange()

    def bar(self, mappable, words, row=None):
        """A colour bar to the right of all panels, or of one row of them."""
        beside = self.grid.ravel().tolist() if row is None else self.grid[row].tolist()
        high = self.inside if row is None else self.inside / len(self.grid)
        size = {"pad": 0.015, "fraction": 0.03, "aspect": 25, "shrink": min(1, 4.2 / high)}
        bar = self.figure.colorbar(mappable, ax=beside, **size)
        bar.outline.set_visible(False)
        bar.set_label(words, color=INK, size=10)
        bar.ax.grid(False)
        return bar

    def colour_bar(self, colours):
        """The colour bar of a parameter, its values marked."""
        bar = self.bar(colours.map, self.label(colours.name))
        if len(colours.numbers) <= 6:
            texts = value_texts(colours.numbers, 3)
            marked = []
            for value in reversed(colours.numbers):
                if not marked or colours.map.norm(marked[-1]) - colours.map.norm(value) > 0.07:
                    marked.append(value)
            bar.set_ticks(marked, labels=[texts[value] for value in marked])
            bar.ax.minorticks_off()
        elif isinstance(colours.map.norm, LogNorm):
            bar.ax.yaxis.set_major_locator(LogLocator())
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        if len(colours.numbers) <= 16:
            bar.ax.hlines(colours.numbers, 0, 1, color="white", linewidth=1.1)

    def legend(self, handles):
        """A legend in as many columns as the page has room for."""
        style = {"handletextpad": 0.5, "columnspacing": 1.8, "borderaxespad": 0, "borderpad": 0, "labelcolor": MUTED}
        widest = max(width_of(handle.get_label(), 9) for handle in handles) + 0.65
        columns = max(1, min(len(handles), int((WIDTH - 2 * MARGIN) / widest)))
        self.beneath["legend"] = self.figure.legend(handles=handles, loc="lower left", ncols=columns, **style)
        self.arrange()

    def note(self, words):
        """A line beneath everything."""
        self.beneath["note"] = self.figure.text(MARGIN / WIDTH, 0, words, size=9, color=MUTED, va="bottom")
        self.arrange()

    def save(self, path):
        """Writes a PNG of 256 colours, which looks the same as one of all colours at a third of the size."""
        drawn = io.BytesIO()
        self.figure.savefig(drawn, format="png", facecolor="white")
        plt.close(self.figure)
        reduce_colours(drawn, 256).save(path, format="png", optimize=True)
