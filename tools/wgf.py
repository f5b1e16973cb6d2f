"""Sweeps from Python and from notebooks: one file beside xarray and h5netcdf, and the program `wgf`.

    import wgf
    sweep = wgf.run(method="prox", gamma=[0.1, 1], seed=range(10))      # an xarray.Dataset
    sweep.objective_final.median("seed").plot()

A parameter is one value or, swept, a list, range or array of values; `wgf params` lists them all. None is the default.
Each swept parameter is a dimension of the result, in the order given; select with a mapping, as in
sweep.sel({"method": "prox"}), since xarray has a `method` of its own. The program is the one in the variable WGF, else
build/wgf beside the folder of this file, else the one on PATH. What it refuses is raised as wgf.Error."""

import contextlib
import csv
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import xarray

__all__ = ["Error", "open", "plan", "run"]
OK, FAILURES = 0, 3  # exit codes that leave a result
RESULTS = 2, 3  # `status` of jobs that are done or have diverged


class Error(Exception):
    """What the program says: one sentence, with the remedy."""


def program():
    """The path of wgf."""
    beside = Path(__file__).resolve().parents[1] / "build" / "wgf"
    found = os.environ.get("WGF") or (beside if beside.is_file() else shutil.which("wgf"))
    if not found:
        raise Error("the program wgf is not found; build it, or give its path in the variable WGF")
    return str(found)


def plain(value):
    """A value as JSON, and so YAML, writes it."""
    if hasattr(value, "item") and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, dict):
        return {key: [plain(item) for item in items] for key, items in value.items()}
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))  # names, say of columns
    return value if isinstance(value, (str, int, float, bool, type(None))) else os.fspath(value)


def is_swept(value):
    return not isinstance(value, (str, bytes, dict, os.PathLike)) and np.ndim(value) > 0


def defaults():
    """{parameter: its default} as the program prints them."""
    return next(csv.DictReader(io.StringIO(call("plan", "-", "--csv", spec={"name": "x"}))))


def make_spec(name, parameters):
    """The spec, and {swept parameter: its values}."""
    usual = None
    fixed, axes = {}, {}
    for key, value in parameters.items():
        if not is_swept(value):
            if value is not None:
                fixed[key] = plain(value)
            continue
        values = [plain(item) for item in value]
        if None in values:
            usual = usual or defaults()
            values = [typed(usual.get(key, "")) if item is None else item for item in values]
        axes[key] = values
    for key in [key for key, value in fixed.items() if isinstance(value, dict)]:
        axes[key] = fixed.pop(key)  # {"geomspace": [1, 10, 3]}, say
    axes = {key: axes[key] for key in parameters if key in axes}
    return {"name": name, "fixed": fixed, **({"sweep": axes} if axes else {})}, axes


def typed(text):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def sentences(err):
    """What stderr says, without the places of a spec that nobody wrote: [(kind, sentence)]."""
    found = []
    for line in err.splitlines():
        match = re.match(r"(?:-:\d+:\d+|wgf(?: \w+)?): (error|warning): (.*)", line)
        if match:
            found.append(match.groups())
    return found


def judge(code, err, fine=(OK,)):
    said = sentences(err)
    for kind, sentence in said:
        if kind == "warning":
            warnings.warn(sentence, stacklevel=4)
    if code not in fine:
        wrong = [sentence for kind, sentence in said if kind == "error"]
        raise Error("; ".join(wrong) or err.strip() or f"wgf ended with exit code {code}")


def call(*arguments, spec=None):
    text = json.dumps(spec, ensure_ascii=False) if spec else ""
    done = subprocess.run([program(), *map(str, arguments)], input=text, capture_output=True, text=True)
    judge(done.returncode, done.stderr)
    return done.stdout


def plan(**parameters):
    """The jobs that run() would do, a row each, as a pandas.DataFrame."""
    import pandas

    spec, _ = make_spec("plan", parameters)
    return pandas.read_csv(io.StringIO(call("plan", "-", "--csv", spec=spec)), keep_default_na=False)


class Bar:
    """How far a run is: in a cell of a notebook, on a terminal, or nowhere."""

    def __init__(self):
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        self.cell = None
        self.notebook = shell is not None and hasattr(shell, "kernel")
        self.width = 0

    def show(self, text, last=False):
        if self.notebook:
            from IPython.display import display

            data = {"text/plain": text}
            if self.cell:
                self.cell.update(data, raw=True)
            else:
                self.cell = display(data, raw=True, display_id=True)
        elif sys.stderr.isatty():
            sys.stderr.write("\r" + text.ljust(self.width) + ("\n" if last else ""))
            sys.stderr.flush()
            self.width = len(text)


def progress(path):
    """One line of `wgf status`; None while there is no file."""
    done = subprocess.run([program(), "status", path, "--json"], capture_output=True, text=True)
    if done.returncode != OK:
        return None
    status = json.loads(done.stdout)
    counts, jobs = status["counts"], status["jobs"]
    ended = jobs - counts["pending"] - counts["running"]
    full = 30 * ended // max(jobs, 1)
    text = f"[{'█' * full}{'·' * (30 - full)}] {ended} of {jobs} jobs"
    if status["eta"] and ended < jobs:
        text += f", {time.strftime('%H:%M:%S', time.gmtime(status['eta']))} left"
    bad = counts["failed"] + counts["timeout"] + counts["crashed"]
    return text + (f", {bad} without a result" if bad else "")


def command(path, ranks, overwrite):
    beside = Path(__file__).resolve().parent / "mpirun.sh"
    launcher = [] if not ranks else ["bash", str(beside)] if beside.is_file() else ["mpirun", "-n"]
    return [*launcher, *([str(ranks)] if ranks else []), program(), "run", "-", "-o", path, "--quiet",
            *(["--overwrite"] if overwrite else [])]


def follow(process, path, bar):
    """Shows how far a process is until it ends. Ctrl-C stops it, and is raised when it has ended."""
    pause = 0.1
    try:
        while True:
            try:
                process.wait(pause)
                break
            except subprocess.TimeoutExpired:
                bar.show(progress(path) or "starting")
                pause = min(1, 1.3 * pause)
    except KeyboardInterrupt:
        # mpirun hands SIGUSR1 on and waits; to wgf both mean the same.
        process.send_signal(signal.SIGUSR1)
        try:
            process.wait()
        except KeyboardInterrupt:
            process.kill()
            process.wait()
        raise
    if bar.notebook or pause > 0.1:
        bar.show(progress(path) or "", last=True)


def run(path=None, ranks=None, name="notebook", overwrite=False, **parameters):
    """Runs a sweep, or goes on with it, and returns its result as an xarray.Dataset.

    path       the result file to keep, which the same call continues; by default a temporary one
    ranks      processes, by mpirun; by default one process
    name       of the sweep, in the file
    overwrite  start anew where the file holds another sweep

    Variables on `job` in the file are here on one dimension a swept parameter, in the order given, traces also on
    `record`, and states, where they are kept, on `state_record`, `row` and `column`. Combinations that are one job, as
    it does not read what differs, hold the same values. A failed job has a `status` above 3, its `message`, and NaN."""
    spec, axes = make_spec(name, parameters)
    folder = None if path else tempfile.mkdtemp(prefix="wgf-")
    file = os.path.abspath(path) if path else os.path.join(folder, "sweep.h5")
    keep = False
    try:
        with tempfile.TemporaryFile("w+") as text, tempfile.TemporaryFile("w+") as said:
            json.dump(spec, text, ensure_ascii=False)
            text.seek(0)
            # In a session of its own, so that Ctrl-C reaches it by this process alone.
            process = subprocess.Popen(command(file, ranks, overwrite), stdin=text, stdout=subprocess.DEVNULL,
                                       stderr=said, start_new_session=True)
            try:
                follow(process, file, Bar())
            except KeyboardInterrupt:
                keep = True
                raise KeyboardInterrupt(f"{progress(file) or 'stopped'}; go on with path={file!r} in the same call"
                                        ) from None
            said.seek(0)
            judge(process.returncode, said.read(), (OK, FAILURES))
        result = arrange(file, axes).load()
        result.close()
        bad = ~np.isin(result.status.values, RESULTS)
        if bad.any():
            warnings.warn(f"{bad.sum()} of {bad.size} have no result; `message` says why, of the first: "
                          f"{result.message.values[bad][0]}", stacklevel=2)
        return result
    finally:
        if folder and not keep:
            shutil.rmtree(folder, ignore_errors=True)


def open(path):  # noqa: A001  wgf.open is its name
    """Opens a result file as run() returns it, but read as it is needed. A sweep that is no product keeps its `job`."""
    return arrange(os.fspath(path), None)


def same(value):
    """Equal for values that are one to the program: a word has a number in the file, and a bool is a word."""
    value = np.asarray(value).item()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return {"auto": "nan", "last": -1.0}.get(value, typed(value))
    return "nan" if value != value else float(value)


def conditions(variable):
    """{deciding parameter: words} that a job has which reads the variable, where it reads the deciding one."""
    parts = [part.split(":") for part in str(variable.attrs.get("read_with", "")).split("; ") if part]
    return {name: [word.strip() for word in words.split(",")] for name, words in parts}


def readers(data, name):
    """Does each job read the parameter?"""
    read = np.ones(data.sizes["job"], bool)
    for decider, words in conditions(data[name]).items():
        read &= np.isin(data[decider].values.astype(str), words) | ~readers(data, decider)
    return read


def values_of(data, name):
    """The values of an axis of a file: of the jobs that read it."""
    read = readers(data, name)
    values = data[name].values[read if read.any() else slice(None)]
    return list(dict.fromkeys(values.tolist())) if values.dtype.kind != "f" else list(
        dict.fromkeys(np.where(np.isnan(values), None, values).tolist()))


def jobs_of(data, axes):
    """The job of every cell of the product; None: some cell has none.

    A parameter that a job does not read has its default there. So a cell without a job of its values is the job that
    has the defaults in place of the fewest of them."""
    if not axes:
        return np.array(0) if data.sizes["job"] == 1 else None
    columns = {name: [same(value) for value in data[name].values] for name in axes}
    numbers = {key: job for job, key in reversed(list(enumerate(zip(*columns.values()))))}
    usual = {name: same(text) for name, text in defaults().items()}
    loose = [at for at, name in enumerate(axes) if conditions(data[name])]
    subsets = [subset for size in range(len(loose) + 1) for subset in itertools.combinations(loose, size)]
    names, found = list(axes), []
    for cell in itertools.product(*([same("auto" if v is None else v) for v in axes[name]] for name in names)):
        keys = (tuple(usual[names[at]] if at in subset else value for at, value in enumerate(cell))
                for subset in subsets)
        job = next((numbers[key] for key in keys if key in numbers), None)
        if job is None:
            return None
        found.append(job)
    return np.array(found).reshape([len(axes[name]) for name in names])


def states(data, file):
    """Kept states as job x state_record x row x column, padded with NaN."""
    start, records, rows, columns = (file[f"state_{part}"].values for part in ("start", "records", "rows", "cols"))
    shape = [len(start), *(int(part.max()) for part in (records, rows, columns))]
    padded = np.full(shape, np.nan)
    for job, at in enumerate(start):
        one = (records[job], rows[job], columns[job])
        size = int(np.prod(one))
        padded[job, : one[0], : one[1], : one[2]] = file["state"][at : at + size].values.reshape(one)
    return data.assign(state=(("job", "state_record", "row", "column"), padded, file["state"].attrs))


def all_equal(values):
    return bool(np.all((values == values[0]) | ((values != values) & (values[0] != values[0]))))


def coordinate(values):
    """An array of them; of numbers and `auto`, one of objects, which keeps the numbers numbers."""
    values = ["auto" if value is None else value for value in values]
    return np.array(values, dtype=object if len({isinstance(value, str) for value in values}) > 1 else None)


def arrange(path, axes):
    try:
        file = xarray.open_dataset(path, engine="h5netcdf", decode_times=False)
    except OSError as wrong:
        call("status", path)  # which says what is wrong with it
        raise Error(f"{path} cannot be read: {wrong}") from None
    if "wgf_version" not in file.attrs:
        raise Error(f"{path} is no result file of wgf")
    data = file.drop_vars(["state", "state_start"], errors="ignore").drop_dims("state_element", errors="ignore")
    if "state" in file:
        data = states(data, file)
    if axes is None or any(isinstance(values, dict) for values in axes.values()):
        names = list(axes) if axes else [str(name) for name in np.atleast_1d(file.attrs.get("axes", [])) if name]
        axes = {name: values_of(file, name) for name in names}
    jobs = jobs_of(file, axes)
    if jobs is None:
        return data
    data = data.drop_vars([*axes, "job"], errors="ignore")
    for name, variable in list(data.data_vars.items()):
        if "read_with" in variable.attrs and all_equal(variable.values):
            data[name] = variable[0]
    coordinates = {name: (name, coordinate(values), file[name].attrs) for name, values in axes.items()}
    return data.isel(job=xarray.DataArray(jobs, dims=list(axes))).assign_coords(coordinates)
