"""`python -m mdmp` is the `mdmp` command."""

import sys

from mdmp.cli.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
