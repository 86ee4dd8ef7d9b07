"""mdmp as the system's handler: Windows' post-mortem debugger (AeDebug), or the reader of what WER writes (LocalDumps).

Sources: learn.microsoft.com, "Enabling Postmortem Debugging", "Configuring Automatic Debugging", "Collecting User-Mode
Dumps".
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from mdmp.errors import UsageError
from mdmp.monitor.install import InstallOptions, Status
from mdmp.monitor.interpreter import package_root
from mdmp.monitor.policy.load import load_policy
from mdmp.monitor.policy.registry import (
    AEDEBUG,
    FIELDS,
    LOCAL_DUMPS,
    MAX_KEY,
    REG_SZ,
    automatic_debugger,
    local_dumps_value,
)
from mdmp.snapshot.dump_type import DUMP_TYPES

assert sys.platform == "win32"

from mdmp.monitor.policy.windows_registry import open_registry
from mdmp.monitor.windows import event_log
from mdmp.monitor.windows.registry_changes import BITS_32, BITS_64, Change, make, put_back, read, remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
"""Commands that start with each user's session."""
RUN_NAME = "mdmp"
_MAX_COMMAND = 259
_NOT_IN_NAMES = frozenset('\\/:*?"<>|')


def install_windows(options: InstallOptions) -> tuple[str, ...]:
    told = []
    if problems := tuple(_trouble()):
        if not options.force:
            where = "install Python and mdmp for all users (in Program Files), or use --force"
            raise UsageError(f"crashes of services would run what others can change: {'; '.join(problems)}: {where}")
        told += [f"warning: {problem}" for problem in problems]
    _check_that_it_starts()
    wanted = list(_local_dumps(options.only) if options.via == "wer" else _debugger())
    stale = [change for change in remembered() if change[:3] not in {one[:3] for one in wanted}]
    if stale:  # it was installed the other way before
        told += put_back()
    make(wanted)
    event_log.register_source()
    if options.via == "aedebug":
        return (f"crashes of all programs go to {wanted[0].value}", *told)
    if debugger := automatic_debugger(open_registry().machine):
        told.append(f"warning: crashes go to {debugger} (AeDebug): while that is set, Windows writes no local dumps")
    whose = options.only or "all programs"
    return (
        f"Windows writes dumps of {whose} (HKLM\\{LOCAL_DUMPS})",
        "in each user's session from the next one on, `mdmp watch` reports them; start it by hand for this one",
        *told,
    )


def uninstall_windows() -> tuple[str, ...]:
    changes = remembered()
    if not changes:
        return ("mdmp is not installed as the system's handler",)
    told = put_back()
    event_log.unregister_source()
    return (f"{len(changes)} values of the registry are as they were before", *told, "the dumps stay where they are")


def status_windows() -> Status:
    changes = remembered()
    via, local_dumps = None, LOCAL_DUMPS
    if changes:
        via = "aedebug" if any(change.path == AEDEBUG for change in changes) else "wer"
        local_dumps = next((change.path for change in changes if change.path.startswith(LOCAL_DUMPS)), LOCAL_DUMPS)
    facts: dict[str, object] = {"via": via}
    if local_dumps != LOCAL_DUMPS:
        facts["program"] = local_dumps.rpartition("\\")[2]
    for bits, view in (("64", BITS_64), ("32", BITS_32)):
        for name in ("Debugger", "Auto"):
            facts[f"aedebug{bits}_{name.lower()}"] = _shown(view, AEDEBUG, name)
    for name in FIELDS:
        facts[f"localdumps_{name}"] = _shown(BITS_64, local_dumps, name)
    problems = tuple(f"{change.place}: changed by somebody else since" for change in changes if not change.holds)
    if changes and not any(str(change.value).startswith(_quoted(_python())) for change in changes):
        problems += ("what is installed starts another mdmp than this one",)
    return Status(bool(changes), bool(changes) and not problems, facts, problems)


def _shown(view: int, path: str, name: str) -> object:
    """A value as JSON has it, too."""
    found = read(view, path, name)
    return found and (found[1].hex(" ") if isinstance(found[1], bytes) else found[1])


def _debugger() -> Iterator[Change]:
    command = _command("postmortem", "--pid", "%ld", "--event", "%ld", "--jit", "%p")
    for view in (BITS_64, BITS_32):
        yield Change(view, AEDEBUG, "Debugger", REG_SZ, command)
        yield Change(view, AEDEBUG, "Auto", REG_SZ, "1")


def _local_dumps(program: str | None) -> Iterator[Change]:
    if program is not None and (not 0 < len(program) <= MAX_KEY or set(program) & _NOT_IN_NAMES):
        raise UsageError(f"--only: expected the name of a program's file, like shop.exe; found {program!r}")
    settings, _ = load_policy().settings_for(program or "")
    path = f"{LOCAL_DUMPS}\\{program}" if program else LOCAL_DUMPS
    values: dict[str, object] = {"folder": settings.folder or r"%LOCALAPPDATA%\CrashDumps", "count": settings.count}
    values |= {"type": settings.type, "custom_flags": settings.custom_flags}
    if settings.type not in ("custom", "mini", "full"):  # WER has no other names
        values |= {"type": "custom", "custom_flags": DUMP_TYPES[settings.type]}
    for name, field in FIELDS.items():
        yield Change(BITS_64, path, name, *local_dumps_value(field, values[field]))
    yield Change(BITS_64, RUN, RUN_NAME, REG_SZ, _command("watch"))


def _command(*arguments: str) -> str:
    """This mdmp, whatever the environment says."""
    line = _quoted(_python(), "-I", "-X", "utf8", "-m", "mdmp", *arguments)
    if len(line) > _MAX_COMMAND:
        raise UsageError(f"the command is longer than {_MAX_COMMAND} characters, which Windows may cut: {line}")
    return line


def _quoted(*words: str) -> str:
    return subprocess.list2cmdline(words)


def _python() -> str:
    """Ours, without a console's window where there is one like that."""
    folder, name = os.path.split(sys.executable)
    windowless = os.path.join(folder, name.lower().replace("python", "pythonw"))
    return windowless if os.path.isfile(windowless) else sys.executable


def _check_that_it_starts() -> None:
    """A handler that cannot import mdmp would fail at each crash, where nobody sees it."""
    done = subprocess.run(
        [_python(), "-I", "-c", "import mdmp.monitor.windows.postmortem"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UsageError(
            f"{_python()} would not find mdmp at a crash, when neither the environment nor the packages of one user "
            f"count: install mdmp for all users ({why})"
        )


def _trouble() -> Iterator[str]:
    """What others than administrators can change. No look at access rights: below the folder of the users' profiles."""
    profiles = os.path.normcase(os.path.dirname(os.environ.get("PUBLIC") or r"C:\Users\Public"))
    for path in (sys.executable, package_root()):
        if os.path.normcase(os.path.abspath(path)).startswith(profiles + os.sep):
            yield f"{path} lies in a user's profile"
