"""What several commands share: exit codes, types of arguments, shared options, and where output goes."""

from __future__ import annotations

import argparse
import os
import sys
from typing import IO, TYPE_CHECKING

from mdmp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

DONE = 0
NOTHING_FOUND = 1
"""The command ran, but nothing useful could be concluded."""


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print its usage and end the process."""

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(prog=prog, description=description, formatter_class=_help_formatter, allow_abbrev=False)

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message} (see {self.prog} --help)")


def _help_formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=min(terminal_width() or 100, 100))


def address(text: str) -> int:
    """An address: hexadecimal, with or without `0x`; WinDbg's backtick in the middle is allowed."""
    try:
        value = int(text.replace("`", ""), 16)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a hexadecimal address: {text!r}") from None
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"not a 64-bit address: {text!r}")
    return value


def length(text: str) -> int:
    """A count of bytes: decimal, or hexadecimal after `0x`."""
    try:
        value = int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number: {text!r}") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"negative: {text!r}")
    return value


def count(text: str) -> int:
    """A number of things: decimal, at least one."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"not a number above zero: {text!r}")
    return int(text)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """`-o FILE` (`args.output`) and `--color` (`args.color`)."""
    from pathlib import Path

    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE instead of standard output")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)")


def add_symbols_arguments(parser: argparse.ArgumentParser) -> None:
    """`--symbols DIR` (`args.symbols`), `--images DIR` (`args.images`): lists of paths, empty when not given."""
    from pathlib import Path

    parser.add_argument(
        "--symbols",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="look for symbol files here: a plain folder or a symbol store (repeatable)",
    )
    parser.add_argument(
        "--images",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="look for executables and libraries here (repeatable)",
    )


def cache_folder() -> Path:
    """Where indexes of big symbol files are kept: `MDMP_CACHE`, else the user's cache folder as the system has it."""
    from pathlib import Path

    if chosen := os.environ.get("MDMP_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser() / "mdmp" / "cache"
    elif sys.platform == "darwin":
        return Path("~/Library/Caches/mdmp").expanduser()
    else:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mdmp"


def use_color(choice: str, stream: IO[str]) -> bool:
    """Whether to colour what goes to `stream`: `NO_COLOR` and `FORCE_COLOR` count under `auto`."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None for files and pipes."""
    if not sys.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def write_output(text: str, path: Path | None) -> None:
    """Write the whole result to standard output, or to a file that is never left half written."""
    if path is None:
        sys.stdout.write(text)
        return
    # Devices and pipes are written to, not replaced.
    replace = path.is_file() or not path.exists()
    target = path.resolve() if replace else path
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial") if replace else target
    try:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
        if replace:
            partial.replace(target)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    finally:
        if replace:
            partial.unlink(missing_ok=True)
