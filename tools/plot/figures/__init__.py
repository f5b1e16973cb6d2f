"""The figures: one file each, which ends in `FIGURE = Figure(...)`. Nothing else lists them.

A file's name, with - for _, is the name that --figure takes.
"""

import importlib
import pkgutil


def load():
    """{name: Figure} of all files in this folder, in the order of their places."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        name = module.name.replace("_", "-")
        found[name] = importlib.import_module(f"{__name__}.{module.name}").FIGURE
    order = sorted(found, key=lambda name: found[name].place)
    places = [found[name].place for name in order]
    assert len(set(places)) == len(places), f"two figures have the same place: {dict(zip(order, places))}"
    return {name: found[name] for name in order}


FIGURES = load()
