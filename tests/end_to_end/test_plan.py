#!/usr/bin/python3
"""`wgf plan`: validation, counts, and the list of jobs. test_plan.py WGF_BINARY"""

import itertools
import os
import re

import h5py
import xarray
from harness import DIVERGED, DONE, OK, USAGE, case, column, equal, finish, main, require, within

MIXED = """\
name: mixed
description: two methods over step sizes
fixed: {n: 7, steps: 3}
sweep:
  method: [gd, prox]
  gamma: {geomspace: [1.0e-3, 10, 5]}
  beta: [0.01, auto, 0.1]
  scaling: [plain, mean_field]
  width: [4, 6]
"""
GD_JOBS, PROX_JOBS = 5 * 2 * 2, 5 * 3 * 2
MIXED_ROWS = 2 * 5 * 3 * 2 * 2

HUGE = """\
name: huge
sweep:
  seed: {range: [0, 1000000]}
  gamma: {geomspace: [1.0e-3, 1, 1000]}
  init_scale: {linspace: [0.1, 1, 1000]}
"""


def count(out, words):
    found = re.search(rf"^{words}: (\d+)$", out, re.MULTILINE)
    require(found, f"no '{words}: NUMBER' in {out!r}")
    return int(found.group(1))


def jobs(wgf, text, *options):
    wgf.write("spec.yaml", text)
    done = wgf("plan", "--csv", "spec.yaml", *options).require(OK)
    equal(done.err, "", "stderr")
    return done.table()


def same_value(cell, stored):
    """A cell of the CSV against a variable of the file, where auto is NaN."""
    if isinstance(stored, str):
        return cell == stored
    return stored != stored if cell == "auto" else float({"last": -1}.get(cell, cell)) == stored


@case
def counts_and_duplicates(wgf):
    wgf.write("spec.yaml", MIXED)
    out = wgf("plan", "spec.yaml").require(OK).out
    equal(count(out, "jobs"), GD_JOBS + PROX_JOBS, "jobs")
    equal(count(out, "duplicates dropped"), MIXED_ROWS - GD_JOBS - PROX_JOBS, "duplicates")


@case
def axes_are_listed_in_order(wgf):
    wgf.write("spec.yaml", MIXED)
    out = wgf("plan", "spec.yaml").require(OK).out
    require(out.startswith("mixed: two methods over step sizes\n"), f"begins {out[:60]!r}")
    axes = re.findall(r"^  (\w+) +(\d+) values?  ", out, re.MULTILINE)
    equal(axes, [("method", "2"), ("gamma", "5"), ("beta", "3"), ("scaling", "2"), ("width", "2")], "axes")
    for values in ("0.001 0.01 0.1 1 10", "0.01 auto 0.1"):
        require(values in out, f"no {values} in {out!r}")


@case
def numbers_need_digits_on_one_side_of_the_point(wgf):
    text = "name: x\nfixed: {weight_decay: .5}\nsweep: {gamma: [.25, 1., 2.e-1]}\n"
    _, rows = jobs(wgf, text, "--set", "init_scale=.125")
    got = [tuple(float(row[name]) for name in ("weight_decay", "gamma", "init_scale")) for row in rows]
    equal(got, [(0.5, 0.25, 0.125), (0.5, 1, 0.125), (0.5, 0.2, 0.125)], "weight_decay, gamma, init_scale")


@case
def repeated_values_are_duplicates(wgf):
    wgf.write("spec.yaml", "name: x\nsweep:\n  gamma: [0.1, 0.1, 1.0e-1, 0.2]\n  seed: [1, 1]\n")
    out = wgf("plan", "spec.yaml").require(OK).out
    equal((count(out, "jobs"), count(out, "duplicates dropped")), (2, 6), "jobs and duplicates")


@case
def one_job_without_a_sweep(wgf):
    wgf.write("spec.yaml", "name: one\n")
    out = wgf("plan", "spec.yaml").require(OK).out
    equal((count(out, "jobs"), count(out, "duplicates dropped")), (1, 0), "jobs and duplicates")


@case
def csv_is_the_product_in_order(wgf):
    text = "name: x\nsweep:\n  width: [4, 2]\n  gamma: {linspace: [0.1, 0.3, 3]}\n  seed: {range: [5, 11, 2]}\n"
    header, rows = jobs(wgf, text)
    expected = list(itertools.product([4, 2], [0.1, 0.2, 0.3], [5, 7, 9]))
    got = [(int(row["width"]), float(row["gamma"]), int(row["seed"])) for row in rows]
    equal(got, expected, "width, gamma and seed")
    equal(len(set(header)), len(header), "columns")


@case
def csv_holds_exactly_what_the_result_file_holds(wgf):
    header, rows = jobs(wgf, MIXED)
    equal(len(rows), GD_JOBS + PROX_JOBS, "rows")
    path = wgf.result(MIXED)
    for name in header:
        stored = column(path, name)
        for row, value in zip(rows, stored):
            cell = row[name]
            require(same_value(cell, value), f"{name}: {cell} in the CSV, {value!r} in the file")
    require(set(column(path, "status")) <= {DONE, DIVERGED}, "a job has no result")


@case
def csv_has_17_digits(wgf):
    _, rows = jobs(wgf, "name: x\nfixed: {gamma: 0.30000000000000004, init_scale: 0.1}\n")
    equal(rows[0]["gamma"], "0.30000000000000004", "gamma")
    equal(rows[0]["init_scale"], "0.10000000000000001", "init_scale")


@case
def csv_quotes_paths(wgf):
    name = 'a "b", c.csv'
    wgf.write(name, "1,2\n3,4\n")
    header, rows = jobs(wgf, f"name: x\nfixed:\n  data: file\n  data_file: '{name}'\n")
    equal((rows[0]["data_file"], rows[0]["n"], rows[0]["d"]), (name, "2", "2"), "data_file, n, d")


@case
def unread_parameters_hold_their_defaults(wgf):
    _, rows = jobs(wgf, MIXED)
    for row in rows:
        if row["method"] == "gd":
            equal(row["beta"], "auto", "beta of gd")
        else:
            equal(row["scaling"], "plain", "scaling of prox")


@case
def set_overrides_and_adds(wgf):
    _, rows = jobs(wgf, "name: x\nfixed: {gamma: 0.5}\n", "--set", "gamma=0.25", "--set", "width=8")
    equal((rows[0]["gamma"], rows[0]["width"]), ("0.25", "8"), "gamma, width")
    _, rows = jobs(wgf, "name: x\n", "--set=method=prox", "--set=beta=auto", "--set=metric=frobenius")
    equal((rows[0]["method"], rows[0]["beta"]), ("prox", "auto"), "method, beta")


@case
def set_is_checked(wgf):
    wgf.write("spec.yaml", "name: x\nsweep: {gamma: [0.1, 0.2]}\n")
    for setting, words in {"gamma=1": ("swept",), "gmma=1": ("did you mean 'gamma'?",), "width": ("PARAMETER=VALUE",),
                           "width=many": ("width", "many"), "width=0": ("width", "0"), "width=": ("width",),
                           "=1": ("''",), "kernel=fast": ("fast",), "loss=mes": ("did you mean 'mse'?",)}.items():
        wgf("plan", "spec.yaml", "--set", setting).require(USAGE, "--set", *words).quietly()
    wgf("plan", "spec.yaml", "--set", "n=5", "--set", "n=6").require(USAGE, "n is set twice").quietly()


@case
def path_that_is_not_utf8_is_refused(wgf):
    wgf.write("spec.yaml", "name: x\n")
    done = wgf("plan", "spec.yaml", "--set", os.fsdecode(b"test_file=caf\xe9.csv")).require(USAGE).quietly()
    equal(done.err, "wgf: error: --set 'test_file=caf?.csv': test_file: 'caf?.csv' is not UTF-8; rename the file\n",
          "stderr")


@case
def every_wrong_set_is_reported(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {gamma: -1}\n")
    done = wgf("plan", "spec.yaml", "--set", "n=a", "--set", "wdth=1").require(USAGE).quietly()
    for words in ("n=a", "wdth=1", "spec.yaml:2:"):
        require(words in done.err, f"{words} is not in {done.err!r}")


@case
def conflict_of_a_set_names_the_command_line(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {data: sinus}\n")
    wgf("plan", "spec.yaml", "--set", "d=3").require(USAGE, "d is 3", "sinus").quietly()


@case
def spec_from_standard_input(wgf):
    done = wgf("plan", "-", stdin=MIXED).require(OK)
    equal(count(done.out, "jobs"), GD_JOBS + PROX_JOBS, "jobs")
    done = wgf("plan", "-", stdin="name: x\nfixed: {gama: 1}\n").require(USAGE, "did you mean 'gamma'?").quietly()
    require("-:2:9: error: " in done.err or "<stdin>:2:9: error: " in done.err, f"stderr {done.err!r}")


@case
def files_are_relative_to_the_spec(wgf):
    os.mkdir(wgf.path("inner"))
    wgf.write("inner/data.csv", "x,y\n1,2\n3,4\n5,6\n")
    wgf.write("inner/spec.yaml", "name: x\nfixed: {data: file, data_file: data.csv}\n")
    _, rows = wgf("plan", "--csv", "inner/spec.yaml").require(OK).table()
    equal((rows[0]["n"], rows[0]["d"], rows[0]["data_file"]), ("3", "2", "data.csv"), "n, d, data_file")


@case
def what_only_looks_like_a_conflict(wgf):
    wgf.write("two.csv", "1,2\n3,4\n5,6\n")
    wgf.write("three.csv", "1,2,3\n4,5,6\n")
    wgf.write("neurons.csv", "1,2,3,1\n4,5,6,-1\n")
    for fixed, sweep in {
        "init: grid, width: 968": "", "init: grid, width: 1024, signs: positive": "",
        "data: three_points, n: 3, d: 2": "",
        "d: 2": "data: [random, sinus, three_points]", "data: file, data_file: two.csv, n: 3, d: 2": "",
        "width: 8": "init: [normal, grid]", "layers: both, method: gd": "",
        "data: file": "data_file: [two.csv, three.csv]",
        "d: 3, init: file, init_file: neurons.csv, width: 2": "", "data_file: absent.csv, init_file: absent.csv": "",
        "data: file, data_file: three.csv, test_file: three.csv, init: file, init_file: neurons.csv": "",
        "data: file, test_file: three.csv": "data_file: [three.csv, absent.csv]",
        "data: file, init: file, init_file: neurons.csv": "data_file: [three.csv, absent.csv]",
    }.items():
        wgf.write("spec.yaml", f"name: x\nfixed: {{{fixed}}}\nsweep: {{{sweep}}}\n" if sweep else
                  f"name: x\nfixed: {{{fixed}}}\n")
        done = wgf("plan", "spec.yaml")
        require(done.code == OK, f"{fixed}; {sweep}: {done.err.strip()}")


@case
def huge_plan_is_printed_at_once(wgf):
    for extra in ("", "fixed: {save: last}\n"):
        wgf.write("spec.yaml", HUGE + extra)
        with within(1):
            out = wgf("plan", "spec.yaml").require(OK).out
        equal(count(out, "jobs"), 10**12, f"jobs with {extra!r}")


BLOCKS = """\
name: blocks
fixed: {n: 7, steps: 3}
sweep:
  - fixed: {method: jko, steps: 2}
    product: {grid: [8, 9]}
    zip: {gamma: [0.1, 0.2], epsilon: [0.01, 0.02]}
    exclude: [{grid: 9, epsilon: "<= 0.01"}]
  - product: {method: [gd, prox], gamma: [0.1, 0.2]}
  - fixed: {width: 1000}
    product: {gamma: [0.2, 0.3]}
  - sample: {count: 4, design: latin, seed: 1}
    over: {gamma: {loguniform: [0.001, 10]}, width: {integers: [10, 20]}}
"""


@case
def blocks_are_joined_in_order(wgf):
    wgf.write("spec.yaml", BLOCKS)
    done = wgf("plan", "spec.yaml").require(OK)
    equal(done.err, "", "warnings")
    found = [count(done.out, words) for words in ("jobs", "duplicates dropped", "excluded")]
    equal(found, [3 + 4 + 1 + 4, 1, 1], "jobs, duplicates, excluded")
    heads = re.findall(r"^block (\d), jobs: (\d+); axes, the last fastest(.*):$", done.out, re.MULTILINE)
    plus = ", those with + together with the one above"
    equal(heads, [("1", "3", plus), ("2", "4", ""), ("3", "1", ""), ("4", "4", plus)], "blocks")
    equal(re.findall(r"^\+ (\w+)", done.out, re.MULTILINE), ["epsilon", "width"], "axes that advance with others")
    _, rows = jobs(wgf, BLOCKS)
    got = [(row["method"], row["grid"], float(row["gamma"]), row["steps"]) for row in rows[:8]]
    expected = [("jko", "8", 0.1, "2"), ("jko", "8", 0.2, "2"), ("jko", "9", 0.2, "2"), ("gd", "32", 0.1, "3"),
                ("gd", "32", 0.2, "3"), ("prox", "32", 0.1, "3"), ("prox", "32", 0.2, "3"), ("gd", "32", 0.3, "3")]
    equal(got, expected, "method, grid, gamma and steps")


@case
def set_overrides_what_blocks_fix(wgf):
    _, rows = jobs(wgf, BLOCKS, "--set", "steps=5", "--set", "init_scale=0.5")
    equal({row["steps"] for row in rows}, {"5"}, "steps")
    wgf("plan", "spec.yaml", "--set", "epsilon=1").require(USAGE, "epsilon is swept").quietly()


@case
def what_excludes_no_job_is_a_warning(wgf):
    wgf.write("spec.yaml", "name: x\nsweep:\n  - product: {gamma: [1, 2]}\n    exclude: [{gamma: 1}, {gamma: 3}]\n")
    done = wgf("plan", "spec.yaml").require(OK)
    require(done.err.startswith("spec.yaml:4:27: warning: no job of the block matches"), f"stderr {done.err!r}")
    equal(len(done.err.splitlines()), 1, "warnings")


@case
def conflict_of_an_excluded_job_is_none(wgf):
    text = "name: x\nsweep:\n  - product: {method: [gd, wfr], d: [2, 3], seed: [1, 2]}\n"
    wgf.write("spec.yaml", text)
    wgf("plan", "spec.yaml").require(USAGE, "method: wfr needs d = 2").quietly()
    _, rows = jobs(wgf, text + "    exclude: [{method: wfr, d: 3}]\n")
    equal(len(rows), 5, "jobs")


@case
def blocks_of_a_result_resume(wgf):
    wgf.write("spec.yaml", BLOCKS.replace("width: 1000", "width: 9"))
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--jobs", "0-4").require(OK)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    wgf("verify", "out.h5").require(OK)
    with h5py.File(wgf.path("out.h5")) as file:
        axes = [axis.decode() if isinstance(axis, bytes) else axis for axis in file.attrs["axes"]]
        equal(axes, ["grid", "gamma", "epsilon", "method", "width", "steps"], "axes")
    with xarray.open_dataset(wgf.path("out.h5"), engine="h5netcdf") as sweep:
        cube = sweep[axes + ["objective_final"]].set_index(job=axes).unstack("job")
        equal(int(cube.objective_final.notnull().sum()), int(sweep.objective_final.notnull().sum()), "jobs in the cube")
    wgf.write("other.yaml", wgf.path("spec.yaml").read_text().replace("count: 4", "count: 5"))
    wgf("run", "other.yaml", "-o", "out.h5", "--quiet").require(USAGE, "another plan")


def write_family(wgf):
    """A spec, its base in a folder, and the base of that in another; each names a file beside itself."""
    os.makedirs(wgf.path("base/deep"))
    wgf.write("base/data.csv", "1,2,3\n4,5,6\n")
    wgf.write("base/deep/test.csv", "1,2,3\n")
    wgf.write("base/deep/grand.yaml", "%YAML 1.1\n---\nfixed: {width: 4, steps: 7, test_file: test.csv, gamma: 1}\n")
    wgf.write("base/base.yaml", "name: base\ndescription: of others\nextends: deep/grand.yaml\n"
              "fixed: {data: file, data_file: data.csv, steps: 3}\nsweep: {seed: [1, 2]}")
    wgf.write("spec.yaml", "extends: base/base.yaml\nname: child\nfixed: {layers: both}\nsweep: {gamma: [0.1, 0.2]}")


@case
def specs_extend_others(wgf):
    write_family(wgf)
    _, rows = wgf("plan", "--csv", "spec.yaml").require(OK).table()
    got = [[row[name] for name in ("steps", "width", "layers", "seed", "data_file", "test_file")] for row in rows]
    equal(got, [["3", "4", "both", "1", "base/data.csv", "base/deep/test.csv"]] * 2, "rows")
    equal([float(row["gamma"]) for row in rows], [0.1, 0.2], "gamma")
    require(wgf("plan", "spec.yaml").out.startswith("child: of others\n"), "name and description")
    wgf.write("spec.yaml", "extends: base/base.yaml\n")
    _, rows = wgf("plan", "--csv", "spec.yaml").require(OK).table()
    equal([(row["seed"], row["gamma"]) for row in rows], [("1", "1"), ("2", "1")], "the sweep of the base")


@case
def result_keeps_what_its_spec_extends(wgf):
    write_family(wgf)
    files = [wgf.path(name).read_text() for name in ("spec.yaml", "base/base.yaml", "base/deep/grand.yaml")]
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--jobs", "0").require(OK)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    with h5py.File(wgf.path("out.h5")) as file:
        text = file.attrs["spec"]
    text = text.decode() if isinstance(text, bytes) else text
    equal(text, f"{files[0]}\n... # extends base/base.yaml\n{files[1]}\n... # extends deep/grand.yaml\n{files[2]}",
          "the attribute spec")
    wgf.write("spec.yaml", text)
    for name in ("base/base.yaml", "base/deep/grand.yaml"):
        os.unlink(wgf.path(name))
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    _, rows = wgf("show", "out.h5", "--job", "1", "--data").require(OK).table()
    equal(len(rows), 2, "samples")


@case
def errors_of_what_is_extended_have_its_name(wgf):
    write_family(wgf)
    for base, child, place in (
            ("fixed: {gama: 1}", "", "base/base.yaml:1:9: error: unknown parameter"),
            ("sweep: {gamma: [1]}", "fixed: {gamma: 1}\n", "spec.yaml:3:9: error: gamma is swept on line 1 of base/"),
            ("fixed: {method: wfr, d: 3}", "", "base/base.yaml:1:17: error: method: wfr needs d = 2"),
            ("extends: ../spec.yaml", "", "base/base.yaml:1:10: error: extends: this file is, or extends, the one"),
            ("extends: base.yaml", "", "base/base.yaml:1:10: error: extends: this file is, or extends, the one"),
            ("extends: absent.yaml", "", "base/base.yaml:1:10: error: extends: cannot read the spec base/absent.yaml"),
            ("extends: [a]", "", "base/base.yaml:1:10: error: extends: use one value"), ("", "", "base/base.yaml:1:1")):
        wgf.write("base/base.yaml", base)
        wgf.write("spec.yaml", "name: x\nextends: base/base.yaml\n" + child)
        done = wgf("plan", "spec.yaml").require(USAGE).quietly()
        require(done.err.startswith(place) and len(done.err.splitlines()) == 1, f"{base}: {done.err}")
    wgf.write("base/base.yaml", "fixed: {d: 1, wdth: 3}\n")
    wgf.write("spec.yaml", "name: x\nextends: base/base.yaml\nfixed: {n: 0}\n")
    done = wgf("plan", "spec.yaml").require(USAGE, "base/base.yaml:1:15: ", "\nspec.yaml:3:12: ").quietly()
    equal(len(done.err.splitlines()), 2, "errors of both files")


HUGE_BLOCKS = """\
name: huge
sweep:
  - product: {seed: {range: [0, 1000000000]}}
    zip: {gamma: [0.1, 0.2], steps: [3, 4]}
  - product: {seed: {range: [0, 1000000000]}}
    zip: {gamma: [0.3, 0.2], steps: [3, 5]}
  - product: {seed: {range: [999999990, 2000000000]}, gamma: [0.1, 0.2], steps: [3]}
"""


@case
def huge_blocks_take_no_memory(wgf):
    wgf.write("spec.yaml", HUGE_BLOCKS)
    process = wgf.start("plan", "spec.yaml")
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    equal((process.returncode, count(out, "jobs"), count(out, "duplicates dropped")), (OK, 6 * 10**9 + 10, 10), "plan")
    require(usage.ru_utime < 2 and usage.ru_maxrss < 200000, f"{usage.ru_utime} s, {usage.ru_maxrss} kB")


@case
def plan_that_nobody_can_number_is_refused(wgf):
    wgf.write("spec.yaml", HUGE + "  noise: {linspace: [0, 1, 1000]}\n  data_seed: {range: [0, 1000000]}\n"
              "fixed: {data: linear}\n")
    wgf("plan", "spec.yaml").require(USAGE, "rows").quietly()


@case
def size_of_the_result_file_is_told(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {steps: 10, n: 4, width: 4}\nsweep: {seed: {range: [0, 2000]}}\n")
    out = wgf("plan", "spec.yaml").require(OK).out
    value, unit = re.search(r"^result file: ([\d.]+) (B|kB|MB|GB)$", out, re.MULTILINE).groups()
    told = float(value) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    size = wgf.path("out.h5").stat().st_size
    require(0.7 * size < told < 1.3 * size, f"the plan says {told:g} bytes, the file has {size}")


@case
def plan_of_a_stiff_pde_is_long(wgf):
    """No step of it ends while it is measured; cells of 1e-8 need more than 1e6 time steps a step."""
    wgf.write("stiff.yaml", "name: stiff\nfixed: {method: pde, n: 8, grid: 33, grid_grading: 20, steps: 10}\n")
    out = wgf("plan", "stiff.yaml").require(OK).out
    require(re.search(r"^time: about \d+ (min|h|days?)\b", out, re.MULTILINE), out)


@case
def plan_leaves_nothing_behind(wgf):
    wgf.write("spec.yaml", MIXED)
    before = sorted(os.listdir(wgf.folder))
    wgf("plan", "spec.yaml").require(OK)
    wgf("plan", "spec.yaml", "--set", "x=1").require(USAGE)
    equal(sorted(os.listdir(wgf.folder)), before, "files")


@case
def errors_of_a_spec(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {gama: 1, width: no}\n")
    done = wgf("plan", "spec.yaml").require(USAGE, "spec.yaml:2:9: error: ", "spec.yaml:2:25: error: ").quietly()
    equal(len(done.err.splitlines()), 2, "lines on stderr")
    wgf("plan", "absent.yaml").require(USAGE, "absent.yaml", "No such file").quietly()


@case
def full_disk_is_an_error(wgf):
    if not os.path.exists("/dev/full"):
        return
    wgf.write("spec.yaml", MIXED)
    with open("/dev/full", "w") as full:
        process = wgf.start("plan", "--csv", "spec.yaml", stdout=full)
        err = finish(process).err
    equal(process.returncode, 1, "exit code")
    require("standard output" in err, f"stderr {err!r}")


if __name__ == "__main__":
    main()
