#!/usr/bin/python3
"""Distances to a teacher's directions in heat maps, of networks whose distance is known.

Usage: test_teacher.py WGF [unittest arguments]
"""

import subprocess
import sys
import unittest

import numpy as np
import test_figures
from plot import teacher
from plot.result import PlotError, read_results


def turned(vector, degrees):
    """The unit vector at this angle to a unit vector."""
    beside = np.roll(vector, 1) - vector * (np.roll(vector, 1) @ vector)
    beside /= np.linalg.norm(beside)
    return np.cos(np.radians(degrees)) * vector + np.sin(np.radians(degrees)) * beside


class Teacher(test_figures.Sweeping):
    fixed = "data: teacher, n: 40, d: 5, teacher_width: 4, steps: 1, gamma: 1.0e-12, save: last"

    def job(self, more="", sweep="teacher_seed: [3]"):
        self.made = getattr(self, "made", 0) + 1
        path = self.sweep(f"teacher{self.made}", f"{self.fixed}{more}", sweep)
        return path, read_results([path]).jobs[0]

    def test_its_directions_give_the_labels(self):
        for bias in ("true", "false"):
            path, job = self.job(f", bias: {bias}, width: 2")
            words = [test_figures.WGF, "show", path, "--job", "0", "--data", "--csv"]
            shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            table = np.loadtxt(shown.splitlines(), delimiter=",", skiprows=1)
            directions, signs = teacher.directions(job)
            labels = np.maximum(0, table[:, :-1] @ directions.T) @ signs
            np.testing.assert_allclose(labels, table[:, -1], atol=1e-14)

    def network(self, rows):
        """A job whose neurons are these rows of w and alpha."""
        np.savetxt(self.folder / "network.csv", rows, delimiter=",", fmt="%.17g")
        return self.job(", init: file, init_file: network.csv, layers: both")[1]

    def test_known_networks(self):
        own, signs = teacher.directions(self.job(", width: 2")[1])
        exact = np.column_stack([3 * own, signs])
        stray = np.append(turned(own[0], 70), 1)
        for rows, found, distance in (
            (exact, 0, 0),
            ([*exact[1:], np.append(2 * turned(own[0], 20), 0.5)], 20, 20),
            (np.vstack([exact, stray]), 0, min(np.degrees(np.arccos(turned(own[0], 70) @ own[k])) for k in (0, 2))),
            (np.vstack([exact, 1e-3 * stray]), 0, 0),  # it carries less than a hundredth
            (np.column_stack([own, -signs]), None, None),
        ):
            job = self.network(rows)
            if found is None:
                self.assertGreater(teacher.VALUES["teacher_found"](job), 5)
                continue
            self.assertAlmostEqual(teacher.VALUES["teacher_found"](job), found, 5)
            self.assertAlmostEqual(teacher.VALUES["teacher_distance"](job), distance, 5)

    def test_a_map_of_them(self):
        fixed = self.fixed.replace("n: 40, ", "")
        path = self.sweep("map", fixed, "width: [4, 20], n: [10, 40], seed: [1, 2]")
        page = self.draw(path, "--figure", "heat-map", "--x", "n", "--y", "width", "--value", "teacher_distance")
        self.assert_picture(page)
        jobs = [job for job in read_results([path]).jobs if job.value("n") == 40 and job.value("width") == 20]
        drawn = page.panels[0].get_images()[0].get_array()[1, 1]
        self.assertAlmostEqual(float(drawn), np.median([teacher.distance(job) for job in jobs]))

    def test_what_has_no_teacher_says_so(self):
        path = self.sweep("none", "data: linear, steps: 1, save: last", "width: [2, 4], n: [5, 6]")
        with self.assertRaisesRegex(PlotError, "data: teacher"):
            self.draw(path, "--figure", "heat-map", "--value", "teacher_found")
        path = self.sweep("unkept", "data: teacher, steps: 1", "width: [2, 4], n: [5, 6]")
        with self.assertRaisesRegex(PlotError, "save: last"):
            self.draw(path, "--figure", "heat-map", "--value", "teacher_found")


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
