"""List the streams of a dump, or print one as it is: raw records with their official names.

A stream is named by its name (`ThreadList`, any case, with or without `Stream`) or its number (decimal or 0x).
Where a type is repeated, all of its streams are printed.

example:
  mdmp streams crash.dmp
  mdmp streams crash.dmp SystemInfo
  mdmp streams --json crash.dmp 4
  mdmp streams --bytes crash.dmp 0x47670009
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from mdmp.binary.record import Record
from mdmp.binary.text import safe_text
from mdmp.binary.window import map_file
from mdmp.cli.common import DONE, NOTHING_FOUND
from mdmp.cli.hexdump import rows
from mdmp.errors import UsageError
from mdmp.formats.minidump.file import Minidump
from mdmp.formats.minidump.streams import table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a minidump")
    parser.add_argument("stream", metavar="NAME|NUMBER", nargs="?", help="the stream to print (default: list them)")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")
    parser.add_argument("--bytes", action="store_true", help="a hex dump instead of records")


def run(args: argparse.Namespace) -> int:
    dump = Minidump(map_file(args.file))
    wanted = None if args.stream is None else _number(args.stream)
    indexes = [i for i, entry in enumerate(dump.directory) if wanted in (None, entry.StreamType)]
    if not indexes:
        if wanted is not None:
            print(f"mdmp: {args.file}: no {table.stream_name(wanted)} in this dump", file=sys.stderr)
        return NOTHING_FOUND
    if wanted is None:
        _list(dump, indexes, args.json)
        return DONE
    shown = [_show(dump, index, args) for index in indexes]
    for issue in dump.issues.freeze():
        print(f"mdmp: {issue}", file=sys.stderr)
    return DONE if any(shown) else NOTHING_FOUND


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        pass
    key = text.lower().removesuffix("stream")
    for number, (name, _) in table.STREAMS.items():
        if name.lower().removesuffix("stream") == key:
            return number
    raise UsageError(f"no stream is called {text!r}; mdmp streams FILE lists those of a dump")


def _list(dump: Minidump, indexes: list[int], as_json: bool) -> None:
    found = [
        {
            "index": index,
            "type": f"{dump.directory[index].StreamType:#x}",
            "name": table.stream_name(dump.directory[index].StreamType),
            "size": dump.directory[index].Location.DataSize,
            "rva": dump.directory[index].Location.Rva,
        }
        for index in indexes
    ]
    if as_json:
        _print_json(found)
        return
    for row in found:
        print(f"{row['index']:>4}  {row['type']:>10}  {row['name']:<28}{row['size']:>12} bytes at {row['rva']:#x}")


def _show(dump: Minidump, index: int, args: argparse.Namespace) -> bool:
    entry = dump.directory[index]
    if not args.json:
        place = f"{entry.Location.DataSize} bytes at {entry.Location.Rva:#x}"
        print(f"{table.stream_name(entry.StreamType)} ({entry.StreamType:#x}), {place}")
    decoded = dump.decode(index)
    if decoded is None:
        return False
    if args.bytes or (isinstance(decoded, bytes) and not table.is_decoded(entry.StreamType) and not args.json):
        for row in rows(dump.raw(index).tobytes()):
            print(row)
    elif args.json:
        _print_json(plain(decoded))
    elif isinstance(decoded, bytes | str):
        text = decoded if isinstance(decoded, str) else decoded.decode("utf-8", "replace")
        for line in text.replace("\0", "\n").splitlines():
            print(safe_text(line, len(line) + 1))
    else:
        for line in lines(decoded, ""):
            print(line)
    return True


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=1))


def plain(value: Any) -> Any:
    """A decoded stream in values that JSON has: bytes as hexadecimal digits, records by field."""
    if isinstance(value, Record):
        return {name: plain(field) for name, field in value.fields().items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(field) for name, field in zip(value._fields, value, strict=True)}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def lines(value: Any, indent: str) -> Iterator[str]:
    """The same as indented text, numbers in both notations."""
    if isinstance(value, Record):
        pairs = list(value.fields().items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        pairs = list(zip(value._fields, value, strict=True))
    elif isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        pairs = [(f"[{index}]", item) for index, item in enumerate(value)]
    else:
        yield f"{indent}{_scalar(value)}"
        return
    for name, item in pairs:
        if isinstance(item, Record | dict) or (isinstance(item, Sequence) and not isinstance(item, str | bytes)):
            if isinstance(item, tuple) and all(isinstance(number, int) for number in item) and not _named(item):
                yield f"{indent}{name}: {' '.join(_scalar(number) for number in item)}"
            else:
                yield f"{indent}{name}:"
                yield from lines(item, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(item)}"


def _named(item: Any) -> bool:
    return isinstance(item, Record) or hasattr(item, "_fields")


def _scalar(value: Any) -> str:
    if isinstance(value, int):
        return str(value) if -10 < value < 10 else f"{value:#x} ({value})"
    if isinstance(value, bytes):
        return value.hex(" ") if value.strip(b"\0") else f"{len(value)} zero bytes"
    return "none" if value is None else safe_text(str(value))
