"""The shape of minidump-stackwalk's JSON, written down from its documentation, and a check of a value against it.

Sources: rust-minidump's `minidump-processor/json-schema.md`, and its `print_json` for what is newer (inlines, memory
accesses, bit flips, handles, the map count). Any value may be null. Here no key may be missing, as `docs/json.md` says.
"""

import re
from collections.abc import Iterator
from typing import Any

U32, BOOL, STRING, HEX, ANY = "u32", "bool", "string", "hexstring", "anything"


class Enum(tuple[str, ...]):
    """One of these strings."""


class Variants(dict[str, Any]):
    """An object whose `kind` says which of these it is; the key is that kind."""


class Map:
    """An object with keys of the writer's choice."""

    def __init__(self, value: Any) -> None:
        self.value = value


FRAME = {
    "frame": U32,
    "trust": Enum(("context", "cfi", "frame_pointer", "scan", "cfi_scan", "prewalked")),
    "offset": HEX,
    "module": STRING,
    "module_offset": HEX,
    "function": STRING,
    "function_offset": HEX,
    "file": STRING,
    "line": U32,
    "inlines": [{"function": STRING, "file": STRING, "line": U32}],
    "missing_symbols": BOOL,
    "unloaded_modules": [{"module": STRING, "offsets": [HEX]}],
}
THREAD = {"thread_id": U32, "thread_name": STRING, "last_error_value": STRING, "frame_count": U32, "frames": [FRAME]}
UNLOADED = {"base_addr": HEX, "end_addr": HEX, "code_id": STRING, "filename": STRING, "cert_subject": STRING}
MODULE = {
    **UNLOADED,
    "debug_file": STRING,
    "debug_id": STRING,
    "version": STRING,
    "missing_symbols": BOOL,
    "loaded_symbols": BOOL,
    "corrupt_symbols": BOOL,
    "symbol_url": STRING,
}
STACKWALK: dict[str, Any] = {
    "status": Enum(("OK",)),
    "pid": U32,
    "process_uptime": U32,
    "crash_info": {
        "type": STRING,
        "address": HEX,
        "adjusted_address": Variants({"non-canonical": {"address": HEX}, "null-pointer": {"offset": HEX}}),
        "instruction": STRING,
        "memory_accesses": [
            {
                "address": HEX,
                "size": U32,
                "access_type": Enum(("read", "write", "readwrite", "execute")),
                "is_likely_guard_page": BOOL,
            }
        ],
        "instruction_pointer_update": {"address": HEX},
        "possible_bit_flips": [{"address": HEX, "details": ANY, "confidence": ANY, "source_register": STRING}],
        "crash_inconsistencies": [STRING],
        "crashing_thread": U32,
        "assertion": STRING,
    },
    "system_info": {
        "os": Enum(("Windows NT", "Mac OS X", "iOS", "Linux", "Solaris", "Android", "PS3", "NaCl", "unknown")),
        "os_ver": STRING,
        "cpu_arch": Enum(("x86", "amd64", "ppc", "ppc64", "sparc", "arm", "arm64", "mips", "mips64", "unknown")),
        "cpu_info": STRING,
        "cpu_count": U32,
        "cpu_microcode_version": U32,
    },
    "thread_count": U32,
    "threads": [THREAD],
    "crashing_thread": {"threads_index": U32, **THREAD},
    "main_module": U32,
    "modules_contains_cert_info": BOOL,
    "modules": [MODULE],
    "unloaded_modules": [UNLOADED],
    "handles": [{"handle": U32, "type_name": STRING, "object_name": STRING}],
    "lsb_release": {"id": STRING, "release": STRING, "codename": STRING, "description": STRING},
    "mac_crash_info": {"num_records": U32, "records": [Map(STRING)]},
    "mac_boot_args": STRING,
    "linux_memory_map_count": U32,
    "soft_errors": ANY,
}

REGISTERS = {"registers": Map(HEX)}
"""What frame 0 of the crashing thread has besides."""


def with_ours(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with what mdmp adds, as `docs/json.md` documents it."""
    state = {
        "status": Enum(("found", "missing", "mismatched", "damaged", "not searched")),
        "path": STRING,
        "format": Enum(("pdb", "portable-pdb", "dwarf", "sym", "exports", "image")),
        "note": STRING,
        "tried": [STRING],
    }
    frame = FRAME | {"instruction": HEX, "stack_pointer": HEX, "managed": Enum(("jit", "ahead-of-time"))}
    managed = Enum(("il", "ready-to-run", "native image", "mixed"))
    thread = THREAD | {"frames": [frame], "stop": STRING, "wrote_the_dump": BOOL}
    return schema | {
        "threads": [thread],
        "crashing_thread": {"threads_index": U32, **thread},
        "modules": [MODULE | {"path": STRING, "symbols": state, "image": state, "managed": managed}],
        "mdmp": OURS,
    }


OURS: dict[str, Any] = {
    "schema": U32,
    "version": STRING,
    "title": STRING,
    "requested": BOOL,
    "exception": {
        "code": HEX,
        "name": STRING,
        "access": Enum(("read", "write", "execute")),
        "parameters": [HEX],
    },
    "explanation": STRING,
    "details": [STRING],
    "operands": [{"expression": STRING, "address": HEX, "size": U32}],
    "blame": {
        "thread": U32,
        "frame": U32,
        "function": STRING,
        "module": STRING,
        "file": STRING,
        "line": U32,
        "why": STRING,
        "source": {"path": STRING, "first_line": U32, "line": U32, "lines": [STRING], "verified": BOOL},
    },
    "signature": STRING,
    "failure_bucket_id": STRING,
    "failure_id_hash": STRING,
    "findings": [
        {
            "kind": STRING,
            "category": STRING,
            "title": STRING,
            "confidence": Enum(("certain", "likely", "possible")),
            "evidence": [STRING],
            "against": [STRING],
            "advice": STRING,
        }
    ],
    "dump": {
        "kind": Enum(("minidump", "microdump", "core", "live")),
        "path": STRING,
        "size": U32,
        "time": STRING,
        "writer": STRING,
        "memory_bytes": U32,
        "comments": [STRING],
    },
    "os": STRING,
    "os_product": STRING,
    "command_line": STRING,
    "pointer_size": U32,
    "runtime": STRING,
    "handle_count": U32,
    "annotations": Map(STRING),
    "issues": [{"place": STRING, "offset": HEX, "problem": STRING}],
}


def violations(value: Any, schema: Any, place: str = "$") -> Iterator[str]:
    """Where a value is not of the shape, a line each."""
    if value is None or schema == ANY:
        return
    if isinstance(schema, Variants):
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in schema:
            yield f"{place}: expected one of {list(schema)}, found {value!r}"
            return
        yield from _object(value, {"kind": STRING, **schema[kind]}, place)
    elif isinstance(schema, dict):
        yield from _object(value, schema, place)
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{place}: expected an array, found {value!r}"
            return
        for index, item in enumerate(value):
            yield from violations(item, schema[0], f"{place}[{index}]")
    elif isinstance(schema, Map):
        if not isinstance(value, dict):
            yield f"{place}: expected an object, found {value!r}"
            return
        for key, item in value.items():
            yield from violations(item, schema.value, f"{place}.{key}")
    elif not _is(value, schema):
        yield f"{place}: expected {schema}, found {value!r}"


def _object(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: expected an object, found {value!r}"
        return
    for key in schema.keys() - value.keys():
        yield f"{place}: no key {key}"
    for key, item in value.items():
        if key in schema:
            yield from violations(item, schema[key], f"{place}.{key}")
        else:
            yield f"{place}: nobody knows the key {key}"


def _is(value: Any, kind: Any) -> bool:
    if isinstance(kind, Enum):
        return value in kind
    if kind == U32:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32
    if kind == BOOL:
        return isinstance(value, bool)
    return isinstance(value, str) and (kind == STRING or re.fullmatch("0x[0-9a-f]{1,16}", value) is not None)
