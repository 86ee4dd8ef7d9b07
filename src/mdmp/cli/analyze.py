"""Explain crash dumps: what happened, where (down to the source line) and why, with the evidence.

Exit code: 0 done, 1 nothing could be concluded, 2 a file cannot be used; with several files the highest of them.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mdmp.binary.text import safe_text
from mdmp.cli import common, failure
from mdmp.cli.progress import Progress
from mdmp.errors import MdmpError, UsageError

# The parts that do the work are imported when it begins: `--help` and wrong usage shall not wait for them.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from mdmp.report import Report
    from mdmp.report.options import RenderOptions

SUFFIXES = (".dmp", ".mdmp")
CORE = re.compile(r"core(\.\d+)?")
"""What counts as a dump in a folder."""


class Outcome(NamedTuple):
    """One file's part of the output, or why there is none."""

    path: Path
    text: str | None
    code: int
    problem: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a dump, or a folder: the *.dmp, *.mdmp and core files in it"
    )
    common.add_symbols_arguments(parser)
    parser.add_argument(
        "--source",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="look for source files here, to show the lines around the crash (repeatable)",
    )
    form = parser.add_mutually_exclusive_group()
    for name, what in (
        ("json", "JSON in minidump-stackwalk's schema with more keys; one object a line for several files"),
        ("markdown", "Markdown for an issue tracker"),
        ("html", "one self-contained page"),
    ):
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, default="text", help=what)
    parser.add_argument("--all-threads", action="store_true", help="show the stacks of all threads")
    parser.add_argument("--brief", action="store_true", help="a few lines only")
    parser.add_argument("--max-frames", metavar="N", type=common.count, help="show at most N frames of a stack")
    parser.add_argument(
        "--jobs", metavar="N", type=common.count, default=1, help="work on N files at once (default: 1)"
    )
    common.add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from mdmp.report.options import RenderOptions

    paths = _dumps(args.files)
    several = len(paths) > 1
    options = RenderOptions(
        all_threads=args.all_threads,
        brief=args.brief,
        max_frames=args.max_frames,
        color=args.output is None and common.use_color(args.color, sys.stdout),
        width=common.terminal_width() if args.output is None else None,
        pretty=not several,
    )
    if not several:
        outcome = _analyze(paths[0], args, options)
        common.write_output(_document(args.form, [outcome.text or ""]), args.output)
        return outcome.code
    worst = common.DONE
    parts: list[str] = []
    for outcome in _analyze_all(paths, args, options):
        worst = max(worst, outcome.code)
        if outcome.problem:
            failure.complain(outcome.problem)
        part = _part(outcome, args.form)
        if args.output is None and args.form != "html":
            print(part, end="", flush=True)
        else:
            parts.append(part)
    if parts:
        common.write_output(_document(args.form, parts), args.output)
    return worst


def _dumps(names: list[str]) -> list[Path]:
    """The files meant by the arguments: files, folders, and patterns where no shell expanded them."""
    paths: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(
                p for p in path.iterdir() if (p.suffix.lower() in SUFFIXES or CORE.fullmatch(p.name)) and p.is_file()
            )
            if not inside:
                raise UsageError(f"{name}: no {', '.join('*' + s for s in SUFFIXES)} or core in this folder")
            paths += inside
        elif not path.exists() and glob.has_magic(name):
            found = sorted(Path(match) for match in glob.glob(name))
            if not found:
                raise UsageError(f"{name}: no such files")
            paths += found
        else:
            paths.append(path)
    return paths


def _analyze(path: Path, args: argparse.Namespace, options: RenderOptions, prefix: str = "") -> Outcome:
    from mdmp import api

    progress = Progress(prefix)
    try:
        report = api.analyze(
            api.open_dump(path),
            symbols=args.symbols,
            images=args.images,
            sources=args.source,
            symbol_path=os.environ.get("_NT_SYMBOL_PATH"),
            cache=common.cache_folder(),
            progress=progress,
        )
        text = _render(report, args.form, options)
    finally:
        progress.clear()
    return Outcome(path, text, common.DONE if concluded(report) else common.NOTHING_FOUND)


def _render(report: Report, form: str, options: RenderOptions) -> str:
    from mdmp.report import as_html, as_json, as_markdown, as_text

    renderers = {
        "text": as_text.render,
        "json": as_json.render,
        "markdown": as_markdown.render,
        "html": as_html.section,
    }
    return renderers[form](report, options)


def concluded(report: Report) -> bool:
    """Whether the report tells anything about the process: why it stopped, or at least what it was doing."""
    return report.crash.code is not None or any(thread.frames for thread in report.threads)


def _analyze_or_tell(path: Path, args: argparse.Namespace, options: RenderOptions) -> Outcome:
    """One of several files: its failure does not cost the others."""
    try:
        return _analyze(path, args, options, prefix=f"{path.name}: ")
    except Exception as error:  # noqa: BLE001 - told on standard error, and by the exit code
        message, code = failure.describe(error)
        if not isinstance(error, (MdmpError, OSError)):
            message = f"{path}: {message}"
        return Outcome(path, None, code, message)


def _analyze_all(paths: list[Path], args: argparse.Namespace, options: RenderOptions) -> Iterator[Outcome]:
    """The outcomes in the order of the files."""
    work = partial(_analyze_or_tell, args=args, options=options)
    jobs = min(args.jobs, len(paths))
    if jobs < 2:
        yield from map(work, paths)
        return
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(jobs, initializer=_die_on_interrupt)
    try:
        yield from pool.map(work, paths)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _die_on_interrupt() -> None:
    """Ctrl-C reaches the workers as well: they shall go without a word."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _part(outcome: Outcome, form: str) -> str:
    """One file's share of the output for several files."""
    from mdmp.report import as_html, as_json, as_markdown

    if form == "json":
        return outcome.text or as_json.failure(str(outcome.path), outcome.problem or "")
    name = safe_text(str(outcome.path))
    text = outcome.text if outcome.text is not None else f"{safe_text(outcome.problem or '')}\n"
    if form == "markdown":
        return f"## {as_markdown.code(name)}\n\n{text if outcome.text else as_markdown.escape(text.strip())}\n"
    if form == "html":
        return outcome.text or as_html.failure(name, outcome.problem or "")
    return f"==== {name}\n\n{text}\n"


def _document(form: str, parts: list[str]) -> str:
    if form != "html":
        return "".join(parts)
    from mdmp.report import as_html

    return as_html.page(parts)
