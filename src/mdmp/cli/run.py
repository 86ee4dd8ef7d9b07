"""Start a program, and write a minidump when it crashes.

The program has the terminal, files and signals as if it had been started alone; its exit status is returned.

examples:
  mdmp run -- ./shop --verbose
  mdmp run -o crashes/ --follow -- make test
  mdmp run --memory 2G --hang 30 -n 3 -- ./server
"""

import argparse

from mdmp.cli import failure
from mdmp.cli.monitoring import add_monitoring_arguments, make_keeper


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_monitoring_arguments(parser)
    parser.add_argument("program", metavar="PROGRAM", help="what to start; put -- before it")
    parser.add_argument("arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="its arguments")


def run(args: argparse.Namespace) -> int:
    from mdmp.cli.trigger_options import monitor_options
    from mdmp.monitor.run import StartError
    from mdmp.monitor.run import run as run_program

    options = monitor_options(args)
    try:
        status = run_program([args.program, *args.arguments], make_keeper(args), options, failure.complain)
    except StartError as problem:
        failure.complain(str(problem))
        status = problem.status
    # Windows has 32 bits of it, and Python takes them for a signed number only.
    return status - (1 << 32) if status >> 31 else status
