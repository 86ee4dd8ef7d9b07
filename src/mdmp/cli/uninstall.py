"""Put back what handled crashes before `mdmp install`. Dumps stay where they are.

example:
  sudo mdmp uninstall
"""

import argparse

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from mdmp.monitor.install import uninstall

    for line in uninstall():
        print(safe_text(line))
    return DONE
