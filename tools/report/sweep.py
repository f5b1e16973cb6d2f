"""What the page says about a result file: counts, times, failures, and the job table packed into JSON columns.

It reads only variables on jobs, not traces or states, so memory does not grow with their size.
"""

import json
from dataclasses import dataclass, field

import numpy as np

from plot.result import Source, text

UNFINISHED = ("pending", "running")
BROKEN = ("failed", "timeout", "crashed")
RESULTS = """objective_initial objective_final objective_optimal objective_limit steps_done seconds predicted_seconds
started rank attempts kernel_used optimum_gap optimum_atoms temperature flow_drift""".split()
NOT_SHOWN = ("job", "status", "key", "checksum", "state_start", "state_records", "state_rows", "state_cols")

DIGITS = 8  # significant digits of the numbers in the page
MOST_ROWS = 100_000
MOST_BYTES = 12_000_000  # size of the packed table; rows are left out beyond it
MOST_FAILURES = 200  # distinct messages in the list
MOST_JOBS_NAMED = 12  # jobs listed with each message
BLOCK = 65_536  # messages read at once
PAUSE = 10.0  # seconds: a longer time without any job is a pause between two runs


@dataclass
class Failure:
    """Jobs that ended the same way with the same message."""

    status: str
    message: str
    jobs: list = field(default_factory=list)  # the first few
    count: int = 0


class Sweep:
    """An open result file."""

    def __init__(self, path):
        source = Source(path)
        self.file = source.file
        self.status = self.file["status"][:]
        self.state_names = source.state_names()
        self.axes = list(source.attribute("axes"))
        values = {name: source.attribute(name) for name in self.file.attrs}
        self.attributes = {name: ", ".join(v) if isinstance(v, list) else v for name, v in values.items()}
        self.name = self.attributes.get("name", "")
        self.spec = self.attributes.get("spec", "")
        self.description = self.attributes.get("description", "")

    def state(self, code):
        return self.state_names.get(code, f"status {code}")

    def are(self, *states):
        """Which jobs are in one of the states."""
        return np.isin(self.status, [code for code, name in self.state_names.items() if name in states])

    def ended(self):
        return ~self.are(*UNFINISHED)

    def counts(self):
        """(state, number of jobs) of every state that occurs."""
        return [(self.state(code), int(count)) for code, count in enumerate(np.bincount(self.status)) if count]

    def on_jobs(self):
        """The names of the variables with one value a job, in the file's order."""
        shape = self.status.shape
        names = [name for name, item in self.file.items() if getattr(item, "shape", None) == shape]
        return [name for name in names if name not in NOT_SHOWN]

    def column(self, name, rows=slice(None)):
        """Values on jobs: numbers, or an array of str."""
        values = self.file[name][:]
        if values.dtype.kind in "OS":
            values = np.array([text(value) for value in values], dtype=object).astype(str)
        return values[rows]

    def help(self, name):
        return text(self.file[name].attrs.get("long_name", ""))

    def messages(self):
        """Yields (job, message) of every job that has one."""
        if "message" not in self.file:
            return
        table = self.file["message"]
        for first in range(0, len(table), BLOCK):
            block = np.ascontiguousarray(table[first : first + BLOCK])
            words = block.view(f"S{block.shape[1]}").ravel() if block.ndim == 2 and block.shape[1] else block[:0]
            for row in np.flatnonzero(words != b""):
                yield first + int(row), text(words[row]).rstrip()

    def failures(self):
        """The failed, timed out and crashed jobs by message, the most frequent first."""
        broken = self.are(*BROKEN)
        said = {job: message for job, message in self.messages() if broken[job]}
        found = {}
        for job in np.flatnonzero(broken):
            key = (self.state(self.status[job]), said.get(int(job), ""))
            failure = found.setdefault(key, Failure(*key))
            failure.count += 1
            if len(failure.jobs) < MOST_JOBS_NAMED:
                failure.jobs.append(int(job))
        return sorted(found.values(), key=lambda failure: -failure.count)

    def times(self):
        """(elapsed seconds without pauses, pauses, jobs timed, their seconds, workers); None before any job ran."""
        if not all(name in self.file for name in ("started", "seconds", "rank")):
            return None
        started, seconds, rank = (self.column(name) for name in ("started", "seconds", "rank"))
        ran = np.isfinite(started) & np.isfinite(seconds) & (started >= 0) & self.ended()  # started < 0: reused
        if not np.any(ran):
            return None
        order = np.argsort(started[ran])
        start, end = started[ran][order], np.maximum.accumulate((started[ran] + seconds[ran])[order])
        gaps = start[1:] - end[:-1]
        pauses = float(gaps[gaps > PAUSE].sum())
        elapsed = float(end[-1] - start[0]) - pauses
        return elapsed, pauses, int(ran.sum()), float(seconds[ran].sum()), len(np.unique(rank[ran]))

    def lowest(self):
        """(objective, job) of the done job that ended lowest, or None."""
        if "objective_final" not in self.file:
            return None
        final = np.where(self.are("done"), self.column("objective_final"), np.nan)
        return (float(np.nanmin(final)), int(np.nanargmin(final))) if np.any(np.isfinite(final)) else None


def number(value):
    """A number for JSON: NaN is null, infinities are words."""
    if np.isnan(value):
        return None
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(f"{value:.{DIGITS}g}")


def pack(name, values, words):
    """A column of the page. Where that is shorter: its distinct values, and for each row the place among them."""
    kind = "text" if values.dtype.kind in "US" else "number"
    if values.dtype.kind == "f":  # distinct as shown
        values = np.array([float(f"{value:.{DIGITS}g}") for value in values])
    distinct, place = np.unique(values, return_inverse=True)
    named = [str(value) if kind == "text" else number(value) for value in distinct]
    column = {"name": name, "help": words, "kind": kind}
    if 2 * len(distinct) <= len(values):
        return {**column, "distinct": named, "place": place.tolist()}
    return {**column, "values": [named[i] for i in place]}


def split_parameters(sweep):
    """The parameters that differ between jobs, swept ones first; and (name, value) of those that do not."""
    names = [name for name in sweep.on_jobs() if name not in RESULTS]
    differ, same = [], []
    for name in names:
        distinct = np.unique(sweep.column(name))
        if len(distinct) > 1 or name in sweep.axes:
            differ.append(name)
        elif len(distinct):
            same.append((name, distinct[0]))
    order = {name: place for place, name in enumerate(sweep.axes)}
    return sorted(differ, key=lambda name: order.get(name, len(order))), same


def has_values(column):
    """Not a result that no job has."""
    return column.dtype.kind != "f" or not np.all(np.isnan(column))


def pack_rows(sweep, rows, parameters):
    state = np.array([sweep.state(code) for code in sweep.status[rows]], dtype=str)
    columns = [pack("job", rows, "number of the job"), pack("status", state, sweep.help("status"))]
    results = [name for name in RESULTS if name in sweep.file and has_values(sweep.column(name, rows))]
    for name in [*parameters, *results]:
        columns.append(pack(name, sweep.column(name, rows), sweep.help(name)))
    said = np.full(len(sweep.status), "", dtype=object)
    for job, message in sweep.messages():
        said[job] = message
    if np.any(said[rows] != ""):
        columns.append(pack("message", said[rows].astype(str), "the message of a job"))
    return json.dumps({"rows": len(rows), "columns": columns}, separators=(",", ":"), allow_nan=False)


def pack_table(sweep, parameters, jobs):
    """The table of these jobs as JSON, and how many rows it has: all, or as many as fit, evenly spaced."""
    count = min(len(jobs), MOST_ROWS)
    while True:
        rows = np.unique(np.linspace(0, len(jobs) - 1, count).astype(int)) if count else np.arange(0)
        rows = np.asarray(jobs, dtype=int)[rows]
        packed = pack_rows(sweep, rows, parameters)
        if len(packed) <= MOST_BYTES or count <= 1:
            return packed, len(rows)
        count = int(0.95 * count * MOST_BYTES / len(packed))
