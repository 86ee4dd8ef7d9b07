"""A registry of dictionaries: a key is `{name: value or key}`, a value `(type, data)`."""

from typing import Any

from mdmp.monitor.policy.registry import AEDEBUG, LOCAL_DUMPS, POLICY_LOCAL_DUMPS, Registry

SZ, EXPAND_SZ, DWORD, QWORD = 1, 2, 4, 11


class MadeKey:
    def __init__(self, tree: dict[str, Any]) -> None:
        self._tree = tree

    def values(self) -> dict[str, tuple[int, object]]:
        return {name: value for name, value in self._tree.items() if isinstance(value, tuple)}

    def subkeys(self) -> list[str]:
        return [name for name, value in self._tree.items() if isinstance(value, dict)]

    def open(self, path: str) -> "MadeKey | None":
        tree = self._tree
        for part in path.split("\\"):
            found = {name.lower(): value for name, value in tree.items() if isinstance(value, dict)}
            if part.lower() not in found:
                return None
            tree = found[part.lower()]
        return MadeKey(tree)


def tree(**keys: Any) -> dict[str, Any]:
    """Keys by short names: `local_dumps`, `policy`, `aedebug`."""
    paths = {"local_dumps": LOCAL_DUMPS, "policy": POLICY_LOCAL_DUMPS, "aedebug": AEDEBUG}
    root: dict[str, Any] = {}
    for name, content in keys.items():
        at = root
        *parents, last = paths[name].split("\\")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = content
    return root


def registry(machine: dict[str, Any], machine_32: dict[str, Any] | None = None, user: dict[str, Any] | None = None):
    return Registry(
        MadeKey(machine), None if machine_32 is None else MadeKey(machine_32), None if user is None else MadeKey(user)
    )
