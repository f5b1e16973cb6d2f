"""Reads result files of `wgf run`: the finished jobs, what varies among them, and their traces.

Files may still be written to by a running sweep; a row counts once its status says so.
"""

import os

# A sweep that is running holds the file open for writing; its finished rows are safe to read.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

from dataclasses import dataclass, field

import h5py
import numpy as np

DONE, DIVERGED, TIMEOUT = 2, 3, 5
DRAWN_STATES = (DONE, DIVERGED, TIMEOUT)
MOST_CURVES = 2000

# Parameters that one method alone reads: in other jobs' rows they hold a default that means nothing.
READ_BY_METHOD = {"metric": "prox", "scaling": "gd", "inner": "prox", "solver": "jko", "grid": "jko", "epsilon": "jko"}


class PlotError(Exception):
    """One sentence for the user: what, where, what to do."""


@dataclass
class Job:
    """One finished job: its swept parameters and its traces (1-D arrays over records, without the NaN tail)."""

    status: int
    parameters: dict
    trace: dict


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


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def attribute(file, name):
    value = file.attrs.get(name, "")
    if isinstance(value, np.ndarray):
        return [text(item) for item in value.ravel()]
    return text(value)


def description_of(spec):
    """The `description:` of a spec. It is one line of YAML in all but odd specs; those go without."""
    for line in spec.splitlines():
        if line.startswith("description:"):
            words = line.removeprefix("description:").split(" #")[0].strip()
            return "" if words[:1] in ("|", ">") else words.strip("\"'")
    return ""


def column(file, name, rows):
    values = file[name][:][rows]
    if h5py.check_string_dtype(file[name].dtype):
        return [text(value) for value in values]
    return [value.item() for value in values]


def matches(value, wanted):
    try:
        return float(value) == float(wanted)
    except ValueError:
        return str(value) == wanted


def read_parameters(file, names, rows):
    """One dictionary a row, without the parameters that the row's method does not read."""
    columns = {name: column(file, name, rows) for name in names}
    methods = column(file, "method", rows) if "method" in file else [None] * len(rows)
    return [
        {name: columns[name][i] for name in names if method is None or READ_BY_METHOD.get(name, method) == method}
        for i, method in enumerate(methods)
    ]


def read_file(path, wanted_traces, where):
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = "no such file" if not os.path.exists(path) else str(error)
        raise PlotError(f"{path} cannot be read: {reason}") from None
    with file:
        if "wgf_version" not in file.attrs or "status" not in file:
            raise PlotError(f"{path} is not a result of `wgf run`: it has no wgf_version")
        result = Result(attribute(file, "name"), description_of(attribute(file, "spec")), list(attribute(file, "axes")))
        status = file["status"][:]
        rows = np.flatnonzero(np.isin(status, DRAWN_STATES))
        for name, value in where.items():
            if name not in file:
                raise PlotError(f"{path} has no parameter {name}, which --where asks for")
            rows = rows[[matches(have, value) for have in column(file, name, rows)]] if len(rows) else rows
        result.finished = len(rows)
        if len(rows) > MOST_CURVES:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_CURVES).astype(int)]
        names = [name for name in result.axes if name in file]
        parameters = read_parameters(file, names, rows)
        present = [name for name in wanted_traces if name in file]
        for row, values in zip(rows, parameters):
            trace = {name: file[name][row] for name in present}
            count = int(np.isfinite(trace["step"]).sum())
            result.jobs.append(Job(int(status[row]), values, {k: v[:count] for k, v in trace.items()}))
    return result


def read_results(paths, wanted_traces, where):
    """All finished jobs of the files. Raises PlotError when there is none."""
    results = [read_file(path, wanted_traces, where) for path in paths]
    first = results[0]
    for other in results[1:]:
        first.jobs += other.jobs
        first.finished += other.finished
        first.axes += [name for name in other.axes if name not in first.axes]
    if not first.jobs:
        chosen = " that --where chooses" if where else ""
        raise PlotError(f"{', '.join(paths)}: no finished job{chosen}, so there is nothing to draw yet")
    return first
