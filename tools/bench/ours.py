"""Our side of a pair: `wgf_bench` for one piece of work, `wgf run` for whole jobs.

Each function takes a case, the inputs of both sides, and returns a Sample.
"""

import dataclasses
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from tables import duration

os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
# Trace columns in the order of the program.
COLUMNS = """step time objective distance distance_debiased distance_frobenius distance_wasserstein distance_reference
             grad_norm weight_norm variation_norm
             objective_test active inner_steps_used inner_residual mass newton_steps_used""".split()
build = Path(__file__).resolve().parents[2] / "build"  # bench.py --build sets it


@dataclasses.dataclass
class Sample:
    """One measurement: seconds of an operation, and its result. `note` goes into the table."""

    seconds: float
    result: np.ndarray = None
    note: str = ""


class NotBuilt(Exception):
    """The program refuses the work."""


def call(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if "not built" in done.stderr:
        raise NotBuilt(done.stderr.strip().splitlines()[0])
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def bench(work, *inputs):
    """Seconds of an operation in each repetition, the result, and the peak memory of the process in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        given, got = Path(folder, "input"), Path(folder, "result")
        np.concatenate([np.asarray(values, dtype=float).ravel() for values in inputs]).tofile(given)
        *seconds, memory = map(float, call([build / "wgf_bench", work, given, got]).split())
        return np.array(seconds), np.fromfile(got), memory


def run(folder, fixed, sweep=None):
    """Runs a spec and returns the open result file; `sweep` maps a parameter to its values, the last one fastest."""
    import h5py

    def block(values):
        return "{" + ", ".join(f"{name}: {list(value) if isinstance(value, (list, range)) else value}"
                               for name, value in values.items()) + "}"

    spec, result = Path(folder, "spec.yaml"), Path(folder, "result.h5")
    spec.write_text(f"name: bench\nfixed: {block(fixed)}\nsweep: {block(sweep or {'seed': [1]})}\n")
    call([build / "wgf", "run", spec, "-o", result, "--overwrite", "--quiet"])
    return h5py.File(result, "r")


def gradient(case):
    m, d = case.W.shape
    seconds, W, _ = bench("gradient", [m, len(case.y), d, case.check, case.operations, case.repetitions, case.step],
                          case.X, case.y, case.W, case.alpha)
    return Sample(np.median(seconds), W)


def assignment(case):
    m, d = case.W.shape
    seconds, costs, memory = bench("assignment", [m, d, case.warm, len(case.clouds) - case.warm], case.alpha, case.W,
                                   case.clouds)
    return Sample(np.median(seconds), costs, f"whole process {memory / 1e6:.0f} MB")


def weighted(case):
    sizes = [len(case.x), len(case.y), case.x.shape[1], case.repetitions]
    seconds, squared, memory = bench("weighted", sizes, case.x, case.y, case.a, case.b)
    return Sample(np.median(seconds), squared, f"whole process {memory / 1e6:.0f} MB")


def sliced(case):
    m, d = case.W.shape
    sizes = [m, d, len(case.theta), case.check, case.operations, case.repetitions, case.step]
    seconds, result, _ = bench("sliced", sizes, case.alpha, case.theta, case.W, case.V)
    return Sample(np.median(seconds), result)


def whole_run(case):
    """The seconds of a whole descent. The result is the state after a few inner iterations of a second run."""
    with tempfile.TemporaryDirectory() as folder:
        with run(folder, case.settings) as file:
            seconds = file["seconds"][0]
        with run(folder, {**case.settings, "steps": 1, "inner_steps": case.check, "save": "last"}) as file:
            return Sample(seconds, file["state"][:])


def jko_step(case):
    """A descent less one of no steps, which creates the same grid and evaluates the same start: the time of a step."""
    repeat = range(100, 100 + case.repetitions)  # different time limits, or equal jobs would be one
    with tempfile.TemporaryDirectory() as folder:
        with run(folder, {**case.settings, "save": "last"}, {"time_limit": repeat, "steps": [0, case.steps]}) as file:
            seconds = file["seconds"][:].reshape(-1, 2)
            masses = file["state"][file["state_start"][1] :][: file["state_rows"][1]]
            used = file["newton_steps_used"][1, 1 : case.steps + 1].mean()
    return Sample((np.median(seconds[:, 1]) - np.median(seconds[:, 0])) / case.steps, masses,
                  f"{used + 1:.1f} gradients a step" if case.steps > 1 else "")


def jobs(case):
    """Jobs that do nothing, with their rows on disk. The time of the whole program counts."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        start = time.perf_counter()
        with run(folder, {"width": 1, "n": 1, "steps": 0}, {"seed": range_of(case.jobs)}) as file:
            seconds = time.perf_counter() - start
            return Sample(seconds / case.jobs, np.array([(file["status"][:] == 2).sum() / case.jobs]))


class range_of(str):
    """A range in the spec's notation. A list of 200 000 seeds would measure the YAML reader."""

    def __new__(cls, count):
        return super().__new__(cls, f"{{range: [0, {count}]}}")


def bytes_in_place(path):
    """Bytes of trace columns in done rows that hold the values of `wgf_bench traces`."""
    import h5py

    with h5py.File(path, "r") as file:
        done, records = file["status"][:] == 2, np.arange(file["record"].size)
        good = 0
        for place, name in enumerate(COLUMNS):
            values = file[name]
            if values.id.get_storage_size():
                wanted = (place + records).astype(float).tobytes()
                good += sum(values[k].tobytes() == wanted for k in np.flatnonzero(done))
        return 8.0 * records.size * good


def traces(case):
    """Writes all rows into a file that holds NaN, then fsync. Only the writing counts."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        np.array([case.jobs, case.records], dtype=float).tofile(Path(folder, "input"))
        seconds = float(call([build / "wgf_bench", "traces", "input", "result"], cwd=folder).split()[0])
        case.bytes, case.piece, made, _, checksums, _, sync = np.fromfile(Path(folder, "result"))
        good = bytes_in_place(Path(folder, "traces.h5"))
    shares = f"fsync {sync / seconds:.0%}, checksums {checksums / seconds:.0%} of our time"
    note = f"{case.bytes / 1e6:.0f} MB; {shares}; NaN in all rows beforehand, {duration(made)}"
    return Sample(seconds, np.array([good]), note)


def long_sweep(case):
    """A sweep of many long traces, then fsync. The time of the whole program counts, descents included."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        fixed = {"width": 1, "n": 1, "steps": case.steps, "init_scale": 1}
        start = time.perf_counter()
        with run(folder, fixed, {"seed": range_of(case.jobs)}) as file:
            with open(file.filename, "rb") as written:
                os.fsync(written.fileno())
                seconds = time.perf_counter() - start
                size = os.fstat(written.fileno()).st_size
            descents = file["seconds"][:].sum()
    case.bytes = size
    return Sample(seconds, np.array([float(size)]), f"descents {descents / seconds:.0%} of our time")
