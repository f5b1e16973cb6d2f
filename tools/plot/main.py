"""The command tools/plot.py: reads its arguments, chooses the figure, draws and saves it."""

import argparse
import os
import sys

from . import aggregate, view
from .figures import FIGURES
from .result import PlotError, read_results


def input_numbers(words):
    """The numbers of inputs, from 0."""
    numbers = tuple(int(word) if word.strip().isdecimal() else -1 for word in words.split(","))
    if min(numbers) < 0 or len(set(numbers)) < len(numbers) or len(numbers) > 2:
        raise argparse.ArgumentTypeError(f"takes one or two numbers of inputs from 0, such as 0,3, not {words}")
    return numbers


def parse_arguments(arguments):
    listing = "\n".join(f"  {name:20} {figure.meaning}" for name, figure in FIGURES.items())
    parser = argparse.ArgumentParser(
        prog="plot.py",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Draws a figure of a sweep from its result file or files (shards). The sweep may still be running.",
        epilog=f"figures:\n{listing}\nWithout --figure: the first of these that suits what the sweep varies.",
    )
    add = parser.add_argument
    add("results", metavar="RESULT.h5", nargs="+", help="result files; or a table of wgf aggregate --csv, - for stdin")
    add("--figure", metavar="NAME", choices=FIGURES, help="a name from the list below")
    add("-o", "--output", metavar="OUT", help="default: the first file's name with .png or .gif")
    add("--x", metavar="TRACE", help="trace on the horizontal axis (time, step, ...); in heat maps a parameter")
    add("--y", metavar="TRACE", help="trace on the vertical axis (grad_norm, ...); in heat maps a parameter")
    add("--value", metavar="RESULT", help="what a heat map shows (objective_final, seconds, teacher_distance, ...)")
    add("--wgf", metavar="PROGRAM", help="makes samples again and reads --where; default: build/wgf of this folder")
    add("--by", metavar="PARAMETER", help="swept parameter that gives the colour")
    add("--facet", metavar="NAMES", help="a panel for each combination of these swept parameters: method,gamma")
    add("--inputs", metavar="I,J", type=input_numbers, default=(), help="the plane of neurons, line of functions: 0,3")
    view.add_arguments(add)
    add("--table", action="store_true", help="print the numbers of the figure, such as rates, as a table in Markdown")
    add("--where", metavar="CONDITIONS", action="append", default=[], help="only these jobs, as wgf show; repeatable")
    options = parser.parse_args(arguments)
    options.facet = [name for name in (options.facet or "").split(",") if name]
    options.view = view.view_of(options)
    return options


def draw(options):
    """The page that the options ask for, and the ending of its file's name."""
    if options.results[0] == aggregate.STDIN or options.results[0].endswith(".csv"):
        return aggregate.curves(options.results[0], options), ".png"
    result = read_results(options.results, options.where, options.wgf)
    result.view = options.view
    for option, names in (("--by", [options.by] if options.by else []), ("--facet", options.facet)):
        for name in names:
            if name not in result.varying():
                raise PlotError(f"{option} {name}: swept here are {', '.join(result.varying()) or 'no parameters'}")
    names = [options.figure] if options.figure else [name for name, one in FIGURES.items() if one.suits(result)]
    for name in names:
        try:
            return draw_one(name, result, options), FIGURES[name].ending
        except PlotError:
            if name == names[-1]:  # without --figure the last one suits every result
                raise
    raise AssertionError("no figure suits the result")


def draw_one(name, result, options):
    """The page of a figure, ready to be saved."""
    figure = FIGURES[name]
    if options.view.changes() and not figure.scales:
        raise PlotError(f"{name} takes no --log, --linear, --xlim or --ylim: its axes are not scales")
    if figure.most and len(result.jobs) > figure.most:
        result.thin(figure.most)
    page = figure.draw(result, options)
    page.settle()
    return page


def print_table(page):
    """The header and the rows that a figure left in `table`."""
    if not hasattr(page, "table"):
        raise PlotError("--table: this figure has no table of numbers; wgf aggregate prints those of the jobs")
    header, rows = page.table
    for cells in (header, ["---"] * len(header), *rows):
        print("|", " | ".join(cells), "|")


def save(page, path):
    """Writes a file beside the target, then renames it: a viewer never sees half a picture."""
    partial = f"{path}.part"
    try:
        page.save(partial)
        os.replace(partial, path)
    except OSError as error:
        raise PlotError(f"{path} cannot be written: {error.strerror}") from None


def main(arguments):
    options = parse_arguments(arguments)
    try:
        page, ending = draw(options)
        if options.table:
            print_table(page)
        first = "aggregate" if options.results[0] == aggregate.STDIN else options.results[0]
        save(page, options.output or os.path.splitext(first)[0] + ending)
    except PlotError as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # a fault of ours, which a user still reads as one sentence
        words = " ".join(str(error).split())
        print(f"plot.py: a fault of this program, {type(error).__name__}: {words}; please report it", file=sys.stderr)
        return 1
    return 0
