"""Run by Windows Python: puts keys into the registry, has mdmp read the policy, and tells what it found.

Argument: a file with a list of cases, `{"path": {"name": [type, data]}}` each. A path begins with `HKLM\\`, `HKLM32\\`
(the part that 32-bit programs see) or `HKCU\\`. The keys that tests use are removed before and after each case.
"""

import json
import sys
import winreg

from mdmp.monitor.fault import Fault, Subject
from mdmp.monitor.policy.decide import decide
from mdmp.monitor.policy.load import load_policy

WER = "SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting"
POLICIES = "SOFTWARE\\Policies\\Microsoft\\Windows\\Windows Error Reporting"
AEDEBUG = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\AeDebug"
ROOTS = {
    "HKLM": (winreg.HKEY_LOCAL_MACHINE, winreg.KEY_WOW64_64KEY),
    "HKLM32": (winreg.HKEY_LOCAL_MACHINE, winreg.KEY_WOW64_32KEY),
    "HKCU": (winreg.HKEY_CURRENT_USER, 0),
}
AEDEBUG_KEY = (winreg.HKEY_LOCAL_MACHINE, AEDEBUG, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)
PROFILE = {"LOCALAPPDATA": "C:\\Users\\ann\\AppData\\Local", "USERPROFILE": "C:\\Users\\ann"}


def remove(root: int, path: str, view: int) -> None:
    try:
        with winreg.OpenKey(root, path, 0, winreg.KEY_ALL_ACCESS | view) as key:
            while winreg.QueryInfoKey(key)[0]:
                remove(root, f"{path}\\{winreg.EnumKey(key, 0)}", view)
        winreg.DeleteKeyEx(root, path, view)
    except FileNotFoundError:
        pass


def clear() -> None:
    for root, view in ROOTS.values():
        for path in (WER, POLICIES):
            remove(root, f"{path}\\LocalDumps", view)
    remove(winreg.HKEY_LOCAL_MACHINE, AEDEBUG, winreg.KEY_WOW64_64KEY)


def put(keys: dict[str, dict[str, tuple[int, object]]]) -> None:
    for path, values in keys.items():
        hive, _, path = path.partition("\\")
        root, view = ROOTS[hive]
        with winreg.CreateKeyEx(root, path, 0, winreg.KEY_ALL_ACCESS | view) as key:
            for name, (type_, data) in values.items():
                winreg.SetValueEx(key, name, 0, type_, data)


def debugger() -> dict[str, tuple[int, object]]:
    """What other tests set."""
    with winreg.OpenKey(*AEDEBUG_KEY) as key:
        entries = [winreg.EnumValue(key, index) for index in range(winreg.QueryInfoKey(key)[1])]
    return {name: (type_, data) for name, data, type_ in entries}


def found() -> dict[str, object]:
    policy = load_policy(Subject(0, "App.EXE", variables=PROFILE), environment={}, system_file="none", user_file="none")
    settings, by = policy.settings_for("App.EXE")
    decision = decide(policy, Fault("request", Subject(0, "App.EXE", variables=PROFILE), ""))
    return {
        "settings": [settings.count, settings.type, settings.custom_flags],
        "folder": decision.folder,
        "by": by,
        "issues": [str(issue) for issue in policy.issues],
        "kind": decision.kind,
    }


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    results = []
    before = debugger()
    try:
        for case in cases:
            clear()
            put(case)
            results.append(found())
    finally:
        clear()
        put({f"HKLM\\{AEDEBUG}": before})
    print(json.dumps(results))


main()
