#!/usr/bin/python3
"""`stop_when` against NumPy on the traces of the same descents without it. test_rule.py WGF_BINARY"""

import h5py
import numpy as np
from harness import OK, USAGE, bits, case, column, equal, main, messages, require

SWEEP = """\
name: rules
fixed: {{n: 12, width: 30, steps: 40, record_every: {every}, save: all, record_distances: all{more}}}
sweep: {{method: [gd, prox, jko, flow], gamma: [0.01, 0.3], seed: [1, 2]}}
"""
# Each with what it says in Python, of the columns of a record as t and objective_initial as F0.
RULES = {
    "step >= 10 and objective > 0.9 * objective_initial": lambda t, F0: t["step"] >= 10 and t["objective"] > 0.9 * F0,
    "time >= 0.3": lambda t, F0: t["time"] >= 0.3 - 1e-13,
    "grad_norm < 0.05 or weight_norm / objective > 20, step in [6, 12, 18]":
        lambda t, F0: (t["grad_norm"] < 0.05 or t["weight_norm"] / t["objective"] > 20) and t["step"] in (6, 12, 18),
    "mass < 5": lambda t, F0: t["mass"] < 5,  # NaN but for jko
    "not distance <= 1e-9 and abs(distance - distance_frobenius) > 1e-6 * distance":
        lambda t, F0: t["distance"] > 1e-9 and abs(t["distance"] - t["distance_frobenius"]) > 1e-6 * t["distance"],
    "step > 1000": lambda t, F0: False,
}


def traces(path):
    """{trace: jobs x records} of a file."""
    with h5py.File(path, "r") as file:
        shape = file["objective"].shape
        return {name: dataset[()] for name, dataset in file.items()
                if dataset.shape == shape and dataset.dtype == float}


def first_record(trace, job, rule, initial):
    """The first record for which the rule holds, or the last one."""
    records = int(np.isfinite(trace["step"][job]).sum())
    for record in range(records - 1):
        if rule({name: float(values[job, record]) for name, values in trace.items()}, initial):
            return record, True
    return records - 1, False


@case
def descents_stop_where_numpy_says(wgf):
    stopped = 0
    for every in (1, 3):
        whole = wgf.result(SWEEP.format(every=every, more=""), OK, "whole.h5", "--overwrite")
        trace, initial = traces(whole), column(whole, "objective_initial")
        for text, rule in RULES.items():
            path = wgf.result(SWEEP.format(every=every, more=f', stop_when: "{text}"'), OK, "out.h5", "--overwrite")
            got, steps, said = traces(path), column(path, "steps_done"), messages(path)
            equal(sorted(got), sorted(trace), "traces")
            for job in range(len(initial)):
                record, holds = first_record(trace, job, rule, float(initial[job]))
                where = f"of job {job} with {text!r}, every {every}"
                for name, values in got.items():
                    equal(values[job, : record + 1].tobytes(), trace[name][job, : record + 1].tobytes(), name + where)
                    require(np.isnan(values[job, record + 1 :]).all(), f"records {name} after the end {where}")
                equal(steps[job], trace["step"][job, record], f"steps_done {where}")
                equal(column(path, "objective_final")[job], trace["objective"][job, record], f"final {where}")
                begins = said[job].startswith(f"stopped at step {steps[job]} by stop_when: {text}")
                equal(begins, holds, f"message {said[job]!r} {where}")
                stopped += holds
            equal(set(column(path, "status")), {2}, "status")
            equal(set(column(path, "state_records")), {int(np.isfinite(row).sum()) for row in got["step"]}, "states")
            equal(set(column(path, "stop_when")), {text}, "the column of the rule")
            wgf("verify", "out.h5").require(OK)
    require(stopped > 40, f"only {stopped} descents were stopped")
    print(f"{stopped} descents stopped", end="; ")


@case
def rules_are_part_of_the_key(wgf):
    text = "name: x\nfixed: {n: 6, width: 4, steps: 5%s}\n%s"
    keys = [int(column(wgf.result(text % (more, ""), OK, "key.h5", "--overwrite"), "key")[0])
            for more in ("", ", stop_when: none", ', stop_when: ""')]
    equal(len(set(keys)), 1, "keys of no rule")
    long = "step > 100 or step > 101 or step > 102 or step > 103 or step > 104 or step > 105 and time < "
    path = wgf.result(text % ("", f"sweep: {{stop_when: [none, step = 2, step = 3, '{long}1', '{long}2']}}\n"))
    equal(len(set(column(path, "key"))), 5, "different keys")
    equal(int(column(path, "key")[0]), keys[0], "key of none among rules")
    equal(column(path, "steps_done").tolist(), [5, 2, 3, 5, 5], "steps_done")
    wgf("run", "spec.yaml", "-o", "again.h5", "--reuse", "out.h5").require(OK, "5 rows reused")
    equal(bits_of(wgf, "again.h5", "objective"), bits_of(wgf, "out.h5", "objective"), "reused rows")
    done = wgf("show", "out.h5", "--where", "stop_when = 'step = 3'", "--columns", "job", "--csv")
    equal(done.require(OK).out, "job\n2\n", "a rule as a word")


def bits_of(wgf, name, variable):
    with h5py.File(wgf.path(name), "r") as file:
        return bits(file[variable])


@case
def rules_that_are_refused(wgf):
    for text, at, *said in (
            ("ste > 3", 0, "'ste' is not a column of the trace", "did you mean 'step'?"),
            ("step > 3 and frobnicate < 1", 13, "step, time, objective"), ("step >", 6, "missing at the end"),
            ("step", 0, "NAME OP VALUE"), ("step > 3)", 8, "')'"), ("step = gamma", 7, "'gamma'")):
        wgf.write("spec.yaml", f"name: x\nfixed:\n  stop_when: \"{text}\"\n")
        wgf("plan", "spec.yaml").require(USAGE, f"spec.yaml:3:{at + 15}: error: stop_when: ", *said).quietly()
        wgf("plan", wgf.write("bare.yaml", "name: x\n"), "--set", f"stop_when={text}").require(USAGE, *said).quietly()
    wgf.write("spec.yaml", "name: x\nsweep:\n  stop_when:\n    - step > 3\n    - stp > 3\n")
    wgf("plan", "spec.yaml").require(USAGE, "spec.yaml:5:7: error: stop_when: 'stp'").quietly()


@case
def columns_that_no_job_records(wgf):
    for fixed, warned in (("stop_when: mass < 1", "mass"), ("stop_when: mass < 1, method: jko", None),
                          ("stop_when: distance_frobenius < 1 or step > 2", "distance_frobenius"),
                          ("stop_when: objective_test < 1", "objective_test")):
        wgf.write("spec.yaml", f"name: x\nfixed: {{{fixed}}}\n")
        said = wgf("plan", "spec.yaml").require(OK).err
        equal(f"spec.yaml:2:20: warning: stop_when: no job records {warned} (" in said, warned is not None, said)
    wgf.write("spec.yaml", "name: x\nfixed: {stop_when: mass < 1}\nsweep: {method: [gd, jko]}\n")
    equal(wgf("plan", "spec.yaml").require(OK).err, "", "warnings where some job records it")


if __name__ == "__main__":
    main()
