"""Name what is at addresses: function, file and line, with the functions inlined there, innermost first.

FILE is a PDB or an executable image, and addresses are relative to the image's base (for ELF files: as linked);
or FILE is a dump, and addresses are those of the crashed process. Output is like llvm-symbolizer's: two lines for
every function, a blank line after every address; with --json one object a line, in order.

Exit code: 0 done, 1 nothing known at any of the addresses, 2 a file or an address cannot be used.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from mdmp.binary.text import safe_text
from mdmp.cli import common, failure
from mdmp.errors import UsageError
from mdmp.symbols.frame import SourceFrame

Lookup = Callable[[int], tuple[SourceFrame, ...]]

CHUNK = 1 << 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a PDB, an executable image, or a dump")
    parser.add_argument("addresses", metavar="ADDRESS", nargs="+", help="hexadecimal; - reads them from standard input")
    parser.add_argument("--image", metavar="IMAGE", type=Path, help="the image that the PDB belongs to")
    parser.add_argument("--pdb", metavar="PDB", type=Path, help="the PDB of the image")
    common.add_symbols_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    if "-" in args.addresses and len(args.addresses) > 1:
        raise UsageError("either addresses or -, not both")
    # Before the file is opened: a wrong address shall not wait for that.
    batches = _read(sys.stdin.buffer) if args.addresses == ["-"] else [[_strict(text) for text in args.addresses]]
    lookup = _open(args)
    show = _json if args.json else _text
    known = bad = 0
    for batch in batches:
        answers = []
        for text in batch:
            address = _address(text)
            frames = () if address is None else lookup(address)
            known += bool(frames)
            if address is None:
                bad += 1
                failure.complain(f"not an address: {text!r}")
            answers.append(show(text if address is None else f"{address:#x}", frames))
        sys.stdout.write("".join(answers))
        sys.stdout.flush()
    if bad:
        return failure.UNUSABLE
    return common.DONE if known else common.NOTHING_FOUND


def _open(args: argparse.Namespace) -> Lookup:
    with args.file.open("rb") as file:
        is_dump = file.read(4) == b"MDMP"
    if is_dump:
        return _in_dump(args)
    from mdmp.symbols.open_file import open_symbols
    from mdmp.symbols.path import Place, local_places

    places = (
        *(Place(str(path), "--symbols") for path in args.symbols),
        *(Place(str(path), "--images") for path in args.images),
        *local_places(os.environ.get("_NT_SYMBOL_PATH", ""), "_NT_SYMBOL_PATH"),
    )
    return open_symbols(args.file, pdb=args.pdb, places=places, index_folder=common.cache_folder()).lookup


def _in_dump(args: argparse.Namespace) -> Lookup:
    """Looks up addresses of the process, in the symbols of whichever module is there."""
    if args.image or args.pdb:
        raise UsageError("--image and --pdb go with a PDB or an image, not with a dump")
    from mdmp import api

    snapshot = api.open_dump(args.file)
    symbols = api.find_symbols(
        snapshot,
        symbols=args.symbols,
        images=args.images,
        symbol_path=os.environ.get("_NT_SYMBOL_PATH"),
        cache=common.cache_folder(),
    )

    def lookup(address: int) -> tuple[SourceFrame, ...]:
        module = snapshot.module_at(address)
        return () if module is None else symbols.of(module).lookup(address - module.base)

    return lookup


def _strict(text: str) -> str:
    if _address(text) is None:
        raise UsageError(f"not a hexadecimal address: {text!r}")
    return text


def _address(text: str) -> int | None:
    try:
        return common.address(text)
    except argparse.ArgumentTypeError:
        return None


def _read(stream: IO[bytes]) -> Iterator[list[str]]:
    """The words of a stream, a batch for what is there at a time, so that a waiting caller gets its answers."""
    rest = b""
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield _words(lines)
    yield _words([rest])


def _words(lines: Iterable[bytes]) -> list[str]:
    return [line.strip().decode("utf-8", "replace") for line in lines if line.strip()]


def _text(address: str, frames: tuple[SourceFrame, ...]) -> str:
    if not frames:
        return "??\n??:0\n\n"
    lines = [f"{safe_text(f.function)}\n{safe_text(f.file or '??')}:{f.line or 0}\n" for f in frames]
    return "".join(lines) + "\n"


def _json(address: str, frames: tuple[SourceFrame, ...]) -> str:
    shown = [{"function": f.function, "file": f.file, "line": f.line, "inline": f.inline} for f in frames]
    return json.dumps({"address": address, "frames": shown}) + "\n"
