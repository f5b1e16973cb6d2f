#!/usr/bin/python3
"""Draws the figure of a sweep from its result file.

Usage: plot.py RESULT.h5... [--figure NAME] [-o OUT]
"""

import argparse
import os
import sys
from collections import namedtuple

try:
    import plot_agreement
    import plot_curves
    import plot_function
    import plot_inner
    import plot_limit
    import plot_map
    import plot_masses
    import plot_neurons
    import plot_pinning
    import plot_table
    from plot_result import PlotError, read_results
except ImportError as error:
    system = "/usr/bin/python3"  # Debian's packages are here, whatever Python comes first on the path
    if os.path.exists(system) and not os.path.samefile(sys.executable, system):
        os.execv(system, [system, *sys.argv])
    sys.exit(f"plot.py: {error.name} is missing for {sys.executable}; tools/setup.sh says how to get it")

Figure = namedtuple("Figure", "draw suits most meaning")  # most: jobs drawn, evenly chosen of more

# One row a figure. Without --figure the first one that suits the result is drawn; the last suits every result.
FIGURES = {
    "mean-field": Figure(
        plot_limit.mean_field, plot_limit.suits_mean_field, None,
        "objective and coupled distance against width, medians over seeds and rates; JKO beside it from a second file",
    ),
    "agreement": Figure(
        plot_agreement.agreement, plot_agreement.suits_agreement, None,
        "by how much Frobenius and Wasserstein trajectories differ against gamma, medians over seeds and rates",
    ),
    "inner": Figure(
        plot_inner.inner, plot_inner.suits_inner, None,
        "objective and distance against inner iteration across outer steps (record_inner)",
    ),
    "alignment": Figure(
        plot_neurons.alignment, plot_neurons.suits_alignment, None,
        "norm and angle of each neuron and number of distinct directions over time (save: all)",
    ),
    "learned-function": Figure(
        plot_function.learned, plot_function.suits_learned, None,
        "the learned function against the data at several times, a panel a job (save: all)",
    ),
    "neurons": Figure(
        plot_neurons.trajectories, plot_neurons.suits_trajectories, None,
        "paths of neurons in the plane, positive green, negative red (save: all)",
    ),
    "masses": Figure(
        plot_masses.masses, plot_masses.suits_masses, None,
        "masses of jko on the grid at several times, a row a sheet (save: all)",
    ),
    "animation": Figure(
        plot_masses.animation, lambda result: False, None,
        "masses of jko over time, a GIF (save: all)",
    ),
    "objective-distance": Figure(
        plot_curves.objective_distance, plot_curves.suits_objective_distance, plot_curves.MOST_CURVES,
        "objective against distance between iterates, a curve a job coloured by gamma",
    ),
    "distance-difference": Figure(
        plot_curves.distance_difference, lambda result: False, plot_curves.MOST_CURVES,
        "relative difference of the Frobenius and the Wasserstein distance of a step (record_distances: all)",
    ),
    "pinning": Figure(
        plot_pinning.pinning, lambda result: False, None,
        "JKO's error over grid spacing and epsilon with the bounds of pinning and diffusion; descents from a second file",
    ),
    "heat-map": Figure(
        plot_map.heat_map, lambda result: False, None,
        "any result (--value) over two swept parameters (--x, --y), the median of each cell",
    ),
    "gantt": Figure(
        plot_map.gantt, lambda result: False, None,
        "the jobs of each rank over time: how busy the cores were",
    ),
    "objective-time": Figure(
        plot_curves.objective_time, lambda result: True, plot_curves.MOST_CURVES,
        "objective against Wasserstein time, a curve a job",
    ),
}  # fmt: skip


def parse_arguments(arguments):
    listing = "\n".join(f"  {name:20} {figure.meaning}" for name, figure in FIGURES.items())
    parser = argparse.ArgumentParser(
        prog="plot.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Draws the figure of a sweep from its result file or files (shards). Files may still be running.",
        epilog=f"figures:\n{listing}\nWithout --figure: the first that suits what the sweep varies.",
    )
    parser.add_argument("results", metavar="RESULT.h5", nargs="+", help="or the table of wgf aggregate --csv: TABLE.csv")
    parser.add_argument("--figure", metavar="NAME", choices=FIGURES, help="one of the list below")
    parser.add_argument("-o", "--output", metavar="OUT", help="default: the first result with .png or .gif for .h5")
    parser.add_argument("--x", metavar="TRACE", help="trace on the horizontal axis (time, step, ...); a parameter in heat maps")
    parser.add_argument("--y", metavar="TRACE", help="trace on the vertical axis (grad_norm, ...); a parameter in heat maps")
    parser.add_argument("--value", metavar="RESULT", help="what a heat map shows (objective_final, seconds, ...)")
    parser.add_argument("--wgf", metavar="PROGRAM", help="makes a job's samples again; default: build/wgf of this folder")
    parser.add_argument("--by", metavar="PARAMETER", help="swept parameter that gives the colour")
    parser.add_argument(
        "--where", metavar="NAME=VALUE", action="append", default=[], help="draw these jobs alone; may be repeated"
    )
    options = parser.parse_args(arguments)
    bad = [condition for condition in options.where if "=" not in condition]
    if bad:
        parser.error(f"--where wants NAME=VALUE, not {bad[0]}")
    options.where = dict(condition.split("=", 1) for condition in options.where)
    return options


def draw(options):
    if options.results[0].endswith(".csv"):
        return plot_table.curves(options.results[0], options)
    result = read_results(options.results, options.where)
    if options.by and options.by not in result.varying():
        raise PlotError(f"--by {options.by}: swept here are {', '.join(result.varying()) or 'no parameters'}")
    figures = [FIGURES[options.figure]] if options.figure else FIGURES.values()
    chosen = next(figure for figure in figures if options.figure or figure.suits(result))
    if chosen.most and len(result.jobs) > chosen.most:
        print(f"plot.py: drawing {chosen.most} of {result.finished} jobs, evenly chosen", file=sys.stderr)
        result.thin(chosen.most)
    return chosen.draw(result, options)


def save(page, path):
    """Writes beside the target first: a picture that is being looked at is never half."""
    partial = f"{path}.part"
    try:
        page.save(partial)
        os.replace(partial, path)
    except OSError as error:
        raise PlotError(f"{path} cannot be written: {error.strerror}") from None


def main(arguments):
    options = parse_arguments(arguments)
    try:
        page = draw(options)
        ending = ".gif" if isinstance(page, plot_masses.Animation) else ".png"
        save(page, options.output or os.path.splitext(options.results[0])[0] + ending)
    except PlotError as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
