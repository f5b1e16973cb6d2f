"""Statistics, tables, and the machine and versions that they belong to; writes the tables into README.md."""

import datetime
import importlib
import re
import subprocess
import textwrap
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parent / "README.md"
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds):
    size, unit = next((unit for unit in UNITS if abs(seconds) >= unit[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def number(value):
    if abs(value) < 10:
        return f"{value:.2g}"
    return f"{value:,.0f}".replace(",", " ")


def spread(values, show):
    """The median, with the smallest and the largest value."""
    low, high = show(min(values)), show(max(values))
    return show(np.median(values)) + (f" ({low} to {high})" if low != high else "")


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown processor"


def version(module):
    try:
        return f"{module} {importlib.import_module(module).__version__}"
    except ImportError:
        return f"no {module}"


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (FileNotFoundError, IndexError):
        return f"no {command[0]}"


def blas():
    """The BLAS library that NumPy has loaded."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        name = Path(line.split()[-1]).name
        if name.startswith(("libopenblas", "libblas", "libmkl")):
            return name
    return "unknown BLAS"


def day_and_machine():
    return f"{datetime.date.today()}, {processor()}"


def circumstances(program, core):
    modules = "numpy scipy torch ot mpi4py distributed".split()
    revision = first_line(str(program), "--version")
    return (f"{day_and_machine()}, core {core}, one thread; {revision}; "
            + ", ".join([*map(version, modules), blas(), first_line("parallel", "--version")]))


def line(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(header, rows):
    return "\n".join(map(line, (header, ["---"] * len(header), *rows)))


def place(marker):
    """README.md, and the comments that enclose a table there. Each comment must occur once."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    page = README.read_text()
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"bench.py: {README} does not have {begin} ... {end} once")
    return page, begin, end


def put(page, begin, end, text):
    README.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))


def write(marker, about, table):
    """Replaces what is between the comments of README.md."""
    text = textwrap.fill(about, 120, break_long_words=False, break_on_hyphens=False) + "\n\n" + table
    put(*place(marker), text)


def write_rows(marker, table, keys):
    """Replaces, or adds, rows alone. keys: the first two cells of all rows that may be there, in order."""
    page, begin, end = place(marker)
    about, old = page.split(begin)[1].split(end)[0].strip().split("\n\n")
    header, rule, *lines = old.splitlines()
    rows = {tuple(text.strip("| ").split(" | ")[:2]): text for text in lines + table.splitlines()[2:]}
    put(page, begin, end, "\n".join([f"{about}\n", header, rule, *(rows[key] for key in keys if key in rows)]))
