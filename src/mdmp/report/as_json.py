"""A report as JSON: the schema of minidump-stackwalk, and our own facts under the key `mdmp`.

The schema is rust-minidump's (`minidump-processor/json-schema.md`, and `print_json` for the newer keys). Every key is
always there, null where nothing is known. Addresses are hex strings padded to the width of a pointer. `docs/json.md`
describes what is ours.
"""

import json
import re
from typing import Any

from mdmp.report.model import Crash, Frame, ModuleReport, Report, SourceContext, SymbolState, ThreadReport
from mdmp.report.options import RenderOptions
from mdmp.report.view import blame_source
from mdmp.version import __version__

SCHEMA = 1
"""Version of what is under `mdmp`: grows when a key changes its meaning or goes."""

MAX_NESTING = 50
LINE = 110

Json = dict[str, Any]


def render(report: Report, options: RenderOptions) -> str:
    """One JSON object and a newline, in ASCII."""
    value = as_object(report, options)
    return _without_lone_surrogates(_indented(value)) + "\n" if options.pretty else one_line(value)


def one_line(value: Json) -> str:
    """An object as one line of JSON Lines, in ASCII."""
    return _without_lone_surrogates(json.dumps(value)) + "\n"


def failure(path: str, problem: str) -> str:
    """The object that stands for a file of which there is no report."""
    ours = {"schema": SCHEMA, "version": __version__, "dump": {"path": path}, "problem": problem}
    return one_line({"status": "ERROR", "mdmp": ours})


def as_object(report: Report, options: RenderOptions) -> Json:
    hexes = _Hexes(report.pointer_size)
    limit = options.max_frames
    index = report.crashing_thread
    return {
        "status": "OK",
        "pid": report.pid,
        "process_uptime": None if report.uptime is None else int(report.uptime.total_seconds()),
        "crash_info": _crash_info(report, hexes),
        "system_info": {
            "os": report.os_name,
            "os_ver": report.os_version,
            "cpu_arch": report.cpu,
            "cpu_info": report.cpu_info,
            "cpu_count": report.cpu_count,
            "cpu_microcode_version": None,
        },
        "thread_count": len(report.threads),
        "threads": [_thread(thread, hexes, limit) for thread in report.threads],
        "crashing_thread": None if index is None else _crashing_thread(report.threads[index], hexes, limit),
        "main_module": report.main_module,
        "modules_contains_cert_info": False,
        "modules": [_module(module, hexes) for module in report.modules],
        "unloaded_modules": [
            {
                "base_addr": hexes(module.base),
                "end_addr": hexes(module.base + module.size),
                "code_id": (module.code_id or "").lower(),
                "filename": module.name,
                "cert_subject": None,
            }
            for module in report.unloaded_modules
        ],
        "handles": None,
        "lsb_release": dict(report.lsb_release) or None,
        "mac_crash_info": _mac_crash_info(report, hexes),
        "mac_boot_args": report.mac_boot_args,
        "linux_memory_map_count": report.linux_memory_map_count,
        "soft_errors": _soft_errors(report.soft_errors),
        "mdmp": _ours(report, hexes),
    }


class _Hexes:
    """Addresses as text, padded to the process's own width."""

    def __init__(self, pointer_size: int) -> None:
        self.digits = 2 * pointer_size

    def __call__(self, value: int) -> str:
        return f"0x{value:0{self.digits}x}"

    def maybe(self, value: int | None) -> str | None:
        return None if value is None else self(value)


def _crash_info(report: Report, hexes: _Hexes) -> Json:
    crash = report.crash
    return {
        "type": crash.reason or None,
        "address": hexes.maybe(crash.address),
        "adjusted_address": _adjusted_address(crash, hexes),
        "instruction": crash.instruction,
        "memory_accesses": None
        if crash.instruction is None
        else [
            {
                "address": hexes(access.address),
                "size": access.size,
                "access_type": {"read_write": "readwrite", "unknown": None}.get(access.access, access.access),
                "is_likely_guard_page": access.is_likely_guard_page,
            }
            for access in crash.memory_accesses
        ],
        "instruction_pointer_update": None,
        "possible_bit_flips": None,
        "crash_inconsistencies": None,
        "crashing_thread": report.crashing_thread,
        "assertion": crash.assertion,
    }


def _thread(thread: ThreadReport, hexes: _Hexes, limit: int | None) -> Json:
    return {
        "thread_id": thread.tid,
        "thread_name": thread.name,
        "last_error_value": thread.last_error_name
        or (None if thread.last_error is None else f"{thread.last_error:#x}"),
        "frame_count": len(thread.frames),
        "frames": [_frame(frame, hexes) for frame in thread.frames[:limit]],
        "stop": thread.stop,
        "wrote_the_dump": thread.wrote_the_dump,
    }


def _crashing_thread(thread: ThreadReport, hexes: _Hexes, limit: int | None) -> Json:
    result = {"threads_index": thread.index, **_thread(thread, hexes, limit)}
    if result["frames"]:
        registers = thread.frames[0].registers
        result["frames"][0]["registers"] = {name: hexes(value) for name, value in registers.items()}
    return result


def _frame(frame: Frame, hexes: _Hexes) -> Json:
    return {
        "frame": frame.index,
        "trust": frame.trust,
        "offset": hexes(frame.lookup),
        "module": frame.module,
        "module_offset": hexes.maybe(frame.module_offset),
        "function": frame.function,
        "function_offset": hexes.maybe(frame.function_offset),
        "file": frame.file,
        "line": frame.line,
        "inlines": [{"function": i.function, "file": i.file, "line": i.line} for i in frame.inlines] or None,
        "missing_symbols": frame.missing_symbols,
        "unloaded_modules": [{"module": name, "offsets": [hexes(at)]} for name, at in frame.unloaded_modules] or None,
        "instruction": hexes(frame.instruction),
        "stack_pointer": hexes.maybe(frame.stack_pointer),
        "managed": frame.managed,
    }


def _module(module: ModuleReport, hexes: _Hexes) -> Json:
    status = module.symbols.status
    return {
        "base_addr": hexes(module.base),
        "end_addr": hexes(module.base + module.size),
        "filename": module.name,
        "code_id": (module.code_id or "").lower(),
        "debug_file": module.debug_file or "",
        "debug_id": module.debug_id or "",
        "version": module.version,
        "cert_subject": None,
        "loaded_symbols": status == "found",
        "missing_symbols": status in ("missing", "mismatched"),
        "corrupt_symbols": status == "damaged",
        "symbol_url": None,
        "path": module.path,
        "symbols": _state(module.symbols),
        "image": _state(module.image),
        "managed": module.managed,
    }


def _state(state: SymbolState) -> Json:
    return {
        "status": state.status,
        "path": state.path,
        "format": state.format,
        "note": state.note,
        "tried": list(state.tried),
    }


def _adjusted_address(crash: Crash, hexes: _Hexes) -> Json | None:
    if crash.real_address is not None:
        return {"kind": "non-canonical", "address": hexes(crash.real_address)}
    if crash.null_offset is not None:
        return {"kind": "null-pointer", "offset": hexes(crash.null_offset)}
    return None


def _mac_crash_info(report: Report, hexes: _Hexes) -> Json | None:
    if report.mac_crash_info is None:
        return None
    records = [
        {key: hexes(value) if isinstance(value, int) else value for key, value in record.items()}
        for record in report.mac_crash_info
    ]
    return {"num_records": len(records), "records": records}


def _soft_errors(text: str | None) -> Any:
    """The writer's own JSON as it is; a text that is none, or is nested beyond reason, stays a text."""
    if text is None:
        return None
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        return text
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except ValueError:
        return text
    return value


def _ours(report: Report, hexes: _Hexes) -> Json:
    crash, dump, blame = report.crash, report.dump, report.blame
    return {
        "schema": SCHEMA,
        "version": __version__,
        "title": crash.title,
        "requested": crash.requested,
        "exception": None
        if crash.code is None
        else {
            "code": f"0x{crash.code:08x}",
            "name": crash.code_name,
            "access": crash.access,
            "parameters": [hexes(value) for value in crash.parameters],
        },
        "explanation": crash.explanation,
        "details": list(crash.details),
        "operands": [
            {"expression": access.expression, "address": hexes(access.address), "size": access.size}
            for access in crash.memory_accesses
        ],
        "blame": None
        if blame is None
        else {
            "thread": blame.thread_index,
            "frame": blame.frame_index,
            "function": blame.function,
            "module": blame.module,
            "file": blame.file,
            "line": blame.line,
            "why": blame.why,
            "source": _source(blame_source(report)),
        },
        "signature": report.signature,
        "failure_bucket_id": report.failure_bucket_id,
        "failure_id_hash": report.failure_id_hash,
        "findings": [
            {
                "kind": finding.kind,
                "category": finding.category,
                "title": finding.title,
                "confidence": finding.confidence,
                "evidence": list(finding.evidence),
                "against": list(finding.against),
                "advice": finding.advice,
            }
            for finding in report.findings
        ],
        "dump": {
            "kind": dump.kind,
            "path": dump.path,
            "size": dump.size,
            "time": None if dump.time is None else dump.time.isoformat(),
            "writer": dump.writer,
            "memory_bytes": dump.memory_bytes,
            "comments": list(dump.comments),
        },
        "os": report.os,
        "os_product": report.os_product,
        "command_line": report.command_line,
        "pointer_size": report.pointer_size,
        "runtime": report.runtime,
        "handle_count": report.handle_count,
        "annotations": dict(report.annotations),
        "issues": [
            {
                "place": issue.place,
                "offset": None if issue.offset is None else f"{issue.offset:#x}",
                "problem": issue.problem,
            }
            for issue in report.issues
        ],
    }


def _source(source: SourceContext | None) -> Json | None:
    if source is None:
        return None
    return {
        "path": source.path,
        "first_line": source.first_line,
        "line": source.line,
        "lines": list(source.lines),
        "verified": source.verified,
    }


def _indented(value: Any, depth: int = 0) -> str:
    """Indented, but what fits goes on one line, and so does every frame: good to read, to grep, and quick to make."""
    flat = json.dumps(value)
    if len(flat) < LINE or depth > 3 or (depth == 3 and not isinstance(value, list)):
        return flat
    inner = "\n" + "  " * (depth + 1)
    outer = "\n" + "  " * depth
    if isinstance(value, dict):
        items = (f"{json.dumps(key)}: {_indented(item, depth + 1)}" for key, item in value.items())
        return "{" + inner + f",{inner}".join(items) + outer + "}"
    if isinstance(value, list):
        return "[" + inner + f",{inner}".join(_indented(item, depth + 1) for item in value) + outer + "]"
    return flat


_ESCAPES = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..|(\\ud[89a-f]..)")


def _without_lone_surrogates(text: str) -> str:
    """Half surrogate pairs come from damaged UTF-16; strict JSON readers refuse their escapes."""
    if "\\ud" not in text:
        return text
    return _ESCAPES.sub(lambda match: "\\ufffd" if match[1] else match[0], text)
