"""`mdmp policy set`: one value changed, checked before it is written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mdmp.binary.text import safe_text
from mdmp.cli.policy import print_warnings
from mdmp.errors import UsageError

if TYPE_CHECKING:
    import argparse


def set_policy(args: argparse.Namespace) -> None:
    from mdmp.monitor.policy.values import KEYS, Key, names
    from mdmp.monitor.policy.variables import is_relative

    if args.unset and args.value is not None:
        raise UsageError("--unset removes a key, it takes no value")
    if not args.unset and args.value is None:
        raise UsageError(f"a value for {args.key} is missing (or --unset)")
    if args.enforced and not args.system:
        raise UsageError("--enforced: only the system's file can enforce values (add --system)")
    if args.key != "exclude" and args.key not in KEYS:
        raise UsageError(f"no setting {args.key!r} (there are: {', '.join(KEYS)}, exclude)")
    if args.key == "exclude" and args.program:
        raise UsageError("exclude is for all programs; for one: mdmp policy set enabled false --program NAME")
    if args.program is not None and (not args.program or any(char in args.program for char in "/\\")):
        raise UsageError(f"--program takes the name of a file without a folder; found {args.program!r}")
    key = KEYS.get(args.key) or Key(names, "names of programs with commas")
    try:
        value = None if args.unset else key.parse(args.value)
    except (ValueError, OverflowError):
        raise UsageError(f"{args.key}: expected {key.expected}; found {args.value!r}") from None
    if args.key == "folder" and isinstance(value, str) and is_relative(value):
        raise UsageError(f"folder: expected an absolute path, or one that begins with a variable; found {value!r}")
    if args.registry:
        _set_in_registry(args, value)
    else:
        _set_in_file(args, value)


def _set_in_file(args: argparse.Namespace, value: object) -> None:
    from mdmp.monitor.policy.edit import set_value
    from mdmp.monitor.policy.load import load_policy, policy_files

    path = policy_files()["system" if args.system else "user"]
    if path is None:
        raise UsageError("there is no home folder for your policy file (HOME or APPDATA is not set)")
    area, _, key = args.key.rpartition(".")
    if args.key == "exclude":
        table: tuple[str, ...] = ()
    elif args.program:
        table = ("applications", args.program, *([area] if area else []))
    else:
        table = (area or "dumps",)
    before = load_policy().issues
    table = ("enforced", *table) if args.enforced else table
    changed = set_value(path, table, key, None if args.unset else _written(args.value, value))
    print(safe_text(f"{path}: {'changed' if changed else 'it says so already'}"))
    print_warnings([str(issue) for issue in load_policy().issues if issue not in before])


def _written(text: str, value: object) -> object:
    """As people write it: `500M` rather than a number of bytes."""
    if isinstance(value, bool | tuple) or (isinstance(value, int) and (text.isdecimal() or text[:2].lower() == "0x")):
        return value
    return text


def _set_in_registry(args: argparse.Namespace, value: object) -> None:
    if args.system or args.enforced:
        raise UsageError("--registry: LocalDumps is for all users anyway, and nothing in it is enforced")
    if sys.platform == "win32":
        from mdmp.monitor.policy.load import load_policy
        from mdmp.monitor.policy.windows_registry import set_local_dumps

        before = load_policy().issues
        print(f"{set_local_dumps(args.key, value, args.program)}: changed")
        print_warnings([str(issue) for issue in load_policy().issues if issue not in before])
    else:
        raise UsageError("--registry: only Windows has one")
