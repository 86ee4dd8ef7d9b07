"""The rules that apply as long as nobody says anything else."""

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "access_violation": "heap",
    "heap_corruption": "heap",
    "buffer_overrun": "heap",
    "clr_exception": "heap",
    "memory": "heap",
    "hang": "indirect",
    "abort": "mini",
    "stack_overflow": "mini",
    "arithmetic": "mini",
    "breakpoint": "mini",
    "bad_system_call": "mini",
    "python_exception": "mini",
    "handled_exception": "mini",
    "cpu": "mini",
    "threads": "mini",
    "handles": "mini",
    "signal": "mini",
    "exit": "mini",
}
"""Kind of fault -> dump type; `docs/policy.md` argues each. Those not here get the type of the settings."""
