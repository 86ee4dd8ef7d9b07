"""Have the system hand the crash of every program to mdmp, which writes a minidump of it.

Needs root. Linux: sets the kernel's core_pattern; `mdmp uninstall` puts the old value back.

examples:
  sudo mdmp install
  sudo mdmp install --persist --pass-on
  mdmp status
"""

import argparse

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--persist", action="store_true", help="also after the system was started again (sysctl.d)")
    parser.add_argument(
        "--pass-on", action="store_true", help="give the core to whom it went before: another program, or a core file"
    )
    parser.add_argument(
        "--only",
        metavar="PATH",
        help="programs that get dumps, by path with *; other cores go where they went before",
    )
    parser.add_argument(
        "--limit", metavar="SECONDS", type=count, default=300, help="time that one crash may take (default: 300)"
    )
    parser.add_argument(
        "--force", action="store_true", help="even where others than root could change what then runs as root"
    )


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.install import InstallOptions, install

    options = InstallOptions(args.pass_on, args.persist, args.only, args.limit, args.force)
    for line in install(options):
        print(safe_text(line))
    return DONE
