"""Messages that give advice name a cause that was tested: what they advise works. test_advice.py WGF_BINARY, with
WGF_HARM the library that fails system calls."""

import errno
import os
import re
import subprocess
from pathlib import Path

import numpy as np
from harness import DIVERGED, DONE, ERROR, HANG, OK, Outcome, case, column, equal, main, messages, require

SWEEP_SH = str(Path(__file__).resolve().parents[2] / "slurm/sweep.sh")
SMALL = "n: 5, width: 4"
SINUS = "data: sinus, n: 5, method: jko, grid: 8, steps: 3, dykstra_steps: 20"


def states(path):
    return list(column(path, "status"))


@case
def the_remedy_for_divergence_ends_it(wgf):
    """Whatever diverges, some value in the direction that its row names does not."""
    diverging = {
        "gd": f"{SMALL}, gamma: 1.0e+5",
        "gd of labels": f"{SMALL}, loss: sse, output: mean, scaling: mean_field, gamma: 1.0e+9",
        "gd that decays": f"{SMALL}, weight_decay: 1.0e+4, gamma: 1",
        "gd of both layers": f"{SMALL}, layers: both, gamma: 1.0e+3",
        "gd of output weights": f"{SMALL}, layers: second, gamma: 1.0e+9",
        "prox, beta": f"{SMALL}, method: prox, beta: 1.0e+4",
        "wasserstein": f"{SMALL}, method: prox, metric: wasserstein, beta: 1.0e+4",
        "sliced": f"{SMALL}, method: prox, metric: sliced, beta: 1.0e+4",
        "jko, epsilon": f"{SINUS}, solver: dykstra, gamma: 100, epsilon: 1.0e-306",
        "jko, gamma": f"{SINUS}, solver: dykstra, gamma: 1.0e+308",
    }
    for number, (name, fixed) in enumerate(diverging.items()):
        path = wgf.result(f"name: x\nfixed: {{{fixed}}}\n", OK, f"{number}.h5")
        equal(states(path), [DIVERGED], f"state of '{name}'")
        advice = re.search(r"try a (smaller|larger) (\w+)$", messages(path)[0])
        require(advice, f"'{name}': {messages(path)[0]!r}")
        better, parameter = advice.groups()
        value = float(column(path, parameter)[0])
        if np.isnan(value):
            value = 1.0
        end = 1e-8 if better == "smaller" else 1
        kept = ", ".join(part for part in fixed.split(", ") if not part.startswith(f"{parameter}:"))
        path = wgf.result(f"name: x\nfixed: {{{kept}}}\n"
                          f"sweep: {{{parameter}: {{geomspace: [{value:e}, {end:e}, 16]}}}}\n",
                          OK, f"{number}-mended.h5")
        require(DONE in states(path), f"'{name}': no {better} {parameter} helps, {states(path)}")


@case
def a_failed_read_is_not_called_damage(wgf):
    path = wgf.result(f"name: x\nfixed: {{{SMALL}}}\nsweep: {{seed: [1, 2]}}\n")
    told = 0
    for number in range(0, 60, 5):
        harm = f"{number},{errno.EIO},{wgf.folder}"
        environment = dict(os.environ, LD_PRELOAD=os.environ["WGF_HARM"], HARM_CALL=harm)
        done = Outcome(subprocess.run([wgf.program, "status", path], env=environment, capture_output=True, text=True,
                                      timeout=HANG))
        for word in ("damaged", "cut short", "remove", "another copy"):
            require(word not in done.err, f"call {number} fails: {done.err!r}")
        if done.code:
            done.require(ERROR, "Input/output error").quietly()
            told += 1
    require(told > 3, f"only {told} of 12 failed calls are told")


@case
def a_sweep_that_cannot_write_is_no_killed_process(wgf):
    """Whatever cannot be written, the result or what MPI needs: exit code 1, the place and the system's reason."""
    wgf.write("spec.yaml", f"name: x\nfixed: {{{SMALL}}}\n")
    for ranks, out, scratch, words in (("3", "/proc/x.h5", None, ("'/proc/x.h5'", "No such file")),
                                       ("1", "absent/x.h5", None, ("'absent/x.h5'", "No such file")),
                                       ("3", "out.h5", "/proc", ("MPI needs a megabyte in /proc", "set TMPDIR")),
                                       ("3", "out.h5", None, ("out.h5, drawn in out.png",))):
        environment = dict(os.environ, WGF_RANKS=ranks, **({"TMPDIR": scratch} if scratch else {}))
        done = Outcome(subprocess.run(["bash", SWEEP_SH, "spec.yaml", "-o", out], env=environment, cwd=wgf.folder,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG))
        done.require(OK if "drawn" in words[0] else ERROR, *words)
        for word in ("killed", "memory", "unbound", "No such file or directory:"):
            require(word not in done.err, f"{out}: {done.err!r}")


@case
def a_foreign_semaphore_stops_no_team(wgf):
    """Of the name that Open MPI would take for the result file, and not to be opened."""
    name = f"blocked-{os.getpid()}.h5"
    semaphore = Path("/dev/shm") / f"sem.OMPIO_{name}"
    wgf.write("spec.yaml", f"name: x\nfixed: {{{SMALL}}}\n")
    semaphore.mkdir()
    try:
        wgf("run", "spec.yaml", "-o", name, ranks=3).require(OK)
    finally:
        semaphore.rmdir()
    equal(states(wgf.path(name)), [DONE], "states")


main()
