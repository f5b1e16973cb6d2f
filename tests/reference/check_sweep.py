#!/usr/bin/python3
"""The jobs of random specs against a short reference: loops that expand every row, and a dictionary that finds equal
ones. check_sweep.py PLAN_TOOL [SPECS [SEED]]"""

import itertools
import json
import operator as op
import random
import re
import subprocess
import sys

DEFAULTS = {"method": "gd", "metric": "frobenius", "solver": "newton", "scaling": "plain", "gamma": 0.1, "beta": "auto",
            "steps": 100, "seed": 1, "projections": 100, "grid": 32, "epsilon": "auto", "dykstra_steps": 1000,
            "width": 1000, "init_scale": 1e-3, "init": "normal", "inner_steps": 100}
VALUES = {"method": ["gd", "prox", "jko"], "metric": ["frobenius", "sliced"], "solver": ["newton", "dykstra"],
          "scaling": ["plain", "mean_field"], "gamma": [0.1, 0.2, 0.25, 1.0], "beta": ["auto", 0.1, 0.5],
          "steps": [1, 2, 3, 100], "seed": [0, 1, 2, 3, 4], "projections": [3, 100], "grid": [4, 5, 32],
          "epsilon": ["auto", 0.01, 0.02], "dykstra_steps": [5, 1000], "width": [8, 9], "init_scale": [0, 0.001, 0.5],
          "init": ["normal", "normal"], "inner_steps": [1, 2, 100]}
COMPARE = {"": op.eq, "=": op.eq, "!=": op.ne, "<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge}


def is_read(name, job):
    """src/README.md "What each job reads", for the parameters here."""
    method = job["method"]
    sliced = method == "prox" and job["metric"] == "sliced"
    return {"scaling": method == "gd", "metric": method == "prox", "beta": method == "prox",
            "inner_steps": method == "prox", "projections": sliced, "grid": method == "jko",
            "epsilon": method == "jko", "solver": method == "jko",
            "dykstra_steps": method == "jko" and job["solver"] == "dykstra", "width": method != "jko",
            "seed": method != "jko"}.get(name, True)


def settle(row):
    job = {**DEFAULTS, **row}
    return {name: value if is_read(name, job) else DEFAULTS[name] for name, value in job.items()}


def values_of(axis):
    if isinstance(axis, list):
        return axis
    lo, hi, step = (*axis["range"], 1)[:3]
    return list(range(lo, hi, step))


def rows_of(block, top):
    """The rows of a block as written, in order: products slower than the zip."""
    product, zipped = block.get("product", {}), block.get("zip", {})
    lists = [[{name: value} for value in values_of(axis)] for name, axis in product.items()]
    if zipped:
        columns = [values_of(axis) for axis in zipped.values()]
        lists.append([dict(zip(zipped, values)) for values in zip(*columns)])
    for parts in itertools.product(*lists):
        row = {**top, **block.get("fixed", {})}
        for part in parts:
            row.update(part)
        yield row


def is_met(job, name, wanted):
    """Does the job's value meet what is wanted of it: a value, a comparison, or one of a list?"""
    if isinstance(wanted, list):
        return any(is_met(job, name, one) for one in wanted)
    operator = re.match("[<>!]?=|[<>]|", str(wanted)).group()
    value = str(wanted)[len(operator):].strip() if operator else wanted
    if not isinstance(DEFAULTS[name], str) or (name in ("beta", "epsilon") and value != "auto"):
        value = float(value)
    order = operator in ("<", "<=", ">", ">=") and job[name] == "auto"
    return not order and COMPARE[operator](job[name], value)


def is_excluded(job, entry):
    """Does the job match all keys? What it does not read matches nothing."""
    return all(is_read(name, job) and is_met(job, name, wanted) for name, wanted in entry.items())


def expand(spec):
    """The jobs, how many rows equal an earlier one, and how many jobs are excluded."""
    sweep = spec.get("sweep", {})
    blocks = sweep if isinstance(sweep, list) else [{"product": sweep}]
    jobs, rows, excluded = {}, 0, 0
    for block in blocks:
        own = {}
        for row in rows_of(block, spec.get("fixed", {})):
            rows += 1
            own.setdefault(tuple(settle(row).items()))
        kept = [job for job in own if not any(is_excluded(dict(job), entry) for entry in block.get("exclude", []))]
        excluded += len(own) - len(kept)
        jobs.update(dict.fromkeys(kept))
    return [dict(job) for job in jobs], rows - len(jobs) - excluded, excluded


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def axis(self, name, length=None):
        values = VALUES[name]
        if name in ("seed", "steps") and self.random.random() < 0.3:
            lo, step = self.random.randrange(1, 4), self.random.choice([1, 2, -1])
            count = length or self.random.randrange(1, 4)
            lo += count if step < 0 else 0
            return {"range": [lo, lo + step * count] + ([step] if step != 1 or self.random.random() < 0.3 else [])}
        count = length or self.random.randrange(1, 4)
        return [self.random.choice(values) for _ in range(count)]

    def block(self, free):
        names = [name for name in VALUES if name in free]
        self.random.shuffle(names)
        take = lambda most: [names.pop() for _ in range(min(self.random.randrange(most + 1), len(names)))]
        length = self.random.randrange(1, 6)
        block = {"product": {name: self.axis(name) for name in take(3)},
                 "zip": {name: self.axis(name, length) for name in take(3)}}
        names += [name for name in VALUES if name not in free]
        block["fixed"] = {name: self.random.choice(VALUES[name]) for name in take(3)}
        block = {key: block[key] for key in self.random.sample(sorted(block), 3) if block[key]}
        if self.random.random() < 0.3:
            block["exclude"] = [self.entry() for _ in range(self.random.randrange(1, 3))]
        return block

    def wanted(self, name):
        value, words = self.random.choice(VALUES[name]), isinstance(VALUES[name][-1], str)
        sign = self.random.choice(["", "", "=", "!="] if words or value == "auto" else sorted(COMPARE))
        return f"{sign} {value}" if sign else value

    def entry(self):
        """What is wanted of one or two parameters, of some in lists."""
        entry = {}
        for name in self.random.sample(sorted(VALUES), self.random.randrange(1, 3)):
            wanted = [self.wanted(name) for _ in range(self.random.randrange(1, 4))]
            entry[name] = wanted if self.random.random() < 0.4 else wanted[0]
        return entry

    def spec(self):
        fixed = {name: self.random.choice(values) for name, values in VALUES.items() if self.random.random() < 0.15}
        free = set(VALUES) - set(fixed)
        spec = {"name": "x", "fixed": fixed}
        shape = self.random.random()
        if shape < 0.2:
            spec["sweep"] = self.block(free).get("product", {})
        elif shape < 0.95:
            spec["sweep"] = [self.block(set(VALUES)) for _ in range(self.random.randrange(1, 4))]
        return spec


def parse(line):
    job = dict(DEFAULTS)
    for word in line.split():
        name, text = word.split("=")
        job[name] = text if isinstance(VALUES[name][-1], str) or text == "auto" else float(text)
    return job


def main():
    tool, count, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10000, 1
    maker = Maker(int(sys.argv[3]) if len(sys.argv) > 3 else seed)
    specs = [maker.spec() for _ in range(count)]
    text = "\0".join(json.dumps(spec) for spec in specs)
    done = subprocess.run([tool], input=text, capture_output=True, text=True, check=True)
    answers = done.stdout.split("\0")
    assert len(answers) == count + 1, f"{len(answers) - 1} answers to {count} specs"
    total = 0
    for spec, answer in zip(specs, answers):
        jobs, dropped, excluded = expand(spec)
        head, *lines = answer.split("\n")[:-1]
        got = [parse(line) for line in lines]
        if not jobs and "every job of the sweep is excluded" in head:
            continue
        if head != f"jobs {dropped} {excluded}" or got != jobs:
            print(json.dumps(spec), "expected:", dropped, excluded, *jobs, "got:", head, *got, sep="\n  ")
            sys.exit(1)
        total += len(jobs)
    print(f"{count} specs, {total} jobs: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
