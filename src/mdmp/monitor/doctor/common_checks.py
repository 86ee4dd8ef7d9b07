"""Policy, folder, disk, notice: the same on every system. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdmp.monitor.doctor.check import BAD, OK, UNKNOWN, WARN, Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mdmp.monitor.doctor.common_facts import CommonFacts, Folder

_MEGABYTE = 1 << 20
_FEW_FILES = 16


def check_common(facts: CommonFacts) -> Iterator[Check]:
    yield _policy(facts)
    for warning in facts.explanation.warnings:
        yield Check("policy_trap", WARN, warning, "mdmp policy explain PROGRAM shows what each place says")
    yield _folder(facts.folder, facts.user)
    yield _disk(facts)
    if "desktop" in facts.explanation.decision.settings.notice:
        yield _desktop(facts.desktop)


def _policy(facts: CommonFacts) -> Check:
    decision = facts.explanation.decision
    name = facts.program or "a program"
    reasons = "; ".join(decision.reasons)
    if decision.kind is None:
        return Check(
            "policy", BAD, f"a crash of {name} gets no dump: {reasons.removeprefix('no dump: ')}", _MEND_POLICY
        )
    return Check("policy", OK, f"a crash of {name} gets a dump: {reasons}")


_MEND_POLICY = "mdmp policy explain PROGRAM shows who says so, mdmp policy set changes it"


def _folder(folder: Folder, user: int) -> Check:
    path, nearest = folder.path, folder.nearest
    if not folder.is_folder:
        return Check("folder", BAD, f"{path}: {nearest} is not a folder", "mdmp policy set folder PATH, for another")
    if not folder.writable:
        who = (
            f"it belongs to user {folder.owner}, mode {folder.mode:o}"
            if folder.owner != user
            else f"mode {folder.mode:o}"
        )
        state = f"{path} cannot be written to" if folder.exists else f"{path} cannot be made in {nearest}"
        return Check("folder", BAD, f"{state} ({who})", "give it the right owner and mode 700, or set another folder")
    if not folder.exists:
        return Check("folder", OK, f"{path} will be made")
    if folder.mode & 0o002:
        text = f"{path} can be changed by everybody (mode {folder.mode:o}): others can remove dumps, or mislead us"
        return Check("folder", WARN, text, f"chmod 700 {path}")
    if folder.mode & 0o077 and user != 0:
        text = f"{path} can be listed by others (mode {folder.mode:o}); dumps themselves cannot be read"
        return Check("folder", OK, text)
    return Check("folder", OK, f"{path} can be written to")


def _disk(facts: CommonFacts) -> Check:
    free, least = facts.folder.free, facts.explanation.decision.settings.min_free
    if free is None:
        return Check("disk", UNKNOWN, f"how much is free on the disk of {facts.folder.nearest} cannot be found out")
    told = f"{free // _MEGABYTE} MiB free, of which {least // _MEGABYTE} have to stay free (min_free)"
    mend = "make room, or lower min_free: mdmp policy set min_free 200M"
    if facts.folder.free_files is not None and facts.folder.free_files < _FEW_FILES:
        return Check("disk", BAD, f"the disk has room for {facts.folder.free_files} more files only", "remove some")
    if free - least < _MEGABYTE:
        return Check("disk", BAD, f"{told}: no dump is begun", mend)
    if free - least < 4096 * _MEGABYTE:
        return Check("disk", WARN, f"{told}: dumps of large programs are made smaller", mend)
    return Check("disk", OK, told)


def _desktop(there: bool) -> Check:
    if there:
        return Check("notice", OK, "a notice on the desktop can be shown")
    return Check(
        "notice",
        WARN,
        "no notice can be shown: there is no notify-send or no desktop",
        "install libnotify's notify-send",
    )
