"""What happens when a program crashes, by whose word, and how to change it.

examples:
  mdmp policy show
  mdmp policy explain shop --fault heap_corruption
  mdmp policy set type full --program shop
  mdmp policy set rules.abort none
  mdmp policy set max_total 2G --system --enforced
  mdmp policy set --unset type --program shop
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE
from mdmp.errors import UsageError

if TYPE_CHECKING:
    from mdmp.monitor.fault import Subject
    from mdmp.monitor.policy.explain import Explained, Explanation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")

    show = add("show", "all that the sources of the policy say, and what is wrong in them")
    show.add_argument("--json", action="store_true", help="print one JSON object")

    explain = add("explain", "what would happen for one program, and why")
    explain.add_argument("program", metavar="PROGRAM", help="the file name of the program; a path will do")
    explain.add_argument("--fault", metavar="KIND", help="only this kind of fault (default: a summary of all)")
    explain.add_argument(
        "--as-user", metavar="NAME", help="for a process of this user that the system's handler sees (Windows: a SID)"
    )
    explain.add_argument("--json", action="store_true", help="print one JSON object")

    change = add("set", "change one value in a policy file, and nothing else in it")
    change.add_argument("key", metavar="KEY", help="like folder, count, type, rules.abort, or exclude")
    change.add_argument("value", metavar="VALUE", nargs="?", help="the new value; lists with commas")
    change.add_argument("--unset", action="store_true", help="remove the key instead")
    change.add_argument("--program", metavar="NAME", help="only for the program of this file name")
    change.add_argument("--system", action="store_true", help="in the system's file, for all users")
    change.add_argument("--enforced", action="store_true", help="with --system: nobody else's word counts over it")
    change.add_argument("--registry", action="store_true", help="in LocalDumps, which Windows itself reads (Windows)")


def run(args: argparse.Namespace) -> int:
    from mdmp.cli.policy_set import set_policy

    actions = {"show": _show, "explain": _explain, "set": set_policy}
    actions[args.action](args)
    return DONE


def _show(args: argparse.Namespace) -> None:
    from mdmp.monitor.policy.load import load_policy, policy_files

    policy = load_policy()
    if args.json:
        _print_json(
            {
                "files": policy_files(),
                "sources": [_plain(asdict(source)) for source in policy.sources],
                "issues": [str(issue) for issue in policy.issues],
            }
        )
        return
    for name, path in policy_files().items():
        print(safe_text(f"{name}: {path}{'' if path and os.path.exists(path) else ' (not there)'}"))
    if not policy.sources:
        print("\nNobody says anything: what is built in applies (mdmp policy explain PROGRAM).")
    for source in policy.sources:
        print()
        print(safe_text(f"{source.name}{' (enforced)' if source.enforced else ''}"))
        _print_values(source.values, "  ")
        for pattern in source.exclude:
            print(safe_text(f"  no dumps of {pattern}"))
        for program, values in source.applications.items():
            print(safe_text(f"  {program}"))
            _print_values(values, "    ")
    print_warnings(list(map(str, policy.issues)))


def _explain(args: argparse.Namespace) -> None:
    from mdmp.monitor.fault import KINDS, Fault
    from mdmp.monitor.policy.explain import explain
    from mdmp.monitor.policy.load import load_policy

    if args.fault and args.fault not in KINDS:
        raise UsageError(f"no kind of fault {args.fault!r} (there are: {', '.join(KINDS)})")
    subject = _subject(args.program, args.as_user)
    handler = args.as_user is not None
    policy = load_policy(subject, handler=handler, as_user=True)
    how = "postmortem" if handler else "run"
    kinds = (args.fault,) if args.fault else tuple(KINDS)
    found = {kind: explain(policy, Fault(kind, subject, "", how=how)) for kind in kinds}
    if args.json:
        _print_json(_as_json(found))
        return
    one = next(iter(found.values()))
    print(safe_text(f"{one.program}: dumps go to {one.decision.folder}"))
    if args.fault:
        _print_decision(args.fault, one)
    else:
        _print_summary(found)
    if windows := _what_windows_does(subject):
        print()
        print(safe_text(f"Windows Error Reporting itself {windows}"))
    print("\nvalues")
    for value in one.values:
        if args.fault and value.key.startswith("rules.") and value.key != f"rules.{args.fault}":
            continue
        if not args.fault and value.key.startswith("rules.") and value.by == "built in":
            continue
        _print_value(value)
    print_warnings(one.warnings)


def _subject(program: str, user: str | None) -> Subject:
    from mdmp.monitor.fault import Subject
    from mdmp.snapshot.module import base_name

    name = base_name(program)
    if not name:
        raise UsageError(f"{program!r} names no file")
    if user is None:
        return Subject(0, name)
    if sys.platform == "win32":
        from mdmp.monitor.policy.wer import ACCOUNTS, profile_variables
        from mdmp.monitor.policy.windows_registry import open_registry

        variables = profile_variables(open_registry().machine, user, os.environ)
        if not variables:
            raise UsageError(f"no profile of {user!r} here (an account's SID; services run as {', '.join(ACCOUNTS)})")
        return Subject(0, name, variables=variables)
    else:
        import pwd

        from mdmp.monitor.linux.subject import user_variables

        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            raise UsageError(f"no user {user!r}") from None
        return Subject(0, name, entry.pw_uid, entry.pw_gid, user_variables(entry.pw_uid))


def _what_windows_does(subject: Subject) -> str | None:
    """Beside mdmp, by itself."""
    if sys.platform == "win32":
        from mdmp.monitor.policy.wer import told
        from mdmp.monitor.policy.windows_registry import open_registry

        return told(open_registry(), subject.name, subject.variables)
    else:
        return None


def _print_decision(kind: str, one: Explanation) -> None:
    decision = one.decision
    what = "no dump" if decision.kind is None else f"a dump of type {_kind(decision.kind)}"
    print(safe_text(f"{kind}: {what}"))
    for reason in decision.reasons:
        print(safe_text(f"  {reason}"))


def _print_summary(found: Mapping[str, Explanation]) -> None:
    """Kinds of fault with the same outcome together."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for kind, one in found.items():
        type_ = "no dump" if one.decision.kind is None else _kind(one.decision.kind)
        reasons = tuple(reason.replace(f" for {kind} ", " ") for reason in one.decision.reasons)
        groups.setdefault((type_, reasons), []).append(kind)
    for (type_, reasons), kinds in groups.items():
        print()
        print(safe_text(f"{type_}: {', '.join(kinds)}"))
        for reason in reasons:
            print(safe_text(f"  {reason}"))


def _print_value(one: Explained) -> None:
    from mdmp.monitor.policy.values import shown

    print(safe_text(f"  {one.key:<18} {shown(one.key, one.value):<28} {one.by}"))
    for said in one.overrode:
        print(safe_text(f"  {'':<18}   not {shown(one.key, said.value):<22} {said.by}"))


def _print_values(values: Mapping[str, object], indent: str) -> None:
    from mdmp.monitor.policy.values import shown

    for key, value in values.items():
        print(safe_text(f"{indent}{key:<18} {shown(key, value)}"))


def print_warnings(warnings: Sequence[str]) -> None:
    if warnings:
        print("\nwarnings")
    for warning in warnings:
        print(safe_text(f"  {warning}"))


def _as_json(found: Mapping[str, Explanation]) -> dict[str, object]:
    one = next(iter(found.values()))
    decisions = {
        kind: {"type": each.decision.kind, "budget": each.decision.budget, "reasons": list(each.decision.reasons)}
        for kind, each in found.items()
    }
    values = {
        value.key: {
            "value": _plain(value.value),
            "by": value.by,
            "overrode": [{"value": _plain(said.value), "by": said.by} for said in value.overrode],
        }
        for value in one.values
    }
    return {
        "program": one.program,
        "folder": one.decision.folder,
        "decisions": decisions,
        "values": values,
        "warnings": list(one.warnings),
    }


def _plain(value: object) -> object:
    """What JSON can say; ages in seconds."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.total_seconds() if isinstance(value, timedelta) else value


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=1))


def _kind(kind: str | int) -> str:
    return kind if isinstance(kind, str) else f"custom {kind:#x}"
