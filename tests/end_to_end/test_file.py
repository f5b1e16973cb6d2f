#!/usr/bin/python3
"""The result file as the world reads it: netCDF-4, xarray, h5py. src/store/README.md "The file".
test_file.py WGF_BINARY"""

import datetime
import lzma
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import xarray
from harness import (FAILURES, OK, STATES, STOPPED, USAGE, case, column, equal, finish, main, messages, require,
                     wait_until)

OLD_FILE = Path(__file__).resolve().parent / "data" / "with_checkpoint.h5.xz"
CHECK_NETCDF = Path(__file__).resolve().parents[1] / "check_netcdf.py"

MIXED = """\
# a comment that stays in the attribute: ü → ∞
name: mixed
description: two methods
fixed: {n: 6, steps: 7, record_every: 3, d: 3}
sweep:
  method: [gd, prox]
  width: [4, 5]
"""
FILES = {
    "plain": MIXED,
    "states": MIXED.replace("n: 6,", "n: 6, save: last,"),
    "all_states": MIXED.replace("n: 6,", "n: 6, save: all,"),
    "inner": MIXED.replace("n: 6,", "n: 6, record_inner: 20,"),
    "one_job": "name: one\nfixed: {n: 5, width: 4, steps: 3}\n",
    "one_record": "name: x\nfixed: {n: 5, width: 4, steps: 0}\nsweep: {seed: [1, 2]}\n",
    "one_of_all": "name: x\nfixed: {n: 1, d: 1, width: 1, steps: 0, save: all}\n",
    "all_and_inner": MIXED.replace("n: 6,", "n: 6, save: all, record_inner: 20,"),
}
INTERRUPTED = "name: x\nfixed: {n: 5, width: 4, record_every: 100000000000, save: last}\n" \
              "sweep: {steps: [3, 100000000000], seed: [1, 2]}\n"
TRACES = ("step", "time", "objective", "distance", "distance_debiased", "distance_frobenius",
          "distance_wasserstein", "grad_norm", "weight_norm", "variation_norm", "objective_test",
          "active", "inner_steps_used", "inner_residual", "mass", "newton_steps_used",
          "prox_objective", "prox_bound", "arc_switches", "sliding", "at_origin", "events", "alignment", "directions",
          "moving", "exchanged", "extremals", "patterns", "pattern_changes", "free_energy", "free_energy_bound")
RESULTS = {"status": "uint8", "attempts": "int64", "key": "uint64", "checksum": "uint64",
           "objective_initial": "float64", "objective_final": "float64", "steps_done": "int64", "started": "float64",
           "seconds": "float64", "rank": "int64", "flow_drift": "float64", "temperature": "float64",
           "objective_limit": "float64", "objective_optimal": "float64", "optimum_gap": "float64",
           "optimum_atoms": "float64", "variation_norm_minimal": "float64",
           "objective_optimum": "float64", "free_energy_optimum": "float64",
           "predicted_seconds": "float64"}
INTEGERS = ("n", "d", "data_seed", "width", "seed", "steps", "inner_steps", "projections", "grid", "grid2",
            "dykstra_steps", "anderson", "record_every", "record_inner")
TEXTS = ("data", "test_file", "data_file", "sampling", "init", "init_file", "signs", "loss", "output", "layers",
         "method", "metric", "scaling", "inner", "solver", "flow_solver", "origin", "record_distances",
         "kernel", "save", "kernel_used")
FLOATS = ("noise", "init_scale", "weight_decay", "confine", "entropy", "gamma", "beta", "inner_tol", "sinkhorn_tol",
          "grid_radius", "grid2_radius", "epsilon", "newton_tol", "dykstra_tol", "stop_objective", "stop_change",
          "time_limit")


def opened(path):
    return xarray.open_dataset(path, engine="h5netcdf")


def interrupted(wgf):
    """A file with two jobs done and two pending."""
    wgf.write("spec.yaml", INTERRUPTED)
    process = wgf.start("run", "spec.yaml", "-o", "interrupted.h5", "--quiet")
    path = wgf.path("interrupted.h5")
    wait_until(lambda: path.exists() and column(path, "status").any(), "the first job")
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    finish(process).require(STOPPED)
    return path


@case
def files_are_netcdf(wgf):
    paths = [wgf.result(FILES[name], OK, f"{name}.h5") for name in ("plain", "all_and_inner", "one_of_all")]
    checks = [subprocess.Popen([sys.executable, CHECK_NETCDF, path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True) for path in [*paths, interrupted(wgf)]]
    for check in checks:
        finish(check).require(OK)


@case
def dimensions(wgf):
    sizes = {"plain": {"record": 4, "job": 4}, "states": {"state_element": 2 * (4 + 5) * 3},
             "all_states": {"state_element": 2 * (4 + 5) * 3 * 4}, "inner": {"inner_record": 7 * 100 // 20},
             "one_job": {"job": 1, "record": 4}, "one_record": {"job": 2, "record": 1}}
    for name, expected in sizes.items():
        with opened(wgf.result(FILES[name], OK, f"{name}.h5")) as data:
            for dimension, size in expected.items():
                equal(data.sizes[dimension], size, f"{dimension} of {name}")
            for trace in TRACES:
                equal(data[trace].dims, ("job", "record"), f"dimensions of {trace}")
            equal("state" in data, "state" in name, f"state in {name}")
            equal("inner_objective" in data, name == "inner", f"inner_objective in {name}")


@case
def types(wgf):
    with opened(wgf.result(FILES["states"])) as data:
        for name, dtype in RESULTS.items():
            equal((str(data[name].dtype), data[name].dims), (dtype, ("job",)), name)
        for name in TRACES + FLOATS + ("state",):
            equal(str(data[name].dtype), "float64", f"type of {name}")
        for name in INTEGERS + ("state_start", "state_records", "state_rows", "state_cols"):
            equal((str(data[name].dtype), data[name].dims), ("int64", ("job",)), name)
        for name in TEXTS:
            equal(data[name].dims, ("job",), f"dimensions of {name}")
            require(all(isinstance(value, str) for value in data[name].values), f"{name} is {data[name].values!r}")
        equal(list(data["method"].values), ["gd", "gd", "prox", "prox"], "method")


@case
def flags_of_status(wgf):
    with opened(wgf.result(FILES["plain"])) as data:
        attributes = data["status"].attrs
        equal(attributes["flag_meanings"], " ".join(STATES), "flag_meanings")
        equal(list(attributes["flag_values"]), list(range(len(STATES))), "flag_values")
        equal(str(np.asarray(attributes["flag_values"]).dtype), "uint8", "type of flag_values")


@case
def variables_are_explained(wgf):
    with opened(wgf.result(FILES["all_states"])) as data:
        for name in data.variables:
            require(name == "job" or data[name].attrs.get("long_name"), f"{name} has no long_name")
        equal(data["seconds"].attrs["units"], "s", "units of seconds")


@case
def parameters_say_which_jobs_read_them(wgf):
    """The attribute `read_with` is the column of that name of `wgf params --markdown`; empty where that says "all"."""
    lines = wgf("params", "--markdown").require(OK).out.splitlines()
    rows = [[cell.strip(" `") for cell in line.split("|")] for line in lines if line.startswith("| `")]
    with h5py.File(wgf.result(FILES["plain"]), "r") as file:
        for _, name, _, _, read_with, _, _ in rows:
            expected = "" if read_with == "all" else read_with
            equal(file[name].attrs["read_with"].decode().rstrip("\0"), expected, f"read_with of {name}")
        equal(file["projections"].attrs["read_with"], b"method: prox; metric: sliced", "read_with of projections")
        require("read_with" not in file["status"].attrs, "status is not a parameter")


@case
def swept_parameters_shape_the_file(wgf):
    """What only some of the jobs record is in their rows, wherever the axis begins."""
    wgf.write("t.csv", "1,1\n2,-1\n3,1\n")
    small = "name: x\nfixed: {n: 6, width: 4}\nsweep: "
    for axis, variable, rows in (('test_file: ["", t.csv]', "objective_test", [1]),
                                 ("record_distances: [own, all]", "distance_wasserstein", [1]),
                                 ("method: [gd, jko], grid: [3]", "mass", [1]),
                                 ("record_every: [3, 1]", "objective", [0, 1])):
        path = wgf.result(f"{small}{{{axis}, steps: [2, 4]}}\n", OK, "out.h5", "--overwrite")
        records = np.isfinite(column(path, variable)).sum(axis=1)
        expected = [1 + -(-int(steps) // int(every)) if row // 2 in rows else 0 for row, (steps, every)
                    in enumerate(zip(column(path, "steps"), column(path, "record_every")))]
        equal(list(records), expected, f"records of {variable} over {axis}")
    path = wgf.result(small + "{save: [none, last, all], layers: [first, both], steps: [4]}\n", OK, "out.h5",
                      "--overwrite")
    sizes = column(path, "state_records") * column(path, "state_rows") * column(path, "state_cols")
    equal(list(sizes), [0, 0, 8, 12, 40, 60], "numbers of the states")
    equal(column(path, "state").shape, (120,), "state")


@case
def attributes(wgf):
    before = datetime.datetime.now(datetime.timezone.utc)
    wgf.write("spec.yaml", MIXED)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--set", "gamma=0.2").require(OK)
    with opened(wgf.path("out.h5")) as data:
        got = data.attrs
        equal((got["name"], got["description"]), ("mixed", "two methods"), "name, description")
        equal(got["spec"], MIXED, "spec")
        equal(int(got["schema"]), 1, "schema")
        equal(list(got["axes"]), ["method", "width"], "axes")
        require(re.fullmatch("[0-9a-f]{16}", got["plan_hash"]), f"plan_hash is {got['plan_hash']!r}")
        require(got["wgf_version"] in wgf("--version").out, f"wgf_version is {got['wgf_version']!r}")
        require(got["wgf_revision"] in wgf("--version").out, f"wgf_revision is {got['wgf_revision']!r}")
        require("HDF5" in got["libraries"] and got["host"], f"libraries {got['libraries']!r}, host {got['host']!r}")
        created = datetime.datetime.fromisoformat(got["created"].replace("Z", "+00:00"))
        require(before <= created <= datetime.datetime.now(datetime.timezone.utc), f"created is {got['created']}")
        require("gamma=0.2" in np.atleast_1d(got["sets"]), f"sets is {got['sets']!r}")


@case
def axes_is_a_list_of_any_length(wgf):
    for sweep, axes in (("", []), ("sweep: {gamma: [0.1, 0.2]}\n", ["gamma"])):
        path = wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 2}\n" + sweep, OK, "out.h5", "--overwrite")
        with h5py.File(path, "r") as file:
            value = file.attrs["axes"]
            require(not isinstance(value, (str, bytes)), f"axes is the text {value!r}")
            shape = value.shape if value is not None and not isinstance(value, h5py.Empty) else (0,)
            equal(shape, (len(axes),), "shape of axes")
            equal([str(name) for name in value] if axes else [], axes, "axes")


@case
def product_can_be_unstacked(wgf):
    path = wgf.result("name: x\nfixed: {n: 6, steps: 3}\nsweep: {width: [4, 5, 6], gamma: [0.1, 0.2], seed: [1, 2]}\n")
    with opened(path) as data:
        axes = list(data.attrs["axes"])
        cube = data[["objective_final", *axes]].set_index(job=axes).unstack("job")
        equal(cube["objective_final"].sizes, {"width": 3, "gamma": 2, "seed": 2}, "sizes")
        value = float(cube["objective_final"].sel(width=6, gamma=0.1, seed=2))
        equal(value, float(data["objective_final"][9]), "a corner")


@case
def plan_hash_is_that_of_the_jobs(wgf):
    def hash_of(text, *options):
        with h5py.File(wgf.result(text, OK, "out.h5", "--overwrite", *options), "r") as file:
            return str(file.attrs["plan_hash"]), list(file["key"][()])
    plain = hash_of(MIXED)
    equal(hash_of(MIXED.replace("# a comment", "# another").replace("name: mixed", "name: other")), plain, "renamed")
    equal(hash_of(MIXED.replace("d: 3}", "d: 3, grid: 9}")), plain, "with an unread parameter")
    require(hash_of(MIXED, "--set", "seed=2")[0] != plain[0], "another seed has the same plan_hash")
    equal(len(set(plain[1])), 4, "different keys")


@case
def traces_begin_and_end_where_they_should(wgf):
    path = wgf.result(FILES["plain"])
    with h5py.File(path, "r") as file:
        require((file["step"][()] == [0, 3, 6, 7]).all(), f"steps {file['step'][()]}")
        require((file["distance"][:, 0] == 0).all(), "record 0 has a distance")
        require(np.array_equal(file["objective_initial"], file["objective"][:, 0]), "objective_initial")
        require(np.array_equal(file["objective_final"], file["objective"][:, -1]), "objective_final")
        gamma, width, gd = file["gamma"][()], file["width"][()], file["method"].asstr()[()] == "gd"
        time_of_a_step = np.where(gd, gamma / width, gamma)
        require(np.allclose(file["time"], file["step"][()] * time_of_a_step[:, None], rtol=1e-15), "time")
        for name in ("mass", "newton_steps_used", "distance_wasserstein", "objective_test"):
            require(np.isnan(file[name][()]).all(), f"{name} is not NaN")
        require(np.isnan(file["inner_steps_used"][()][gd]).all(), "gd has inner steps")


@case
def states_are_where_the_file_says(wgf):
    for name, records in (("states", 1), ("all_states", 4)):
        path = wgf.result(FILES[name], OK, f"{name}.h5")
        with h5py.File(path, "r") as file:
            end = 0
            for k in range(4):
                shape = [int(file[f"state_{part}"][k]) for part in ("records", "rows", "cols")]
                equal(shape, [records, int(file["width"][k]), 3], f"shape of the states of job {k}")
                start = int(file["state_start"][k])
                equal(start, end, f"start of job {k}")
                end = start + int(np.prod(shape))
                W = file["state"][start:end].reshape(shape)
                norms = file["weight_norm"][k] if records > 1 else file["weight_norm"][k, -1:]
                require(np.allclose(np.sqrt((W**2).sum((1, 2))), norms, rtol=1e-13), f"weights of job {k}")
            equal(file["state"].shape, (end,), "state")


@case
def both_layers_keep_a_column_more(wgf):
    path = wgf.result("name: x\nfixed: {n: 6, steps: 3, width: 4, save: all}\nsweep: {layers: [first, both]}\n")
    equal(list(column(path, "state_cols")), [2, 3], "columns")
    alpha = column(path, "state")[4 * 4 * 2:].reshape(4, 4, 3)[:, :, 2]
    equal(list(alpha[0]), [1, 1, -1, -1], "initial signs")
    require((alpha[-1] != alpha[0]).all(), "the second layer does not train")


@case
def long_messages_are_whole_characters(wgf):
    for lead in ("", "a"):
        absent = lead + "/".join(["é" * 100] * 4) + ".csv"
        wgf.write("spec.yaml", f"name: x\nfixed: {{data: file, width: 4, data_file: {absent}}}\n")
        wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite").require(FAILURES)
        with opened(wgf.path("out.h5")) as data:
            message = str(data["message"].values[0])
        require("éééé" in message and len(message.encode()) > 500, f"message {message!r}")


@case
def records_beyond_the_end_of_a_job_are_nan(wgf):
    path = wgf.result("name: x\nfixed: {n: 6, width: 4}\nsweep: {steps: [2, 9]}\n")
    for name in ("step", "objective", "distance", "grad_norm"):
        finite = np.isfinite(column(path, name)).sum(axis=1)
        equal(list(finite), [3, 10], f"records of {name}")


@case
def pending_rows_read_nan(wgf):
    path = interrupted(wgf)
    with opened(path) as data:
        equal(list(data["status"].values), [2, 2, 0, 0], "status")
        for name in TRACES + ("objective_initial", "objective_final", "started", "seconds"):
            require(np.isnan(data[name].values[2:]).all(), f"{name} of a pending row is not NaN")
        equal(list(data["steps"].values[2:]), [100000000000] * 2, "parameters of pending rows")
        require((data["key"].values != 0).all(), "keys of pending rows")
    equal(messages(path), [""] * 4, "messages")


@case
def a_file_with_checkpoints_inside_is_read(wgf):
    """Made by an older version and killed: job 0 done, job 1 running with a checkpoint in the variable `checkpoint`."""
    old = wgf.path("old.h5")
    old.write_bytes(lzma.decompress(OLD_FILE.read_bytes()))
    content = old.read_bytes()
    with h5py.File(old, "r") as file:
        require(file["checkpoint"][...].any(), "no checkpoint in the file")
        wgf.write("spec.yaml", file.attrs["spec"])
    require("running" in wgf("status", "old.h5").require(OK).out, "status of the old file")
    wgf("show", "old.h5", "--job", "0").require(OK)
    wgf("aggregate", "old.h5", "--by", "epsilon", "--value", "objective_final", "--csv").require(OK)
    require("1 finished row" in wgf("verify", "old.h5").require(OK).out, "verify of the old file")
    wgf("merge", "-o", "merged.h5", "old.h5").require(OK)
    # jko has other bits since: its rows are not used again, and the file is not gone on with.
    wgf("run", "spec.yaml", "-o", "new.h5", "--reuse", "old.h5").require(OK, "0 rows reused", "3 done")
    with h5py.File(wgf.path("new.h5"), "r") as file:
        require("checkpoint" not in file and "checkpoint_byte" not in file, "the new file has room for checkpoints")
    for name in ("old.h5", "merged.h5"):
        wgf("run", "spec.yaml", "-o", name, "--quiet").require(USAGE, "another version of wgf made it")
    require(old.read_bytes() == content, "the old file was changed")
    require("1 finished row" in wgf("verify", "merged.h5").require(OK).out, "verify of the merged file")


if __name__ == "__main__":
    main()
