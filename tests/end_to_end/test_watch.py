#!/usr/bin/python3
"""`wgf status` beside a run: what it tells of running jobs, in a real terminal and elsewhere. test_watch.py WGF_BINARY;
exits with 77 without tmux."""

import contextlib
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import FAILURES, OK, STOPPED, case, column, equal, finish, kill_all, main, require, wait_until

# Short jobs, jobs that fail, and jobs that never end, of one length by their parameters.
LIVE = """\
name: live
fixed: {n: 5, steps: 100000000000, record_every: 100000000000, gamma: 1.0e-9}
sweep: {stop_objective: [1000, 0], width: [4, 1000000000000], seed: {range: [0, 3]}}
"""
ENDED = "name: ended\nfixed: {n: 5, steps: 3}\nsweep: {width: [4, 1000000000000], seed: {range: [0, 3]}}\n"


@contextlib.contextmanager
def running(wgf, ranks=0):
    """A run that has told of a job; it is stopped at the end, which leaves no news."""
    wgf.write("spec.yaml", LIVE)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", ranks=ranks)
    try:
        wait_until(lambda: wgf.path("out.h5.progress").exists() or process.poll() is not None, "the first news")
        yield process
        process.send_signal(signal.SIGUSR1)
        finish(process).require(STOPPED)
        require(not wgf.path("out.h5.progress").exists(), "the file of progress stays")
    finally:
        if process.poll() is None:
            kill_all(process, ranks)


class Screen:
    """`wgf status --watch` in a window of tmux, with these variables of the environment."""

    def __init__(self, wgf, socket, columns, rows, *variables):
        self.socket = socket
        command = shlex.join(["env", *variables, wgf.program, "status", "out.h5", "--watch"])
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
                  f"cd {shlex.quote(str(wgf.folder))}; exec {command}")

    def tmux(self, *arguments):
        command = ["tmux", "-S", self.socket, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def wait(self, pattern):
        """What it shows, escape sequences included, once the pattern is in it."""
        return wait_until(lambda: (text := self.tmux("capture-pane", "-p", "-e")) and re.search(pattern, text) and text,
                          f"{pattern} on the screen")


@contextlib.contextmanager
def terminal(wgf, *arguments):
    with tempfile.TemporaryDirectory() as folder:  # the names of sockets are short
        screen = Screen(wgf, f"{folder}/tmux", *arguments)
        try:
            yield screen
        finally:
            screen.tmux("kill-server")


def bare(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@case
def terminal_of_any_width(wgf):
    with running(wgf):
        for columns, cells in ((40, 31), (80, 60), (200, 60)):
            with terminal(wgf, columns, 16) as screen:
                lines = bare(screen.wait(r"running on[^$]*job \d+: step \d+")).splitlines()
            equal(lines[0], "out.h5: live", "the first line")
            bar = re.fullmatch(r"\[([#-]+)\] +\d+ %", lines[1])
            require(bar and len(bar[1]) == cells, f"a bar in {columns} columns: {lines[1]!r}")
            # The row of the sixth is not written yet.
            require(re.match(r"[56]/12 jobs, ETA ", lines[2]), f"third line {lines[2]!r}")
            text = "\n".join(lines)
            require("1 running on 1 worker" in text and "failed" in text, text)
            require(re.search(r"job \d+ \(stop_objective \d+, width", text), f"no failure with its values: {text}")
            require(len(lines) <= 16 and max(map(len, lines)) < columns, f"{columns} columns: {text}")


@case
def terminal_that_changes_its_size(wgf):
    with running(wgf), terminal(wgf, 80, 16) as screen:
        screen.wait(r"\[[#-]{60}\]")
        screen.tmux("resize-window", "-x", 50, "-y", 12)
        screen.wait(r"\[[#-]{41}\]")


@case
def colours_unless_they_are_not_wanted(wgf):
    with running(wgf):
        for words, coloured in (((), True), (("NO_COLOR=1",), False), (("TERM=dumb",), False)):
            with terminal(wgf, 80, 16, *words) as screen:
                equal("\x1b[32m" in screen.wait("running on"), coloured, f"colour with {words}")


@case
def log_file_gets_plain_lines(wgf):
    wgf.result(ENDED, FAILURES)
    done = wgf("status", "out.h5", "--watch").require(OK)
    lines = done.out.splitlines()
    equal(lines[0], "6 of 6 jobs finished: 3 done, 3 failed", "the first line")
    for job, line in zip((3, 4, 5), lines[1:], strict=True):
        found = re.fullmatch(rf"job {job} failed: needs .*; width 1000000000000, seed {job - 3}", line)
        require(found, f"line {line!r}")


@case
def json_tells_what_runs(wgf):
    for ranks, workers in ((0, 1), (3, 2)):
        def read():
            return json.loads(wgf("status", "out.h5", "--json").require(OK).out)
        with running(wgf, ranks):
            found = wait_until(lambda: (told := read()) and len(told["running"]) == workers and told, "running jobs")
            for job in found["running"]:
                require(job["job"] in (6, 7, 8) and job["step"] > 0 and job["steps"] == 100000000000, f"job {job}")
                require(job["objective"] > 0 and job["seconds"] > 0, f"job {job}")
            require(0 <= found["fraction"] < 1 and found["eta"] > 0, f"{found['fraction']}, {found['eta']}")
            text = wgf("status", "out.h5").out
            require(re.search(r"^  job \d runs: step \d+ of 100000000000, F", text, re.M), f"says {text!r}")
        wgf.path("out.h5").unlink()


@case
def what_a_kill_leaves_tells_nothing(wgf):
    wgf.write("spec.yaml", LIVE)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet")
    wait_until(lambda: wgf.path("out.h5.progress").exists(), "the first news")
    kill_all(process, 0)
    require(wgf.path("out.h5.progress").exists(), "a kill leaves nothing")
    told = json.loads(wgf("status", "out.h5", "--json").require(OK).out)
    equal((told["running"], told["eta"]), ([], None), "running, eta")
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--jobs", "0-5").require(FAILURES)
    require(not wgf.path("out.h5.progress").exists(), "the next run leaves it")
    equal(list(column(wgf.path("out.h5"), "status")[:6]), [2, 2, 2, 4, 4, 4], "status")


if __name__ == "__main__":
    if not shutil.which("tmux"):
        print("skipped: tmux is not installed")
        sys.exit(77)
    main()
