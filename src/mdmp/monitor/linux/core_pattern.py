"""The kernel's core_pattern: set to start our handler for each crash, and put back.

Source: core(5), and the kernel's fs/coredump.c.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mdmp.capture.linux.proc import read_text
from mdmp.errors import UsageError
from mdmp.monitor.install import InstallOptions, Status
from mdmp.monitor.linux.launcher import launcher_text, trouble
from mdmp.monitor.linux.log import read_log
from mdmp.monitor.linux.places import STANDARD, Config, Places, read_config, write_config
from mdmp.monitor.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

PATTERN = "/proc/sys/kernel/core_pattern"
PIPE_LIMIT = "/proc/sys/kernel/core_pipe_limit"
DEFAULT = "core"
"""The kernel's own."""
SPECIFIERS = "%P %I %u %g %s %t %d %c"
"""Numbers only, no names: older kernels split what a program calls itself into arguments at its blanks."""
MAX_PATTERN = 127
AT_ONCE = 100
"""Crashes that are handled or wait at once; the kernel only notes those beyond. It must not be 0: then the kernel would
not wait for us with the end of the process."""


def install_linux(options: InstallOptions, places: Places = STANDARD, policy: str | None = None) -> tuple[str, ...]:
    _check_rights()
    pattern = f"|{places.launcher} {SPECIFIERS}"
    if len(pattern.encode()) > MAX_PATTERN or any(c.isspace() or c == "%" for c in places.launcher):
        raise UsageError(f"{places.launcher}: the kernel cannot start a program of that name")
    told = []
    if problems := trouble():
        if not options.force:
            where = "install mdmp where only root can change it (python3 -m venv /opt/mdmp), or use --force"
            raise UsageError(f"root would run what others can change: {'; '.join(problems)}: {where}")
        told += [f"warning: root will run what others can change: {problem}" for problem in problems]
    now, limit = _text(PATTERN), _number(PIPE_LIMIT)
    before = read_config(places.config)
    ours = now.startswith(f"|{places.launcher} ")
    old, old_limit = (before.old_pattern, before.old_pipe_limit) if before and ours else (now, limit)
    if ours and not before:  # somebody has removed our notes of what was before
        old, old_limit = DEFAULT, 0
    config = Config(
        pattern=pattern,
        pipe_limit=max(AT_ONCE, old_limit),
        old_pattern=old,
        old_pipe_limit=old_limit,
        home=places.home,
        pass_on=options.pass_on,
        only=options.only,
        policy=policy,
        limit=options.limit,
        persist=places.persist if options.persist else None,
        launcher=places.launcher,
        forced=options.force,
    )
    prepare(config)
    if before and before.persist and not config.persist:
        _remove(before.persist)
    if config.persist:
        write_whole(config.persist, _sysctl(config).encode(), 0o644)
        told.append(f"{config.persist} sets it again when the system starts")
    _write(PIPE_LIMIT, str(config.pipe_limit))
    _write(PATTERN, pattern)
    return (
        f"core_pattern is now {pattern!r}" + ("" if ours else f"; it was {old!r}"),
        f"dumps go to {places.dumps}/UID, unless the policy says otherwise",
        *told,
    )


def prepare(config: Config) -> None:
    """All that the handler needs, without which the kernel must not start it."""
    places = config.places
    _folder(os.path.dirname(places.launcher), 0o755)
    for folder, mode in ((places.home, 0o755), (places.dumps, 0o711), (places.slots, 0o700)):
        _folder(folder, mode)
    write_whole(places.launcher, launcher_text(places).encode("utf-8", "surrogateescape"), 0o755)
    write_config(places.config, config)


def uninstall_linux(places: Places = STANDARD) -> tuple[str, ...]:
    _check_rights()
    config = read_config(places.config)
    if config is None:
        return ("mdmp is not installed as the system's handler",)
    told = []
    now = _text(PATTERN)
    if now == config.pattern:
        _write(PATTERN, config.old_pattern)
        told.append(f"core_pattern is {config.old_pattern!r} again")
        if _number(PIPE_LIMIT) == config.pipe_limit:
            _write(PIPE_LIMIT, str(config.old_pipe_limit))
    else:
        told.append(f"core_pattern was changed by somebody else since, to {now!r}: left as it is")
    for path in (config.persist, config.launcher, places.config):
        if path:
            _remove(path)
    told.append(f"the dumps stay in {places.dumps}")
    return tuple(told)


def status_linux(places: Places = STANDARD) -> Status:
    now = _text(PATTERN)
    config = read_config(places.config)
    installed = config is not None and now == config.pattern
    facts: dict[str, object] = {"core_pattern": now, "core_pipe_limit": _number(PIPE_LIMIT)}
    if config is not None:
        facts |= {"before": config.old_pattern, "launcher": config.launcher, "dumps": places.dumps}
        facts |= {"pass_on": config.pass_on, "only": config.only, "persist": config.persist, "forced": config.forced}
    facts["suid_dumpable"] = _number("/proc/sys/fs/suid_dumpable")
    problems = tuple(_problems(config, now))
    return Status(installed, installed and not problems, facts, problems, tuple(read_log(places.log)))


def _problems(config: Config | None, now: str) -> Iterator[str]:
    if config is None:
        return
    if now != config.pattern:
        yield "mdmp was installed, but core_pattern was changed since: install again, or uninstall"
    if _number(PIPE_LIMIT) == 0:
        yield "core_pipe_limit is 0: processes end before they can be read"
    if not config.forced:
        yield from trouble()
    try:
        found = os.lstat(config.launcher)
        if found.st_uid != 0 or found.st_mode & 0o022 or not found.st_mode & 0o100:
            yield f"{config.launcher}: others than root may change it, or it cannot be started"
        text = (read_text(config.launcher) or b"").decode("utf-8", "surrogateescape")
        if text != launcher_text(config.places):
            yield f"{config.launcher} starts another mdmp than this one"
    except OSError as problem:
        yield f"{config.launcher}: {problem.strerror}"


def _check_rights() -> None:
    if os.geteuid() != 0:
        raise UsageError("only root can do this: core_pattern holds for all programs of all users (sudo mdmp …)")
    if not os.access(PATTERN, os.W_OK):
        raise UsageError(
            f"{PATTERN} cannot be written: in a container it is the host's, and the handler would run there; "
            "install mdmp on the host"
        )


def _text(path: str) -> str:
    return (read_text(path) or b"").decode("utf-8", "surrogateescape").strip("\n")


def _number(path: str) -> int:
    return int(_text(path) or 0)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as problem:
        raise UsageError(f"{path} cannot be set to {text!r}: {problem.strerror}") from None


def _folder(path: str, mode: int) -> None:
    os.makedirs(path, 0o755, exist_ok=True)
    os.chmod(path, mode)


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _sysctl(config: Config) -> str:
    return (
        "# Crashes go to mdmp: made by `mdmp install --persist`, removed by `mdmp uninstall`.\n"
        f"kernel.core_pattern={config.pattern}\nkernel.core_pipe_limit={config.pipe_limit}\n"
    )
