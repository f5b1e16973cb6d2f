#!/usr/bin/python3
"""`wgf status`: counts, JSON, exit codes, and files that are no good. test_status.py WGF_BINARY"""

import json
import os
import re
import signal
import time

import h5py
import numpy as np
from harness import (ERROR, FAILURES, OK, STATES, STOPPED, case, column, equal, finish, kill_all, let_on, main,
                     messages, require, wait_until)

GOOD = "name: good\nfixed: {n: 5, width: 4, steps: 6}\nsweep: {seed: {range: [0, 8]}}\n"
# Two done, two timeouts, four failed.
TROUBLED = """\
name: troubled
fixed: {n: 5, steps: 100000000000, record_every: 100000000000, time_limit: 0.1}
sweep:
  width: [4, 1000000000000]
  stop_objective: [1000, 0]
  seed: [1, 2]
"""
ENDLESS = "name: endless\nfixed: {n: 5, width: 4, record_every: 100000000000}\n" \
          "sweep: {steps: [20, 100000000000], seed: {range: [0, 6]}}\n"
BUSY = "name: busy\nfixed: {n: 50, width: 100, steps: 2000, record_every: 10, save: last}\n" \
       "sweep: {seed: {range: [0, 400]}}\n"


def counts_in(path):
    status = column(path, "status")
    return {name: int((status == number).sum()) for number, name in enumerate(STATES)}


def counts_printed(out):
    printed = dict.fromkeys(STATES, 0)
    for name, number in re.findall(r"^  (\w+) +(\d+)$", out, re.MULTILINE):
        printed[name] = int(number)
    return printed


def agrees(summary, path):
    """JSON against the file."""
    equal(summary["counts"], counts_in(path), "counts")
    equal(summary["jobs"], len(column(path, "status")), "jobs")
    names = [STATES[state] for state in column(path, "status")]
    failures = [(k, names[k], messages(path)[k]) for k in range(len(names)) if names[k] in STATES[4:]]
    equal([(f["job"], f["status"], f["message"]) for f in summary["failures"]], failures, "failures")
    ended = column(path, "status") > 1
    if ended.any():
        started, seconds = column(path, "started")[ended], column(path, "seconds")[ended]
        elapsed = (started + seconds).max() - started.min()
        require(np.isclose(summary["elapsed"], elapsed, rtol=1e-12), f"elapsed {summary['elapsed']}, not {elapsed}")
        require(np.isclose(summary["rate"], ended.sum() / elapsed, rtol=1e-12), f"rate {summary['rate']}")


def interrupted(wgf):
    """A file with jobs that are done and jobs that are pending."""
    wgf.write("spec.yaml", ENDLESS)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5")
    path = wgf.path("out.h5")
    wait_until(lambda: path.exists() and column(path, "status").any(), "the first job")
    process.send_signal(signal.SIGTERM)
    finish(process).require(STOPPED)
    return path


@case
def all_done(wgf):
    path = wgf.result(GOOD)
    done = wgf("status", "out.h5").require(OK)
    require(done.out.startswith("out.h5: good, 8 jobs\n") and done.err == "", f"says {done.out!r}, {done.err!r}")
    equal(counts_printed(done.out), counts_in(path), "counts")
    require("jobs/s" in done.out and "left" not in done.out, f"says {done.out!r}")


@case
def troubles_with_their_messages(wgf):
    path = wgf.result(TROUBLED, FAILURES)
    out = wgf("status", "out.h5").require(OK).out
    equal(counts_printed(out), counts_in(path), "counts")
    for k, message in enumerate(messages(path)):
        require(not message or f"job {k} {STATES[column(path, 'status')[k]]}: {message}\n" in out,
                f"job {k} is not in {out!r}")
    equal(counts_in(path), dict.fromkeys(STATES, 0) | {"done": 2, "timeout": 2, "failed": 4}, "counts in the file")


@case
def many_failures_are_cut_for_people_alone(wgf):
    wgf.result("name: x\nfixed: {width: 1000000000000, n: 5}\nsweep: {seed: {range: [0, 50]}}\n", FAILURES)
    out = wgf("status", "out.h5").require(OK).out
    require(len(out.splitlines()) < 30 and "30 more" in out, f"says {out!r}")
    equal(len(json.loads(wgf("status", "out.h5", "--json").require(OK).out)["failures"]), 50, "failures in JSON")


@case
def json_agrees_with_the_file(wgf):
    for text, code in ((GOOD, OK), (TROUBLED, FAILURES)):
        path = wgf.result(text, code, "out.h5", "--overwrite")
        done = wgf("status", "out.h5", "--json").require(OK)
        summary = json.loads(done.out)
        agrees(summary, path)
        equal((summary["eta"], summary["file"], done.err), (0, "out.h5", ""), "eta, file, stderr")


@case
def json_of_an_interrupted_run(wgf):
    path = interrupted(wgf)
    summary = json.loads(wgf("status", "out.h5", "--json").require(OK).out)
    agrees(summary, path)
    require(summary["counts"]["pending"] > 0, "nothing is pending")
    equal((summary["eta"], summary["writing"]), (None, False), "eta, writing")


@case
def stopped_or_killed_jobs_and_who_writes(wgf):
    """A killed run is not said to go on, and what its checkpoints kept is told; alone and in a team."""
    steps = 100000000000
    for ranks in (0, 3):
        name = f"out{ranks}.h5"
        wgf.write("spec.yaml", f"name: endless\nfixed: {{n: 5, width: 4, gamma: 1.0e-9, steps: {steps}, "
                  f"record_every: {steps}}}\nsweep: {{seed: {{range: [0, 2]}}}}\n")
        process = wgf.start("run", "spec.yaml", "-o", name, "--quiet", "--checkpoint", "0.2s", ranks=ranks)
        looks = lambda: json.loads(wgf("status", name, "--json").require(OK).out)  # noqa: E731
        wait_until(wgf.path(name).exists, "the file")
        live = wait_until(lambda: (summary := looks())["kept"] and summary, "a checkpoint")
        equal((live["writing"], live["counts"]["done"]), (True, 0), "writing, done")
        text = wgf("status", name).require(OK).out
        require(re.search(rf"^  job [01]: step \d+ of {steps} kept$", text, re.MULTILINE), f"says {text!r}")
        require("no process" not in text, f"says {text!r}")
        watch = wgf.start("status", name, "--watch")
        require("no process" not in watch.stdout.readline(), "a live run is watched")
        kill_all(process, ranks)
        require(watch.stdout.readline().endswith("; no process is writing\n"), "the death is not seen")
        watch.terminate()
        finish(watch)
        dead = wait_until(lambda: not (summary := looks())["writing"] and summary, "the death of all ranks")
        equal((dead["writing"], dead["eta"]), (False, None), "writing, eta")
        before, after = ({kept["job"]: kept["step"] for kept in summary["kept"]} for summary in (live, dead))
        require(all(after.get(job, 0) >= step > 0 for job, step in before.items()), f"kept {before}, then {after}")
        equal({kept["steps"] for kept in dead["kept"]}, {steps}, "steps")
        text = wgf("status", name).require(OK).out
        require("no process is writing" in text and " left" not in text, f"says {text!r}")
        equal(looks()["kept"], dead["kept"], "kept")
        equal(json.loads(wgf("status", name, "--json", "--jobs", "1").out)["kept"],
              [kept for kept in dead["kept"] if kept["job"] == 1], "kept of a selection")


@case
def exit_codes(wgf):
    wgf.result(GOOD)
    wgf("status", "out.h5", "--exit-code").require(OK)
    wgf("status", "--exit-code", "--json", "out.h5").require(OK)
    wgf.result(TROUBLED, FAILURES, "out.h5", "--overwrite")
    wgf("status", "out.h5").require(OK)
    wgf("status", "out.h5", "--exit-code").require(FAILURES)
    wgf.path("out.h5").unlink()
    interrupted(wgf)
    wgf("status", "out.h5").require(OK)
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    wgf("status", "absent.h5", "--exit-code").require(ERROR)


@case
def watch_ends_at_once_when_no_job_is_left(wgf):
    wgf.result(GOOD)
    done = wgf("status", "out.h5", "--watch").require(OK)
    equal(done.out, "8 of 8 jobs finished: 8 done\n", "stdout")
    equal(json.loads(wgf("status", "--watch", "--json", "out.h5").require(OK).out)["counts"]["done"], 8, "done in JSON")
    wgf.result(TROUBLED, FAILURES, "out.h5", "--overwrite")
    wgf("status", "out.h5", "--watch").require(OK)
    wgf("status", "out.h5", "--watch", "--exit-code").require(FAILURES)
    wgf("status", "absent.h5", "--watch").require(ERROR, "absent.h5").quietly()


@case
def watch_prints_a_line_for_each_change(wgf):
    path = interrupted(wgf)
    process = wgf.start("status", "out.h5", "--watch", "--exit-code")
    first = process.stdout.readline()
    require(" of 12 jobs finished: " in first and " pending" in first, f"says {first!r}")
    time.sleep(2.5)  # it reads the file again and prints nothing; a slow machine reads less often, and passes too
    with h5py.File(path, "r+") as file:
        file["status"][:] = STATES.index("done")
    equal(finish(process).require(OK).out, "12 of 12 jobs finished: 12 done\n", "second line")


@case
def watch_redraws_a_terminal(wgf):
    wgf.result(GOOD)
    ours, terminal = os.openpty()
    process = wgf.start("status", "out.h5", "--watch", stdout=terminal)
    os.close(terminal)
    finish(process).require(OK)
    text = os.read(ours, 1 << 16).decode()
    require(re.match(r"\033\[H(\033\[1m)?out.h5: good(\033\[0m)?\033\[K\r+\n", text), f"says {text!r}")


@case
def names_that_json_has_to_escape(wgf):
    name = 'quoted "name" with \\ and ü'
    wgf.result("name: '%s'\nfixed: {n: 5, width: 4, steps: 2}\n" % name)
    equal(json.loads(wgf("status", "out.h5", "--json").require(OK).out)["name"], name, "name")


@case
def while_a_run_is_writing(wgf):
    for ranks in (0, 3):
        wgf.write("spec.yaml", BUSY)
        process = wgf.hold("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet", ranks=ranks)
        path = wgf.path("out.h5")
        wait_until(lambda: path.exists() and not (column(path, "status") > 1).all(), "the file", process)
        polls, finished = 0, []
        while process.poll() is None or polls < 50:
            summary = json.loads(wgf("status", "out.h5", "--json").require(OK).out)
            equal(sum(summary["counts"].values()), 400, "jobs counted")
            finished.append(summary["counts"]["done"])
            polls += 1
            let_on(process)
        finish(process).require(OK)
        require(finished == sorted(finished), f"finished jobs go {finished}")
        require(len(set(finished)) > 2, f"never seen midway: {set(finished)}")
        wgf("status", "out.h5", "--exit-code").require(OK)


@case
def done_rows_are_complete_at_any_time(wgf):
    wgf.write("spec.yaml", BUSY)
    process = wgf.hold("run", "spec.yaml", "-o", "out.h5", "--quiet", ranks=3)
    path = wgf.path("out.h5")
    wait_until(path.exists, "the file", process)
    midway = 0
    while process.poll() is None:
        let_on(process)
        with h5py.File(path, "r") as file:
            done = file["status"][()] == 2
            require(np.isfinite(file["objective"][()][done]).all(), "a done row has no trace")
            require((file["checksum"][()][done] != 0).all(), "a done row has no checksum")
            require(np.isfinite(file["objective_final"][()][done]).all(), "a done row has no objective")
            require(np.isfinite(file["state"][()].reshape(len(done), -1)[done]).all(), "a done row has no state")
            midway += 0 < done.sum() < len(done)
    finish(process).require(OK)
    require(midway > 2, f"looked only {midway} times midway")


@case
def missing_file(wgf):
    for command in ("status", "show"):
        wgf(command, "absent.h5").require(ERROR, "absent.h5", "no result file").quietly()


@case
def files_that_are_no_good(wgf):
    result = wgf.result(GOOD).read_bytes()
    with h5py.File(wgf.path("foreign.h5"), "w") as file:
        file["x"] = np.arange(3)
    wgf.path("cut.h5").write_bytes(result[:len(result) // 2])
    wgf.path("stub.h5").write_bytes(result[:100])
    wgf.path("empty.h5").write_bytes(b"")
    wgf.path("text.h5").write_text("no HDF5 at all\n")
    os.mkdir(wgf.path("folder.h5"))
    reasons = {"foreign.h5": "not of wgf", "cut.h5": "cut short", "stub.h5": "cut short", "empty.h5": "empty",
               "text.h5": "not an HDF5 file", "folder.h5": "folder"}
    for name, reason in reasons.items():
        for command in (("status",), ("status", "--json"), ("show",), ("show", "--job", "0", "--data")):
            done = wgf(command[0], name, *command[1:]).require(ERROR, name, reason).quietly()
            equal(len(done.err.splitlines()), 1, f"lines on stderr for {name}")


@case
def counts_of_a_foreign_file_do_not_overflow(wgf):
    path = wgf.result(GOOD)
    for value in (2**63 - 1, -2**63, 2**62):
        with h5py.File(path, "r+") as file:
            file["attempts"][:] = value
        told = json.loads(wgf("status", path.name, "--json").require(OK).out)["attempts"]
        require(abs(told / value - 8) < 1e-12, f"attempts: {told}, not {8 * value}")


@case
def file_of_another_schema(wgf):
    with h5py.File(wgf.result(GOOD), "a") as file:
        file.attrs["schema"] = np.int64(7)
    wgf("status", "out.h5").require(ERROR, "schema 7").quietly()


if __name__ == "__main__":
    main()
