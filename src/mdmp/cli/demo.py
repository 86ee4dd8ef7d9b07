"""Crash a small program for real, take its dump, and explain it: all that mdmp does, in one go.

The program is compiled from C when there is a compiler, with debug information; else it is Python that crashes.

examples:
  mdmp demo
  mdmp demo --keep crash/
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mdmp.binary.text import safe_text
from mdmp.cli import common
from mdmp.errors import UsageError

if TYPE_CHECKING:
    from mdmp.monitor.keeper import Outcome
    from mdmp.report import Report

PROGRAM = "demo_orders"
"""The source beside this file, in C and in Python."""
COMPILERS = ("clang", "gcc", "cl") if sys.platform == "win32" else ("cc", "gcc", "clang")
_PATIENCE = 120
"""Seconds for a compiler."""
_PYTHON_FRAMES = 12
"""Below them there is nothing but the interpreter calling itself."""
_PIPE_BROKE = 128 + 13
"""The status of a program that SIGPIPE ended."""


class Program(NamedTuple):
    command: Sequence[str]
    story: str
    """How it was made."""
    max_frames: int | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", metavar="FOLDER", type=Path, help="keep program and dump in FOLDER, which has to be new or empty"
    )
    parser.add_argument("--no-compiler", action="store_true", help="crash Python, even if there is a compiler")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.finalize.describe import why_no_dump

    with _folder(args.keep) as folder:
        program = None if args.no_compiler else _compiled(folder)
        program = program or _interpreted(folder)
        _say("Trigger", f"{program.story}: an order names a customer who is not in the list. It says:")
        outcome = _crash(program, folder)
        if outcome is None:
            raise UsageError("the program did not crash here, or nothing saw it: see `mdmp doctor system`")
        if outcome.saved is None:
            raise UsageError(f"{outcome.fault.text}, but {why_no_dump(outcome)}")
        saved = outcome.saved
        _say("Capture", f"{outcome.fault.text}: frozen at that moment, {saved.memory:,} bytes of its memory kept")
        kept = "" if args.keep else " (removed when this is done; --keep FOLDER keeps it)"
        _say("Dump", f"{saved.path}, {saved.size:,} bytes{kept}")
        _say("Report", f"as mdmp analyze {os.path.basename(saved.path)} prints it:")
        print()
        print(_render(_report(saved.path, folder), program, args.color), end="")
    return common.DONE


def _say(stage: str, text: str) -> None:
    """Before the program says something: it shares our output."""
    print(safe_text(f"{stage:<9} {text}"), flush=True)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="mdmp-demo-", ignore_cleanup_errors=True) as name:
            yield Path(name).resolve()
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise UsageError(f"{keep}: not empty; name a new folder")
    except OSError as error:
        raise UsageError(f"cannot keep anything in {keep}: {error.strerror}") from None
    yield keep.resolve()


def _compiled(folder: Path) -> Program | None:
    """None: no compiler, or none that works."""
    source = f"{PROGRAM}.c"
    target = f"{PROGRAM}.exe" if sys.platform == "win32" else PROGRAM
    shutil.copy(Path(__file__).with_name(source), folder)
    for name in COMPILERS:
        if not (compiler := shutil.which(name)):
            continue
        options = ["/nologo", "/Zi", "/Od", f"/Fe:{target}"] if name == "cl" else ["-g", "-O0", "-o", target]
        try:
            done = subprocess.run([compiler, *options, source], cwd=folder, capture_output=True, timeout=_PATIENCE)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and (folder / target).exists():
            return Program([str(folder / target)], f"{PROGRAM}, compiled by {name} with debug information")
    return None


def _interpreted(folder: Path) -> Program:
    from mdmp.monitor.interpreter import interpreter

    source = f"{PROGRAM}.py"
    shutil.copy(Path(__file__).with_name(source), folder)
    version = ".".join(map(str, sys.version_info[:3]))
    return Program([interpreter(), "-I", str(folder / source)], f"{source}, run by Python {version}", _PYTHON_FRAMES)


def _crash(program: Program, folder: Path) -> Outcome | None:
    """What our monitor made of it. This user's policy does not count: the dump stays in our folder, nobody is told."""
    from mdmp.monitor.keeper import Keeper
    from mdmp.monitor.options import MonitorOptions
    from mdmp.monitor.policy.environment import command_line_source
    from mdmp.monitor.policy.policy import Policy
    from mdmp.monitor.run import run as watch

    settings = {"folder": str(folder), "type": "heap", "min_free": 0, "repeat": 0, "log": False, "notice": "none"}
    outcomes: list[Outcome] = []
    source = replace(command_line_source(settings), name="mdmp demo")
    keeper = Keeper(Policy((source,)), tell=outcomes.append)
    status = watch(program.command, keeper, MonitorOptions(), lambda line: None)
    if status == _PIPE_BROKE:  # it ended before its crash: whoever reads what we write, and it, has gone
        raise BrokenPipeError
    return outcomes[0] if outcomes else None


def _report(path: str, folder: Path) -> Report:
    from mdmp import api

    return api.analyze(api.open_dump(path), sources=[folder], cache=common.cache_folder())


def _render(report: Report, program: Program, color: str) -> str:
    from mdmp.report import as_text
    from mdmp.report.options import RenderOptions

    options = RenderOptions(
        color=common.use_color(color, sys.stdout), width=common.terminal_width(), max_frames=program.max_frames
    )
    return as_text.render(report, options)
