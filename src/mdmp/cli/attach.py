"""Watch a process that runs, and write a minidump when it crashes.

It goes on unharmed, also when we are interrupted (Ctrl-C) or have as many dumps as were asked for.

examples:
  mdmp attach 1234
  mdmp attach shop --wait -o crashes/
  mdmp attach 1234 --cpu 90:5 -n 3 --type mini
"""

import argparse

from mdmp.cli import failure
from mdmp.cli.common import DONE
from mdmp.cli.monitoring import add_monitoring_arguments, make_keeper


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("process", metavar="PID|NAME", help="its number, or the name of its program")
    parser.add_argument("--wait", action="store_true", help="wait until a process of that name starts")
    add_monitoring_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from mdmp.cli.trigger_options import monitor_options
    from mdmp.monitor.run import attach, find_process

    options, keeper = monitor_options(args), make_keeper(args)
    attach(find_process(args.process, wait=args.wait, tell=failure.complain), keeper, options, failure.complain)
    return DONE
