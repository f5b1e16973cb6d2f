#!/usr/bin/python3
"""Data as people have them: chosen columns, a held-out part, standardised inputs and labels, against NumPy. The mean
and the population standard deviation are those of scikit-learn's StandardScaler. test_data.py WGF_BINARY"""

import csv
import io

import h5py
import numpy as np
from harness import (DONE, FAILED, FAILURES, OK, USAGE, case, column, differences, equal, kill_all, main,
                     messages, require, wait_until)

RNG = np.random.default_rng(7)
TABLE = np.column_stack([RNG.normal(40, 12, 50), RNG.normal(1e6, 3e4, 50), np.full(50, 0.1), RNG.uniform(0, 1e-3, 50),
                         RNG.normal(-3, 2, 50)])
NAMES = ["age", "income", "constant", "share", "y"]
SPEC = """\
name: people
fixed: {data: file, data_file: people.csv, width: 8, steps: 3, save: last, init_scale: 1%s}
"""


def write_csv(wgf, name="people.csv", names=NAMES, table=TABLE, quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO()
    writer = csv.writer(text, quoting=quoting)
    writer.writerows(([names] if names else []) + [[repr(float(x)) for x in row] for row in table])
    return wgf.write(name, text.getvalue())


def write_hdf5(wgf, name="people.h5", **sets):
    with h5py.File(wgf.path(name), "w") as file:
        for key, values in sets.items():
            file[key] = values
    return name


def used(wgf, path, job=0):
    """X and y of a job, by `wgf show --data`."""
    header, rows = wgf("show", path, "--job", job, "--data").require(OK).table()
    table = np.array([[float(row[name]) for name in header] for row in rows])
    return table[:, :-1], table[:, -1]


def plan(wgf, spec, *options):
    wgf.write("spec.yaml", spec)
    return wgf("plan", "spec.yaml", "--csv", *options).require(OK).table()[1]


def refused(wgf, more, *words, place=None):
    wgf.write("spec.yaml", SPEC % more)
    done = wgf("plan", "spec.yaml").require(USAGE, *words)
    if place:
        column = (SPEC % more).split("\n")[1].index(place) + 1
        require(f"spec.yaml:2:{column}: error: " in done.err, f"not at {place!r}: {done.err!r}")


def close(got, expected, what, tolerance=1e-12):
    error = np.max(np.abs(got - expected) / (1 + np.abs(expected)))
    require(error < tolerance, f"{what}: off by {error}")


def scaled(part):
    """Mean and divisor, as StandardScaler has them."""
    mean, std = part.mean(axis=0), part.std(axis=0)
    return mean, np.where(std < 1e-10, 1, std)


def loss(W, signs, X, y):
    return np.mean((np.maximum(X @ W.T, 0) @ signs - y) ** 2)


def state(path, job=0):
    start, rows, cols = (column(path, f"state_{name}")[job] for name in ("start", "rows", "cols"))
    return column(path, "state")[start : start + rows * cols].reshape(rows, cols)


@case
def inputs_and_labels_are_standardised(wgf):
    write_csv(wgf)
    path = wgf.result(SPEC % "" + "sweep: {standardize: [none, inputs, both]}\n")
    mean, std = scaled(TABLE)
    bias = np.ones((50, 1))
    X, y = used(wgf, path, 0)
    equal(X.tolist(), np.hstack([TABLE[:, :4], bias]).tolist(), "inputs as they are")
    for job, labels in ((1, False), (2, True)):
        X, y = used(wgf, path, job)
        close(X, np.hstack([(TABLE[:, :4] - mean[:4]) / std[:4], bias]), f"inputs of job {job}", 1e-9)
        equal(X[:, 2].tolist(), [0] * 50, "a constant column, centred")
        close(y, (TABLE[:, 4] - mean[4]) / std[4] if labels else TABLE[:, 4], f"labels of job {job}")
        close(column(path, "input_mean")[job], [*mean[:4], 0], "input_mean")
        close(column(path, "input_std")[job], [*std[:4], 1], "input_std")
        close(column(path, "objective_final")[job], loss(state(path, job), np.repeat([1, -1], 4), X, y), "F")
    require(np.isnan(column(path, "input_mean")[0]).all(), "means of data that are as they were")
    equal(np.isnan(column(path, "label_mean")).tolist(), [True, True, False], "label_mean is there")
    close(column(path, "label_mean")[2], mean[4], "label_mean")
    close(column(path, "label_std")[2], std[4], "label_std")
    with h5py.File(path) as file:
        require("standardi" in file["objective_final"].attrs["long_name"].decode(), "F does not tell its units")
    wgf("verify", path).require(OK)


@case
def xarray_reads_the_means_by_input(wgf):
    import xarray
    write_csv(wgf)
    path = wgf.result(SPEC % ", standardize: both" + 'sweep: {inputs: ["age,income", "share"]}\n')
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        equal(data.input_mean.dims, ("job", "input"), "dimensions")
        equal(data.d.values.tolist(), [3, 2], "d")
        equal(np.isnan(data.input_mean.values).tolist(), [[False] * 3, [False, False, True]], "padding")
        close(data.input_mean.values[1, 0], TABLE[:, 3].mean(), "mean of the second job")
        equal(data.label_std.dims, ("job",), "label_std")


@case
def without_standardize_nothing_is_added(wgf):
    write_csv(wgf)
    path = wgf.result(SPEC % ", label: y, inputs: [age], test_fraction: 0.2")
    with h5py.File(path) as file:
        found = {"input_mean", "input_std", "label_mean", "label_std", "input"} & set(file)
    equal(found, set(), "variables of means")


@case
def a_part_is_held_out(wgf):
    write_csv(wgf)
    spec = SPEC % ", label: 4, inputs: age" + "sweep: {test_fraction: [0, 0.07, 0.5], split_seed: [1, 2]}\n"
    rows = plan(wgf, spec)
    equal([int(row["n"]) for row in rows], [50, 50, 46, 46, 25, 25], "n of the plan")
    path = wgf.result(spec)
    equal(column(path, "n").tolist(), [50, 50, 46, 46, 25, 25], "n")
    whole = [tuple(row) for row in TABLE[:, [0, 4]]]
    trained = [[(x[0], t) for x, t in zip(*used(wgf, path, job))] for job in range(6)]
    for job in (2, 3, 4, 5):
        require(set(trained[job]) < set(whole), f"job {job} trains on other samples")
        equal(trained[job], sorted(trained[job], key=whole.index), f"order of the samples of job {job}")
    require(set(trained[4]) < set(trained[2]), "a larger fraction holds out other samples")
    require(trained[4] != trained[5], "the seed decides nothing")
    for job in (2, 4):
        held = np.array([sample for sample in whole if sample not in trained[job]])
        X = np.column_stack([held[:, 0], np.ones(len(held))])
        expected = loss(state(path, job), np.repeat([1, -1], 4), X, held[:, 1])
        close(column(path, "objective_test")[job][-1], expected, f"objective_test of job {job}")
    require(np.isnan(column(path, "objective_test")[0]).all(), "a test loss without a test set")


@case
def statistics_are_of_the_training_part_alone(wgf):
    write_csv(wgf)
    path = wgf.result(SPEC % ", standardize: both, test_fraction: 0.3, inputs: [share, age], split_seed: 5")
    plain = wgf.result(SPEC % ", test_fraction: 0.3, inputs: [share, age], split_seed: 5", OK, "plain.h5")
    X, y = used(wgf, plain)
    mean, std = scaled(np.column_stack([X[:, :2], y]))
    close(column(path, "input_mean")[0], [*mean[:2], 0], "input_mean")
    close(column(path, "label_std")[0], std[2], "label_std")
    trained = {tuple(row) for row in np.column_stack([X[:, :2], y])}
    held = np.array([row for row in TABLE[:, [3, 0, 4]] if tuple(row) not in trained])
    z = (held - mean) / std
    expected = loss(state(path), np.repeat([1, -1], 4), np.column_stack([z[:, :2], np.ones(len(z))]), z[:, 2])
    close(column(path, "objective_test")[0][-1], expected, "objective_test")


@case
def a_test_file_is_standardised_as_the_training_set(wgf):
    write_csv(wgf)
    other = TABLE[:20] * 1.5 + 1
    write_csv(wgf, "other.csv", NAMES[::-1], other[:, ::-1])
    path = wgf.result(SPEC % ", test_file: other.csv, standardize: both, label: y, inputs: [age, share]")
    mean, std = scaled(TABLE[:, [0, 3, 4]])
    z = (other[:, [0, 3, 4]] - mean) / std
    expected = loss(state(path), np.repeat([1, -1], 4), np.column_stack([z[:, :2], np.ones(20)]), z[:, 2])
    close(column(path, "objective_test")[0][-1], expected, "objective_test")


@case
def predictions_are_in_the_units_of_the_file(wgf):
    write_csv(wgf)
    path = wgf.result(SPEC % "" + "sweep: {standardize: [none, inputs, both], test_fraction: [0, 0.4]}\n")
    new = TABLE[:7, :4] * 1.1
    write_csv(wgf, "new.csv", None, new)
    _, rows = wgf("predict", path, "--at", "new.csv", "--csv").require(OK).table()
    for job in range(6):
        f = np.array([float(row[f"job_{job}"]) for row in rows])
        z, scale, shift = np.column_stack([new, np.ones(7)]), 1, 0
        if job >= 2:
            z = (z - column(path, "input_mean")[job]) / column(path, "input_std")[job]
        if job >= 4:
            scale, shift = column(path, "label_std")[job], column(path, "label_mean")[job]
        expected = np.maximum(z @ state(path, job).T, 0) @ np.repeat([1, -1], 4) * scale + shift
        close(f, expected, f"predictions of job {job}", 1e-9)
    wgf.path("people.csv").unlink()
    equal(wgf("predict", path, "--at", "new.csv", "--csv").require(OK).table()[1], rows, "without the data file")


@case
def without_a_bias_a_csv_is_used_as_it_is(wgf):
    write_csv(wgf)
    other = TABLE[:20] * 1.5 + 1
    write_csv(wgf, "other.csv", NAMES, other)
    spec = SPEC % ", test_file: other.csv, inputs: [age, share]" + (
        "sweep: {bias: [true, false], standardize: [none, both]}\n")
    equal([row["d"] for row in plan(wgf, spec)], ["3", "3", "2", "2"], "d")
    path = wgf.result(spec)
    mean, std = scaled(TABLE[:, [0, 3, 4]])
    new = TABLE[:7, [0, 3]] * 1.1
    write_csv(wgf, "new.csv", None, new)
    _, rows = wgf("predict", path, "--at", "new.csv", "--csv").require(OK).table()
    for job in range(4):
        shift, scale = (mean, std) if job % 2 else (np.zeros(3), np.ones(3))
        ones = np.ones((50, int(job < 2)))
        X, y = used(wgf, path, job)
        z = (TABLE[:, [0, 3, 4]] - shift) / scale
        close(X, np.hstack([z[:, :2], ones]), f"inputs of job {job}", 1e-9)
        close(y, z[:, 2], f"labels of job {job}", 1e-9)
        z = (other[:, [0, 3, 4]] - shift) / scale
        expected = loss(state(path, job), np.repeat([1, -1], 4), np.hstack([z[:, :2], ones[:20]]), z[:, 2])
        close(column(path, "objective_test")[job][-1], expected, f"objective_test of job {job}")
        z = np.hstack([(new - shift[:2]) / scale[:2], ones[:7]])
        f = np.array([float(row[f"job_{job}"]) for row in rows])
        expected = np.maximum(z @ state(path, job).T, 0) @ np.repeat([1, -1], 4) * scale[2] + shift[2]
        close(f, expected, f"predictions of job {job}", 1e-9)
    keys = set(column(path, "key").tolist())
    equal(len(keys), 4, "keys")
    write_hdf5(wgf, "people.csv", X=TABLE[:, [0, 3]], y=TABLE[:, 4])
    X, _ = used(wgf, wgf.result(SPEC % ", bias: false", OK, "bare.h5"))
    equal(X.tolist(), TABLE[:, [0, 3]].tolist(), "X of an HDF5 file")


@case
def a_test_set_has_the_columns_of_the_data(wgf):
    """The same lines are those of d = 3 with a bias and of d = 2 without."""
    wgf.write("test.csv", "0.5,0.25,1\n-1,2,3\n")
    fixed = "test_file: test.csv, width: 8, steps: 2, save: last, init_scale: 1"
    for data, d in (("data: random", 3), ("data: random, bias: false", 2), ("data: orthogonal, n: 2", 2),
                    ("data: teacher, bias: false", 2)):
        path = wgf.result(f"name: x\nfixed: {{{data}, d: {d}, {fixed}}}\n", OK, f"{len(data)}.h5", "--overwrite")
        X = np.array([[0.5, 0.25, 1], [-1, 2, 1]])[:, :d]
        expected = loss(state(path), np.repeat([1, -1], 4), X, np.array([1, 3]))
        close(column(path, "objective_test")[0][-1], expected, f"objective_test with {data}")
        wgf.write("other.yaml", f"name: x\nfixed: {{{data}, d: {5 - d}, {fixed}}}\n")
        wgf("plan", "other.yaml").require(USAGE, f"test.csv has d = {d} inputs, but the data have d = {5 - d}")


@case
def columns_are_chosen_by_name_and_number(wgf):
    names = ["name", "height, cm", "2020", 'say "x"', "0", "température"]
    rows = ['"Ann, B.",1,2,3,4,5', "Bob,6,7,8,9,10", ",11,12,13,14,15"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    wgf.write("people.csv", "\n".join([header, *rows]) + "\n")
    whole = np.arange(1.0, 16).reshape(3, 5)  # without the names of people
    for label, inputs, columns in (
        ("2020", "[1, 4]", (0, 3, 1)), ("5", "[température]", None), ('say "x"', '["height, cm"]', (0, 2)),
        ("3", '[température, "height, cm"]', (4, 0, 2)), ("0", "[5, 2, 1]", (4, 1, 0, 3))):
        more = f", label: '{label}', inputs: {inputs}"
        if columns is None:
            refused(wgf, more, "is the label", place="[temp")
            continue
        path = wgf.result(SPEC % more, OK, f"{len(columns)}{label[:1]}.h5", "--overwrite")
        X, y = used(wgf, path)
        equal(np.column_stack([X[:, :-1], y]).tolist(), whole[:, columns].tolist(), more)
    by_set = plan(wgf, SPEC % "", "--set", "label=2020", "--set", 'inputs="height, cm", 5')
    equal((by_set[0]["n"], by_set[0]["d"]), ("3", "3"), "n and d of --set")


@case
def what_a_file_does_not_have_is_told_at_its_place(wgf):
    write_csv(wgf, names=["age", "income", "age", "share", "y"])
    refused(wgf, ", label: share, inputs: [incomme]", "inputs: people.csv has no column 'incomme'; did you mean "
            "'income'?", place="[incomme")
    refused(wgf, ", label: yy", "did you mean 'y'?", place="yy}")
    refused(wgf, ", label: 7", "has no column '7'; use a name of its header or a number from 0 to 4", place="7}")
    refused(wgf, ", label: age", "has 2 columns 'age'; use the number of one, from 0", place="age}")
    refused(wgf, ", inputs: [income, share, 1]", "column '1' of people.csv is there twice", place="[income")
    refused(wgf, ", inputs: [income, 4]", "column '4' of people.csv is the label", place="[income")
    refused(wgf, ", inputs: []", "the list is empty", place="[]")
    refused(wgf, ", inputs: [income, ~]", "an item has no value", place="~]")
    refused(wgf, ", d: 7, inputs: [income]", "d is 7, but people.csv has d = 2", place="7,")
    refused(wgf, ", n: 50, test_fraction: 0.2", "n is 50, but people.csv has n = 40", place="50,")
    refused(wgf, ", test_fraction: 0.99", "leaves none to train on", place="0.99")
    refused(wgf, ", test_fraction: 1", "use a number of at least 0 and below 1", place="1}")
    refused(wgf, ", test_fraction: 0.1, test_file: people.csv", "each give a test set", place="0.1")
    write_csv(wgf, names=None)
    refused(wgf, ", label: y", "has no column 'y'; use a number from 0 to 4", place="y}")
    equal(plan(wgf, SPEC % ", label: 0, inputs: [4, 1]")[0]["d"], "3", "d by numbers, without a header")


@case
def data_sets_of_an_hdf5_are_chosen(wgf):
    write_hdf5(wgf, "people.csv", X=TABLE[:, :2], more=TABLE[:, 3], y=TABLE[:, 4], **{"group/t": TABLE[:, :1]})
    path = wgf.result(SPEC % ", standardize: inputs" + 'sweep: {inputs: [X, "more,X"], label: [y, group/t]}\n')
    mean, std = scaled(TABLE)
    for job, (inputs, label) in enumerate([(i, t) for i in ([0, 1], [3, 0, 1]) for t in (4, 0)]):
        X, y = used(wgf, path, job)
        close(X, (TABLE[:, inputs] - mean[inputs]) / std[inputs], f"X of job {job}", 1e-9)
        equal(y.tolist(), TABLE[:, label].tolist(), f"y of job {job}")
    refused(wgf, ", label: t", "label: people.csv has no data set 't'; it has X, group/t, more, y", place="t}")
    refused(wgf, ", inputs: [X, y]", "inputs: data set 'y' of people.csv is the label", place="[X")
    write_hdf5(wgf, "people.csv", X=np.column_stack([TABLE[:, 0], np.ones(50)]), y=TABLE[:, 4])
    X, _ = used(wgf, wgf.result(SPEC % ", standardize: both", OK, "bias.h5"))
    equal(X[:, 1].tolist(), [1] * 50, "the bias of an HDF5 file")


@case
def bad_cells_make_failed_rows(wgf):
    wgf.write("people.csv", "a,b,y\n1,x,3\n4,nan,5\n6,7,8\n")
    path = wgf.result(SPEC % "" + 'sweep: {inputs: ["a", "b"], label: [y]}\n', FAILURES)
    equal(column(path, "status").tolist(), [DONE, FAILED], "states")
    require("people.csv:2: column 2: 'x' is no number" in messages(path)[1], messages(path)[1])
    wgf.write("people.csv", "a,y\n1,3\nnan,5\n1e308,1\n1e308,1\n1e308,1\n")
    path = wgf.result(SPEC % ", standardize: inputs", FAILURES, "nan.h5")
    require("input 0 of sample 1 is nan" in messages(path)[0], messages(path)[0])
    wgf.write("people.csv", "a,y\n1e308,1\n1e308,1\n1e308,1\n")
    path = wgf.result(SPEC % ", standardize: inputs", FAILURES, "large.h5")
    require("people.csv: the values of input 0 have a sum that is not finite" in messages(path)[0], messages(path)[0])
    require(np.isnan(column(path, "input_mean")).all(), "means of a failed row")


@case
def keys_have_what_is_read(wgf):
    write_csv(wgf)
    keys = {}
    for more in ("", ", label: y", ", label: 4", ", inputs: [0, 1, 2, 3]", ", standardize: none", ", test_fraction: 0",
                 ", label: share", ", inputs: [age]", ", standardize: inputs", ", standardize: both",
                 ", test_fraction: 0.5", ", test_fraction: 0.5, split_seed: 3"):
        keys[more] = int(column(wgf.result(SPEC % more, OK, "key.h5", "--overwrite"), "key")[0])
    equal([keys[more] for more in list(keys)[:6]], [keys[""]] * 6, "keys of the same data")
    equal(len(set(keys.values())), 7, f"different keys: {keys}")
    wgf.result(SPEC % ", label: y")
    reused = wgf("run", wgf.write("other.yaml", SPEC % ", label: 4"), "-o", "new.h5", "--reuse", "out.h5").require(OK)
    require("1" in reused.err and column(wgf.path("new.h5"), "label")[0] == "4", f"not reused: {reused.err}")
    wgf("verify", "new.h5").require(OK)


@case
def a_column_that_has_changed_makes_another_plan(wgf):
    write_csv(wgf)
    wgf.result(SPEC % "" + 'sweep: {inputs: ["age", "share"]}\n')
    changed = TABLE.copy()
    changed[3, 1] += 1
    write_csv(wgf, table=changed)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)  # no job reads that one
    changed[3, 3] += 1
    write_csv(wgf, table=changed)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(USAGE, "out.h5 holds another plan", "contents")


SWEEP = SPEC % ", standardize: both, record_distances: all" + """\
sweep:
  test_fraction: [0.1, 0.3]
  inputs: ["age,share", "income", "0,1,2,3"]
  split_seed: {range: [0, 6]}
  seed: [1, 2]
"""


@case
def means_survive_kills_shards_merging_and_reuse(wgf):
    write_csv(wgf)
    whole = wgf.result(SWEEP)
    for moment in (0.02, 0.05):
        process = wgf.start("run", "spec.yaml", "-o", "killed.h5", "--overwrite", "--quiet")
        wait_until(lambda: wgf.path("killed.h5").exists() or process.poll() is not None, "the file")
        try:
            process.wait(moment)
        except Exception:
            kill_all(process, 0)
        wgf("run", "spec.yaml", "-o", "killed.h5", "--quiet").require(OK)
        equal(differences(whole, wgf.path("killed.h5")), [], "after a kill")
    for part in (0, 1):
        wgf("run", "spec.yaml", "-o", f"part{part}.h5", "--shard", f"{part}/2", "--quiet").require(OK)
    wgf("merge", "-o", "merged.h5", "part0.h5", "part1.h5").require(OK)
    equal(differences(whole, wgf.path("merged.h5")), [], "after a merge")
    wgf("run", "spec.yaml", "-o", "ranks.h5", "--quiet", ranks=2).require(OK)
    equal(differences(whole, wgf.path("ranks.h5")), [], "with two ranks")
    wgf.write("longer.yaml", SWEEP.replace("[1, 2]", "[1, 2, 3]"))
    wgf("run", "longer.yaml", "-o", "longer.h5", "--reuse", whole, "--quiet").require(OK)
    wgf("verify", "longer.h5").require(OK)
    of = {key: (mean.tobytes(), label) for key, mean, label in
          zip(*(column(wgf.path("longer.h5"), name) for name in ("key", "input_mean", "label_mean")))}
    for key, mean, label in zip(*(column(whole, name) for name in ("key", "input_mean", "label_mean"))):
        equal(of[key], (mean.tobytes(), label), "reused means")


@case
def an_isolated_job_has_its_means(wgf):
    write_csv(wgf)
    whole = wgf.result(SWEEP)
    wgf.path("hurt.h5").write_bytes(whole.read_bytes())
    with h5py.File(wgf.path("hurt.h5"), "r+") as file:
        file["status"][5], file["attempts"][5], file["input_mean"][5] = 1, 7, 0.5
    wgf("run", "spec.yaml", "-o", "hurt.h5", "--quiet").require(OK)
    equal(differences(whole, wgf.path("hurt.h5")), [], "after isolation")
    for name in ("input_mean", "input_std", "label_mean", "label_std"):
        wgf.path("hurt.h5").write_bytes(whole.read_bytes())
        with h5py.File(wgf.path("hurt.h5"), "r+") as file:
            file[name][3] = 0.25
        done = wgf("verify", "hurt.h5").require(FAILURES)
        require("3" in done.out + done.err, f"verify does not name job 3 for {name}")


if __name__ == "__main__":
    main()
