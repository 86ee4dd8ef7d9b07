"""Whether running processes can be copied here; where not, a capture holds them until it has read everything."""

import platform
import sys
from pathlib import Path

import pytest

CAN_COPY = (
    sys.platform == "linux"
    and platform.machine() == "x86_64"
    and "Seccomp:\t0\n" in Path("/proc/self/status").read_text()  # containers have a filter as a rule
)
needs_copy = pytest.mark.skipif(not CAN_COPY, reason="copies are made on x86-64, without a seccomp filter")
