#!/usr/bin/python3
"""CONTRIBUTING.md says which places a parameter, a method and so on touch. This adds one of each to a copy of the
sources, in exactly those places, builds the program and finds them in what it says and writes.

    test_places.py WGF_BINARY SOURCES CMAKE GENERATOR"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
from harness import OK, Wgf, case, equal, main, require

METHOD = """\
/* A method that stands still: its objective is the parameter dummy_height. */
#include "flow_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>

static double nothing(const struct wgf_settings *settings)
{
    (void)settings;
    return 0;
}

static struct wgf_state_shape shape(const struct wgf_settings *settings)
{
    (void)settings;
    return (struct wgf_state_shape){.rows = 1, .cols = 1};
}

static wgf_status create(void **work, const struct wgf_settings *settings, const struct wgf_problem *problem,
                         struct wgf_error *error)
{
    double *height = *work = wgf_calloc(1, sizeof *height);
    (void)problem;
    if (!height)
        return wgf_fail(error, WGF_EMEMORY, "out of memory");
    *height = settings->dummy_height;
    return WGF_OK;
}

static struct wgf_evaluation evaluate(void *work)
{
    return (struct wgf_evaluation){.objective = *(const double *)work};
}

static bool step(void *work, const struct wgf_deadline *deadline, int64_t number, const struct wgf_inner_trace *inner)
{
    (void)work, (void)deadline, (void)number, (void)inner;
    return true;
}

static void record(void *work, double *values)
{
    values[WGF_TRACE_DUMMY_DEPTH] = -*(const double *)work;
}

static void state(void *work, double *out)
{
    *out = *(const double *)work;
}

static int state_iov(void *work, struct iovec *iov)
{
    (void)work, (void)iov;
    return 0;
}

const struct wgf_method wgf_method_dummy = {
    .columns = WGF_COLUMN_BIT(DUMMY_DEPTH),
    .bytes = nothing,
    .operations = nothing,
    .shape = shape,
    .step_time = nothing,
    .create = create,
    .free = free,
    .evaluate = evaluate,
    .step = step,
    .record = record,
    .state = state,
    .state_iov = state_iov,
};
"""
COMMAND = """\
/* wgf dummy: says one word. */
#include "cli.h"

#include <stdio.h>

int wgf_cli_dummy(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("a dummy");
    return WGF_EXIT_OK;
}
"""

# What CONTRIBUTING.md calls it: the places, each a file and what to do: a line (new) after the one that matches, or the
# text of a new file.
SETTINGS = "include/wgf/flow/settings.h"
PLACES = {
    "A parameter": {
        "src/spec/params.c": (r'\{"stop_objective",', '    {"dummy_height", FLOAT(dummy_height, "0.5"), AT_LEAST(0), '
                                                       'SAYS("height of the dummy")},'),
        SETTINGS: (r"double time_limit;", "    double dummy_height;"),
    },
    "A method": {
        SETTINGS: (r"#define WGF_METHODS\(X\)", "    X(DUMMY, dummy) \\"),
        "src/flow/NAME.c": METHOD,
    },
    "A distance of `prox`": {
        SETTINGS: (r"#define WGF_METRICS\(X\)", "    X(DUMMY, dummy) \\"),
        "src/flow/particles/metric_NAME.c": lambda read: read("src/flow/particles/metric_frobenius.c").replace(
            "wgf_metric_frobenius", "wgf_metric_dummy"),
    },
    # Of an existing method, its file is a place; here that is the new one.
    "A column of the trace": {
        "include/wgf/flow/flow.h": (r"#define WGF_TRACE_COLUMNS\(X\)",
                                    '    X(DUMMY_DEPTH, dummy_depth, "1", "depth of the dummy") \\'),
    },
    "A command": {
        "src/cli/NAME.c": COMMAND,
        "src/cli/cli.h": (r"^int wgf_cli_params", "int wgf_cli_dummy(int argc, char **argv);"),
        "src/cli/main.c": (r'\{"params",', '    {"dummy", "says one word", wgf_cli_dummy},'),
    },
}
SPEC = """\
name: dummies
fixed: {n: 6, width: 4, steps: 2, save: last, dummy_height: 0.25}
sweep: {method: [gd, dummy]}
"""
PLAIN = "name: plain\nfixed: {n: 6, width: 4, steps: 2}\nsweep: {method: [gd, prox, jko, flow], grid: [3]}\n"


def add_dummies(tree):
    """Changes every place; returns nothing, and fails where a place is not as it should be."""
    def read(name):
        return (tree / name).read_text()
    for places in PLACES.values():
        for name, change in places.items():
            path = tree / name.replace("NAME", "dummy")
            if isinstance(change, tuple):
                pattern, line = change
                lines = read(name).split("\n")
                found = [i for i, text in enumerate(lines) if re.search(pattern, text)]
                equal(len(found), 1, f"lines of {name} that match {pattern}")
                above = name.endswith("params.c") or name.endswith("main.c")
                lines.insert(found[0] + (not above), line)
                path.write_text("\n".join(lines))
            else:
                require(not path.exists(), f"{path} exists")
                path.write_text(change(read) if callable(change) else change)


def build(tree, cmake, generator):
    """The program of a tree, built without optimisation, which is fast and keeps the asserts."""
    ccache = shutil.which("ccache")
    launcher = [f"-DCMAKE_C_COMPILER_LAUNCHER={ccache}"] if ccache else []
    environment = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1"}
    configure = [cmake, "-S", tree, "-B", tree / "build", "-G", generator, "-DBUILD_TESTING=OFF",
                 "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O0", *launcher]
    for command in (configure, [cmake, "--build", tree / "build", "--target", "wgf", "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        require(done.returncode == 0, f"no build: {done.stdout[-3000:]}{done.stderr[-1000:]}")
    return tree / "build" / "wgf"


@case
def contributing_names_exactly_these_places(wgf):
    del wgf
    words = {1: "one place", 2: "two places", 3: "three places"}
    text = (SOURCES / "CONTRIBUTING.md").read_text()
    for what, places in PLACES.items():
        bullet = re.search(rf"^- \*\*{re.escape(what)}\*\*(.*?)(?=^- |^$)", text, re.M | re.S)
        require(bullet, f"CONTRIBUTING.md has no item '{what}'")
        equal(set(re.findall(r"`((?:src|include)/[^`]*)`", bullet[1])), set(places), f"places of '{what}'")
        require(words[len(places)] in bullet[1], f"'{what}' does not say {words[len(places)]}")


@case
def tables_of_the_program_have_the_dummies(wgf):
    rows = DUMMY("params", "--markdown").require(OK).out
    require("| `dummy_height` | float (0.5) | >= 0 | all | height of the dummy |" in rows, "no parameter dummy_height")
    require("| `method` | dummy, gd, prox, jko, flow, wfr, pde (gd) |" in rows, "no method dummy")
    require("dummy" in DUMMY("--help").require(OK).out, "no command dummy in --help")
    equal(DUMMY("dummy").require(OK).out, "a dummy\n", "what the command says")
    DUMMY.write("spec.yaml", SPEC)
    header, rows = DUMMY("plan", "--csv", "spec.yaml").require(OK).table()
    equal([(row["method"], row["dummy_height"]) for row in rows], [("gd", "0.25"), ("dummy", "0.25")], "jobs")
    require("dummy_height" not in wgf("params").require(OK).out, "the program itself has a dummy")


@case
def files_have_the_dummies(wgf):
    del wgf
    with h5py.File(DUMMY.result(SPEC, OK, "out.h5", "--overwrite"), "r") as file:
        equal(list(file["dummy_height"]), [0.25, 0.25], "dummy_height")
        equal(file["dummy_height"].attrs["long_name"], b"height of the dummy", "long_name")
        equal(list(file["status"]), [2, 2], "status")
        equal(list(file["objective"][1]), [0.25] * 3, "objective of the dummy")
        equal(list(file["dummy_depth"][1]), [-0.25] * 3, "dummy_depth of the dummy")
        equal(file["state"][-1], 0.25, "state of the dummy")
    metric = "name: x\nfixed: {n: 6, width: 4, steps: 2, method: prox}\nsweep: {metric: [frobenius, dummy]}\n"
    with h5py.File(DUMMY.result(metric, OK, "metric.h5", "--overwrite"), "r") as file:
        own, dummy = file["distance"][:, 1:]
        require((own > 0).all() and abs(dummy / own - 1).max() < 1e-9, f"distances {own} and {dummy}")


@case
def jobs_without_dummies_keep_their_keys(wgf):
    with h5py.File(wgf.result(PLAIN), "r") as ours, h5py.File(DUMMY.result(PLAIN, OK, "plain.h5"), "r") as theirs:
        equal(list(theirs["key"]), list(ours["key"]), "keys")
        equal(theirs.attrs["plan_hash"], ours.attrs["plan_hash"], "plan_hash")


if __name__ == "__main__":
    SOURCES = Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="dummies-") as folder:
        copy = Path(folder) / "copy"
        for part in ("src", "include", "tools"):
            shutil.copytree(SOURCES / part, copy / part)
        shutil.copy(SOURCES / "CMakeLists.txt", copy)
        add_dummies(copy)
        DUMMY = Wgf(str(build(copy, *sys.argv[3:5])), folder)
        del sys.argv[2:]
        main()
