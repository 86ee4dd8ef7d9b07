"""What all commands that write a minidump can be told about it."""

import argparse

from mdmp.binary.sizes import parse_size
from mdmp.snapshot.dump_type import DUMP_TYPES


def add_dump_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    """`default`: of the type; None: what the policy says."""
    otherwise = default or "as the policy says"
    parser.add_argument(
        "--type",
        metavar="TYPE",
        dest="kind",
        type=_kind,
        default=default,
        help=f"which memory to keep: {', '.join(DUMP_TYPES)}, or MINIDUMP_TYPE bits like 0x241 (default: {otherwise})",
    )
    parser.add_argument(
        "--budget",
        metavar="SIZE",
        type=size,
        help="keep at most so much memory (like 500M, 2G); the crashing thread's stack stays whole",
    )
    parser.add_argument(
        "--scrub-stacks", action="store_true", help="replace all on the stacks that is not needed to unwind them"
    )


def _kind(text: str) -> str | int:
    if text in DUMP_TYPES:
        return text
    try:
        bits = int(text, 0)
    except ValueError:
        bits = -1
    if not 0 <= bits < 1 << 64:
        raise argparse.ArgumentTypeError(f"no such type: {text!r} (there are: {', '.join(DUMP_TYPES)}, and bits)")
    return bits


def size(text: str) -> int:
    """A count of bytes, as `parse_size` takes it."""
    try:
        return parse_size(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
