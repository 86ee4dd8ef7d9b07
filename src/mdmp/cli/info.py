"""Tell what kind of dump this is, from whom, when, what it holds, and what is missing.

example:
  mdmp info crash.dmp
  mdmp info --json crash.dmp | jq .streams
"""

import argparse
from typing import Any

from mdmp.binary.sizes import size_text
from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, add_output_arguments, write_output
from mdmp.dumpfile.facts import facts
from mdmp.dumpfile.load import load_records
from mdmp.snapshot import Snapshot

MAX_ISSUES_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a minidump, a core file or a microdump")
    parser.add_argument("--json", action="store_true", help="one JSON object, with every range of memory")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    snapshot, dump = load_records(args.file)
    found = facts(dump, snapshot)
    if args.json:
        import json

        write_output(json.dumps(found, indent=1) + "\n", args.output)
    else:
        write_output(render(found, snapshot), args.output)
    return DONE


def render(found: dict[str, Any], snapshot: Snapshot) -> str:
    rows = [*_about(found, snapshot), ("", ""), *_holds(found, snapshot)]
    lines = [f"{key:<10} {safe_text(value)}".rstrip() for key, value in rows]
    lines += ["\nstreams"] if found["streams"] else []
    lines += (
        f"  {s['type']:>10}  {s['name']:<28}{s['size']:>12,} bytes at {s['rva']:#x}"
        for s in found["streams"]
        if s["size"] or s["type"] != "0x0"
    )
    for title, items in (("missing", found["missing"]), ("damaged", _issues(found["issues"]))):
        if items:
            lines += [f"\n{title}", *(f"  {safe_text(item)}" for item in items)]
    return "\n".join(lines) + "\n"


def _about(found: dict[str, Any], snapshot: Snapshot) -> list[tuple[str, str]]:
    origin, system, process = snapshot.origin, snapshot.system, snapshot.process
    rows = [("file", f"{origin.path} ({size_text(origin.size or 0)})")]
    if origin.time:
        rows.append(("written", f"{origin.time:%Y-%m-%d %H:%M:%S} UTC"))
    if origin.writer:
        rows.append(("by", ": ".join(filter(None, (origin.writer, origin.writer_evidence)))))
    else:
        rows.append(("by", "not known"))
    if found["header"]:
        names = found["header"]["flag_names"]
        rows.append(("flags", f"{found['header']['flags']} {' '.join(names)}" if names else "0x0 (none)"))
    words = [system.os, system.os_version, system.os_build and f"({system.os_build})", system.cpu]
    if system.cpu_count:
        words.append(f"{system.cpu_count} CPU{'s' * (system.cpu_count != 1)}")
    rows.append(("system", " ".join(word for word in words if word)))
    facts_of_process = [f"pid {process.pid}" if process.pid is not None else "pid not known"]
    if snapshot.modules:
        facts_of_process.insert(0, snapshot.modules[0].name or "?")
    if process.create_time:
        facts_of_process.append(f"started {process.create_time:%Y-%m-%d %H:%M:%S} UTC")
        if origin.time and origin.time >= process.create_time:
            facts_of_process.append(f"ran {origin.time - process.create_time}")
    rows.append(("process", ", ".join(facts_of_process)))
    if process.command_line:
        rows.append(("command", process.command_line))
    rows += [("comment", line) for comment in snapshot.annotations.comments for line in comment.splitlines() if line]
    return rows


def _holds(found: dict[str, Any], snapshot: Snapshot) -> list[tuple[str, str]]:
    rows = []
    for record in snapshot.exceptions:
        parameters = "".join(f" {value:#x}" for value in record.parameters)
        at = "" if record.address is None else f" at {record.address:#x}"
        text = f"code {record.code:#x}{at} in thread {record.tid}"
        rows.append(("exception", f"{text}, parameters{parameters}" if parameters else text))
    modules = snapshot.modules or ()
    named = sum(module.debug is not None for module in modules)
    rows.append(("threads", _count(snapshot.threads)))
    rows.append(("modules", f"{_count(snapshot.modules)}, {named} with debug identity" if modules else _count(modules)))
    if snapshot.origin.kind == "minidump":
        rows.append(("unloaded", _count(snapshot.unloaded_modules)))
        rows.append(("handles", _count(snapshot.handles)))
    ranges = snapshot.memory.ranges
    rows.append(("memory", f"{size_text(found['memory_bytes'])} in {len(ranges):,} range{'s' * (len(ranges) != 1)}"))
    rows.append(("regions", _count(snapshot.regions)))
    return rows


def _count(items: Any) -> str:
    return "not in the dump" if items is None else f"{len(items):,}"


def _issues(issues: list[dict[str, Any]]) -> list[str]:
    lines = []
    for issue in issues[:MAX_ISSUES_SHOWN]:
        at = "" if issue["offset"] is None else f" at {issue['offset']:#x}"
        lines.append(f"{issue['place']}{at}: {issue['problem']}")
    if len(issues) > MAX_ISSUES_SHOWN:
        lines.append(f"and {len(issues) - MAX_ISSUES_SHOWN} more (--json lists them)")
    return lines
