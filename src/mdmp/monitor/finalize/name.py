"""The name of a dump."""

import os

from mdmp.monitor.fault import Fault
from mdmp.monitor.policy.settings import Decision
from mdmp.snapshot import Snapshot


def dump_path(decision: Decision, fault: Fault, snapshot: Snapshot) -> str:
    """A path in the decision's folder that no file has yet."""
    return os.path.join(decision.folder, f"{fault.subject.name or 'process'}.{fault.subject.pid}.dmp")
