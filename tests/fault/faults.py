"""The faults: each function does some harm to a sweep in a fresh folder, holds what must hold, and returns how many
times the harm was done. A `Failure` says what did not hold; a `Skip` what this machine does not have."""

import contextlib
import os
import resource
import signal
import subprocess

import h5py
import numpy as np
from bench import Bench, end, kill, kill_all
from harness import DONE, ERROR, FAILURES, OK, STOPPED, VARYING, Skip, column, ranks, require, wait_until
from promises import fault

TEAM = 3
STARTED = 0.45  # seconds that mpirun and MPI take before the sweep begins, about
MOST_KILLS = 4  # in one sweep, which then may finish

LONG = """\
name: long
fixed: {n: 50, width: 200, steps: 6000, inner_steps: 2, record_every: 500, save: last}
sweep: {method: [gd, prox], seed: [1, 2]}
"""


def killed_again_and_again(site, team, start_up, *options):
    """Kills a run, goes on, kills it again; then lets it finish."""
    kills = 0
    for _ in range(site.chance.randint(1, MOST_KILLS)):
        process = site.start(*options, team=team)
        alive = site.watch(process, site.instant(start_up))
        kill_all(process)
        kills += alive
        site.check()
        if not alive:
            break
    site.finish(*options)
    return kills


@fault("SIGKILL of a lone process", 150, "opens", "whole", "same")
def kill_alone(bench):
    with bench.folder() as site:
        return killed_again_and_again(site, 0, 0)


@fault("SIGKILL of all ranks", 50, "opens", "whole", "same")
def kill_team(bench):
    with bench.folder() as site:
        return killed_again_and_again(site, TEAM, STARTED)


@fault("SIGKILL within long descents", 20, "checkpoint", "whole", "same")
def kill_long(bench):
    """Which go on from their checkpoints, made so often that kills fall into the making."""
    own = Bench(bench.program, LONG, bench.chance)
    with own.folder() as site:
        kills = killed_again_and_again(site, 0, 0, "--checkpoint", "0.01")
    bench.looks += own.looks
    return kills


def started_team(site, **options):
    """A team at an instant of its work, with its ranks; None once it has ended by itself."""
    process = site.start(team=TEAM, **options)
    try:
        numbers = wait_until(lambda: process.poll() is not None or (len(ranks(process)) == TEAM and ranks(process)),
                             "the ranks")
        if site.watch(process, site.instant(STARTED)) and numbers is not True:
            return process, numbers
        end(process)
        return None
    except BaseException:
        kill_all(process)
        raise


@fault("SIGKILL of one worker", 6, "rank", "whole", "same")
def kill_worker(bench):
    with bench.folder() as site:
        team = started_team(site)
        if team:
            kill(site.chance.choice(team[1][1:]))
            require(end(team[0])[0] != OK or site.check() is not None, "exit code 0 without a file")
        site.check()
        site.finish(team=TEAM)
        return int(team is not None)


@fault("SIGKILL of the master", 6, "rank", "whole", "same")
def kill_master(bench):
    with bench.folder() as site:
        team = started_team(site)
        if team:
            kill(team[1][0])
            end(team[0])
        site.check()
        site.finish(team=TEAM)
        return int(team is not None)


@fault("storm of SIGTERM, SIGINT, SIGUSR1, SIGHUP", 10, "stop", "whole", "same")
def storm(bench):
    """Signals at random intervals to run after run until one has finished; none may do anything but stop early."""
    sent = 0
    with bench.folder() as site:
        for round in range(1000):
            process = site.start()
            while site.watch(process, site.chance.uniform(0, bench.seconds)):
                process.send_signal(site.chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)))
                sent += 1
            code, said = end(process)
            if code < 0 and not site.path.exists():
                continue # before the program had its handlers: nothing was written
            require(code in (OK, STOPPED) or (code < 0 and round > 0), f"exit code {code}: {said}")
            site.check()
            if code == OK:
                break
        site.finish()
    return sent


@fault("disk full at a random write", 20, "room", "whole", "same")
def disk_full_at_write(bench):
    """A preloaded library lets writes fail from one on."""
    with bench.folder() as site:
        team = site.chance.choice((0, 0, 0, TEAM))
        number = site.chance.randint(1, site.chance.choice((20, 1000)))
        code, said = end(site.start(team=team, LD_PRELOAD=bench.harm, HARM_FULL_AFTER=str(number)))
        require(code == OK or code == ERROR and "No space left" in said,
                f"exit code {code} where write {number} failed: {said}")
        site.check()
        site.finish(team=team)
        return int(code == ERROR)


@fault("limit of file sizes, set while a team runs", 3, "room", "whole", "same")
def limited_team(bench):
    with bench.folder() as site:
        team, code = started_team(site), OK
        if team:
            room = bench.chance.randrange(os.path.getsize(bench.home / "out.h5"))
            with contextlib.suppress(ProcessLookupError):
                for number in team[1]:
                    resource.prlimit(number, resource.RLIMIT_FSIZE, (room, room))
            code, said = end(team[0])
            require(code == OK or code == ERROR and "File too large" in said, f"exit code {code}: {said}")
        site.check()
        site.finish(team=TEAM)
    return int(code == ERROR)


@contextlib.contextmanager
def small_disk(bench, kilobytes):
    place = bench.home / "disk"
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place], capture_output=True)
    if done.returncode:
        raise Skip("mounting needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def resize(place, options):
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


@fault("full file system", 10, "room", "whole", "same")
def disk_full(bench):
    size = os.path.getsize(bench.home / "out.h5") // 1024
    room = bench.chance.randint(16, size + size // 4)
    with small_disk(bench, room) as place:
        with bench.site_on(place) as site:
            code, said = end(site.start())
            require(code in (OK, ERROR), f"exit code {code} on a disk of {room} kB: {said}")
            require(code == OK or "No space" in said or "free" in said or "make room" in said,
                    f"no reason given: {said}")
            site.check()
            resize(place, "size=64m")
            site.finish()
    return int(code == ERROR)


@fault("read-only folder", 2, "room", "same")
def read_only(bench):
    """Made read-only before the first run, and after a killed one."""
    with small_disk(bench, 65536) as place, bench.site_on(place) as site:
        if bench.chance.random() < 0.5:
            process = site.start()
            site.watch(process, site.instant())
            kill_all(process)
        before = site.path.read_bytes() if site.path.exists() else None
        resize(place, "ro")
        code, said = end(site.start())
        resize(place, "rw")
        finished = before is not None and (column(site.path, "status") == DONE).all()
        require(code == ERROR and "Read-only" in said or finished, f"exit code {code}: {said}")
        require((site.path.read_bytes() if site.path.exists() else None) == before, "the file was changed")
        site.finish()
    return 1


def damaged(whole, kind, chance):
    """Bytes that are no result file of this schema."""
    if kind == "cut":
        return whole[:chance.randint(0, len(whole) - 1)]
    if kind == "noise":
        return chance.randbytes(chance.randint(1, 5000))
    return b"\x89HDF\r\n\x1a\n" + chance.randbytes(chance.randint(0, 5000))


@fault("file cut short, foreign, or of another schema", 12, "foreign")
def no_result_file(bench):
    with bench.folder() as site:
        kind = bench.chance.choice(("cut", "noise", "signature", "foreign", "schema"))
        if kind == "foreign":
            with h5py.File(site.path, "w") as file:
                file["x"] = np.arange(5)
        else:
            site.path.write_bytes((bench.home / "out.h5").read_bytes())
        if kind == "schema":
            with h5py.File(site.path, "r+") as file:
                file.attrs.modify("schema", 99)
        elif kind != "foreign":
            site.path.write_bytes(damaged(site.path.read_bytes(), kind, bench.chance))
        before = site.path.read_bytes()
        for command in (("run", bench.spec_file, "-o", "out.h5", "--quiet"), ("status", "out.h5"),
                        ("verify", "out.h5")):
            site.wgf(*command).require(ERROR, "out.h5")
        require(site.path.read_bytes() == before, "the file was changed")
        site.path.unlink()
        site.finish()
    return 1


def flip(path, chance, count):
    """Flips bits in finished rows; returns the jobs."""
    with h5py.File(path, "r") as file:
        jobs = len(file["status"])
        spots = []
        for _ in range(count):
            job = chance.randrange(jobs)
            dataset = file[chance.choice(flippable(file))]
            row = dataset.size * dataset.dtype.itemsize // jobs
            spots.append((job, dataset.id.get_offset() + job * row + chance.randrange(row)))
    with open(path, "r+b") as file:
        for _, place in spots:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1 << chance.randrange(8)]))
    return {job for job, _ in spots}


def flippable(file):
    """Variables of rows that have a place in the file, and that a checksum covers."""
    excepted = VARYING | {"status", "job", "record", "inner_record", "message_length", "state_element"}
    return sorted(name for name, dataset in file.items() if name not in excepted and dataset.dtype != object and
                  dataset.shape[:1] == file["status"].shape and dataset.id.get_offset() is not None)


@fault("flipped bits in finished rows", 30, "checksum", "same")
def flipped(bench):
    with bench.folder() as site:
        site.path.write_bytes((bench.home / "out.h5").read_bytes())
        jobs = flip(site.path, bench.chance, bench.chance.randint(1, 3))
        said = site.wgf("verify", "out.h5").require(FAILURES)
        words = (said.out + said.err).replace(":", " ").replace(",", " ").split()
        require(all(str(job) in words for job in jobs), f"jobs {sorted(jobs)} are damaged, verify says {said.out}")
        site.finish()
    return len(jobs)
