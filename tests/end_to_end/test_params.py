#!/usr/bin/python3
"""`wgf params` against the parameters that specs in use rely on: these keep their names, values and defaults. A new
parameter needs no line here. test_params.py WGF_BINARY"""

import re

from harness import OK, case, equal, main, require

# name | values | default; "path" has none.
PROMISED = """
data | random, linear, sinus, three_points, file, teacher, orthogonal | random
test_file | path | none
data_file | path | none
n | int | 70
d | int | 2
bias | true, false | true
sampling | normal, uniform | normal
noise | float | 0
sinus_frequency | float | 10
sinus_range | float | 0.5
teacher_width | int | 3
teacher_seed | int | 1
data_seed | int | 1
width | int | 1000
init | normal, grid, file, circle, jittered_grid, uniform | normal
init_file | path | none
init_scale | float | 1e-3
arc_start | float | 0
arc_width | float | 6.283185307179586
init_alpha | unit, balanced | unit
signs | balanced, positive | balanced
seed | int | 1
loss | mse, half_mse, sse, huber, logistic | mse
huber_delta | float | 1
output | sum, mean | sum
layers | first, both, second | first
parametrisation | neurons, product, sphere | neurons
weight_decay | float | 0
confine | float | 0
entropy | float | 0
anneal | constant, log | constant
method | gd, prox, jko, flow, wfr, pde | gd
metric | frobenius, wasserstein, sliced, sinkhorn | frobenius
gamma | float | 0.1
scaling | plain, mean_field | plain
steps | int | 100
beta | float or auto | auto
inner | gd, fixed_point, momentum, adam, accelerated, exact_local, exact_global | gd
inner_momentum | float | 0.9
adam_beta1 | float | 0.9
adam_beta2 | float | 0.999
adam_eps | float | 1e-8
inner_memory | step, run | step
beta_decay | float | 1
inner_steps | int | 100
inner_tol | float | 0
projections | int | 100
sliced_scale | none, dimension | none
sinkhorn_tol | float | 1e-9
grid | int | 32
grid_radius | float | 1
grid_grading | float | 0
grid2 | int | 0
grid2_radius | float | 10
epsilon | float or auto | auto
solver | newton, dykstra | newton
newton_tol | float | 1e-9
dykstra_steps | int | 1000
dykstra_tol | float | 1e-6
anderson | int | 0
flow_solver | events, adaptive | events
rtol | float | 1e-6
atol | float | 1e-9
origin | absorb | absorb
cells | int | 400
total_mass | float | 1
record_every | int | 1
record_distances | own, all, reference, plain | own
reference_file | path | none
reference_job | int | 0
transport_p | int | 2
record_diagnostics | list | none
direction_tol | float | 1e-2
moving_tol | float | 1e-3
record_inner | int | 0
kernel | auto, dense, cones, fused, blas | auto
save | none, last, all | none
stop_objective | float | 0
stop_change | float | 0
stop_when | text or none | none
time_limit | float | 0
"""
HEADER = ["name", "values (default)", "range", "read with", "meaning"]


def promised():
    rows = [[cell.strip() for cell in line.split("|")] for line in PROMISED.strip().splitlines()]
    return {name: (values, default) for name, values, default in rows}


def cells(line):
    require(line.startswith("| ") and line.endswith(" |"), f"not a row of a table: {line!r}")
    return [cell.strip() for cell in line[1:-1].split("|")]


def markdown(wgf):
    lines = wgf("params", "--markdown").require(OK).out.splitlines()
    rows = [cells(line) for line in lines if line.startswith("|")]
    equal(rows[0], HEADER, "header")
    equal(rows[1], ["---"] * len(HEADER), "rule below the header")
    for row in rows:
        equal(len(row), len(HEADER), f"cells in {row}")
    return {row[0].strip("`"): row for row in rows[2:]}


def values_and_default(cell):
    return re.fullmatch(r"(.*) \((.*)\)", cell).groups()


def same_number(a, b):
    try:
        return float(a) == float(b)
    except ValueError:
        return a == b


@case
def markdown_has_every_promised_parameter(wgf):
    equal([name for name in markdown(wgf) if name in promised()], list(promised()), "names in order")


@case
def markdown_has_the_promised_values_and_defaults(wgf):
    table = markdown(wgf)
    for name, (values, default) in promised().items():
        got_values, got_default = values_and_default(table[name][1])
        equal(got_values, values, f"values of {name}")
        require(same_number(got_default, default), f"default of {name}: {got_default}, not {default}")


@case
def markdown_says_what_every_parameter_means(wgf):
    for name, row in markdown(wgf).items():
        require(len(row[4]) > 5 and row[3], f"{name} is not explained: {row}")


@case
def what_jobs_read_is_told(wgf):
    table = markdown(wgf)
    for name, words in {"scaling": ["gd"], "metric": ["prox"], "noise": ["linear", "sinus"],
                        "teacher_seed": ["teacher"], "data_seed": ["sinus"], "projections": ["sliced"],
                        "sliced_scale": ["sliced"], "sinkhorn_tol": ["sinkhorn"], "epsilon": ["prox", "jko"],
                        "grid": ["jko"], "origin": ["flow"], "rtol": ["adaptive"], "dykstra_tol": ["dykstra"],
                        "gamma": ["all"]}.items():
        for word in words:
            require(word in table[name][3], f"{name} is read with {table[name][3]!r}, nothing of {word}")


@case
def text_for_people_has_the_same_names(wgf):
    lines = wgf("params").require(OK).out.splitlines()
    words = {line.split()[0] for line in lines if line and not line.startswith(" ")}
    require(set(promised()) <= words, f"not in wgf params: {set(promised()) - words}")


@case
def printed_defaults_are_those_of_a_job(wgf):
    wgf.write("spec.yaml", "name: defaults\n")
    header, rows = wgf("plan", "--csv", "spec.yaml").require(OK).table()
    table = {name: values_and_default(row[1]) for name, row in markdown(wgf).items()}
    equal(header, list(table), "columns of plan --csv")
    for name, (values, default) in table.items():
        default = "" if values in ("path", "text", "text or none", "list") else default
        require(same_number(rows[0][name], default), f"{name} is {rows[0][name]!r} in a job, {default!r} in the table")


if __name__ == "__main__":
    main()
