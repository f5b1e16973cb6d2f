"""Statistics, tables, and what machine and versions they belong to."""

import datetime
import importlib
import re
import subprocess
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parents[2] / "README.md"
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def duration(seconds):
    size, unit = next((unit for unit in UNITS if abs(seconds) >= unit[0]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def number(value):
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}"


def spread(values, show):
    """Median, with the smallest and the largest."""
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
    """The BLAS that NumPy runs on, as its threads are told."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        name = Path(line.split()[-1]).name
        if name.startswith(("libopenblas", "libblas", "libmkl")):
            return name
    return "unknown BLAS"


def circumstances(program, core):
    modules = "numpy scipy torch ot mpi4py distributed".split()
    revision = first_line(str(program), "--version")
    return (f"{datetime.date.today()}, {processor()}, core {core}, one thread; {revision}; "
            + ", ".join([*map(version, modules), blas(), first_line("parallel", "--version")]))


def line(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(header, rows):
    return "\n".join(map(line, (header, ["---"] * len(header), *rows)))


def write(marker, text):
    """Puts the text between the marker comments of README.md, which has them once."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    page = README.read_text()
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"bench.py: {README} does not have {begin} ... {end} once")
    README.write_text(re.sub(f"{begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))
