"""The process that `install_handler` starts to watch its program. A script and no command: nobody else starts it."""

from __future__ import annotations

import os
import sys


def main() -> None:
    # A grandchild, so that the program never meets it among its children.
    if hasattr(os, "fork") and os.fork():
        os._exit(0)
    # Python's own library goes first.
    sys.path.append(sys.argv[1])
    from mdmp.api import write_report_beside
    from mdmp.monitor.handler_process import watch

    watch(write_report_beside)


if __name__ == "__main__":
    main()
