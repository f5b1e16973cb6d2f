#!/usr/bin/python3
"""`tools/wgf.py`: sweeps as xarray data sets, and the notebook that shows it.
test_python.py WGF_BINARY SOURCE_FOLDER"""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
from harness import OK, Skip, Wgf, case, column, differences, equal, main, require, wait_until

TOOLS = Path(sys.argv.pop(2)) / "tools"
os.environ["WGF"] = str(Path(sys.argv[1]).resolve())
sys.path.insert(0, str(TOOLS))
import wgf as python  # noqa: E402  the folder stands in the line above

SMALL = {"width": 6, "steps": 2}


def refused(words, **parameters):
    try:
        python.run(**parameters)
    except python.Error as error:
        equal(str(error), words, f"the sentence for {parameters}")
    else:
        require(False, f"{parameters} are taken")


def rows(wgf, path):
    return wgf("show", path, "--csv").require(OK).table()[1]


@case
def a_swept_parameter_is_a_dimension_in_the_order_given(wgf):
    sweep = python.run(path=wgf.path("out.h5"), seed=range(1, 4), gamma=np.array([0.5, 0.25]), output=("sum", "mean"),
                       d=[np.int64(3)], noise=None, save="all", **SMALL)
    equal(sweep.objective_final.dims, ("seed", "gamma", "output", "d"), "dimensions")
    equal(sweep.objective.dims, ("seed", "gamma", "output", "d", "record"), "dimensions of a trace")
    equal(sweep.state.shape, (3, 2, 2, 1, 3, 6, 3), "states")
    equal(sweep.gamma.values.tolist(), [0.5, 0.25], "coordinates")
    for row in rows(wgf, "out.h5"):
        cell = sweep.sel({"seed": int(row["seed"]), "gamma": float(row["gamma"]), "output": row["output"], "d": 3})
        equal(float(cell.objective_final), float(row["objective_final"]), f"F of {row}")
    start = int(column(wgf.path("out.h5"), "state_start")[7])
    state = sweep.state.values.reshape(12, 54)[7]
    equal(column(wgf.path("out.h5"), "state")[start : start + 54].tolist(), state.tolist(), "the state of job 7")
    require(python.open(wgf.path("out.h5")).identical(sweep), "open() gives something else")
    equal((sweep.width.item(), sweep.method.item()), (6, "gd"), "what is not swept")


@case
def combinations_that_are_one_job_hold_the_same(wgf):
    sweep = python.run(path=wgf.path("out.h5"), method=["gd", "prox"], metric=["frobenius", "sliced"],
                       beta=[None, 0.01], projections=[3, 5], init=["normal", "grid"], seed=[1, 2], width=8, steps=2)
    equal(sweep.objective_final.shape, (2,) * 6, "shape")
    table = rows(wgf, "out.h5")
    require(len(table) < 64 / 2, "no job is in several cells")
    for cell in np.ndindex(*sweep.objective_final.shape):
        at = {name: sweep[name].values[i] for name, i in zip(sweep.objective_final.dims, cell)}
        gd, sliced = at["method"] == "gd", at["metric"] == "sliced" and at["method"] == "prox"
        found = [row for row in table if row["method"] == at["method"] and row["init"] == at["init"]
                 and (gd or row["metric"] == at["metric"])
                 and (gd or (row["beta"] in ("auto", "nan")) == (at["beta"] == "auto"))
                 and (not sliced or int(row["projections"]) == at["projections"])
                 and (at["init"] == "grid" and not sliced or int(row["seed"]) == at["seed"])]
        equal(len(found), 1, f"jobs for {at}")
        equal(sweep.objective_final.values[cell], float(found[0]["objective_final"]), f"F at {at}")
    require(python.open(wgf.path("out.h5")).equals(sweep), "open() gives something else")


@case
def what_some_jobs_of_a_method_read_is_an_axis(wgf):
    """epsilon: jko reads it, and prox under one distance."""
    sweep = python.run(method=["prox", "jko"], epsilon=[0.1, 0.3], grid=6, width=8, steps=2)
    equal(sweep.objective_final.dims, ("method", "epsilon"), "dimensions")
    (prox, again), (jko, other) = sweep.objective_final.values
    require(prox == again and jko != other, f"F {sweep.objective_final.values}")
    sweep = python.run(method=["prox", "jko"], epsilon=[0.1, 0.3], metric="sinkhorn", grid=6, width=8, steps=2)
    require(len(set(sweep.objective_final.values.ravel().tolist())) == 4, "all four jobs differ")


@case
def one_job_has_no_dimension(wgf):
    sweep = python.run(**SMALL)
    equal((dict(sweep.sizes), sweep.status.item()), ({"record": 3}, 2), "sizes and status")
    wgf.result("name: x\nfixed: {width: 6, steps: 2}\nsweep: [{product: {seed: [1, 2]}}, {zip: {n: [5], d: [3]}}]\n")
    equal(python.open(wgf.path("out.h5")).objective_final.dims, ("job",), "a sweep that is no product")
    spaced = python.run(gamma={"geomspace": [0.01, 1, 3]}, **SMALL)
    equal(spaced.gamma.values.tolist(), [0.01, 0.1, 1], "a space of the program")


@case
def a_plan_is_a_table(wgf):
    table = python.plan(gamma=[0.1, 1], seed=range(2))
    equal(table[["gamma", "seed"]].values.tolist(), [[0.1, 0], [0.1, 1], [1, 0], [1, 1]], "jobs")
    equal(table.beta[0], "auto", "a word")


@case
def what_the_program_refuses_is_an_error(wgf):
    refused("unknown parameter 'gama'; did you mean 'gamma'?", gama=1)
    refused("steps: use a whole number, not '1.5'; gamma: 0 is out of range; use a number above 0", gamma=[0, 1],
            steps=1.5)
    python.run(path=wgf.path("out.h5"), seed=[1], **SMALL)
    try:
        python.run(path=wgf.path("out.h5"), seed=[2], **SMALL)
    except python.Error as error:
        require("holds another plan" in str(error), str(error))
    equal(python.run(path=wgf.path("out.h5"), overwrite=True, seed=[2], **SMALL).seed.item(), 2, "anew")
    refused("gamma: the list is empty; add a value or remove the axis", gamma=[])
    wgf.write("bad.h5", "x")
    for path, words in (("absent.h5", "there is no result file"), ("bad.h5", "is not an HDF5 file")):
        try:
            python.open(wgf.path(path))
            require(False, f"{path} is opened")
        except python.Error as error:
            require(words in str(error), str(error))


@case
def a_failed_job_is_nan_and_has_a_message(wgf):
    wgf.write("good.csv", "1,2\n3,4\n")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        sweep = python.run(data="file", data_file=[wgf.path("good.csv"), wgf.path("bad.csv")], seed=[1, 2], **SMALL)
    equal(sweep.status.values.tolist(), [[2, 2], [4, 4]], "status")
    equal(np.isnan(sweep.objective_final.values).tolist(), [[False] * 2, [True] * 2], "NaN")
    require("No such file" in sweep.message.values[1, 0], f"message {sweep.message.values[1, 0]!r}")
    require(any("2 of 4 have no result" in str(warning.message) for warning in warned), f"warned: {warned}")


@case
def several_ranks_give_the_same(wgf):
    many = python.run(ranks=2, path=wgf.path("many.h5"), seed=range(4), **SMALL)
    one = python.run(seed=range(4), **SMALL)
    equal(many.objective.values.tobytes(), one.objective.values.tobytes(), "traces")
    equal(differences(wgf.path("many.h5"), wgf.path("many.h5")), [], "file")


@case
def the_program_is_found(wgf):
    folder = wgf.path("copy/tools")
    folder.mkdir(parents=True)
    shutil.copy(TOOLS / "wgf.py", folder)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import wgf; print(wgf.program())"
    environment = {name: value for name, value in os.environ.items() if name not in ("WGF", "PATH")}
    here = str(wgf.program)

    def python_with(**more):
        return subprocess.run([sys.executable, "-c", code], env={**environment, "PATH": "/usr/bin:/bin", **more},
                              capture_output=True, text=True)

    lost = python_with(PATH="/nowhere")
    require("the program wgf is not found" in lost.stderr, lost.stderr)
    equal(python_with(PATH=str(Path(here).parent)).stdout, f"{here}\n", "on PATH")
    wgf.path("copy/build").mkdir()
    wgf.path("copy/build/wgf").symlink_to(here)
    equal(python_with().stdout, f"{wgf.path('copy/build/wgf')}\n", "beside the file")
    equal(python_with(WGF="/elsewhere/wgf").stdout, "/elsewhere/wgf\n", "the variable")


@case
def ctrl_c_stops_and_the_same_call_goes_on(wgf):
    code = textwrap.dedent(f"""\
        import sys
        sys.path.insert(0, {str(TOOLS)!r})
        import wgf
        print("here", flush=True)
        wgf.run(path="out.h5", seed=range(40), width=300, steps=400, data="sinus")
        """)
    process = subprocess.Popen([sys.executable, "-c", code], cwd=wgf.folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    wait_until(lambda: wgf.path("out.h5").exists() or process.poll() is not None, "the file")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    if "KeyboardInterrupt" in err:  # it may have been finished
        require("go on with path='" in err and "out.h5' in the same call" in err, err[-400:])
        equal(process.returncode, -signal.SIGINT, "exit code")
    subprocess.run([sys.executable, "-c", code], cwd=wgf.folder, check=True, capture_output=True)
    wgf.write("spec.yaml", "name: notebook\nfixed: {width: 300, steps: 400, data: sinus}\n"
              "sweep: {seed: {range: [0, 40]}}\n")
    wgf("run", "spec.yaml", "-o", "whole.h5", "--quiet").require(OK)
    equal([name for name in differences(wgf.path("out.h5"), wgf.path("whole.h5"))
           if name not in ("attribute spec", "attribute spec_file")], [], "after Ctrl-C")
    equal("KeyboardInterrupt" in err, True, "Ctrl-C came before the end")


@case
def the_notebook_runs(wgf):
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError:
        raise Skip("nbclient is not installed") from None
    shutil.copy(TOOLS / "wgf.py", wgf.folder)
    notebook = nbformat.read(TOOLS / "wgf.ipynb", as_version=4)
    require(not any(cell.get("outputs") for cell in notebook.cells), "outputs are kept in the repository")
    place = {"metadata": {"path": str(wgf.folder)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain")) for output in shown)
    for words in ("12 of 12 jobs", "gamma: -1 is out of range", "state_record", "0.1"):
        require(words in text, f"{words!r} is not shown by the notebook: {text}")
    equal([output.output_type for output in shown if output.output_type == "stream" and output.name == "stderr"], [],
          "errors")


if __name__ == "__main__":
    main()
