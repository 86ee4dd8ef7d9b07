"""All checks that make sense on this system."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.doctor.common_checks import check_common
from mdmp.monitor.doctor.common_facts import crash_of, gather_common
from mdmp.monitor.doctor.self_test import HandlerPlace
from mdmp.monitor.install import status
from mdmp.monitor.policy.decide import decide
from mdmp.monitor.policy.load import load_policy
from mdmp.monitor.policy.settings import Circumstances

if TYPE_CHECKING:
    from mdmp.monitor.doctor.check import Check


def examine(program: str) -> tuple[Check, ...]:
    """`program`: for whom the policy is asked. `UsageError` on systems that we cannot capture on."""
    policy = load_policy()
    if sys.platform == "linux":
        from mdmp.monitor.doctor.linux_checks import check_linux
        from mdmp.monitor.doctor.linux_facts import gather_linux, has_desktop

        checks = check_linux(gather_linux())
        return (*checks, *check_common(gather_common(program, policy, has_desktop())))
    elif sys.platform == "win32":
        from mdmp.monitor.doctor.windows_checks import check_windows
        from mdmp.monitor.windows.doctor import gather_windows

        return (*check_windows(gather_windows()), *check_common(gather_common(program, policy, True)))
    else:
        raise UsageError(f"programs cannot be captured on {sys.platform}")


def handler_place(program: str) -> HandlerPlace | None:
    """Where the system's handler leaves dumps of such a program of ours; None: it is not mdmp, or does not work."""
    if not status().working:
        return None
    fault = crash_of(program)
    if sys.platform == "linux":
        from mdmp.monitor.linux.subject import user_variables

        user = os.geteuid()
        subject = replace(fault.subject, uid=user, gid=os.getegid(), variables=user_variables(user))
        fault = replace(fault, subject=subject, how="postmortem")
        policy = load_policy(subject, handler=True)
    else:
        policy = load_policy()
    decision = decide(policy, fault, Circumstances())
    return HandlerPlace(decision.folder, decision.settings.count)
