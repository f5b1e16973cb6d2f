#!/usr/bin/python3
"""`wgf run` to its end: results, failed rows, exit codes, and files that are there already. test_run.py WGF_BINARY"""

import math
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
from harness import (DIVERGED, DONE, ERROR, FAILED, FAILURES, OK, PENDING, RUNNING, TIMEOUT, USAGE, Skip, case, column,
                     equal, finish, main, messages, require, wait_until)

SMALL = "name: small\nfixed: {n: 5, width: 4, steps: 6}\nsweep: {seed: {range: [0, 8]}}\n"
ENDLESS = "name: endless\nfixed: {steps: 10000000000, record_every: 10000000000, n: 5, width: 4}\n"
SAMPLES = "x,y\n1,2\n2,1\n4,8\n"


def states(path):
    return list(column(path, "status"))


def one_failure(wgf, path, job, *words):
    """All rows are done but one, which says these words."""
    expected = [FAILED if k == job else DONE for k in range(len(states(path)))]
    equal(states(path), expected, "states")
    for word in words:
        require(word in messages(path)[job], f"no {word!r} in the message {messages(path)[job]!r}")
    require(np.isnan(column(path, "objective_final")[job]), "a failed row has an objective")
    require(np.isnan(column(path, "objective")[job]).all(), "a failed row has a trace")


@case
def all_done(wgf):
    wgf.write("spec.yaml", SMALL)
    done = wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "small", "8 done", "of 8 jobs", "out.h5").quietly()
    require("failed" not in done.err, f"stderr {done.err!r}")
    equal(states(wgf.path("out.h5")), [DONE] * 8, "states")
    equal(sorted(os.listdir(wgf.folder)), ["out.h5", "spec.yaml"], "files")


@case
def quiet_prints_nothing(wgf):
    wgf.write("spec.yaml", SMALL)
    done = wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK).quietly()
    equal(done.err, "", "stderr")


@case
def long_and_short_options(wgf):
    wgf.write("spec.yaml", SMALL)
    wgf("run", "--output=a.h5", "--set=steps=2", "spec.yaml", "--set", "width=3").require(OK).quietly()
    equal(set(column(wgf.path("a.h5"), "steps")), {2}, "steps")
    equal(set(column(wgf.path("a.h5"), "width")), {3}, "width")


@case
def command_for_the_figure_is_fit_for_a_shell(wgf):
    wgf.write("spec.yaml", SMALL)
    for name in ("plain-1.h5", "two words.h5", "it's $HOME.h5"):
        err = wgf("run", "spec.yaml", "-o", name).require(OK).err
        command = err.split("draw it with: ")[1].splitlines()[0]
        python, script, result = shlex.split(command)
        equal((python, Path(script).name, result), ("python3", "plot.py", name), "words of the command")
        require(wgf.path(script).is_file(), f"there is no {script}")
        require(name != "plain-1.h5" or "'" not in command, f"needless quotes in {command!r}")


@case
def spec_from_standard_input(wgf):
    wgf.write("data.csv", SAMPLES)
    text = "name: piped\nfixed: {data: file, data_file: data.csv, width: 4, steps: 2}\n"
    wgf("run", "-", "-o", "out.h5", stdin=text).require(OK, "piped").quietly()
    equal((states(wgf.path("out.h5")), list(column(wgf.path("out.h5"), "n"))), ([DONE], [3]), "state, n")


@case
def output_in_another_folder(wgf):
    os.mkdir(wgf.path("in"))
    os.mkdir(wgf.path("out"))
    wgf.write("in/data.csv", SAMPLES)
    wgf.write("in/spec.yaml", "name: x\nfixed: {data: file, data_file: data.csv, width: 4, steps: 2}\n")
    wgf("run", "in/spec.yaml", "-o", "out/result.h5").require(OK).quietly()
    equal(states(wgf.path("out/result.h5")), [DONE], "states")


@case
def no_steps_at_all(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 0}\n")
    equal(states(path), [DONE], "states")
    equal(column(path, "objective").shape, (1, 1), "shape of the trace")
    equal(column(path, "objective_final")[0], column(path, "objective")[0, 0], "final objective")


@case
def diverged_is_a_result(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 2000, weight_decay: 1}\nsweep: {gamma: [0.01, 1000]}\n")
    equal(states(path), [DONE, DIVERGED], "states")
    steps = column(path, "steps_done")
    require(steps[0] == 2000 and 0 < steps[1] < 2000, f"steps {steps}")
    require("gamma" in messages(path)[1] and str(steps[1]) in messages(path)[1], f"message {messages(path)[1]!r}")
    wgf("status", path, "--exit-code").require(OK)


@case
def missing_data_file_is_a_failed_row(wgf):
    wgf.write("good.csv", SAMPLES)
    wgf.write("spec.yaml", "name: x\nfixed: {data: file, width: 4, steps: 2}\n"
              "sweep: {data_file: [good.csv, absent.csv], seed: [1, 2]}\n")
    wgf("run", "spec.yaml", "-o", "out.h5").require(FAILURES, "2 done", "2 failed").quietly()
    path = wgf.path("out.h5")
    equal(states(path), [DONE, DONE, FAILED, FAILED], "states")
    require("absent.csv" in messages(path)[2] and "No such file" in messages(path)[3], f"messages {messages(path)}")


@case
def other_missing_files_are_failed_rows(wgf):
    for name, init, rows in (("test_file", "normal", SAMPLES), ("init_file", "file", "3,1,1\n2,5,-1\n")):
        wgf.write("good.csv", rows)
        text = f"name: x\nfixed: {{n: 5, steps: 2, init: {init}}}\nsweep: {{{name}: [good.csv, absent.csv]}}\n"
        path = wgf.result(text, FAILURES, f"{name}.h5")
        one_failure(wgf, path, 1, "absent.csv", "No such file")


@case
def not_a_number_in_the_data(wgf):
    wgf.write("good.csv", SAMPLES)
    for value in ("nan", "inf", "abc", ""):
        wgf.write("bad.csv", SAMPLES + f"3,{value}\n")
        text = "name: x\nfixed: {data: file, width: 4, steps: 2}\nsweep: {data_file: [good.csv, bad.csv]}\n"
        path = wgf.result(text, FAILURES, "out.h5", "--overwrite")
        one_failure(wgf, path, 1, "bad.csv")


@case
def ragged_data(wgf):
    wgf.write("good.csv", SAMPLES)
    wgf.write("bad.csv", SAMPLES + "3,4,5\n")
    text = "name: x\nfixed: {data: file, width: 4, steps: 2}\nsweep: {data_file: [bad.csv, good.csv]}\n"
    one_failure(wgf, wgf.result(text, FAILURES), 0, "bad.csv", "5")


@case
def memory_that_cannot_fit_is_a_failed_row(wgf):
    for method in ("gd", "prox"):
        text = f"name: x\nfixed: {{n: 5, steps: 2, method: {method}}}\nsweep: {{width: [4, 1000000000000, 6]}}\n"
        path = wgf.result(text, FAILURES, f"{method}.h5")
        one_failure(wgf, path, 1, "memory", "GB", "width")


@case
def ranks_share_the_memory_of_the_machine(wgf):
    """A job that would fit alone, but not once for each of eight workers."""
    huge = 10**12
    path = wgf.result(f"name: x\nfixed: {{n: 5, steps: 1, width: {huge}}}\n", FAILURES)
    need, there = (float(number) for number in re.findall(r"([-+.e\d]+) GB", messages(path)[0]))
    width = int(0.15 * huge * there / need)
    wgf.write("spec.yaml", f"name: x\nfixed: {{n: 5, steps: 1}}\nsweep: {{width: [4, {width}]}}\n")
    wgf("run", "spec.yaml", "-o", "shared.h5", ranks=9).require(FAILURES)
    one_failure(wgf, wgf.path("shared.h5"), 1, "memory", "each of the 8 ranks")


@case
def many_samples_that_cannot_fit(wgf):
    path = wgf.result("name: x\nfixed: {width: 4, steps: 2}\nsweep: {n: [4, 1000000000000]}\n", FAILURES)
    one_failure(wgf, path, 1, "memory", "GB")


@case
def time_limit_is_a_timeout_row(wgf):
    text = "name: x\nfixed: {record_every: 10000000000, n: 5, width: 4, time_limit: 0.2}\n"
    path = wgf.result(text + "sweep: {method: [gd, prox], steps: [3, 10000000000]}\n", FAILURES)
    equal(states(path), [DONE, TIMEOUT, DONE, TIMEOUT], "states")
    seconds = column(path, "seconds")
    require(0.2 <= min(seconds[1], seconds[3]), f"seconds {seconds}")
    require("time_limit" in messages(path)[1], f"message {messages(path)[1]!r}")
    require(math.isfinite(column(path, "objective_final")[1]), "a timeout row keeps its last objective")


@case
def stop_objective_ends_a_job(wgf):
    text = "name: x\nfixed: {data: linear, n: 9, width: 20, steps: 100000, record_every: 100000, init_scale: 0.1}\n"
    path = wgf.result(text + "sweep: {stop_objective: [0.01]}\n")
    require(0 < column(path, "steps_done")[0] < 100000, "runs to the end")
    require(column(path, "objective_final")[0] <= 0.01, "stops too early")
    equal(column(path, "step")[0, 1], column(path, "steps_done")[0], "last recorded step")


@case
def fail_fast_stops_at_the_first_failure(wgf):
    wgf.write("good.csv", SAMPLES)
    files = ["good.csv"] + [f"absent{i}.csv" for i in range(50)]
    text = f"name: x\nfixed: {{data: file, width: 4, steps: 2}}\nsweep: {{data_file: [{', '.join(files)}]}}\n"
    path = wgf.result(text, FAILURES, "out.h5", "--fail-fast")
    equal(states(path), [DONE, FAILED] + [PENDING] * 49, "states")
    equal(list(column(path, "attempts")), [1, 1] + [0] * 49, "attempts")


@case
def unwritable_output(wgf):
    wgf.write("spec.yaml", SMALL)
    wgf.write("file", "x")
    os.mkdir(wgf.path("folder"))
    outputs = {"absent/out.h5": "No such file", "file/out.h5": "Not a directory", "/proc/out.h5": "/proc"}
    for output, word in outputs.items():
        wgf("run", "spec.yaml", "-o", output).require(ERROR, output, word).quietly()
    wgf("run", "spec.yaml", "-o", "folder", "--overwrite").require(ERROR, "a folder").quietly()
    equal(sorted(os.listdir(wgf.folder)), ["file", "folder", "spec.yaml"], "files")


@case
def file_beyond_the_disk(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {steps: 100000}\nsweep: {seed: {range: [0, 1000000]}}\n")
    wgf("run", "spec.yaml", "-o", "out.h5").require(ERROR, "out.h5", "GB").quietly()
    equal(os.listdir(wgf.folder), ["spec.yaml"], "files")


@case
def wrong_spec_runs_nothing(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {gama: 1}\n")
    wgf("run", "spec.yaml", "-o", "out.h5").require(USAGE, "spec.yaml:2:9: error: ", "did you mean 'gamma'?").quietly()
    wgf("run", "absent.yaml", "-o", "out.h5").require(USAGE, "absent.yaml").quietly()
    equal(os.listdir(wgf.folder), ["spec.yaml"], "files")


@case
def existing_output_is_refused_and_untouched(wgf):
    path = wgf.result(SMALL)
    before = path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino
    wgf.write("other.yaml", SMALL.replace("steps: 6", "steps: 7"))
    wgf("run", "other.yaml", "-o", "out.h5").require(USAGE, "out.h5").quietly()
    equal((path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before, True, "untouched")
    equal(sorted(os.listdir(wgf.folder)), ["other.yaml", "out.h5", "spec.yaml"], "files")


@case
def foreign_file_is_refused_and_untouched(wgf):
    wgf.write("spec.yaml", SMALL)
    with h5py.File(wgf.path("theirs.h5"), "w") as file:
        file["measured"] = np.arange(9.0)
    wgf.write("thesis.txt", "years of work\n")
    wgf.write("empty.h5", "")
    wgf.result(SMALL, OK, "cut.h5")
    os.truncate(wgf.path("cut.h5"), 5000)
    words = {"theirs.h5": "not of wgf", "thesis.txt": "not an HDF5 file", "empty.h5": "empty", "cut.h5": "cut short"}
    for name, word in words.items():
        before = wgf.path(name).read_bytes(), wgf.path(name).stat().st_ino
        wgf("run", "spec.yaml", "-o", name).require(ERROR, name, word).quietly()
        wgf("run", "spec.yaml", "-o", name, "--overwrite").require(ERROR, name, word, "--overwrite").quietly()
        require((wgf.path(name).read_bytes(), wgf.path(name).stat().st_ino) == before, f"{name} was changed")
    equal(sorted(os.listdir(wgf.folder)), sorted([*words, "spec.yaml"]), "files")


@case
def overwrite_starts_anew(wgf):
    path = wgf.result(SMALL)
    wgf.result(SMALL.replace("steps: 6", "steps: 7"), OK, "out.h5", "--overwrite")
    equal(set(column(path, "steps")), {7}, "steps")
    wgf("run", "spec.yaml", "-o", "new.h5", "--overwrite").require(OK).quietly()
    equal(sorted(os.listdir(wgf.folder)), ["new.h5", "out.h5", "spec.yaml"], "files")


@case
def link_as_output_stays_one(wgf):
    os.mkdir(wgf.path("disk"))
    path = wgf.result(SMALL, OK, "disk/real.h5")
    wgf.path("out.h5").symlink_to("disk/real.h5")
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "nothing is left").quietly()
    for ranks in (0, 2):
        steps = 9 + ranks
        wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--set", f"steps={steps}", ranks=ranks).require(OK)
        require(wgf.path("out.h5").is_symlink() and not path.is_symlink(), "the link was replaced")
        equal(set(column(path, "steps")), {steps}, "steps")
    equal(os.listdir(wgf.path("disk")), ["real.h5"], "files")
    wgf.path("nowhere.h5").symlink_to("absent/real.h5")
    wgf("run", "spec.yaml", "-o", "nowhere.h5").require(ERROR, "link nowhere.h5", "No such file").quietly()
    require(wgf.path("nowhere.h5").is_symlink(), "the link to nowhere was replaced")


@case
def file_that_may_not_be_written(wgf):
    path = wgf.result(SMALL)
    os.chmod(path, 0o444)
    immutable = subprocess.run(["chattr", "+i", path], capture_output=True).returncode == 0
    if not immutable and os.access(path, os.W_OK):
        raise Skip("no file is protected from root here")
    try:
        done = wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite").require(ERROR, "cannot write out.h5").quietly()
        why = "Operation not permitted", "Permission denied"
        require(any(word in done.err for word in why), f"stderr {done.err!r}")
    finally:
        subprocess.run(["chattr", "-i", path], capture_output=True)
    equal(states(path), [DONE] * 8, "states")


@case
def output_never_replaces_an_input(wgf):
    text = "name: x\nfixed: {data: file, data_file: d.csv, test_file: t.csv, init: file, init_file: i.csv, steps: 2}\n"
    inputs = {"spec.yaml": text, "d.csv": SAMPLES, "t.csv": SAMPLES, "i.csv": "3,1,1\n2,5,-1\n"}
    for name, content in inputs.items():
        wgf.write(name, content)
    for name, content in inputs.items():
        wgf("run", "spec.yaml", "-o", name, "--overwrite").require(USAGE, name).quietly()
        equal(wgf.path(name).read_bytes(), content.encode(), name)


@case
def overwrite_with_a_wrong_spec_keeps_the_file(wgf):
    path = wgf.result(SMALL)
    before = path.read_bytes()
    wgf.write("spec.yaml", SMALL + "extra: 1\n")
    wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite").require(USAGE).quietly()
    wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--frob").require(USAGE).quietly()
    require(path.read_bytes() == before, "the file was changed")


@case
def two_runs_do_not_share_a_file(wgf):
    wgf.write("spec.yaml", ENDLESS)
    first = wgf.start("run", "spec.yaml", "-o", "out.h5")
    path = wgf.path("out.h5")
    wait_until(lambda: path.exists() and states(path) == [RUNNING], "the first run")
    wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite").require(ERROR, "another run").quietly()
    equal(states(path), [RUNNING], "state of the first run's job")
    first.send_signal(signal.SIGTERM)
    finish(first).require(75)


def runs_at_once(wgf, count, ranks, *options):
    """Starts `count` runs of one spec into one file, and returns their outcomes."""
    wgf.write("spec.yaml", SMALL)
    runs = [wgf.start("run", "spec.yaml", "-o", "out.h5", *options, ranks=ranks) for _ in range(count)]
    return [finish(run) for run in runs]


@case
def one_of_many_runs_at_once_makes_the_file(wgf):
    for count, ranks, times in ((6, 0, 20), (2, 2, 3)):
        for _ in range(times):
            done = runs_at_once(wgf, count, ranks)
            require(any(outcome.code == OK for outcome in done), "no run ends well")
            for outcome in done:
                require(outcome.code in (OK, ERROR) and "out.h5" in outcome.err, f"stderr {outcome.err!r}")
            equal(list(column(wgf.path("out.h5"), "attempts")), [1] * 8, "attempts")
            equal(states(wgf.path("out.h5")), [DONE] * 8, "states")
            equal(sorted(os.listdir(wgf.folder)), ["out.h5", "spec.yaml"], "files")
            wgf.path("out.h5").unlink()


@case
def runs_at_once_that_overwrite_leave_a_whole_file(wgf):
    for _ in range(10):
        done = runs_at_once(wgf, 6, 0, "--overwrite")
        codes = {outcome.code for outcome in done}
        require(OK in codes and codes <= {OK, ERROR}, f"exit codes {codes}")
        equal(states(wgf.path("out.h5")), [DONE] * 8, "states")
        equal(sorted(os.listdir(wgf.folder)), ["out.h5", "spec.yaml"], "files")


@case
def team_has_the_same_exit_codes(wgf):
    wgf.write("good.yaml", SMALL)
    wgf.write("bad.yaml", "name: x\nfixed: {gama: 1}\n")
    wgf.write("failing.yaml", "name: x\nfixed: {n: 5, steps: 2}\nsweep: {width: [4, 1000000000000, 6]}\n")
    wgf("run", "good.yaml", "-o", "out.h5", ranks=3).require(OK, "8 done").quietly()
    equal(states(wgf.path("out.h5")), [DONE] * 8, "states")
    wgf("run", "good.yaml", "-o", "out.h5", "--set", "steps=9", ranks=3).require(USAGE, "out.h5 holds").quietly()
    wgf("run", "failing.yaml", "-o", "failing.h5", ranks=3).require(FAILURES, "1 failed").quietly()
    equal(states(wgf.path("failing.h5")), [DONE, FAILED, DONE], "states")
    wgf("run", "good.yaml", "-o", "absent/out.h5", ranks=2).require(ERROR, "absent/out.h5").quietly()
    done = wgf("run", "bad.yaml", "-o", "bad.h5", ranks=3).require(USAGE).quietly()
    equal(done.err.count("bad.yaml:2:9: error: "), 1, "times that the error is told")


@case
def team_tells_a_wrong_option_once(wgf):
    wgf.write("spec.yaml", SMALL)
    done = wgf("run", "spec.yaml", "-o", "out.h5", "--frob", ranks=3).require(USAGE).quietly()
    equal(done.err.count("unknown option '--frob'"), 1, "times that the error is told")


if __name__ == "__main__":
    main()
