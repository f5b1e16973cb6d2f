"""Reads result files of `wgf run`: the finished jobs, what varies among them, their traces and states.

A running sweep may still be writing to a file: a row counts once its status says so. Arrays are read when a figure
first asks for them; files stay open until the program ends.
"""

import os

# A running sweep holds the file open for writing; its finished rows are safe to read.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import math
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from .words import AUTO, DIGITS, shown, value_texts

BUILT = Path(__file__).resolve().parents[2] / "build" / "wgf"
DRAWN_STATES = ("done", "diverged", "timeout")
TEXTS = ("message",)
OUTER_INNER = ("inner_steps_used", "inner_residual")  # one value an outer step, despite their names


class PlotError(Exception):
    """One sentence for the user: what, where, what to do."""


def ask(program, purpose, *words):
    """What the program prints, the built one by default. It is asked for what a file does not say by itself."""
    program = program or BUILT
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise PlotError(
            f"{program} {purpose} but cannot be run ({error.strerror}); name the program with --wgf"
        ) from None
    if done.returncode != 0:
        raise PlotError(done.stderr.strip())
    return done.stdout


def passing(path, conditions, program):
    """The numbers of a file's jobs that meet all conditions, in the language of `wgf show --where`."""
    where = [word for condition in conditions for word in ("--where", condition)]
    return list(map(int, ask(program, "reads --where", "show", path, *where, "--columns", "job", "--csv").split()[1:]))


class Source:
    """An open result file. A column over jobs is read once, when first asked for."""

    def __init__(self, path):
        try:
            self.file = h5py.File(path, "r")
        except OSError as error:
            reason = "no such file" if not os.path.exists(path) else str(error)
            raise PlotError(f"{path} cannot be read: {reason}") from None
        if "wgf_version" not in self.file.attrs or "flag_meanings" not in self.attributes("status"):
            raise PlotError(f"{path} is not a result of `wgf run`: it lacks wgf_version or the meanings of status")
        self.path, self.columns = path, {}

    def attributes(self, name):
        """The attributes of a variable; none where the file has no such variable."""
        return self.file[name].attrs if name in self.file else {}

    def attribute(self, name):
        """An attribute of the file: a text, or a list of texts."""
        value = self.file.attrs.get(name, "")
        return [text(item) for item in value.ravel()] if isinstance(value, np.ndarray) else text(value)

    def column(self, name):
        """All values of a variable on jobs, as Python's numbers and texts."""
        if name not in self.columns:
            if name not in self.file:
                raise PlotError(f"{self.path} has no variable {name}")
            values = self.file[name][:]
            is_text = h5py.check_string_dtype(self.file[name].dtype)
            self.columns[name] = [text(value) for value in values] if is_text else values.tolist()
        return self.columns[name]

    def state_names(self):
        """The names of the states of jobs, by number."""
        attributes = self.attributes("status")
        meanings = text(attributes["flag_meanings"]).split()
        return dict(zip(np.ravel(attributes.get("flag_values", range(len(meanings)))).tolist(), meanings))

    def states(self):
        """The name of every job's state."""
        names = self.state_names()
        return [names.get(value, f"status {value}") for value in self.column("status")]

    def readers(self, name):
        """{parameter: choices} that a job must have to read parameter `name`, from the attribute `read_with`.

        Its text is like "method: prox; metric: sliced". It is empty where all jobs read the parameter. A condition on
        a parameter that a job does not read is met.
        """
        clauses = text(self.attributes(name).get("read_with", "")).split(";")
        pairs = [clause.split(":") for clause in clauses if ":" in clause]
        return {decider.strip(): [choice.strip() for choice in choices.split(",")] for decider, choices in pairs}

    def reads(self, name):
        """Does each job read the parameter?"""
        read = [True] * len(self.column(name))
        for decider, choices in self.readers(name).items():
            if decider in self.file:
                jobs = zip(read, self.column(decider), self.reads(decider))
                read = [so_far and (own in choices or not decides) for so_far, own, decides in jobs]
        return read

    def parameter(self, name):
        """The values of a parameter over jobs, None for a job that does not read it.

        Numbers are as shown: a file may hold 0.30000000000000004, another one 0.3. NaN stands for auto. In files older
        than `read_with` it also stands for "not read", so there it counts as None.
        """
        readers, values = self.readers(name), map(shown, self.column(name))
        unread = None if not readers else AUTO
        values = [unread if isinstance(value, float) and math.isnan(value) else value for value in values]
        return [value if read else None for value, read in zip(values, self.reads(name))]

    def words(self):
        """{variable: what it is}, its `long_name`."""
        names = {name: text(item.attrs.get("long_name", "")) for name, item in self.file.items()}
        return {name: words for name, words in names.items() if words}


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
    """One finished job: its state, the swept parameters that it reads, its traces, and where the rest is."""

    status: str
    parameters: dict
    trace: dict
    source: Source
    row: int

    def value(self, name):
        """Any variable on jobs, swept or not: a parameter as the job used it, or a result such as objective_final."""
        return self.source.column(name)[self.row]

    def message(self):
        """What the program says about the job's end."""
        return bytes(self.source.file["message"][self.row]).split(b"\0")[0].decode("utf-8", "replace").strip()

    def has_state(self):
        return "state" in self.source.file and self.value("state_records") > 0

    def has_states(self):
        """Does the file hold more than the job's last state?"""
        return self.has_state() and self.value("state_records") > 1

    def state(self):
        """The states kept: an array [records, rows, columns]. Raises PlotError when there are none."""
        if not self.has_state():
            raise PlotError(f"{self.source.path} has no states of this job: set save: last or save: all in the spec")
        shape = [int(self.value(f"state_{name}")) for name in ("records", "rows", "cols")]
        start = int(self.value("state_start"))
        return self.source.file["state"][start : start + int(np.prod(shape))].reshape(shape)


def in_order(value):
    """A sort key: numbers, then words, then None."""
    return value is None, isinstance(value, str), value if value is not None else 0


@dataclass
class Result:
    """Jobs of one or several files (shards, say), with the first file's name, description and words."""

    name: str = ""
    description: str = ""
    axes: list = field(default_factory=list)
    jobs: list = field(default_factory=list)
    finished: int = 0  # jobs that could be drawn; `jobs` may be a sample of them
    rows: int = 0  # jobs that meet the conditions, finished or not
    where: list = field(default_factory=list)  # the conditions of --where
    words: dict = field(default_factory=dict)  # what each variable is
    view: object = None  # a View: how the user wants the axes

    def values(self, parameter):
        """The distinct values of a parameter among the jobs that read it: sorted numbers, then sorted words."""
        return sorted({job.parameters[parameter] for job in self.jobs if parameter in job.parameters}, key=in_order)

    def texts(self, parameter, digits=DIGITS):
        """{value: its text} of a parameter's values."""
        return value_texts(self.values(parameter), digits)

    def has(self, *traces):
        """True when every job's file has these traces."""
        return all(name in job.trace for job in self.jobs for name in traces)

    def varying(self):
        """The swept parameters with more than one value, in the spec's order."""
        return [name for name in self.axes if len(self.values(name)) > 1]

    def said(self, name):
        """What the file says of a variable: (what it is, how it is recorded), each empty where it says nothing."""
        what, _, how = self.words.get(name, "").partition("; ")
        return what, how

    def lacks(self, name):
        """The sentence for a trace without a finite value."""
        if not any(name in job.trace for job in self.jobs):
            return f"the result has no trace {name}"
        how = self.said(name)[1]
        return f"no finished job has a finite {name}, so there is nothing to draw" + (f"; it is {how}" if how else "")

    def thin(self, most):
        """Keeps at most that many jobs, evenly spaced."""
        if len(self.jobs) > most:
            self.jobs = [self.jobs[i] for i in np.linspace(0, len(self.jobs) - 1, most).astype(int)]


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def description_of(spec):
    """The `description:` of a spec where it is one line of YAML; else nothing."""
    for line in spec.splitlines():
        if line.startswith("description:"):
            words = line.removeprefix("description:").split(" #")[0].strip()
            return "" if words[:1] in ("|", ">") else words.strip("\"'")
    return ""


def read_file(path, chosen=None):
    """The finished jobs of a file, or those of the numbers `chosen`."""
    source = Source(path)
    axes = [name for name in list(source.attribute("axes")) if name in source.file]
    states = source.states()
    chosen = range(len(states)) if chosen is None else chosen
    rows = [row for row in chosen if states[row] in DRAWN_STATES]
    swept = {name: source.parameter(name) for name in axes}
    jobs = []
    for row in rows:
        parameters = {name: values[row] for name, values in swept.items() if values[row] is not None}
        jobs.append(Job(states[row], parameters, Traces(source, row), source, row))
    description = description_of(source.attribute("spec"))
    return Result(source.attribute("name"), description, axes, jobs, len(jobs), len(chosen), words=source.words())


def read_results(paths, conditions=(), program=None):
    """All finished jobs of the files that meet the conditions. Raises PlotError when there is none."""
    results = [read_file(path, passing(path, conditions, program) if conditions else None) for path in paths]
    first = results[0]
    first.where = conditions
    for other in results[1:]:
        first.jobs += other.jobs
        first.finished += other.finished
        first.rows += other.rows
        first.axes += [name for name in other.axes if name not in first.axes]
    if not first.jobs:
        chosen = " that --where chooses" if conditions else ""
        raise PlotError(f"{', '.join(paths)}: no finished job{chosen}, so there is nothing to draw yet")
    return first
