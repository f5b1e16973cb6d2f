#!/usr/bin/python3
"""What `cmake --install` brings works from there, and every script explains itself.

    test_install.py WGF_BINARY SOURCES BUILD_FOLDER CMAKE"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import HANG, OK, USAGE, Skip, Wgf, case, equal, main, require

SPEC = "name: small\nfixed: {n: 20, width: 10, steps: 5}\nsweep: {gamma: [0.1, 0.2], seed: [1, 2]}\n"


def call(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=HANG,
                          stdin=subprocess.DEVNULL, **options)


def install(folder, **environment):
    done = call(CMAKE, "--install", BUILD, "--prefix", folder, env={**os.environ, **environment})
    require(done.returncode == OK, f"cmake --install: {done.stderr}")


def scripts(root):
    """Everything below a folder that a user may call."""
    return sorted(path for folder in ("tools", "slurm", "tools/bench") for path in (root / folder).glob("*.*")
                  if path.suffix in (".sh", ".py") and path.read_bytes().startswith(b"#!"))


def hints(said, folder):
    """The paths that a text names, each of which has to exist."""
    found = re.findall(r"draw it with: python3 (.*)|bash (\S+)", said)
    paths = [shlex.split(hint[0] or hint[1])[0] for hint in found]
    for path in paths:
        require((folder / path).is_file(), f"there is no {path}, which is named in {said!r}")
    return paths


@case
def a_sweep_from_the_prefix(wgf):
    spec, out = wgf.path("my spec.yaml"), wgf.path("my result.h5")
    spec.write_text(SPEC)
    done = call(PREFIX / "bin/wgf-sweep", spec, "-o", out, cwd=wgf.folder)
    require(done.returncode == OK and out.exists() and out.with_suffix(".png").exists(),
            f"exit code {done.returncode}, {sorted(os.listdir(wgf.folder))}: {done.stderr}")
    require(len(hints(done.stderr, wgf.folder)) == 1, f"no hint in {done.stderr!r}")
    for tool, made in (("wgf-plot", "again.png"), ("wgf-report", "page.html")):
        done = call(PREFIX / "bin" / tool, out, "-o", made, cwd=wgf.folder)
        require(done.returncode == OK and wgf.path(made).exists(), f"{tool}: {done.stderr}")
    example = PREFIX / "share/wgf/sweeps/three_points.yaml"
    call_plan = Wgf(PREFIX / "bin/wgf", wgf.folder)("plan", example).require(OK)
    require("jobs" in call_plan.out, f"plan says {call_plan.out!r}")


@case
def a_figure_that_cannot_be_drawn_is_the_last_line_and_changes_no_exit_code(wgf):
    spec, out = wgf.path("small.yaml"), wgf.path("small.h5")
    spec.write_text(SPEC)
    out.with_suffix(".png").mkdir()
    done = call(PREFIX / "bin/wgf-sweep", spec, "-o", out, cwd=wgf.folder)
    last = done.stderr.strip().splitlines()[-1]
    require(done.returncode == OK and "not drawn: " in last and "small.png cannot be written" in last,
            f"exit code {done.returncode}, {last!r}")


@case
def hints_name_what_exists(wgf):
    """From the repository, from a prefix, and of a program that is alone."""
    wgf.write("spec.yaml", SPEC)
    alone = shutil.copy(wgf.program, wgf.path("alone"))
    for program, count in ((wgf.program, 1), (PREFIX / "bin/wgf", 1), (alone, 0)):
        done = Wgf(program, wgf.folder)("run", "spec.yaml", "-o", "out.h5", "--overwrite").require(OK)
        equal(len(hints(done.err, wgf.folder)), count, f"hints of {program}")
        require("result in out.h5" in done.err, f"no result is named in {done.err!r}")
    inside = Wgf(PREFIX / "bin/wgf", PREFIX)("run", wgf.path("spec.yaml"), "-o", wgf.path("out.h5"), "--overwrite")
    equal(hints(inside.err, PREFIX), ["share/wgf/tools/plot.py"], "path from the prefix")


@case
def every_script_has_help(wgf):
    del wgf
    for root in (SOURCES, PREFIX / "share/wgf"):
        for path in scripts(root):
            done = call(sys.executable if path.suffix == ".py" else "bash", path, "--help")
            require(done.returncode == OK and not done.stderr, f"{path} --help: {done.returncode} {done.stderr!r}")
            require("usage: " in done.stdout, f"{path} --help says {done.stdout!r}")
    require(len(scripts(SOURCES)) > 10, "scripts are missing")


@case
def a_copy_in_the_spool_of_slurm_finds_its_folder(wgf):
    """Which Slurm makes of the script, and knows where it came from."""
    (wgf.folder / "bin").mkdir()
    scontrol, copy = wgf.path("bin/scontrol"), shutil.copy(SOURCES / "slurm/sweep.sh", wgf.path("slurm_script"))
    for script, name in ((SOURCES / "slurm/sweep.sh", "slurm/sweep.sh"), (PREFIX / "bin/wgf-sweep", "wgf-sweep")):
        scontrol.write_text(f'#!/bin/sh\necho "   Command={script} spec.yaml"\n')
        scontrol.chmod(0o755)
        environment = {**os.environ, "SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": "/",
                       "PATH": f"{scontrol.parent}:{os.environ['PATH']}"}
        done = call("bash", copy, "--jobs", cwd=wgf.folder, env=environment)
        require(done.returncode == USAGE and f"({name} --help)" in done.stderr, f"{script}: {done.stderr!r}")


@case
def manual_page_says_what_the_help_says(wgf):
    source = (PREFIX / "share/man/man1/wgf.1").read_text()
    plain = re.sub(r"\\&|^\.(nf|fi)\n", "", source, flags=re.M).replace("\\-", "-").replace("\\e", "\\")
    commands = re.findall(r"^  ([a-z]+) ", wgf("--help").out, re.M)
    for command in commands:
        require(wgf(command, "--help").out in plain, f"the manual lacks the help of {command}")
    if not shutil.which("groff"):
        raise Skip("no groff")
    done = call("groff", "-k", "-man", "-Tutf8", "-ww", "-P-cbou", PREFIX / "share/man/man1/wgf.1")
    require(done.returncode == OK and not done.stderr, f"groff: {done.stderr}")
    shown = [line.strip() for line in done.stdout.splitlines()]
    missing = [line for command in commands for line in wgf(command, "--help").out.splitlines()
               if line.strip() not in shown]
    equal(missing, [], "lines that the manual does not show")


@case
def completions(wgf):
    def complete(*words):
        """What bash offers for the last of these words."""
        script = (f"source {shlex.quote(str(PREFIX / 'share/bash-completion/completions/wgf'))}\n"
                  f"COMP_WORDS=({shlex.join(words)}) COMP_CWORD={len(words) - 1}\n"
                  f"_wgf {shlex.quote(str(PREFIX / 'bin/wgf'))}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
        return call("bash", "-c", script, cwd=wgf.folder).stdout.split()
    equal(complete("wgf", "ru"), ["run"], "commands that begin with ru")
    require({"plan", "run", "--version"} <= set(complete("wgf", "")), "commands are missing")
    equal(complete("wgf", "run", "--check"), ["--checkpoint"], "options of run that begin with --check")
    equal(complete("wgf", "run", "--set", "gam"), ["gamma"], "parameters that begin with gam")
    equal(complete("wgf", "run", "spec"), [], "words for a file")
    equal(complete("wgf", "show", "x.h5", "--where", "gam"), ["gamma"], "names of --where")
    equal(complete("wgf", "show", "x.h5", "--columns", "width,gam"), ["width,gamma"], "a name in a list")
    equal(complete("wgf", "show", "x.h5", "--sort", "width,-gam"), ["width,-gamma"], "a descending name in a list")


@case
def completions_of_other_shells(wgf):
    """fish is asked what it offers; zsh, which offers nothing without a terminal, reads its file."""
    shells = {name: shutil.which(name) for name in ("fish", "zsh")}
    paths = {"fish": PREFIX / "share/fish/vendor_completions.d/wgf.fish",
             "zsh": PREFIX / "share/zsh/site-functions/_wgf"}
    for name, path in paths.items():
        require(path.is_file(), f"there is no {path}")
    if not any(shells.values()):
        raise Skip("neither fish nor zsh is installed")
    if shells["zsh"]:
        equal(call(shells["zsh"], "-n", paths["zsh"]).stderr, "", "zsh -n")
    for line, offered in (("ru", ["run"]), ("run --check", ["--checkpoint"]), ("run --set gam", ["gamma"]),
                          ("show x --columns width,gam", ["width,gamma"]), ("show x --sort -gam", ["-gamma"])):
        script = f"source {shlex.quote(str(paths['fish']))}; complete -C {shlex.quote(f'wgf {line}')}"
        found = {**os.environ, "PATH": f"{PREFIX / 'bin'}:{os.environ['PATH']}"}
        got = call(shells["fish"], "-c", script, cwd=wgf.folder, env=found).stdout if shells["fish"] else None
        if got is not None:
            equal([words.split("\t")[0] for words in got.splitlines()], offered, f"what fish offers after wgf {line}")


@case
def installing_below_another_root(wgf):
    install("/usr", DESTDIR=str(wgf.folder))
    for name in ("bin/wgf", "bin/wgf-sweep", "share/wgf/build/wgf", "share/man/man1/wgf.1"):
        require((wgf.path("usr") / name).exists(), f"there is no usr/{name}")


@case
def an_unpacked_archive_is_enough(wgf):
    """Below a repository of others, whose files and revisions are not ours."""
    archive = wgf.path("archive")
    names = call("bash", SOURCES / "tools/files.sh").stdout.split("\0")[:-1]
    for name in names:
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(SOURCES / name, archive / name)
    (archive / "build-other").mkdir()
    (archive / "build-other/x.c").write_text("")
    equal(sorted(call("bash", archive / "tools/files.sh").stdout.split("\0")[:-1]), sorted(names), "files")
    equal(call(sys.executable, archive / "tools/house.py").stdout, "", "violations")
    call("git", "init", wgf.folder, check=True)
    for revision, text in (("unknown", None), ("0123abc", "0123abc")):
        path = archive / "tools/revision.cmake"
        if text:
            path.write_text(path.read_text().replace("$Format:%h$", text))
        call(CMAKE, f"-DSOURCE={archive}", f"-DOUT={archive}/out.h", "-DVERSION=1", "-P", path, check=True)
        require(f'"{revision}"' in (archive / "out.h").read_text(), f"{(archive / 'out.h').read_text()}")


@case
def a_wrong_word_to_a_script(wgf):
    del wgf
    for name in ("tools/test.sh", "tools/format.sh", "tools/setup.sh", "tools/soak.sh", "tools/house.py"):
        done = call(sys.executable if name.endswith("py") else "bash", SOURCES / name, "--no-such-option")
        equal(done.returncode, USAGE, f"exit code of {name}")


if __name__ == "__main__":
    SOURCES, BUILD, CMAKE = (Path(word).resolve() for word in sys.argv[2:])
    del sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix="install-", dir=".") as scratch:
        install(Path(scratch).resolve() / "made")
        PREFIX = Path(scratch).resolve() / "it's (moved) #1"
        (Path(scratch) / "made").rename(PREFIX)
        main()
