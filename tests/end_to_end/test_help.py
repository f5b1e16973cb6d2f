#!/usr/bin/python3
"""The command line itself: help, version, and what it says to a wrong word. test_help.py WGF_BINARY"""

import re
import subprocess
import sys
from pathlib import Path

from harness import OK, USAGE, Outcome, case, equal, main, require

SOURCES = Path(__file__).resolve().parents[2]
COMMANDS = ("plan", "run", "status", "show", "predict", "distance", "learn", "aggregate", "merge", "verify", "params")
# Programs beside wgf that take options, and how each is called.
SCRIPTS = {name: (caller, str(SOURCES / name)) for name, caller in (
    ("slurm/sweep.sh", "bash"), ("tools/plot.py", sys.executable), ("tools/report.py", sys.executable),
    ("tools/bench/bench.py", sys.executable), ("tests/fault/run.py", sys.executable))}
WIDTH = 100
OPTIONS = {
    "plan": ("--set", "--csv"),
    "run": ("--set", "--overwrite", "--fail-fast", "--quiet", "--jobs", "--shard", "--reuse", "--retry",
            "--max-attempts", "--time-limit", "--sync", "--checkpoint", "Exit codes"),
    "status": ("--watch", "--json", "--exit-code"),
    "show": ("--where", "--sort", "--columns", "--job", "--csv", "--data"),
    "aggregate": ("--by", "--value", "--stat", "--where", "--at-step", "--at-time", "--interpolate", "--csv",
                  "NaN", "status"),
    "predict": ("--at", "--jobs", "--where", "--csv"),
    "distance": ("--jobs", "--with", "--p", "--csv"),
    "learn": ("--output", "--features", "polynomial", "rbf", "--pairs", "predicted", "--duals", "--jobs",
              "--overwrite", "--csv"),
    "merge": ("--output", "--overwrite", "--quiet"),
    "verify": ("exit codes",),
    "params": ("--markdown", "--json-schema"),
}


def fits(text, what):
    for line in text.splitlines():
        require(len(line) <= WIDTH, f"{what}: a line of {len(line)} columns: {line!r}")


@case
def help_of_the_program(wgf):
    for option in ("--help", "-h"):
        done = wgf(option).require(OK)
        equal(done.err, "", "stderr")
        fits(done.out, f"wgf {option}")
        for command in COMMANDS:
            require(f"\n  {command} " in done.out, f"{command} is not in wgf {option}")


@case
def help_of_every_command(wgf):
    for command in COMMANDS:
        done = wgf(command, "--help").require(OK)
        equal(done.err, "", "stderr")
        require(done.out.startswith(f"usage: wgf {command}"), f"wgf {command} --help begins {done.out[:40]!r}")
        for option in OPTIONS[command]:
            require(option in done.out, f"{option} is not in wgf {command} --help")


@case
def help_fits_a_narrow_terminal(wgf):
    for command in COMMANDS:
        fits(wgf(command, "--help").out, f"wgf {command} --help")
    fits(wgf("params").out, "wgf params")


@case
def version(wgf):
    done = wgf("--version").require(OK)
    require(done.out.startswith("wgf ") and done.out.count("\n") == 1, f"--version says {done.out!r}")


@case
def no_command(wgf):
    wgf().require(USAGE, "wgf --help").quietly()


@case
def unknown_command(wgf):
    wgf("rnu").require(USAGE, "'rnu'", "did you mean 'run'?").quietly()
    wgf("statsu").require(USAGE, "did you mean 'status'?").quietly()
    done = wgf("frobnicate").require(USAGE, "'frobnicate'", "wgf --help").quietly()
    require("did you mean" not in done.err, f"a far-fetched suggestion: {done.err!r}")
    done = wgf("isolat").require(USAGE, "'isolat'").quietly()
    require("did you mean" not in done.err, f"a hidden command is suggested: {done.err!r}")
    wgf("isolate").require(USAGE, "internal").quietly()
    wgf("alone").require(USAGE, "unknown command 'alone'").quietly()


@case
def unknown_option(wgf):
    for command in COMMANDS:
        wgf(command, "--no-such-option").require(USAGE, "'--no-such-option'", f"wgf {command} --help").quietly()
        wgf(command, "-z").require(USAGE, "-z", f"wgf {command} --help").quietly()
    wgf("run", "spec.yaml", "--exit-file", "x").require(USAGE, "unknown option '--exit-file'").quietly()


def long_options(words):
    """The long options of a help text that stand at the beginning of a line, each with whether it takes a value."""
    return {name: bool(value) for name, value in re.findall(r"^ +(?:-\w[ ,\w.]*, )?(--[a-z-]+)( [A-Z])?", words, re.M)}


def called(wgf, script, *words):
    return Outcome(subprocess.run([*SCRIPTS[script], *words], cwd=wgf.folder, capture_output=True, text=True))


@case
def abbreviations_are_no_options(wgf):
    """Neither wgf nor a script beside it takes the start of an option's name for the option: two programs that read one
    command line would differ in what they take. Each with its value in the same word, in the next, and without."""
    for command in COMMANDS:
        for option in (found := long_options(wgf(command, "--help").out)):
            for word in {option[:-1], option[:len(option) // 2 + 1]} - {*found, "--"}:
                for words in ((word,), (f"{word}=1",), (word, "1")):
                    done = wgf(command, *words, "absent").require(USAGE, f"unknown option '{words[0]}'").quietly()
                    require("did you mean '--" in done.err, f"no suggestion in {done.err!r}")
    wgf("run", "--over", "s.yaml").require(USAGE, "unknown option '--over'; did you mean '--overwrite'?")
    for script in SCRIPTS:
        found = long_options(called(wgf, script, "--help").require(OK).out)
        require("--help" in found and len(found) > 1, f"options of {script}: {found}")
        words = [option[:-1] + value for option in found if len(option) > 3 for value in ("", "=1")]
        if script.endswith(".py"): # which names all that it does not know
            done = called(wgf, script, "absent", "absent", "absent", *words)
            require(done.code == USAGE, f"{script}: exit code {done.code}, {done.err!r}")
            equal(done.err.split("arguments: ")[-1].split()[-len(words):], words, f"what {script} refuses")
        for word in () if script.endswith(".py") else words:
            called(wgf, script, word, "absent").require(USAGE, f"unknown option '{word.split('=')[0]}").quietly()


@case
def the_sweep_script_takes_every_option_of_run(wgf):
    """And refuses what wgf run refuses."""
    for option, takes in long_options(wgf("run", "--help").out).items():
        if option != "--help":
            for words in ((option, "x"), (f"{option}=x",)) if takes else ((option,),):
                called(wgf, "slurm/sweep.sh", *words, "absent.yaml").require(USAGE, "the spec absent.yaml cannot")
    for word in ("--over", "--overwrite=1", "--tim=5", "--no-such-option", "-q"):
        called(wgf, "slurm/sweep.sh", word, "absent.yaml").require(USAGE, f"'{word.split('=')[0]}'")
        wgf("run", word, "absent.yaml").require(USAGE)


@case
def names_that_look_like_options(wgf):
    """Of specs and of results, as words that begin with ./"""
    for name in ("-lead", "--overwrite", "--merge"):
        wgf.write(f"{name}.yaml", "name: n\nfixed: {n: 5, width: 4, steps: 2}\nsweep: {seed: [1, 2]}\n")
        spec, out = f"./{name}.yaml", f"./{name}.h5"
        wgf("plan", spec).require(OK)
        wgf("run", spec, "-o", out, "--quiet").require(OK)
        wgf("run", spec, "-o", f"{name}.2.h5", "--quiet").require(OK)
        for command in ("status", "show", "verify"):
            wgf(command, out).require(OK)
        wgf("aggregate", out, "--value", "objective_final").require(OK)
        wgf("merge", "-o", f"./{name}.3.h5", out).require(OK)
        require(wgf.path(f"{name}.2.h5").exists() and wgf.path(f"{name}.3.h5").exists(), f"results of {name}")
    called(wgf, "tools/report.py", out, "--figure", "none").require(OK)
    for i in range(2):
        wgf("run", spec, "-o", f"./{name}-{i}-of-2.h5", "--quiet", "--shard", f"{i}/2").require(OK)
    called(wgf, "slurm/sweep.sh", "--merge", spec, "-o", f"{name}.4.h5").require(OK)
    wgf.path(f"{name}.h5").unlink()
    called(wgf, "slurm/sweep.sh", spec).require(OK)
    for made in (".h5", ".png", ".4.h5", ".4.png"):
        require(wgf.path(f"{name}{made}").exists(), f"there is no {name}{made}")


@case
def mistyped_option_is_suggested(wgf):
    for command, word, meant in (("plan", "--cvs", "--csv"), ("run", "--overwrit3", "--overwrite"),
                                 ("status", "--jsno", "--json"), ("show", "--dtaa", "--data"),
                                 ("params", "--markdwon", "--markdown"), ("aggregate", "--vaule", "--value")):
        wgf(command, word).require(USAGE, f"'{word}'", f"did you mean '{meant}'?").quietly()


@case
def option_without_its_value(wgf):
    for command, option in (("plan", "--set"), ("run", "-o"), ("run", "--output"), ("show", "--job")):
        wgf(command, option).require(USAGE, option, "needs a value").quietly()


@case
def option_with_a_value_too_many(wgf):
    wgf("plan", "--csv=yes", "spec.yaml").require(USAGE, "--csv").quietly()


@case
def wrong_number_of_files(wgf):
    for command in ("plan", "run", "status", "show", "verify"):
        wgf(command).require(USAGE, f"wgf {command} --help").quietly()
        wgf(command, "a", "b").require(USAGE, "more than one").quietly()
    wgf("params", "a").require(USAGE, "'a'").quietly()
    wgf("run", "spec.yaml").require(USAGE, "-o").quietly()


@case
def values_that_no_option_takes(wgf):
    """Refused before the spec is looked at, each with the option's name."""
    values = {"jobs": ("", "x", "1,", ",1", "3-1", "1-", "-1", "1 2", "1.5", "99999999999999999999"),
              "shard": ("", "1", "2/2", "1/0", "-1/2", "0/2/3", "a/b", "0/2x"),
              "retry": ("", "done", "failed,", "failed,diverged", "fail"),
              "max-attempts": ("", "0", "-1", "two", "1.5"),
              "time-limit": ("", "0", "-5", "5x", "1h30", "m", "1m2h", "1:2:3:4", "1:", "1-", "inf", "nan", "0x5"),
              "sync": ("", "-1", "now"),
              "checkpoint": ("", "-1", "never")}
    for name, words in values.items():
        for word in words:
            wgf("run", "absent.yaml", "-o", "out.h5", f"--{name}={word}").require(USAGE, f"--{name}").quietly()
    for word in ("90", "90s", "55m", "2h", "1h30m", "1.5d", "1d2h3m4s", "5:00", "1:30:00", "2-12", "2-12:00",
                 "2-12:00:00"):
        for name in ("time-limit", "sync", "checkpoint"):
            wgf("run", "absent.yaml", "-o", "out.h5", f"--{name}={word}").require(USAGE, "absent.yaml").quietly()
    for name in ("jobs", "shard"):
        for word in values[name]:
            wgf("status", "absent.h5", f"--{name}={word}").require(USAGE, f"--{name}").quietly()


if __name__ == "__main__":
    main()
