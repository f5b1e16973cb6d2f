#!/usr/bin/python3
"""The page sweeps/README.md: its specs, pictures and commands.

Usage: test_gallery.py WGF [unittest arguments]
"""

import re
import shlex
import shutil
import subprocess
import sys
import unittest

import test_figures
from plot.main import parse_arguments


class Gallery(test_figures.Sweeping):
    sweeps = test_figures.TOOLS.parent / "sweeps"
    words = (sweeps / "README.md").read_text(encoding="utf-8")
    commands = [shlex.split(line) for line in re.findall(r"^    (\S.*)$", words, re.MULTILINE)]

    def plan(self, spec):
        return subprocess.run([test_figures.WGF, "plan", spec], stdout=subprocess.DEVNULL, check=False).returncode

    def test_every_spec_has_a_plan_and_a_place_in_the_text(self):
        for spec in sorted(self.sweeps.glob("*.yaml")):
            self.assertEqual(self.plan(spec), 0, spec)
            self.assertIn(f"`{spec.name}`", self.words)

    def test_every_picture_exists_and_is_shown(self):
        shown = set(re.findall(r"\]\(([\w-]+\.(?:png|gif))\)", self.words))
        self.assertEqual(shown, {path.name for pattern in ("*.png", "*.gif") for path in self.sweeps.glob(pattern)})

    def test_plot_commands_name_specs_figures_and_axes(self):
        plots = [command[2:] for command in self.commands if command[:2] == ["python3", "tools/plot.py"]]
        plots += [["NAME.h5", *options.split()] for options in re.findall(r"`(--figure [^`]*)`", self.words)]
        self.assertGreater(len(plots), 7)
        for arguments in plots:
            options = parse_arguments(arguments)
            for result in options.results:
                spec = self.sweeps / result.replace(".h5", ".yaml")
                self.assertTrue(result == "NAME.h5" or spec.exists(), result)
                if options.by and spec.exists():
                    self.assertRegex(spec.read_text().split("\nsweep:")[1], rf"[\n {{]{options.by}:")

    def test_other_commands_run(self):
        self.sweep("mean_field", test_figures.MeanField.fixed, "width: [10, 20], seed: [1, 2]")
        swept = "init_scale: [0.1, 1], method: [flow, gd, prox], metric: [frobenius, wasserstein], gamma: [0.5, 0.25]"
        for name in ("flow", "flow_order", "start", "dimension", "features", "width_time", "grid-inputs"):
            self.sweep(name, "data: sinus, n: 12, width: 10, steps: 4", swept)
        for name in ("distance_wide.hdf5", "distance_jko.hdf5"):
            shutil.copy(self.sweeps / name, self.folder)
        fixed = "data: sinus, output: mean, scaling: mean_field, gamma: 0.5, steps: 4, record_distances: reference"
        self.sweep("distance", fixed, "reference_file: [distance_wide.hdf5, distance_jko.hdf5], width: [4, 6]")
        for name in ("alignment", "scaling"):
            words = "record_diagnostics: ['alignment,directions,extremals,patterns']"
            self.sweep(name, "scaling: mean_field, gamma: 0.1, width: 10, steps: 100", words)
        self.sweep("pde", "data: sinus, n: 9, method: pde, steps: 4", "grid: [8, 9]")
        self.sweep("exact", "data: sinus, n: 12, width: 10, method: prox, steps: 1", "inner: [gd, exact_local]")
        self.sweep("langevin", "data: sinus, n: 8, steps: 3, method: jko, entropy: 0.1", "confine: [0.1, 0.2]")
        self.sweep("optimum", "data: sinus, n: 12, layers: both, steps: 3", "weight_decay: [0.003, 0.01]")
        self.assertTrue(rest := [command for command in self.commands if command[0] not in ("python3", "mpirun")])
        for program, *arguments in rest:
            self.assertEqual(program, "build/wgf")
            words = [test_figures.WGF, *arguments]
            done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
