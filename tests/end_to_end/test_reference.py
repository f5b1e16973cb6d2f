#!/usr/bin/python3
"""`record_distances: reference` against POT on the kept states. test_reference.py WGF_BINARY"""

import time

import h5py
import numpy as np
from clouds import by_pot, cloud
from harness import FAILURES, OK, STOPPED, USAGE, case, column, contents, equal, finish, main, refused, require

OWN = "data: sinus, n: 8, init_scale: 0.5, gamma: 0.05, save: all"
TO = "record_distances: reference, reference_file"
LIMIT = f"{OWN}, method: jko, grid: 7, grid_radius: 2, steps: 40"
DESCENTS = {
    "gd": "method: gd, width: 12, steps: 6, record_every: 4",
    "mean": "method: gd, width: 9, output: mean, scaling: mean_field, steps: 3",
    "prox": "method: prox, width: 10, steps: 3, inner_steps: 5",
    "flow": "method: flow, width: 6, steps: 2",
    "jko": "method: jko, grid: 5, grid2: 4, grid2_radius: 2, steps: 3",
    "positive": "method: gd, width: 5, steps: 2, signs: positive",
}
BOTH = {
    "gd": "method: gd, width: 12, layers: both, steps: 3",
    "prox": "method: prox, width: 8, layers: both, steps: 2, inner_steps: 5",
    "flow": "method: flow, width: 6, layers: both, steps: 2",
    "second": "method: gd, width: 7, layers: second, steps: 2",
}
OTHERS = {
    "product": "method: gd, width: 7, parametrisation: product, steps: 3",
    "sphere": "method: prox, width: 8, parametrisation: sphere, steps: 2, inner_steps: 5",
}
CLOSE = 1e-12


def spec(fixed, sweep=""):
    return f"name: x\nfixed: {{{fixed}}}\n" + (f"sweep: {{{sweep}}}\n" if sweep else "")


def run(wgf, name, fixed, sweep="", code=OK):
    return wgf.result(spec(fixed, sweep), code, f"{name}.h5", "--overwrite")


def write_points(path, points, weights, signs):
    with h5py.File(path, "w") as file:
        file["points"], file["weights"], file["signs"] = points, weights, signs


def message(path, job=0):
    return b"".join(column(path, "message")[job]).decode()


def hold(path, reference):
    """Every record of every job against POT; jobs differ in p. Returns how many distances there were."""
    count = 0
    with h5py.File(path) as file:
        for k in range(len(file["status"])):
            p, records = int(file["transport_p"][k]), int(file["state_records"][k])
            for r in range(records):
                wanted, got = by_pot(cloud(file, k, r), reference, p), file["distance_reference"][k, r]
                require(np.isclose(got, wanted, rtol=CLOSE, atol=1e-15, equal_nan=True),
                        f"{path.name}: job {k}, record {r} is {got}, by POT {wanted}")
                count += 1
    return count


@case
def descents_to_the_limit_of_jko_and_to_a_wide_run(wgf):
    """All methods; a grid, another run, and their points in a file of their own, which is the same reference."""
    run(wgf, "jko_limit", LIMIT, "signs: [positive, balanced]")
    run(wgf, "wide", f"{OWN}, width: 40, steps: 5", "signs: [positive, balanced]")
    count = 0
    for name in ("jko_limit", "wide"):
        for kind, how in DESCENTS.items():
            job = int(kind != "positive")
            with h5py.File(wgf.path(f"{name}.h5")) as file:
                reference = cloud(file, job)
            write_points(wgf.path("points.h5"), *reference)
            made = run(wgf, kind, f"{OWN}, {how}, {TO}: {name}.h5, reference_job: {job}", "transport_p: [1, 2]")
            count += hold(made, reference)
            again = run(wgf, "again", f"{OWN}, {how}, {TO}: points.h5", "transport_p: [1, 2]")
            count += hold(again, reference)
            for variable in ("key", "distance_reference") if name == "wide" else ():  # NumPy's grid differs by rounding
                equal(column(again, variable).tobytes(), column(made, variable).tobytes(), f"{variable} of {kind}")
    print(f"{count} distances", end="; ")


@case
def both_layers(wgf):
    """Points are (w, alpha), without signs."""
    run(wgf, "wide", f"{OWN}, width: 30, layers: both, steps: 4")
    with h5py.File(wgf.path("wide.h5")) as file:
        reference = cloud(file, 0)
    for kind, how in BOTH.items():
        hold(run(wgf, kind, f"{OWN}, {how}, {TO}: wide.h5", "transport_p: [1, 2]"), reference)


@case
def other_parametrisations(wgf):
    """Pairs, and directions with a scale."""
    for kind, how in OTHERS.items():
        run(wgf, "wide", f"{OWN}, width: 20, parametrisation: {kind}, steps: 4")
        with h5py.File(wgf.path("wide.h5")) as file:
            reference = cloud(file, 0)
        hold(run(wgf, kind, f"{OWN}, {how}, {TO}: wide.h5", "transport_p: [1, 2]"), reference)


@case
def masses_that_differ_have_no_distance(wgf):
    run(wgf, "wide", f"{OWN}, width: 11, steps: 1")  # six of them positive
    made = run(wgf, "out", f"{OWN}, width: 6, steps: 2, {TO}: wide.h5")
    require(np.isnan(column(made, "distance_reference")).all(), "a distance between masses that differ")
    require("record_distances: reference has no distance in 3 of 3 records, whose masses of a sign are not those of "
            "reference_file (positive 0.545455, negative 0.454545; at the end 0.5 and 0.5); take a reference with the "
            "same signs and masses" in message(made), message(made))
    equal(wgf("verify", "out.h5").require(OK).code, OK, "verify")


@case
def circles(wgf):
    """Masses of wfr change, so it has a distance where they have not yet; steps of 1e-13 leave them as they are."""
    run(wgf, "wide", f"{OWN}, width: 40, steps: 5")
    with h5py.File(wgf.path("wide.h5")) as file:
        reference = cloud(file, 0)
    still = OWN.replace("gamma: 0.05", "gamma: 1.0e-13")
    hold(run(wgf, "still", f"{still}, method: wfr, cells: 9, total_mass: 0.5, steps: 2, {TO}: wide.h5",
             "transport_p: [1, 2]"), reference)
    require(np.isfinite(column(wgf.path("still.h5"), "distance_reference")).all(), "no distance of equal masses")
    with h5py.File(wgf.path("still.h5")) as file:
        reference = cloud(file, 1)
    equal(hold(run(wgf, "gd", f"{OWN}, width: 6, steps: 2, {TO}: still.h5"), reference), 3, "distances to a circle")
    made = run(wgf, "out", f"{OWN}, method: wfr, cells: 9, steps: 3, total_mass: 0.5, {TO}: wide.h5, "
               "stop_when: step = 2")
    equal(list(np.isfinite(column(made, "distance_reference")[0])), [True] + 3 * [False], "which have a distance")
    require("reference has no distance in 2 of 3 records" in message(made), message(made))
    require(message(made).startswith("stopped at step 2 by stop_when: step = 2; "), message(made))


@case
def bits_do_not_depend_on_ranks(wgf):
    run(wgf, "jko_limit", LIMIT)
    sweep = "width: [4, 30, 100], method: [gd, prox, jko], transport_p: [1, 2]"
    text = spec(f"{OWN}, {TO}: jko_limit.h5, steps: 5", sweep)
    one = contents(wgf.result(text, OK, "one.h5"))
    wgf("run", "spec.yaml", "-o", "three.h5", "--quiet", ranks=3).require(OK)
    equal(contents(wgf.path("three.h5")), one, "contents of the file by three ranks")


@case
def from_the_folder_of_the_spec_in_pieces(wgf):
    """A file beside the base of a spec; parts of the run, and one that is cut within its distances, are the whole."""
    wgf.path("sub").mkdir()
    run(wgf, "sub/wide", "data: sinus, n: 8, init_scale: 1, width: 1000, seed: 9, steps: 0, save: last")
    large = f"{OWN}, width: 1000, steps: 8, {TO}: wide.h5"
    wgf.write("sub/base.yaml", spec(large))
    wgf.write("child.yaml", "name: x\nextends: sub/base.yaml\nsweep: {transport_p: [1, 2]}\n")
    wgf("run", "child.yaml", "-o", "whole.h5").require(OK)
    wanted = contents(wgf.path("whole.h5"))
    for i in range(2):
        wgf("run", "child.yaml", "-o", f"part{i}.h5", "--shard", f"{i}/2").require(OK)
    wgf("merge", "-o", "parts.h5", "part0.h5", "part1.h5").require(OK)
    equal(contents(wgf.path("parts.h5")), wanted, "contents of the merged parts")
    cut = wgf.start("run", "child.yaml", "-o", "cut.h5", "--quiet")
    time.sleep(0.3)
    cut.terminate()
    require(finish(cut).code in (OK, STOPPED), "a run that is cut, or has ended before")
    wgf("run", "child.yaml", "-o", "cut.h5").require(OK)
    equal(contents(wgf.path("cut.h5")), wanted, "contents after a cut")
    _, rows = wgf("show", "whole.h5", "--job", "1", "--csv").require(OK).table()
    equal([float(row["distance_reference"]) for row in rows],
          list(column(wgf.path("whole.h5"), "distance_reference")[1]), "the trace that is shown")
    late = run(wgf, "late", f"{OWN}, width: 1000, steps: 8, time_limit: 0.01, {TO}: sub/wide.h5", code=FAILURES)
    require(message(late).startswith("time_limit of 0.01 s") and "no distance" not in message(late), message(late))


@case
def the_rule_of_the_end_may_use_it(wgf):
    run(wgf, "far", f"{OWN}, width: 30, steps: 50")
    made = run(wgf, "out", f"{OWN}, width: 30, steps: 50, {TO}: far.h5, stop_when: distance_reference < 1.0e-12")
    equal(int(column(made, "steps_done")[0]), 50, "steps")
    made = run(wgf, "out", f"{OWN}, width: 30, steps: 70, {TO}: far.h5, stop_when: distance_reference < 1.0e-12")
    equal(int(column(made, "steps_done")[0]), 50, "steps until the state that is the reference")


@case
def what_does_not_fit_is_told_by_the_plan(wgf):
    run(wgf, "gd", f"{OWN}, width: 6, steps: 1", "seed: [1, 2]")
    run(wgf, "bare", f"{OWN.replace('all', 'none')}, width: 6, steps: 1")
    run(wgf, "both", f"{OWN}, width: 6, layers: both, steps: 1")
    wgf.write("w.csv", "1,2,1\n3,4,-1\n")
    run(wgf, "csv", f"{OWN}, init: file, init_file: w.csv, steps: 1")
    write_points(wgf.path("points.h5"), [[0, 1, 2]], [1], [1])
    rows = [
        (f"{TO}: gd.h5, reference_job: 2", "reference_job", "gd.h5 has the jobs 0 to 1, and no job 2"),
        (f"{TO}: bare.h5", "reference_file", "job 0 of bare.h5 has kept no state; run its spec with save: last or all"),
        (f"{TO}: csv.h5", "reference_file", "began from a file of neurons, whose alpha it does not keep; write points, "
         "weights and signs of its state into an HDF5 file and name that"),
        (f"{TO}: both.h5", "reference_file", "points like this job's, w, but those of job 0 of both.h5 are (w, alpha); "
         "name a job with the same layers and parametrisation"),
        (f"{TO}: gd.h5, layers: both", "reference_file", "like this job's, (w, alpha), but those of job 0 of gd.h5 "
         "are w"),
        (f"{TO}: points.h5", "reference_file", "record_distances: reference needs points like this job's, of 2 "
         "numbers, but those of points.h5 have 3; name a reference of as many"),
        (f"{TO}: points.h5, reference_job: 0", "reference_job", "points.h5 is no result file, so reference_job means "
         "nothing; remove it"),
        (f"{TO}: gd.h5, transport_p: 3", "transport_p", "transport_p: 3 is out of range; use a whole number from 1 to "
         "2"),
        ("record_distances: reference", "record_distances", "record_distances: reference needs reference_file: PATH"),
    ]  # fmt: skip
    for own, blamed, sentence in rows:
        refused(wgf, spec(f"n: 12, {own}, data: sinus"), blamed, sentence, ("plan", "wrong.yaml"))
    wgf.write("none.yaml", spec("reference_file: gd.h5"))
    wgf("plan", "none.yaml").require(OK, "no job reads reference_file; remove it, or use record_distances: reference")
    wgf.write("many.yaml", spec(f"{TO}: gd.h5", "reference_job: {range: [0, 20000]}"))
    wgf("plan", "many.yaml").require(USAGE, "many.yaml:3:24: error: ", "more than 10000")


@case
def a_file_that_cannot_be_read_fails_its_jobs(wgf):
    """A warning of the plan, and the sentence in the row; the other jobs run."""
    wgf.write("points.csv", "1,2\n")
    good = [[0, 1], [1, 1]], [0.5, 0.5], [1, -1]
    for number, (points, weights, signs) in enumerate((
            (*good[:2], [1, 0]), (*good[:2], [1, 2]), (*good[:2], [1]), (good[0], [0.5, -0.5], good[2]),
            (good[0], [0.5, np.nan], good[2]), (good[0], [0.5, np.inf], good[2]), ([[0, np.inf], [1, 1]], *good[1:]),
            (good[0], *good[1:][:1], [[1, 1], [1, 1]]), ([0, 1], *good[1:]), (good[0], good[1], [1, np.nan]))):
        write_points(wgf.path(f"bad{number}.h5"), points, weights, signs)
    said = {
        "absent.h5": "cannot open absent.h5: No such file", "points.csv": "points.csv is no HDF5 file; it must hold "
        "the data sets points, weights and signs", "bad0.h5": "the sign of point 1 is 0; use 1 or -1",
        "bad1.h5": "the sign of point 1 is 2", "bad2.h5": "signs", "bad3.h5": "the weight of point 1 is -0.5; use 0 or",
        "bad4.h5": "the weight of point 1 is nan", "bad5.h5": "point 1 or its weight is not finite; mend it",
        "bad6.h5": "point 0 or its weight is not finite", "bad7.h5": "signs has 2 columns; one is needed",
        "bad8.h5": "points", "bad9.h5": "the sign of point 1 is nan",
    }  # fmt: skip
    for name, sentence in said.items():
        wgf.write("spec.yaml", spec(f"{OWN}, width: 4, steps: 1, reference_file: {name}",
                                    "record_distances: [own, reference]"))
        wgf("plan", "spec.yaml").require(OK, "warning: ", sentence, "jobs that read it will fail")
        wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet").require(FAILURES)
        equal(list(column(wgf.path("out.h5"), "status")), [2, 4], f"status with {name}")
        require(sentence in message(wgf.path("out.h5"), 1), f"no {sentence!r} in the row")


@case
def another_reference_is_another_plan(wgf):
    run(wgf, "ref", f"{OWN}, width: 6, steps: 1", "seed: [1, 2]")
    run(wgf, "out", f"{OWN}, width: 4, steps: 1, {TO}: ref.h5, reference_job: 1")
    wgf("run", "spec.yaml", "-o", "ref.h5", "--overwrite").require(USAGE, "ref.h5 is the sweep's own input ref.h5")
    keys = {tuple(column(wgf.path("out.h5"), "key"))}
    for own in ("reference_job: 0", "reference_job: 1, transport_p: 1"):
        keys.add(tuple(column(run(wgf, "other", f"{OWN}, width: 4, steps: 1, {TO}: ref.h5, {own}"), "key")))
    equal(len(keys), 3, "keys of other references and powers")
    wgf.write("spec.yaml", spec(f"{OWN}, width: 4, steps: 1, {TO}: ref.h5, reference_job: 1"))
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK)
    wgf("run", "spec.yaml", "-o", "new.h5", "--reuse", "out.h5").require(OK, "1 row reused")
    with h5py.File(wgf.path("ref.h5"), "a") as file:
        file["state"][int(file["state_start"][1]) + 12] += 1
    wgf("run", "spec.yaml", "-o", "out.h5").require(USAGE, "another plan", "reference_file", "changed since")


main()
