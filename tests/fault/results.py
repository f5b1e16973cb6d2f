"""What happens to a result file from outside, and to rows that cannot be: the name taken away, a second writer, a power
loss, a stranger's layout, changed attributes, jobs without a result."""

import contextlib
import os
import shutil

import h5py
import numpy as np
from bench import SECONDS, Bench, end, kill_all, start
from crafted import BAD, Room, all_files
from harness import DONE, ERROR, FAILED, FAILURES, OK, column, ended_time, finish, messages, require, wait_until
from promises import fault

# Jobs of the same hundredths of a second. A process takes 1 of them, then 4, then 16 before it asks again.
MANY = """\
name: many
fixed: {method: prox, n: 20, width: 100, steps: 60, inner_steps: 100}
sweep: {gamma: {linspace: [0.1, 0.101, 400]}}
"""
FEW, LATE = 5, 20
FLUSHED = 0.1  # seconds between two writes of rows
GONE = ("missing.csv", "letters.csv", "infinite.csv")
FAILING = f"""\
name: failing
fixed: {{data: file, steps: 2}}
sweep: {{data_file: [good.csv, {', '.join(GONE)}], width: [4, 1000000000000]}}
"""
PAGE = 4096


@fault("SIGKILL while a finished file is replaced", 6, "opens", "same")
def kill_replacement(bench):
    with bench.folder() as site:
        shutil.copy(bench.home / "out.h5", site.path)
        process = site.start("--overwrite")
        alive = site.watch(process, site.instant())
        kill_all(process)
        require(site.check() is not None, "the name holds nothing")
        site.finish()
    return int(alive)


def processor_time(site, jobs):
    """Of a job, in seconds: the least that it takes on this machine, however busy that is, is not below a half."""
    before = ended_time()
    site.wgf("run", "spec.yaml", "-o", "few.h5", "--quiet", "--jobs", f"0-{jobs - 1}").require(OK)
    return (ended_time() - before) / jobs


@fault("SIGKILL while finished rows wait", 3, "tenth", "whole")
def kill_with_rows(bench):
    """A checkpoint shows which job runs. All rows before it are in the file, but for those of the last moment."""
    late = LATE - bench.chance.randrange(4)
    with bench.folder() as site:
        def running():
            return max((int(path.name) for path in site.folder.glob("out.h5.checkpoints/*[0-9]")), default=0)
        (site.folder / "spec.yaml").write_text(MANY)
        most = FLUSHED / (processor_time(site, FEW) / 2) + 1
        process = start([bench.program, "run", "spec.yaml", "-o", "out.h5", "--checkpoint", "0.02"], site.folder)
        wait_until(lambda: process.poll() is not None or running() >= late, f"job {late}")
        kill_all(process)
        lost = (column(site.path, "status")[:running()] != DONE).sum()
        require(lost <= most, f"{lost} finished rows are lost; a tenth of a second is {most:.1f}")
        site.wgf("verify", "out.h5").require(OK)
    return 1


@contextlib.contextmanager
def held(site, bench):
    """A run that is stopped within its work, until `finish` lets it go on."""
    gate = bench.home / "gate"
    gate.touch()
    process = site.start(LD_PRELOAD=bench.harm, HARM_HOLD=f"0.02,{gate}")
    process.gate = gate
    try:
        wait_until(lambda: site.path.exists() and (column(site.path, "status") == DONE).any(), "a row", process)
        require((column(site.path, "status") != DONE).any(), "the run is over")
        yield process
    except BaseException:
        kill_all(process)
        raise


def moved(path, other):
    path.rename(other)
    return lambda: other.rename(path)


def replaced(path, other):
    shutil.copy(path, other)
    other.rename(path)
    return lambda: None


def removed(path, other):
    path.unlink()
    return lambda: None


def cut(path, other):
    os.truncate(path, path.stat().st_size // 2)
    return path.unlink


@fault("result moved, removed, replaced or cut under its run", 4, "name", "same")
def taken_away(bench):
    for event in (moved, removed, replaced, cut):
        with bench.folder() as site, held(site, bench) as process:
            remedy = event(site.path, site.folder / "elsewhere.h5")
            said = finish(process).require(ERROR, "out.h5").err
            require(event.__name__ in said or event is cut, f"{event.__name__}: {said}")
            remedy()
            site.finish()
    return 4


@fault("another run, and a merge, into a file that is written", 2, "lock", "same")
def second_writer(bench):
    with bench.folder() as site, held(site, bench) as process:
        for options in ((), ("--overwrite",)):
            code, said = end(site.start(*options))
            require(code == ERROR and "another run" in said, f"exit code {code}: {said}")
        code, said = end(start([bench.program, "merge", "-o", "out.h5", bench.home / "out.h5"], site.folder))
        require(code != OK and "out.h5" in said, f"merge: exit code {code}: {said}")
        finish(process).require(OK)
        site.compare()
    return 3


@fault("power loss: pages as they were at the last sync", 10, "power", "same")
def power_loss(bench):
    """A preloaded library copies the file after each fsync. Of the pages that changed since, a part is lost. With
    `--sync 0` that comes as all of them wait for the next fsync."""
    with bench.folder() as site:
        synced = bench.home / "synced"
        options, last = bench.chance.choice((((), 100), (("--sync", "0"), bench.chance.randint(1, 4))))
        process = site.start(*options, LD_PRELOAD=bench.harm, HARM_SYNCED=f"{last},{synced}")
        site.watch(process, SECONDS if options else site.instant(0.05))
        kill_all(process)
        if not site.path.exists():
            return 0
        now, then = site.path.read_bytes(), synced.read_bytes()
        require(len(then) == len(now), f"{len(now)} bytes, {len(then)} when synced")
        pages = [(now if bench.chance.random() < 0.5 else then)[at:at + PAGE] for at in range(0, len(now), PAGE)]
        site.path.write_bytes(b"".join(pages))
        code = site.wgf("verify", "out.h5").code
        require(code == OK or code == FAILURES and not options, f"verify ends with {code}")
        site.finish()
    return int(now != then)


@fault("changed attributes of the file", 5, "checksum")
def changed_attribute(bench):
    with bench.folder() as site:
        shutil.copy(bench.home / "out.h5", site.path)
        with h5py.File(site.path, "r+") as file:
            name = site.chance.choice(("name", "spec", "axes", "plan_hash", "wgf_version", "host", "libraries"))
            value = np.array(file.attrs[name], dtype=object)
            value.flat[-1] += "x"
            file.attrs.modify(name, value if value.shape else value.item())
        said = site.wgf("verify", "out.h5").require(FAILURES).out
        require("attributes of the file" in said, f"verify after a change of {name} says {said}")
    return 1


@fault("crafted variables, links and attributes", 5, "layout")
def crafted_file(bench):
    """A random one of those that `tools/soak.sh --crafted` gives to commands with sanitizers, all in turn."""
    if not hasattr(bench, "room"):
        bench.room = Room(str(bench.program), bench.home / "crafted")
        bench.crafts = all_files(bench.room.base)
    room = bench.room
    before = room.counts["files"]
    room.attack(*bench.chance.choice(bench.crafts))
    require(not any(room.counts[kind] for kind in BAD), f"{dict(room.counts)}")
    return room.counts["files"] - before


@fault("jobs without data, or without room in memory", 6, "failed")
def failing(bench):
    with bench.folder() as site:
        numbers = "".join(f"{x},{x * x},{x - 1}\n" for x in range(5))
        for name, text in zip(("good.csv", *GONE[1:]), (numbers, numbers + "a,b,c\n", numbers + "inf,1,1\n")):
            (site.folder / name).write_text(text)
        (site.folder / "spec.yaml").write_text(FAILING)
        site.wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(FAILURES)
        status, said = column(site.path, "status"), messages(site.path)
        words = [word for name in ("", *GONE) for word in (name, "memory")]
        require(list(status) == [FAILED if word else DONE for word in words], f"states {list(status)}")
        require(all(word in text for word, text in zip(words, said)), f"messages {said}")
        site.wgf("verify", "out.h5").require(OK)
    return len(words) - 1
