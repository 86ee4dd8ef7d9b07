"""Keeping the tables of a symbol file in a folder, so that a big file is scanned once and not at every run.

One file per symbol file: a header that says what it was made from, then the columns as arrays that are searched where
they lie. It holds nothing that the symbol file does not: whoever finds it missing, stale or damaged scans again.
The file is written under another name and renamed, so readers and other writers never see half of one.
"""

import mmap
import os
import re
import sys
import zlib
from array import array
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import NamedTuple

from mdmp.binary.window import Window
from mdmp.formats.breakpad.records import SymModule
from mdmp.formats.breakpad.tables import Table, Tables

_VERSION = 1
_MAGIC = b"mdmpsym" + sys.byteorder[:1].encode()
_HEADER = Struct("=8sIIQQ64s")
_COUNTS = Struct(f"={len(Tables._fields)}Q")
_PAGE, _SAMPLES = 4096, 16


class Identity(NamedTuple):
    """What a symbol file is recognised by. `modified` is its modification time in nanoseconds, 0: not known."""

    size: int
    modified: int
    fingerprint: bytes
    """Check sums of 16 pages spread over the file."""


def identify(window: Window, modified: int) -> Identity:
    last = max(window.size - _PAGE, 0)
    pages = (window.read(last * i // (_SAMPLES - 1), min(_PAGE, window.size)) for i in range(_SAMPLES))
    return Identity(
        window.size, modified % (1 << 64), b"".join(zlib.crc32(page).to_bytes(4, "little") for page in pages)
    )


def file_name(module: SymModule | None, identity: Identity) -> str:
    """The name of the index file: told by the module as far as its words are fit for a file name."""
    told = f"{module.name[:60]}-{module.debug_id[:48]}" if module else "unnamed"
    return f"{re.sub('[^A-Za-z0-9._-]', '_', told).lstrip('.')}-{identity.size:x}.symindex"


def load(path: Path, identity: Identity) -> Tables | None:
    """The kept tables; None where there are none, or not of this file, or they are damaged."""
    try:
        with path.open("rb") as file:
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    start = _HEADER.size + _COUNTS.size
    if len(buffer) < start:
        return None
    magic, version, check, *made_from = _HEADER.unpack_from(buffer)
    counts = _COUNTS.unpack_from(buffer, _HEADER.size)
    if (magic, version, tuple(made_from)) != (_MAGIC, _VERSION, identity) or len(buffer) != start + 16 * sum(counts):
        return None
    view = memoryview(buffer)
    if zlib.crc32(view[_HEADER.size :]) != check:
        return None
    columns = view[start:].cast("Q")
    tables, at = [], 0
    for count in counts:
        tables.append(Table(columns[at : at + count], columns[at + count : at + 2 * count]))
        at += 2 * count
    return Tables(*tables)


def save(path: Path, identity: Identity, tables: Tables) -> None:
    """Keep the tables. A folder that cannot be written to is no error: the next run scans again."""
    body = [_COUNTS.pack(*(len(table.keys) for table in tables))]
    body += [array("Q", column).tobytes() for table in tables for column in table]
    check = 0
    for part in body:
        check = zlib.crc32(part, check)
    other = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with other.open("xb") as file:
            file.write(_HEADER.pack(_MAGIC, _VERSION, check, *identity))
            file.writelines(body)
        other.replace(path)
    except OSError:
        with suppress(OSError):
            other.unlink()
