"""Write a minidump of a running process, which goes on unharmed.

examples:
  mdmp capture 1234
  mdmp capture 1234 -o web.dmp --type full
  mdmp capture 1234 --type mini --scrub-stacks
"""

import argparse
from contextlib import ExitStack
from datetime import UTC, datetime

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE
from mdmp.cli.dump_options import add_dump_options
from mdmp.errors import UsageError
from mdmp.snapshot.dump_type import DUMP_TYPES, TELLS_SECRETS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", metavar="PID", type=int, help="the number of the process")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the minidump to write; one of that name is replaced (default: NAME-PID-TIME.dmp in this folder)",
    )
    add_dump_options(parser, default="heap")
    parser.add_argument(
        "--no-snapshot",
        action="store_true",
        help="let the process stand still until all is written, rather than make a copy of its memory on write",
    )
    parser.add_argument(
        "--writer",
        choices=("mdmp", "dbghelp"),
        default="mdmp",
        help="who writes the dump: mdmp, or dbghelp, which Windows has itself (default: mdmp)",
    )


def run(args: argparse.Namespace) -> int:
    return _run_dbghelp(args) if args.writer == "dbghelp" else _run_mdmp(args)


def _run_dbghelp(args: argparse.Namespace) -> int:
    from mdmp.api import capture_with_dbghelp

    if args.budget is not None:
        raise UsageError("dbghelp keeps to no --budget: leave one of them out")
    path = args.output or default_name("process", args.pid, datetime.now(UTC))
    saved = capture_with_dbghelp(args.pid, path, kind=args.kind, scrub_stacks=args.scrub_stacks)
    print(safe_text(f"{saved.path}: {saved.size} bytes, {saved.memory} of them memory; written by dbghelp"))
    return DONE


def _run_mdmp(args: argparse.Namespace) -> int:
    from mdmp.api import capture_process, save_dump

    flags = args.kind if isinstance(args.kind, int) else DUMP_TYPES[args.kind]
    secrets = bool(flags & TELLS_SECRETS)
    ends = list[datetime]()
    with ExitStack() as held:
        held.callback(lambda: ends.append(datetime.now(UTC)))
        snapshot = held.enter_context(
            capture_process(args.pid, copy=not args.no_snapshot, command_line=secrets, environment=secrets)
        )
        name = snapshot.modules[0].name if snapshot.modules else ""
        path = args.output or default_name(name, args.pid, snapshot.origin.time or datetime.now(UTC))
        saved = save_dump(
            snapshot,
            path,
            kind=args.kind,
            budget=args.budget,
            scrub_stacks=args.scrub_stacks,
            when_read=held.close,
        )
    pause = snapshot.origin.held or ends[0] - (snapshot.origin.time or ends[0])
    counts = f"{len(snapshot.threads or ())} threads, {len(snapshot.modules or ())} modules"
    print(safe_text(f"{saved.path}: {saved.size} bytes, {saved.memory} of them memory; {counts}"))
    print(f"  {snapshot.origin.method}; it stood still for {pause.total_seconds() * 1000:.1f} ms")
    for line in (*saved.lost, *map(str, snapshot.issues)):
        print(safe_text(f"  {line}"))
    return DONE


def default_name(name: str, pid: int, moment: datetime) -> str:
    """`NAME-PID-TIME.dmp`, of the program's name only what is harmless in any file system."""
    from mdmp.monitor.finalize.name import file_name

    values = {"program": name or "process", "pid": str(pid), "time": f"{moment:%Y%m%dT%H%M%SZ}"}
    return file_name("{program}-{pid}-{time}", values)
