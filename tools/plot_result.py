"""Reads result files of `wgf run`: the finished jobs, what varies among them, their traces and states.

Files may still be written to by a running sweep; a row counts once its status says so. What a figure does not ask for
is not read: files stay open until the program ends.
"""

import os

# A sweep that is running holds the file open for writing; its finished rows are safe to read.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

from dataclasses import dataclass, field

import h5py
import numpy as np

DONE, DIVERGED, TIMEOUT = 2, 3, 5
DRAWN_STATES = (DONE, DIVERGED, TIMEOUT)

# Parameters that one method alone reads: in other jobs' rows they hold a default that means nothing.
READ_BY_METHOD = {"metric": "prox", "scaling": "gd", "inner": "prox", "solver": "jko", "grid": "jko", "epsilon": "jko"}

TEXTS = ("message",)
OUTER_INNER = ("inner_steps_used", "inner_residual")  # on outer steps, whatever their names say


class PlotError(Exception):
    """One sentence for the user: what, where, what to do."""


class Source:
    """An open result file; columns over jobs are read once, when asked for."""

    def __init__(self, path):
        try:
            self.file = h5py.File(path, "r")
        except OSError as error:
            reason = "no such file" if not os.path.exists(path) else str(error)
            raise PlotError(f"{path} cannot be read: {reason}") from None
        if "wgf_version" not in self.file.attrs or "status" not in self.file:
            raise PlotError(f"{path} is not a result of `wgf run`: it has no wgf_version")
        self.path, self.columns = path, {}

    def column(self, name):
        """All values of a variable on jobs, as Python's numbers and texts."""
        if name not in self.columns:
            if name not in self.file:
                raise PlotError(f"{self.path} has no variable {name}")
            values = self.file[name][:]
            is_text = h5py.check_string_dtype(self.file[name].dtype)
            self.columns[name] = [text(value) for value in values] if is_text else values.tolist()
        return self.columns[name]

    def attribute(self, name):
        value = self.file.attrs.get(name, "")
        return [text(item) for item in value.ravel()] if isinstance(value, np.ndarray) else text(value)


class Traces(dict):
    """A job's traces by name: 1-D arrays over records without the NaN tail, read when first asked for."""

    def __init__(self, source, row):
        super().__init__()
        self.source, self.row = source, row

    def __contains__(self, name):
        return super().__contains__(name) or (name not in TEXTS and getattr(self.source.file.get(name), "ndim", 0) == 2)

    def __missing__(self, name):
        if name not in self:
            raise KeyError(name)
        values = self.source.file[name][self.row]
        count = len(values) if name.startswith("inner_") and not name.startswith(OUTER_INNER) else self.count()
        self[name] = values[:count]
        return self[name]

    def count(self):
        if not hasattr(self, "records"):
            self.records = int(np.isfinite(self.source.file["step"][self.row]).sum())
        return self.records


@dataclass
class Job:
    """One finished job: its swept parameters, its traces, and where the rest is."""

    status: int
    parameters: dict
    trace: dict
    source: Source
    row: int

    def value(self, name):
        """Any variable on jobs, swept or not: a parameter as the job used it, or a result such as objective_final."""
        return self.source.column(name)[self.row]

    def message(self):
        """What the program says of the job's end."""
        return bytes(self.source.file["message"][self.row]).split(b"\0")[0].decode("utf-8", "replace").strip()

    def has_state(self):
        return "state" in self.source.file and self.value("state_records") > 0

    def state(self):
        """The states kept: an array [records, rows, columns]. Raises PlotError when there are none."""
        if not self.has_state():
            raise PlotError(f"{self.source.path} keeps no states of this job: set `save: last` or `save: all` in the spec")
        shape = [int(self.value(f"state_{name}")) for name in ("records", "rows", "cols")]
        start = int(self.value("state_start"))
        return self.source.file["state"][start : start + int(np.prod(shape))].reshape(shape)


@dataclass
class Result:
    """Jobs of one or several files (shards, say) with the first file's name and description."""

    name: str = ""
    description: str = ""
    axes: list = field(default_factory=list)
    jobs: list = field(default_factory=list)
    finished: int = 0  # jobs that could be drawn, of which `jobs` may be a sample

    def values(self, parameter):
        """The sorted distinct values of a parameter among the jobs that read it."""
        return sorted({job.parameters[parameter] for job in self.jobs if parameter in job.parameters})

    def has(self, *traces):
        """True when every job's file has these traces."""
        return all(name in job.trace for job in self.jobs for name in traces)

    def varying(self):
        """The swept parameters with more than one value, in the spec's order."""
        return [name for name in self.axes if len(self.values(name)) > 1]

    def thin(self, most):
        """Leaves at most that many jobs, evenly chosen."""
        if len(self.jobs) > most:
            self.jobs = [self.jobs[i] for i in np.linspace(0, len(self.jobs) - 1, most).astype(int)]


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def description_of(spec):
    """The `description:` of a spec. It is one line of YAML in all but odd specs; those go without."""
    for line in spec.splitlines():
        if line.startswith("description:"):
            words = line.removeprefix("description:").split(" #")[0].strip()
            return "" if words[:1] in ("|", ">") else words.strip("\"'")
    return ""


def matches(value, wanted):
    try:
        return float(value) == float(wanted)
    except ValueError:
        return str(value) == wanted


def read_file(path, where):
    source = Source(path)
    axes = [name for name in list(source.attribute("axes")) if name in source.file]
    result = Result(source.attribute("name"), description_of(source.attribute("spec")), axes)
    status = source.column("status")
    rows = [row for row, state in enumerate(status) if state in DRAWN_STATES]
    for name, value in where.items():
        if name not in source.file:
            raise PlotError(f"{path} has no parameter {name}, which --where asks for")
        rows = [row for row in rows if matches(source.column(name)[row], value)]
    methods = source.column("method") if "method" in source.file else [None] * len(status)
    for row in rows:
        method = methods[row]
        read = [name for name in axes if method is None or READ_BY_METHOD.get(name, method) == method]
        parameters = {name: source.column(name)[row] for name in read}
        result.jobs.append(Job(status[row], parameters, Traces(source, row), source, row))
    result.finished = len(rows)
    return result


def read_results(paths, where):
    """All finished jobs of the files. Raises PlotError when there is none."""
    results = [read_file(path, where) for path in paths]
    first = results[0]
    for other in results[1:]:
        first.jobs += other.jobs
        first.finished += other.finished
        first.axes += [name for name in other.axes if name not in first.axes]
    if not first.jobs:
        chosen = " that --where chooses" if where else ""
        raise PlotError(f"{', '.join(paths)}: no finished job{chosen}, so there is nothing to draw yet")
    return first
