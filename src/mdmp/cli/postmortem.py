"""Deal with a crash: what the kernel runs after `mdmp install`, with the core on standard input.

It is of no use by hand: see `mdmp capture` and `mdmp convert`.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    from mdmp.monitor.linux.postmortem import Request, handle

    return handle(Request(*(getattr(args, name) for name in Request._fields)), args.config)
