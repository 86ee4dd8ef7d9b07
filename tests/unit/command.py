"""Runs `python -m mdmp` as a user would, in a process of its own."""

import os
import subprocess
import sys
from typing import NamedTuple


class Result(NamedTuple):
    code: int
    out: str
    err: str


def mdmp(*arguments, stdin=b"", env=None):
    clean = {k: v for k, v in os.environ.items() if k not in ("_NT_SYMBOL_PATH", "NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mdmp", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**clean, **(env or {})},
        timeout=60,
    )
    return Result(done.returncode, done.stdout.decode().replace("\r\n", "\n"), done.stderr.decode())


def assert_refused(result, *words):
    """Exit code 2, nothing on standard output, one line on standard error with these words."""
    assert result.code == 2, result
    assert result.out == ""
    assert result.err.startswith("mdmp: ")
    assert result.err.count("\n") == 1
    for word in words:
        assert word in result.err
