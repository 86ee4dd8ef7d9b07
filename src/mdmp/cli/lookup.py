"""Name what is at addresses: function, file and line, with the functions inlined there, innermost first.

FILE is a PDB, a symbol file or an executable image, and addresses are relative to the image's base (for ELF files: as
linked; the base of Mach-O files, also in dSYM bundles, is where their __TEXT segment starts); or FILE is a dump, and
addresses are those of the crashed process. In a .NET assembly or a portable PDB a place is
METHOD+OFFSET: the method's metadata token and the offset in its IL, as in the stack traces of .NET without symbols
(0x6000012+0x1a, or a whole line "at Shop.Desk.Pay() in shop.dll:token 0x6000012+0x1a"); for a dump the module comes
first (shop.dll!0x6000012+0x1a). Output is like llvm-symbolizer's: two lines for every function, a blank line after
every address; with --json one object a line, in order.

Exit code: 0 done, 1 nothing known at any of the addresses, 2 a file or an address cannot be used.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from mdmp.binary.text import safe_text
from mdmp.cli import common, failure
from mdmp.errors import UsageError
from mdmp.snapshot.module import base_name
from mdmp.symbols.frame import IlSource, SourceFrame

CHUNK = 1 << 16


class Question(NamedTuple):
    """An address; or, with `token`, an offset in the IL of a .NET method."""

    address: int
    token: int | None = None
    module: str | None = None

    def __str__(self) -> str:
        where = f"{self.module}!" if self.module else ""
        return f"{where}{self.token:#x}+{self.address:#x}" if self.token else f"{self.address:#x}"


Lookup = Callable[[Question], tuple[SourceFrame, ...]]

_IL = re.compile(
    r"(?:(?:.*\sin )?(?P<module>[^!]+?)(?:!|: ?token ))?"
    r"(?:0x)?0?(?P<token>6[0-9a-f]{6})\+(?:0x)?(?P<offset>[0-9a-f]{1,8})",
    re.IGNORECASE,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a PDB, an executable image, or a dump")
    parser.add_argument(
        "addresses",
        metavar="ADDRESS",
        nargs="+",
        help="hexadecimal, or METHOD+OFFSET; - reads them from standard input",
    )
    parser.add_argument("--image", metavar="IMAGE", type=Path, help="the image that the PDB belongs to")
    parser.add_argument("--pdb", metavar="PDB", type=Path, help="the PDB of the image")
    parser.add_argument(
        "--cpu", choices=("amd64", "arm64"), help="which part of a universal Mach-O file; else the first"
    )
    common.add_symbols_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    if "-" in args.addresses and len(args.addresses) > 1:
        raise UsageError("either addresses or -, not both")
    # Before the file is opened: a wrong address shall not wait for that.
    batches = _read(sys.stdin.buffer) if args.addresses == ["-"] else [args.addresses]
    if args.addresses != ["-"]:
        _check(args.addresses)
    lookup = _open(args)
    show = _json if args.json else _text
    known = bad = 0
    for batch in batches:
        answers = []
        for text in batch:
            question = _question(text)
            frames = () if question is None else lookup(question)
            known += bool(frames)
            if question is None:
                bad += 1
                failure.complain(f"not an address: {text!r}")
            answers.append(show(text if question is None else str(question), frames))
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
    source = open_symbols(
        args.file, pdb=args.pdb, image=args.image, cpu=args.cpu, places=places, index_folder=common.cache_folder()
    )
    stem = args.file.stem.lower()

    def lookup(question: Question) -> tuple[SourceFrame, ...]:
        if question.token is None:
            return source.lookup(question.address)
        of_another = question.module and base_name(question.module).lower().rpartition(".")[0] != stem
        if of_another or not isinstance(source, IlSource):
            return ()
        return source.lookup_il(question.token, question.address)

    return lookup


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

    def lookup(question: Question) -> tuple[SourceFrame, ...]:
        if question.token is None:
            at = snapshot.module_at(question.address)
            return () if at is None else symbols.of(at).lookup(question.address - at.base)
        name = base_name(question.module or "").lower()
        named = next((m for m in snapshot.modules or () if m.name.lower() == name), None)
        return () if named is None else symbols.of(named).lookup_il(question.token, question.address)

    return lookup


def _check(texts: list[str]) -> None:
    for text in texts:
        if _question(text) is None:
            raise UsageError(f"not a hexadecimal address: {text!r}")


def _question(text: str) -> Question | None:
    il = _IL.fullmatch(text)
    if il:
        return Question(int(il["offset"], 16), int(il["token"], 16), il["module"])
    try:
        return Question(common.address(text))
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
    shown = []
    for f in frames:
        shown.append({"function": f.function, "file": f.file, "line": f.line, "inline": f.inline})
        if f.url:
            shown[-1]["url"] = f.url
    return json.dumps({"address": address, "frames": shown}) + "\n"
