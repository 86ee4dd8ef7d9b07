"""Print memory of the crashed process.

Addresses are hexadecimal, lengths decimal or 0x-hexadecimal.

example:
  mdmp memory crash.dmp 7ff612340000 64
  mdmp memory --hex crash.dmp 0x12f31c 8
"""

import argparse
import sys

from mdmp.binary.text import safe_text
from mdmp.cli.common import DONE, NOTHING_FOUND, address, length
from mdmp.cli.hexdump import rows
from mdmp.dumpfile.load import load
from mdmp.errors import MemoryUnavailable
from mdmp.snapshot import MemoryReader, Snapshot

STEP = 0x10000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a minidump")
    parser.add_argument("address", metavar="ADDRESS", type=address, help="where to begin")
    parser.add_argument("length", metavar="LENGTH", type=length, nargs="?", default=256, help="bytes (default: 256)")
    parser.add_argument("--hex", action="store_true", help="bare hexadecimal digits; every byte must be in the dump")


def run(args: argparse.Namespace) -> int:
    snapshot = load(args.file)
    start, size = args.address, args.length
    try:
        if args.hex:
            if size:
                _all(snapshot.memory, start, size)
            print()
            return DONE
        return DONE if _some(snapshot, start, min(start + size, 1 << 64)) else NOTHING_FOUND
    except MemoryUnavailable as error:
        print(f"mdmp: {error}", file=sys.stderr)
        return NOTHING_FOUND


def _all(memory: MemoryReader, start: int, size: int) -> None:
    end = start + size
    if not any(low <= start and end <= low + kept for low, kept in memory.ranges):
        raise MemoryUnavailable(start, size)
    for at in range(start, end, STEP):
        sys.stdout.write(memory.read(at, min(STEP, end - at)).hex())


def _some(snapshot: Snapshot, start: int, end: int) -> bool:
    """Print what of [start, end) is kept; a line tells of each gap."""
    module = snapshot.module_at(start)
    if module:
        print(f"{safe_text(module.name)}+{start - module.base:#x}")
    at = start
    for low, size in snapshot.memory.ranges:
        if low + size <= at or low >= end:
            continue
        if low > at:
            print(f"{at:016x}  not in the dump: {low - at:#x} bytes")
        low, high = max(low, at), min(low + size, end)
        while low < high:
            step = min(STEP - low % 16, high - low)
            for row in rows(snapshot.memory.read(low, step), low):
                print(row)
            low += step
        at = high
    if at == start:
        raise MemoryUnavailable(start, end - start)
    if at < end:
        print(f"{at:016x}  not in the dump: {end - at:#x} bytes")
    return True
