#!/usr/bin/python3
"""Tests of tools/report.py: what its page says, what it refuses, and that a browser opens, sorts and filters it.

Usage: test_report.py WGF [--browser]. With --browser only what needs Chromium is run; exits 77 where there is none.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import numpy as np

from report import page as report
from report import sweep as sweeps

WGF = None
SKIPPED = 77  # what ctest takes for a test that could not run
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SPEC = f"""\
name: tiny
description: {json.dumps(EVIL)}
fixed: {{data: file, width: 10, steps: 5, init_scale: 0.1}}
sweep:
  data_file: [data.csv, {json.dumps("no " + EVIL)}]
  gamma: [0.001, 0.01, 0.1]
  seed: [2, 10]
"""


def sweep(folder):
    """A sweep of twelve jobs, six of which fail with a message that would break a careless page."""
    path = Path(folder) / "tiny.h5"
    path.with_name("data.csv").write_text("-1,1\n0.5,0\n1,2\n")
    path.with_suffix(".yaml").write_text(SPEC)
    done = subprocess.run([WGF, "run", path.with_suffix(".yaml"), "-o", path, "--quiet"], check=False)
    assert done.returncode == 3, f"the sweep ended with {done.returncode}, not with failed jobs"
    return path


def run(*arguments):
    command = [sys.executable, TOOLS / "report.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def column_of(page, name):
    column = next(column for column in data_of(page)["columns"] if column["name"] == name)
    values = column.get("values") or [column["distinct"][place] for place in column["place"]]
    return values if column["kind"] == "text" else np.array(values, float)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = sweep(folder.name)
        cls.done = run(cls.path)
        cls.page = cls.path.with_suffix(".html").read_text()

    def test_it_says_what_the_file_says(self):
        self.assertEqual((self.done.returncode, self.done.stdout, self.done.stderr), (0, "", ""))
        self.assertIn(report.escape(SPEC), self.page)
        self.assertIn(report.escape((TOOLS / "report/tabulator/LICENSE").read_text().strip()), self.page)
        self.assertRegex(self.page, r'"state failed">failed</span></t.><td>6</td>')
        self.assertIn("data:image/png;base64,", self.page)
        with h5py.File(self.path) as file:
            self.assertIn(file.attrs["plan_hash"], self.page)
            for name in ("gamma", "objective_final", "seconds"):
                np.testing.assert_allclose(column_of(self.page, name), file[name][:], rtol=1e-7)

    def test_nothing_is_read_from_elsewhere_and_nothing_breaks_out(self):
        self.assertNotRegex(self.page, r'(src|href)="(?!data:|#)')
        self.assertNotIn("sourceMappingURL", self.page)
        self.assertNotIn(EVIL, self.page)
        self.assertEqual(self.page.lower().count("</script"), 3)
        self.assertIn("no " + EVIL, column_of(self.page, "data_file"))

    def test_a_table_too_large_leaves_rows_out_and_says_so(self):
        small = len(json.dumps(data_of(self.page), separators=(",", ":"))) - 1
        with mock.patch.object(sweeps, "MOST_BYTES", small):
            page, left = report.page(str(self.path), [])
        self.assertTrue(0 < left < 11, left)
        self.assertIn(f"{left} of 12 rows are left out", page)
        self.assertEqual(data_of(page)["rows"], 12 - left)

    def test_a_sweep_that_has_not_begun(self):
        path = Path(shutil.copy(self.path, self.path.with_name("pending.h5")))
        with h5py.File(path, "r+") as file:
            file["status"][:] = 0
        self.assertEqual(run(path, "--figure", "objective-time").returncode, 0)
        self.assertIn("no finished job", path.with_suffix(".html").read_text())


class Numbers(unittest.TestCase):
    def test_numbers_that_json_cannot_say(self):
        column = sweeps.pack("x", np.array([1.5, np.nan, np.inf, -np.inf, 2.0, 1 / 3]), "")
        self.assertEqual(column["values"], [1.5, None, "Infinity", "-Infinity", 2, 0.33333333])

    def test_time_counts_every_core_and_leaves_pauses_out(self):
        class Fake(sweeps.Sweep):
            def __init__(self):
                self.status = np.array([2, 2, 2, 2, 0], np.uint8)
                self.state_names = {0: "pending", 2: "done"}
                self.file = {
                    "started": np.array([0.0, 0.0, 102.0, -5.0, np.nan]),  # two workers; resumed later; reused; pending
                    "seconds": np.array([2.0, 1.0, 2.0, 9.0, np.nan]),
                    "rank": np.array([1, 2, 1, 0, 0]),
                }

        self.assertEqual(Fake().times(), (4.0, 100.0, 3, 5.0, 2))


class Refusing(InFolder):
    def assert_refused(self, done, *words, code=1):
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(list(self.folder.glob("*.html*")), [])

    def test_what_is_no_result(self):
        path = self.folder / "result.h5"
        self.assert_refused(run(path), "no such file")
        path.write_text("objective,distance\n")
        self.assert_refused(run(path), "result.h5", "cannot be read")
        with h5py.File(path, "w") as file:
            file["status"] = [2]
        self.assert_refused(run(path), "not a result of `wgf run`")

    def test_conditions_choose_figures_and_rows(self):
        path, out = sweep(self.folder), self.folder / "some.html"
        self.assert_refused(run(path, "--wgf", WGF, "--where", "gama > 1"), "did you mean 'gamma'?")
        words = ("--wgf", WGF, "--where", "gamma in [0.01, 0.1] and status = done", "--where", "seed > 2", "-o", out)
        self.assertEqual(run(path, *words).returncode, 0)
        page = out.read_text(encoding="utf-8")
        self.assertEqual(data_of(page)["rows"], 2)
        self.assertIn("the 2 of 12 jobs that meet <code>gamma in [0.01, 0.1] and status = done</code> and <code>", page)

    def test_where_it_cannot_write(self):
        path = sweep(self.folder)
        self.assert_refused(run(path, "-o", self.folder / "no" / "folder.html"), "cannot be written")
        self.assert_refused(run(path, "-o", path), "is the result itself", code=2)

    def test_a_python_without_the_packages(self):
        bare = "import sys, importlib.util; sys.modules['h5py'] = None; sys.argv = sys.argv[1:]; import runpy;"
        bare += "sys.executable = '/usr/bin/python3'; sys.path.insert(0, sys.argv[0].rpartition('/')[0]);"
        bare += "runpy.run_path(sys.argv[0], run_name='__main__')"
        done = subprocess.run(
            [sys.executable, "-c", bare, TOOLS / "report.py", "x.h5"], capture_output=True, text=True, check=False
        )
        self.assert_refused(done, "report.py: h5py is missing", "python3-h5py")


@contextlib.contextmanager
def chromium(folder):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    flags = """headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking
               disable-component-update disable-sync disable-dev-shm-usage window-size=1200,1400""".split()
    for flag in [*flags, f"user-data-dir={folder}/profile"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
    try:
        yield browser
    finally:
        browser.quit()


class Browser(InFolder):
    def column(self, name):
        """The place of a column, as the page counts them, from 1."""
        heads = self.browser.find_elements("css selector", ".tabulator-col .tabulator-col-title")
        return [head.get_attribute("textContent") for head in heads].index(name) + 1

    def cells(self, name):
        place = self.column(name)
        return [
            row.find_elements("css selector", ".tabulator-cell")[place - 1].get_attribute("textContent")
            for row in self.browser.find_elements("css selector", "#table .tabulator-row")
        ]

    def sorted(self, name):
        """The cells of a column after a click on its head."""
        self.browser.find_elements("css selector", "#table .tabulator-col-title")[self.column(name) - 1].click()
        return self.cells(name)

    def filter(self, name, words):
        from selenium.webdriver.common.keys import Keys
        from selenium.webdriver.support.ui import Select

        head = self.browser.find_elements("css selector", "#table .tabulator-col")[self.column(name) - 1]
        field = head.find_element("css selector", "input, select")
        if field.tag_name == "select":
            Select(field).select_by_value(words)
        else:
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(words or Keys.DELETE)

    def wait_for_rows(self, count):
        from selenium.webdriver.support.ui import WebDriverWait

        wanted = f"{count} of 12 rows"
        shown = self.browser.find_element("id", "shown")
        WebDriverWait(self.browser, 20).until(lambda _: shown.text == wanted, f"never {wanted}")

    def test_it_opens_sorts_and_filters(self):
        path = sweep(self.folder)
        self.assertEqual(run(path, "--figure", "objective-time").returncode, 0)
        with chromium(self.folder) as self.browser:
            self.browser.get(path.with_suffix(".html").as_uri())
            self.wait_for_rows(12)
            self.assertEqual(self.browser.title, "tiny")
            self.assertEqual(self.cells("job"), [str(job) for job in range(12)])

            for name in ("seed", "objective final"):
                upwards, downwards = self.sorted(name), self.sorted(name)
                numbers = [float(cell) for cell in upwards if cell]
                self.assertEqual(numbers, sorted(numbers))
                self.assertEqual([float(cell) for cell in downwards if cell], numbers[::-1])
                for cells in (upwards, downwards):
                    self.assertNotIn("", cells[: len(numbers)], "a missing number is not last")

            self.filter("gamma", "<= 0.01")
            self.wait_for_rows(8)
            self.filter("status", "failed")
            self.wait_for_rows(4)
            self.assertEqual(set(self.cells("status")), {"failed"})
            self.assertTrue(all(EVIL in message for message in self.cells("message")), self.cells("message"))
            self.filter("status", "")
            self.filter("gamma", "0.005..0.1")
            self.wait_for_rows(8)
            self.filter("gamma", "")
            self.wait_for_rows(12)

            widths = self.browser.execute_script("return [...document.images].map(image => image.naturalWidth)")
            self.assertTrue(widths and min(widths) > 500, widths)
            self.assertEqual(self.browser.title, "tiny")
            self.assertEqual(self.browser.get_log("browser"), [])
            loaded = self.browser.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
            self.assertEqual([name for name in loaded if not name.startswith("data:")], [])
            self.browser.save_screenshot(str(Path.cwd() / "report.png"))


def has_browser():
    try:
        import selenium  # noqa: F401
    except ImportError:
        return False
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


def main():
    global WGF
    WGF = Path(sys.argv.pop(1)).resolve()
    if "--browser" in sys.argv:
        sys.argv.remove("--browser")
        if not has_browser():
            print("skipped: needs chromium, chromium-driver and python3-selenium")
            sys.exit(SKIPPED)
        unittest.main(defaultTest="Browser")
    loader = unittest.defaultTestLoader
    cases = [loader.loadTestsFromTestCase(case) for case in (Page, Numbers, Refusing)]
    sys.exit(not unittest.TextTestRunner().run(unittest.TestSuite(cases)).wasSuccessful())


if __name__ == "__main__":
    main()
