#!/usr/bin/python3
"""What `wgf learn` writes, prints and refuses. test_learn.py WGF_BINARY"""

import csv
import io
import signal

import h5py
import numpy as np
import xarray
from harness import ERROR, FAILURES, OK, STOPPED, USAGE, case, equal, finish, main, require, wait_until

FIXED = "data: sinus, n: 8, width: 60, steps: 4, save: all, init_scale: 1, gamma: 0.01"
SPEC = f"name: learn\nfixed: {{{FIXED}}}\nsweep: {{seed: [1, 2, 3]}}\n"
MIXED = f"""\
name: mixed
fixed: {{{FIXED}}}
sweep:
  - fixed: {{method: prox, metric: wasserstein}}
  - fixed: {{method: prox, inner: exact_local}}
  - fixed: {{method: flow}}
  - fixed: {{method: wfr}}
  - fixed: {{method: pde}}
  - fixed: {{parametrisation: sphere}}
  - fixed: {{loss: huber}}
  - fixed: {{record_every: 2}}
  - fixed: {{save: last}}
  - fixed: {{save: none}}
  - fixed: {{gamma: 1.0e300}}
  - fixed: {{stop_objective: 100}}
  - fixed: {{data: random, d: 6}}
  - fixed: {{n: 5, method: jko, grid: 24}}
  - fixed: {{output: mean, scaling: mean_field, entropy: 0.01, confine: 0.01}}
"""
REFUSALS = ((0, "learn does not apply to method: prox"), (1, "learn does not apply to method: prox"),
            (2, "learn does not apply to method: flow"), (3, "learn does not apply to method: wfr"),
            (4, "learn does not apply to method: pde; its steps are many"),
            (5, "learn does not apply to parametrisation: sphere"), (6, "loss is not squared"),
            (7, "record_every: 1"), (8, "save: all"), (9, "save: all"), (10, "is diverged, not done"),
            (11, "raise steps"), (14, "its steps add noise"))
COLUMNS = ["job", "features", "rank", "condition", "residual", "labels_error", "mismatched"]


def nothing_left(wgf, name="learned.h5"):
    left = [path.name for path in wgf.folder.iterdir() if name in path.name]
    equal(left, [], "what is there")


@case
def a_file_a_row_a_job(wgf):
    wgf.result(SPEC)
    done = wgf("learn", "out.h5", "-o", "learned.h5", "--jobs", "0,2", "--csv").require(OK)
    names, *rows = csv.reader(io.StringIO(done.out))
    equal(names, COLUMNS, "header")
    equal([row[:3] for row in rows], [["0", "8", "8"], ["2", "8", "8"]], "rows")
    with xarray.open_dataset(wgf.path("learned.h5"), engine="h5netcdf") as found:
        equal({name: found[name].dims for name in found},
              {"labels": ("job", "sample"), "labels_error": ("job",), "coefficients": ("job", "feature"),
               "rank": ("job",), "condition": ("job",), "residual": ("job",), "left_out": ("job",),
               "mismatched": ("job",)}, "variables")
        equal(found["rank"].values.tolist(), [8, 0, 8], "ranks")
        for name in ("labels", "labels_error", "coefficients", "condition", "residual"):
            equal(np.isnan(found[name].values.reshape(3, -1)).all(axis=1).tolist(), [False, True, False], name)
        equal([float(row[5]) for row in rows], found["labels_error"].values[[0, 2]].tolist(), "labels_error")
        equal((found.attrs["name"], found.attrs["learned_from"], found.attrs["pairs"]), ("learn", "out.h5", "kept"),
              "attributes")
    shown = wgf("learn", "out.h5", "-o", "again.h5").require(OK)
    equal(shown.out.splitlines()[0].split(), COLUMNS, "table")
    equal(len(shown.out.splitlines()), 4, "lines")
    with h5py.File(wgf.path("learned.h5")) as one, h5py.File(wgf.path("again.h5")) as all:
        equal(one["labels"][2].tobytes(), all["labels"][2].tobytes(), "labels of job 2")


@case
def what_it_does_not_apply_to(wgf):
    wgf.result(MIXED)
    for job, words in REFUSALS:
        wgf("learn", "out.h5", "-o", "learned.h5", "--jobs", str(job)).require(USAGE, f"job {job}", words).quietly()
    wgf("learn", "out.h5", "-o", "learned.h5", "--jobs", "0-3").require(USAGE, "job 0")
    wgf("learn", "out.h5", "-o", "learned.h5", "--jobs", "12", "--features", "rbf").require(USAGE, "6 coordinates")
    nothing_left(wgf)
    done = wgf("learn", "out.h5", "-o", "learned.h5").require(OK, "left out 12 jobs; job 0: learn does not apply")
    equal([line.split()[0] for line in done.out.splitlines()], ["job", "12", "13"], "jobs")
    with h5py.File(wgf.path("learned.h5")) as file:
        equal(file["labels"].shape, (15, 8), "labels")
        equal(np.isnan(file["labels"][13]).tolist(), [False] * 5 + [True] * 3, "labels beyond those of job 13")
    done = wgf("learn", "out.h5", "-o", "grids.h5", "--jobs", "13", "--features", "polynomial").require(OK)
    equal(done.out.splitlines()[1].split()[1], "24", "features")


@case
def words_and_files(wgf):
    wgf.result(SPEC)
    wgf.result(SPEC.replace("all", "none"), OK, "none.h5")
    wgf.result(SPEC.replace("all", "last"), OK, "last.h5")
    with h5py.File(wgf.path("foreign.h5"), "w") as file:
        file["x"] = 1
    for code, sentence, *words in (
            (USAGE, "give -o LEARNED.h5", "out.h5"),
            (USAGE, "--features is data", "out.h5", "-o", "learned.h5", "--features", "spline"),
            (USAGE, "--features is data", "out.h5", "-o", "learned.h5", "--features", "data,rbf"),
            (USAGE, "--features is data", "out.h5", "-o", "learned.h5", "--features", "rbf,"),
            (USAGE, "--pairs is kept", "out.h5", "-o", "learned.h5", "--pairs", "best"),
            (USAGE, "has jobs 0 to 2", "out.h5", "-o", "learned.h5", "--jobs", "3"),
            (USAGE, "0-9,17", "out.h5", "-o", "learned.h5", "--jobs", "x"),
            (USAGE, "run the spec with save: all", "none.h5", "-o", "learned.h5"),
            (USAGE, "run the spec with save: all", "last.h5", "-o", "learned.h5"),
            (ERROR, "not of wgf", "foreign.h5", "-o", "learned.h5"),
            (ERROR, "there is no result file", "absent.h5", "-o", "learned.h5"),
            (ERROR, "a folder that exists", "out.h5", "-o", "absent/learned.h5"),
            (USAGE, "is both RUN.h5 and the file to make", "out.h5", "-o", "./out.h5", "--overwrite")):
        wgf("learn", *words).require(code, sentence).quietly()
        nothing_left(wgf)


@case
def what_is_there_stays(wgf):
    wgf.result(SPEC)
    wgf("learn", "out.h5", "-o", "learned.h5").require(OK)
    before = wgf.path("learned.h5").read_bytes()
    wgf("learn", "out.h5", "-o", "learned.h5").require(USAGE, "--overwrite").quietly()
    equal(wgf.path("learned.h5").read_bytes(), before, "bytes")
    wgf("learn", "out.h5", "-o", "learned.h5", "--overwrite", "--features", "polynomial").require(OK)
    require(wgf.path("learned.h5").read_bytes() != before, "not overwritten")
    wgf.write("text", "no file of wgf")
    wgf("learn", "out.h5", "-o", "text", "--overwrite").require(ERROR, "not an HDF5 file").quietly()
    equal(wgf.path("text").read_text(), "no file of wgf", "text")
    for words in (("show", "learned.h5"), ("status", "learned.h5"), ("verify", "learned.h5"),
                  ("learn", "learned.h5", "-o", "x.h5"), ("merge", "-o", "x.h5", "learned.h5")):
        wgf(*words).require(USAGE, "is what 'wgf learn' made").quietly()


@case
def states_that_are_no_descent(wgf):
    """A job with one leaves an empty row; where no other is left there is no file."""
    wgf.result(f"name: torn\nfixed: {{{FIXED}, method: jko}}\nsweep: {{grid: [12, 14]}}\n")
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file["state"][288 * 2 + 7] += 1e-3
    done = wgf("learn", "out.h5", "-o", "learned.h5").require(FAILURES, "job 0: the masses of a sheet")
    equal(len(done.out.splitlines()), 2, "lines")
    with h5py.File(wgf.path("learned.h5")) as file:
        equal(file["rank"][0], 0, "rank")
        require(np.isnan(file["labels"][0]).all() and np.isfinite(file["labels"][1]).all(), "labels")
    wgf("learn", "out.h5", "-o", "none.h5", "--jobs", "0").require(ERROR, "the masses of a sheet")
    nothing_left(wgf, "none.h5")
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file["state"][...] = np.nan
    wgf("learn", "out.h5", "-o", "none.h5").require(ERROR, "no step leads there")


@case
def data_of_files(wgf):
    """Labels of standardised data are those that the descent saw; a file that has changed is told."""
    rows = np.column_stack([np.linspace(-3, 5, 9), np.linspace(-3, 5, 9) ** 2])
    np.savetxt(wgf.path("data.csv"), rows, delimiter=",")
    wgf.result("name: files\nfixed: {data: file, data_file: data.csv, standardize: both, width: 60, steps: 5, "
               "save: all, init_scale: 1, output: mean, scaling: mean_field}\n")
    wgf("learn", "out.h5", "-o", "learned.h5").require(OK)
    with h5py.File(wgf.path("learned.h5")) as file:
        y = rows[:, 1]
        require(np.allclose(file["labels"][0], (y - y.mean()) / y.std(), atol=1e-10), f"labels {file['labels'][0]}")
    np.savetxt(wgf.path("data.csv"), rows[:-1], delimiter=",")
    wgf("learn", "out.h5", "-o", "none.h5").require(ERROR, "a file that it reads has changed").quietly()
    nothing_left(wgf, "none.h5")


@case
def interrupted(wgf):
    """Nothing is left of a file that was not finished."""
    wgf.result("name: long\nfixed: {data: random, d: 10, n: 400, width: 2000, steps: 12, save: all, "
               "gamma: 1.0e-6}\n")
    process = wgf.start("learn", "out.h5", "-o", "learned.h5")
    wait_until(lambda: len(list(wgf.folder.glob("*learned.h5*"))) > 0, "the file is being made")
    process.send_signal(signal.SIGTERM)
    finish(process).require(STOPPED, "interrupted")
    nothing_left(wgf)


main()
