"""Have the system hand the crash of every program to mdmp, which writes a minidump of it.

Needs the rights of root or of an administrator. Linux: sets the kernel's core_pattern. Windows: registers mdmp as the
post-mortem debugger (AeDebug), or has Windows write dumps itself (WER LocalDumps), which `mdmp watch` then reports.
`mdmp uninstall` puts back what was there before.

examples:
  sudo mdmp install
  sudo mdmp install --persist --pass-on
  mdmp install --via wer --only shop.exe
  mdmp status
"""

import argparse

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--via", choices=("aedebug", "wer"), default="aedebug", help="Windows: who writes the dumps (default: aedebug)"
    )
    parser.add_argument(
        "--persist", action="store_true", help="Linux: also after the system was started again (sysctl.d)"
    )
    parser.add_argument(
        "--pass-on",
        action="store_true",
        help="Linux: give the core to whom it went before: another program, or a core file",
    )
    parser.add_argument(
        "--only",
        metavar="PROGRAM",
        help="Linux: programs that get dumps, by path with *; other cores go where they went before. "
        "Windows, with --via wer: the file's name",
    )
    parser.add_argument(
        "--limit", metavar="SECONDS", type=count, default=300, help="Linux: time that one crash may take (default: 300)"
    )
    parser.add_argument(
        "--force", action="store_true", help="even where others than root could change what then runs as root"
    )


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.install import InstallOptions, install

    options = InstallOptions(
        pass_on=args.pass_on,
        persist=args.persist,
        only=args.only,
        limit=args.limit,
        via=args.via,
        force=args.force,
    )
    for line in install(options):
        print(safe_text(line))
    return DONE
