#!/usr/bin/python3
"""The JSON Schema of specs: it is the one in sweeps/, every spec there validates, and for any value of any parameter it
says what the program says. The validator is python3-jsonschema. test_schema.py WGF_BINARY SOURCE_FOLDER"""

import json
import re
import sys
from pathlib import Path

import jsonschema
import yaml
from harness import OK, USAGE, case, equal, main, require

SWEEPS = Path(sys.argv.pop(2)) / "sweeps"
FIRST_LINE = "# yaml-language-server: $schema=schema.json"
VALUES = ["0", "1", "2", "-1", "0.5", "1e3", "9007199254740993", "101", "auto", "last", "none", "gd", "file", "normal",
          "Gd", "true", "~", "[]", "{}", "[1]", "[auto]", '"1"', "{range: [1, 3]}", "{range: [-1, 3]}", "{range: [1]}",
          "{range: [1, 3, 0.5]}", "{linspace: [1, 2, 2]}", "{linspace: [1, 2]}", "{linspace: [0.5, 2, 2]}",
          "{linspace: [1, 2, 0]}", "{geomspace: [1, 100, 3]}", "{geomspace: [1, auto, 3]}", "{linspce: [1, 2, 3]}",
          "{linspace: [1, 2, 2], range: [1, 2]}", "[1, 2, gd]", "[gd, prox]", "[0.1, 0.2]", "{choice: [1, 2]}",
          "{choice: [gd]}", "{choice: {range: [1, 3]}}", "{uniform: [1, 2]}", "{uniform: [0.5, 2]}", "{uniform: [1]}",
          "{loguniform: [0, 1]}", "{loguniform: [1, 2]}", "{integers: [1, 3]}", "{integers: [0.5, 2]}", "{law: [1, 2]}",
          '"<= 2"', '"!=gd"', '"= auto"', '"< x"', '"<"', '"=last"', '["<= 1", 2]', '["=x", "y"]', '[[1]]']
# The lines of a spec before a line for each parameter, what goes before its name, and the same as what a loader gives.
PLACES = {
    "fixed": (["fixed:"], "  ", lambda one: {"fixed": one}),
    "sweep": (["sweep:"], "  ", lambda one: {"sweep": one}),
    "over": (["sweep:", "- sample: {count: 3, design: latin}", "  over:"], "    ",
             lambda one: {"sweep": [{"sample": {"count": 3, "design": "latin"}, "over": one}]}),
    "exclude": (["sweep:", "- product: {}", "  exclude:", "  -"], "    ", lambda one: {"sweep": [{"exclude": [one]}]}),
}


class Loader(yaml.SafeLoader):
    """YAML 1.2, as editors read it: 1e-3 is a number, `yes` is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in ("tag:yaml.org,2002:bool",)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"),
                             list("-+0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(true|false)$"), list("tf"))


def load(text):
    return yaml.load(text, Loader)


def printed(wgf):
    return wgf("params", "--json-schema").require(OK).out


def validator(wgf):
    schema = json.loads(printed(wgf))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def refused_by_program(wgf, place, names, value):
    """Names of the parameters that the program does not give the value there."""
    most = 40  # at once: of a hundred errors the rest is not shown
    names = list(names)
    if len(names) > most:
        return refused_by_program(wgf, place, names[:most], value) | refused_by_program(wgf, place, names[most:], value)
    before, blanks, _ = PLACES[place]
    lines = ["name: x", *before, *(f"{blanks}{name}: {value}" for name in names), f"{blanks}no_parameter: 1"]
    wgf.write("spec.yaml", "\n".join(lines) + "\n")
    errors = wgf("plan", "spec.yaml").require(USAGE, "no_parameter").err
    numbers = {int(number) for number in re.findall(r"^spec\.yaml:(\d+):\d+: error", errors, re.M)}
    return {lines[number - 1].split(":")[0].strip() for number in numbers}


@case
def the_schema_in_sweeps_is_current(wgf):
    require(printed(wgf) == (SWEEPS / "schema.json").read_text(),
            "sweeps/schema.json is old; run build/wgf params --json-schema > sweeps/schema.json")


@case
def every_spec_in_sweeps_names_it_and_validates(wgf):
    schema = validator(wgf)
    specs = sorted(SWEEPS.glob("*.yaml"))
    require(len(specs) > 10, f"only {len(specs)} specs")
    for spec in specs:
        text = spec.read_text()
        equal(text.split("\n")[0], FIRST_LINE, f"first line of {spec.name}")
        equal([error.message for error in schema.iter_errors(load(text))], [], spec.name)


@case
def it_agrees_with_the_program_on_every_value_of_every_parameter(wgf):
    schema = validator(wgf)
    names = [name for name in schema.schema["definitions"]["parameters"] if name != "stop_when"]  # a language
    compared = refused = 0
    for place, (_, _, whole) in PLACES.items():
        for value in VALUES:
            wrong = refused_by_program(wgf, place, names, value)
            for name in names:
                kind = schema.schema["definitions"]["parameters"][name].get("type", "")
                if place == "fixed" and value.startswith('"='):
                    continue  # derived: an expression
                if "string" in kind and (re.search(r"\d", value) and kind == "string" or re.search("true|<", value)):
                    continue  # to the program a text
                if name == "beta_decay" and "range" in value:
                    continue  # its maximum, and what follows from that
                valid = schema.is_valid({"name": "x", **whole({name: load(value)})})
                require(valid != (name in wrong), f"{place}: {name}: {value}: {'taken' if valid else 'refused'}")
                compared += 1
                refused += not valid
    require(refused > compared / 4 and compared - refused > compared / 15, f"{refused} of {compared} refused")


BLOCKS = ["{}", "{product: {gamma: [1]}}", "{zip: {gamma: [1, 2], n: [3, 4]}}", "{fixed: {n: 3}, product: {}}", "3",
          "{product: {gama: [1]}}", "{exclude: [{grid: 64, epsilon: '<= 0.01'}]}", "{exclude: [{gird: 64}]}", "[]",
          "{exclude: [{grid: [64, '> 70'], method: [gd, '!= jko']}]}", "{exclude: [{grid: []}]}",
          "{exclude: [{grid: [[64]]}]}", "{exclude: [{method: [gd, '< gd']}]}",
          "{exclude: [{}]}", "{exclude: {n: 3}}", "{exclude: [3]}", "{sample: {count: 3}}", "{fixed: 3}", "{zipp: {}}",
          "{over: {gamma: {uniform: [1, 2]}}}", "{sample: {count: 3}, over: {gamma: {uniform: [1, 2]}}}",
          "{sample: {count: 3, design: latin, seed: 0}, over: {n: {integers: [1, 2]}, d: {choice: [3, 4]}}}",
          "{sample: {design: latin}, over: {n: {integers: [1, 2]}}}", "{sample: {count: 3}, over: {}}",
          "{sample: {count: 3, design: halton}, over: {n: {integers: [1, 2]}}}",
          "{sample: 3, over: {n: {integers: [1, 2]}}}",
          "{sample: {count: 0}, over: {n: {integers: [1, 2]}}}", "{sample: {count: 3}, over: {n: {integers: [1]}}}",
          "{sample: {count: 3}, over: {n: {integer: [1, 2]}}}", "{sample: {count: 3}, over: {m: {integers: [1, 2]}}}"]


@case
def it_agrees_with_the_program_on_blocks(wgf):
    schema = validator(wgf)
    for block in BLOCKS:
        wgf.write("spec.yaml", f"name: x\nsweep:\n  - {block}\n")
        valid = schema.is_valid({"name": "x", "sweep": [load(block)]})
        code = wgf("plan", "spec.yaml").code
        require((code == OK) == valid, f"{block}: exit code {code}, {'taken' if valid else 'refused'} by the schema")
    require(schema.is_valid(load("extends: base.yaml")) and not schema.is_valid(load("{name: x, sweep: []}")), "frame")


@case
def what_is_no_spec_is_refused(wgf):
    schema = validator(wgf)
    for text in ("fixed: {beta: auto}, sweep: {gamma: [1, 2e-3]}", "sweep: [{fixed: {n: 1}}, {zip: {n: [1]}}]",
                 "sweep: [{sample: {count: 2}, over: {n: {integers: [1, 2]}}, exclude: [{n: '> 1'}]}]"):
        require(schema.is_valid(load(f"{{name: x, description: y, {text}}}")), f"{text} is refused")
    for text in ("fixed: {gamma: 1}", "{name: x, gamma: 1}", "{name: x, fixd: {}}", "{name: ''}", "{name: x, fixed: }",
                 "{name: x, fixed: []}", "{name: x, fixed: {gama: 1}}", "{name: x, sweep: {gama: [1]}}", "[]", "x",
                 "{name: [x]}", "{name: x, sweep: 3}", "{name: x, sweep: []}", "{name: x, sweep: [{gamma: [1]}]}",
                 "{name: x, sweep: [{over: {n: {integers: [1, 2]}}}]}", "{name: x, sweep: {product: {n: [1]}}}",
                 "{name: x, sweep: [{sample: {count: 0}, over: {n: {integers: [1, 2]}}}]}",
                 "{name: x, sweep: [{exclude: {n: 1}}]}", "{name: x, sweep: [{exclude: [{}]}]}"):
        require(not schema.is_valid(load(text)), f"{text} is taken")


if __name__ == "__main__":
    main()
