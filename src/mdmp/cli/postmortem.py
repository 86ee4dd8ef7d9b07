"""Deal with a crash: what the system starts after `mdmp install`.

It is of no use by hand: see `mdmp capture` and `mdmp convert`.
"""

import argparse
import sys

from mdmp.cli.common import DONE
from mdmp.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    if sys.platform == "win32":
        parser.add_argument("--pid", type=int, required=True, help="the process")
        parser.add_argument("--event", type=int, default=0, help="the handle of the event that it waits for")
        parser.add_argument("--jit", type=_address, default=0, help="address of a JIT_DEBUG_INFO in it")
    else:
        parser.add_argument("--config", metavar="FILE", required=True, help="what `mdmp install` wrote")
        for name, text in (
            ("pid", "the process"),
            ("tid", "the thread"),
            ("uid", "its user"),
            ("gid", "its group"),
            ("signal", "the signal's number"),
            ("time", "seconds since 1970"),
            ("dumpable", "1: its user may see its memory"),
            ("core_limit", "bytes that a core may have"),
        ):
            parser.add_argument(name, type=int, help=text)


def run(args: argparse.Namespace) -> int:
    if sys.platform == "win32":
        from mdmp.api import write_report_beside
        from mdmp.monitor.windows.postmortem import handle

        handle(args.pid, args.event, args.jit, write_report_beside)
        return DONE
    elif sys.platform == "linux":
        from mdmp.monitor.linux.postmortem import Request, handle

        return handle(Request(*(getattr(args, name) for name in Request._fields)), args.config, _report)
    else:
        raise UsageError(f"there is no handler of crashes for {sys.platform}")


def _report(path: str) -> str:
    try:
        from mdmp.api import write_report_beside

        return write_report_beside(path)
    except ImportError as problem:
        raise UsageError(f"no report: the user of the program may not read mdmp ({problem})") from None


def _address(text: str) -> int:
    """Whatever the system made of `%p`: 0 when it is no number."""
    try:
        return int(text, 16)
    except ValueError:
        return 0
