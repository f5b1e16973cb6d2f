"""The command tools/report.py: makes the page of a result file, and nothing in it refers to another file.

The page has a summary, figures, failures, a table of all jobs, the spec, and the provenance.
"""

import argparse
import base64
import contextlib
import hashlib
import html
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import plot.main
from plot.figures import FIGURES
from plot.result import PlotError, passing

from . import sweep as sweeps

PARTS = Path(__file__).resolve().parent
IMAGES = {b"\x89PNG": "image/png", b"GIF8": "image/gif"}


def escape(value):
    return html.escape(str(value), quote=True)


def part(name):
    """A file of this folder, without the pointer to its source map, which would be another file."""
    try:
        words = (PARTS / name).read_text(encoding="utf-8")
    except OSError as error:
        raise PlotError(f"{PARTS / name} cannot be read: {error.strerror}; it belongs to tools/report.py") from None
    return re.sub(r"(?m)^(//|/\*)# sourceMappingURL=.*$", "", words).strip()


def duration(seconds):
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def table(rows, head=(), kind=""):
    """An HTML table of cells that are HTML already. Without a head the first cell of a row names it."""
    lines = [f'<table class="{kind}">']
    if head:
        lines.append("<thead><tr>" + "".join(f'<th scope="col">{word}</th>' for word in head) + "</tr></thead>")
    lines.append("<tbody>")
    for row in rows:
        cells = [f"<td>{cell}</td>" for cell in row]
        if not head:
            cells[0] = f'<th scope="row">{row[0]}</th>'
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def summary(sweep):
    total = len(sweep.status)
    counts = sweep.counts()
    bar = "".join(f'<i class="{escape(name)}" style="flex-grow:{count}"></i>' for name, count in counts)
    states = [(f'<span class="state {escape(name)}">{escape(name)}</span>', f"{count:,}") for name, count in counts]
    facts = [("jobs", f"{total:,}"), *states]
    times = sweep.times()
    if times:
        elapsed, pauses, timed, busy, workers = times
        facts.append(("time", duration(elapsed) + (f", without {duration(pauses)} of pauses" if pauses else "")))
        facts.append(("in descents", f"{duration(busy)}, {duration(busy / timed)} a job"))
        if elapsed > 0:
            facts.append(("rate", f"{timed / elapsed:.3g} jobs/s"))
            facts.append(("core use", f"{100 * busy / elapsed / workers:.1f} %; workers: {workers}"))
        ended = int(sweep.ended().sum())
        if timed < ended:
            facts.append(("reused", f"{ended - timed:,} jobs not run for this file"))
    lowest = sweep.lowest()
    if lowest:
        facts.append(("lowest objective", f"{lowest[0]:.6g}, job {lowest[1]}"))
    return f'<div class="bar">{bar}</div>\n' + table(facts, kind="facts")


def provenance(sweep, same):
    told = {name: value for name, value in sweep.attributes.items() if name not in ("spec", "_NCProperties")}
    facts = [(escape(name), escape(value)) for name, value in told.items() if value]
    fixed = [(escape(name), escape(value)) for name, value in same if str(value)]
    return f"""{table(facts, kind="facts")}
<details><summary>Parameters that are the same for all jobs</summary>
<p>A parameter that a job does not read holds its default; nan is auto.</p>
{table(fixed, kind="facts")}</details>"""


def failures(sweep):
    found = sweep.failures()
    if not found:
        return "<p>None: no job failed, timed out or crashed.</p>"
    rows = []
    for failure in found[: sweeps.MOST_FAILURES]:
        jobs = ", ".join(map(str, failure.jobs)) + (", …" if failure.count > len(failure.jobs) else "")
        state = f'<span class="state {escape(failure.status)}">{escape(failure.status)}</span>'
        rows.append((state, f"{failure.count:,}", escape(jobs), escape(failure.message or "no message")))
    left = len(found) - len(rows)
    more = f"<p>{left:,} more messages are left out; <code>wgf status</code> lists all.</p>" if left else ""
    return table(rows, ("status", "jobs", "which", "message"), "failures") + more


def draw(path, name, folder, selection):
    """A figure as (bytes, remarks), or None and why not. An error in one figure does not stop the page."""
    picture, said = Path(folder) / f"{name}.png", io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            code = plot.main.main([path, "--figure", name, "-o", str(picture), *selection])
    except (Exception, SystemExit) as error:
        return None, f"{type(error).__name__}: {error}"
    remarks = " ".join(said.getvalue().split()).replace("plot.py: ", "")
    return (picture.read_bytes() if code == 0 and picture.exists() else None), remarks


def figures(path, names, selection):
    """The figures of the jobs that `selection`, words for tools/plot.py, leaves."""
    drawn, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            figure = FIGURES[name]
            picture, remarks = draw(path, name, folder, selection)
            kind = IMAGES.get(picture[:4]) if picture else None
            if not kind:
                refused.append(f"<li>{escape(name)}: {escape(remarks)}</li>")
                continue
            source = f"data:{kind};base64,{base64.b64encode(picture).decode()}"
            drawn.append(
                f'<figure><img src="{source}" alt="{escape(figure.meaning)}">'
                f"<figcaption>{escape(name)}: {escape(figure.meaning)}. {escape(remarks)}</figcaption></figure>"
            )
    if refused:
        drawn.append(f"<details><summary>Not drawn: {len(refused)}</summary><ul>{''.join(refused)}</ul></details>")
    return "\n".join(drawn) or "<p>No figures were asked for.</p>"


def jobs(sweep, parameters, chosen, where):
    """The section of the table, its data as JSON that cannot close the script tag, and how many rows were left out."""
    packed, shown = sweeps.pack_table(sweep, parameters, chosen)
    total = len(chosen)
    left = f"{total - shown:,} of {total:,} rows are left out, evenly spaced; <code>wgf show</code> prints all. "
    words = " and ".join(f"<code>{escape(condition)}</code>" for condition in where)
    some = f"{total:,} of {len(sweep.status):,} jobs that meet {words}"
    chose = f"Figures and table have the {some}. " if where else ""
    section = f"""\
<p>{chose}{left if shown < total else ""}Numbers have {sweeps.DIGITS} digits, of which 6 are shown. Click a heading to
sort. The fields below it filter: <code>0.1</code>, <code>&lt;= 0.1</code>, <code>0.1..0.5</code>, or words.</p>
<noscript><p>The table needs JavaScript; <code>wgf show RESULT.h5</code> prints it.</p></noscript>
<p id="shown" role="status"></p>
<div id="table"></div>"""
    return section, packed.replace("<", "\\u003c"), total - shown


def script(code):
    """A script, and the hash by which the page's security policy permits it."""
    code = re.sub(r"(?i)</(script)", r"<\\/\1", code)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return f"<script>{code}</script>", f"'sha256-{digest}'"


def page(path, figure_names, where=(), program=None):
    """The page of a result file, with the named figures where they suit it; and how many rows were left out."""
    sweep = sweeps.Sweep(path)
    parameters, same = sweeps.split_parameters(sweep)
    chosen = passing(path, where, program) if where else range(len(sweep.status))
    selection = [word for condition in where for word in ("--where", condition)] + ["--wgf", program] * bool(program)
    table_section, data, left = jobs(sweep, parameters, chosen, where)
    sections = {
        "Summary": summary(sweep),
        "Figures": figures(path, figure_names, selection),
        "Failures": failures(sweep),
        "Jobs": table_section,
        "Spec": f"<pre>{escape(sweep.spec)}</pre>",
        "Provenance": provenance(sweep, same),
    }
    links = " ".join(f'<a href="#{name.lower()}">{name}</a>' for name in sections)
    bodies = "\n".join(
        f'<section aria-labelledby="{name.lower()}"><h2 id="{name.lower()}">{name}</h2>\n{body}\n</section>'
        for name, body in sections.items()
    )
    scripts, hashes = zip(*(script(part(name)) for name in ("tabulator/tabulator.min.js", "table.js")))
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {' '.join(hashes)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(sweep.name or os.path.basename(path))}</title>
<style>{part("tabulator/tabulator_simple.min.css")}</style>
<style>{part("page.css")}</style>
</head>
<body>
<header><h1>{escape(sweep.name)}</h1>
<p>{escape(sweep.description)}</p>
<nav>{links}</nav></header>
<main>
{bodies}
</main>
<footer><p>Made by wgf's <code>tools/report.py</code> from {escape(os.path.basename(path))}.</p>
<details><summary>The table is drawn by Tabulator</summary>
<pre>{escape(part("tabulator/LICENSE"))}</pre></details></footer>
<script type="application/json" id="data">{data}</script>
{scripts[0]}
{scripts[1]}
</body>
</html>
""", left


def save(words, path):
    """Writes a file beside the target, then renames it: a browser never sees half a page."""
    try:
        Path(f"{path}.part").write_text(words, encoding="utf-8", errors="replace")
        os.replace(f"{path}.part", path)
    except OSError as error:
        raise PlotError(f"{path} cannot be written: {error.strerror}") from None


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="report.py",
        allow_abbrev=False,
        description="Writes one HTML page about a sweep: summary, figures, failures, a table of jobs that can be"
        " sorted and filtered, spec, provenance. The page needs no network. The sweep may still be running.",
        epilog=f"For more than {sweeps.MOST_ROWS:,} jobs the table holds a sample.",
    )
    parser.add_argument("result", metavar="RESULT.h5")
    parser.add_argument("-o", "--output", metavar="report.html", help="default: the result with .html for .h5")
    parser.add_argument(
        "--figure",
        metavar="NAME",
        action="append",
        choices=[*FIGURES, "none"],
        help="only this figure of tools/plot.py, or none; may be repeated; default: all that can be drawn",
    )
    parser.add_argument(
        "--where",
        metavar="CONDITIONS",
        action="append",
        default=[],
        help="only these jobs in figures and table, as in wgf show; may be repeated",
    )
    parser.add_argument("--wgf", metavar="PROGRAM", help="reads --where; default: build/wgf of this folder")
    options = parser.parse_args(arguments)
    options.figure = [name for name in options.figure or FIGURES if name != "none"]
    options.output = options.output or os.path.splitext(options.result)[0] + ".html"
    if os.path.realpath(options.output) == os.path.realpath(options.result):
        parser.error(f"-o {options.output} is the result itself")
    return options


def main(arguments):
    options = parse_arguments(arguments)
    try:
        words, left = page(options.result, options.figure, options.where, options.wgf)
        save(words, options.output)
    except PlotError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    if left:
        print(f"report.py: {left} rows are left out of the table, which would be too large", file=sys.stderr)
    return 0
