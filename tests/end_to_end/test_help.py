#!/usr/bin/python3
"""The command line itself: help, version, and what it says to a wrong word. test_help.py WGF_BINARY"""

from harness import OK, USAGE, case, equal, main, require

COMMANDS = ("plan", "run", "status", "show", "aggregate", "merge", "verify", "params")
WIDTH = 100
OPTIONS = {
    "plan": ("--set", "--csv"),
    "run": ("--set", "--overwrite", "--fail-fast", "--quiet", "--jobs", "--shard", "--reuse", "--retry",
            "--max-attempts", "--time-limit", "--sync", "--checkpoint", "Exit codes"),
    "status": ("--watch", "--json", "--exit-code"),
    "show": ("--job", "--csv", "--data"),
    "aggregate": ("--by", "--value", "--stat", "--where", "--at-step", "--at-time", "--interpolate", "--csv",
                  "NaN", "status"),
    "merge": ("--output", "--overwrite", "--quiet"),
    "verify": ("exit codes",),
    "params": ("--markdown",),
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
