"""A Breakpad symbol file, asked by address. All addresses are relative to the image base (RVA)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from mdmp.binary.window import Window, map_file
from mdmp.errors import Issue, UnusableInputError
from mdmp.formats.breakpad import records, store
from mdmp.formats.breakpad.block import CfiBlock, FunctionBlock, text_at
from mdmp.formats.breakpad.records import Inline, Origin, PublicSymbol, Rules, StackWin, SymModule
from mdmp.formats.breakpad.tables import MAX_DAMAGED, Tables, scan

MAX_INLINE_DEPTH = 256
_HEAD = 1 << 16
_CACHE_COST = 1 << 26

T = TypeVar("T")
B = TypeVar("B", FunctionBlock, CfiBlock)

_FIRST = re.compile(rb"\s*(MODULE|INFO|FILE|INLINE_ORIGIN|FUNC|PUBLIC|STACK) ")
_KINDS = re.compile(rb"STACK +(?:WIN|CFI)|[A-Z_]+")


class SymFrame(NamedTuple):
    """One function at an address: what the code was inlined from, or the function that holds it."""

    function: str
    start: int
    """First address of the function, or of the stretch of code inlined from it."""
    size: int | None
    """In bytes; None for a PUBLIC symbol, which does not tell."""
    file: str | None
    line: int | None
    """The line of the address, and for all but the innermost frame the line of the inlined call."""
    inline: bool
    source: str
    """`FUNC`, `INLINE` or `PUBLIC`."""


class CfiRules(NamedTuple):
    """How to recover the caller's registers at one address."""

    start: int
    size: int
    """The range of the STACK CFI INIT record."""
    rules: Rules


class SymFile:
    """Look-ups in a symbol file. `index_folder` None: its tables live and die with this object."""

    def __init__(self, window: Window, index_folder: Path | None = None, modified: int = 0) -> None:
        """`modified` is the file's modification time in nanoseconds, where known.

        Raises `UnusableInputError` when the text does not start as a symbol file does.
        """
        head = window.read(0, min(window.size, _HEAD))
        if not _FIRST.match(head):
            raise UnusableInputError(f"{window.name}: not a Breakpad symbol file: expected MODULE, found {head[:20]!r}")
        self.window = window
        self.module: SymModule | None = None
        self.code_id: str | None = None
        for line in head.split(b"\n", 16)[:16]:
            self.module = self.module or records.read_module(line)
            self.code_id = self.code_id or records.read_code_id(line)
        self._tables = self._load(index_folder, modified) if index_folder else scan(window)
        self._damaged = dict.fromkeys(self._tables.damaged.keys, "")
        self._functions = _Blocks[FunctionBlock]()
        self._cfi = _Blocks[CfiBlock]()
        self._files: dict[int, str | None] = {}
        self._origins: dict[int, Origin | None] = {}

    @classmethod
    def open(cls, path: Path, index_folder: Path | None = None) -> "SymFile":
        """Raises `UnusableInputError` for a file that cannot be read or is something else."""
        window = map_file(path)
        try:
            modified = path.stat().st_mtime_ns
        except OSError:
            modified = 0
        return cls(window, index_folder, modified)

    def lookup(self, rva: int) -> tuple[SymFrame, ...]:
        """The functions at an address, innermost first; the last one is not inlined. Empty where nothing is known.

        A PUBLIC symbol answers only where no FUNC record covers the address or starts after the symbol.
        """
        block = self._function(rva)
        if not block:
            public = self._public_after_functions(rva)
            return (SymFrame(public.name, public.start, None, None, None, False, "PUBLIC"),) if public else ()
        line = block.line_at(rva)
        file = self._file(line.file) if line else None
        number = line.line if line else 0
        calls = list[tuple[int, int, Inline]]()
        while len(calls) < MAX_INLINE_DEPTH and (call := block.inline_at(rva, len(calls))):
            calls.append(call)
        frames = list[SymFrame]()
        for depth in range(len(calls) - 1, -1, -1):
            start, end, inline = calls[depth]
            origin = self._origin(inline.origin)
            if origin:
                frames.append(SymFrame(origin.name, start, end - start, file, number or None, True, "INLINE"))
            file_number = inline.call_file
            if file_number is None and depth:
                # The old form names the file where the caller is defined, and for the function itself nothing.
                caller = self._origin(calls[depth - 1][2].origin)
                file_number = caller.file if caller else None
            file = None if file_number is None else self._file(file_number)
            number = inline.call_line
        func = block.func
        frames.append(SymFrame(func.name, func.start, func.size, file, number or None, False, "FUNC"))
        return tuple(frames)

    def public(self, rva: int) -> PublicSymbol | None:
        """The nearest PUBLIC symbol at or before an address, however far."""
        offset = self._tables.publics.at(rva)
        return self._read(offset, records.read_public)

    def cfi(self, rva: int) -> CfiRules | None:
        """The register rules in force at an address, from STACK CFI records."""
        offset = self._tables.cfi.at(rva)
        if offset is None:
            return None
        block = self._cfi.get(offset)
        if not block:
            init = self._read(offset, records.read_cfi_init)
            if not init:
                return None
            block = CfiBlock(self.window, offset, init, self._note)
            self._cfi.keep(offset, block)
        rules = block.rules_at(rva)
        return CfiRules(block.init.start, block.init.size, rules) if rules else None

    def stack_win(self, rva: int) -> StackWin | None:
        """The STACK WIN record for an address: frame data if there is any, else frame pointer omission data."""
        for table in (self._tables.frame_data, self._tables.frame_pointer_omission):
            found = self._read(table.at(rva), records.read_stack_win)
            if found:
                return found
        return None

    def parameter_size(self, rva: int) -> int | None:
        """Bytes of arguments that the function at an address takes off the stack, from the record that knows best."""
        win = self.stack_win(rva)
        if win:
            return win.parameter_size
        block = self._function(rva)
        if block:
            return block.func.parameter_size
        public = self._public_after_functions(rva)
        return public.parameter_size if public else None

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The damaged records met so far: those of the index, and those in the blocks that were looked at."""
        found, line, last = list[Issue](), 1, 0
        for offset in sorted(self._damaged):
            for at in range(last, offset, _HEAD):
                line += self.window.read(at, min(_HEAD, offset - at)).count(b"\n")
            last = offset
            text = text_at(self.window, offset)
            kind = _KINDS.match(text)
            expected = records.EXPECTED.get(b" ".join(kind[0].split()) if kind else b"", records.EXPECTED[b""])
            problem = self._damaged[offset] or f"expected `{expected}`; found {text[:80]!r}"
            found.append(Issue(f"{self.window.name} line {line}", problem, self.window.start + offset))
        if len(found) >= MAX_DAMAGED:
            found.append(Issue(self.window.name, "more damaged records are not listed"))
        return tuple(found)

    def _load(self, folder: Path, modified: int) -> Tables:
        identity = store.identify(self.window, modified)
        path = folder / store.file_name(self.module, identity)
        tables = store.load(path, identity)
        if not tables:
            tables = scan(self.window)
            store.save(path, identity, tables)
        return tables

    def _note(self, offset: int, problem: str) -> None:
        if len(self._damaged) < MAX_DAMAGED:
            self._damaged.setdefault(offset, problem)

    def _read(self, offset: int | None, read: Callable[[bytes], T | None]) -> T | None:
        if offset is None:
            return None
        record = read(text_at(self.window, offset))
        if record is None:
            self._note(offset, "")
        return record

    def _function(self, rva: int) -> FunctionBlock | None:
        offset = self._tables.functions.at(rva)
        if offset is None:
            return None
        block = self._functions.get(offset)
        if not block:
            func = self._read(offset, records.read_func)
            if not func:
                return None
            block = FunctionBlock(self.window, offset, func, self._note)
            self._functions.keep(offset, block)
        return block

    def _public_after_functions(self, rva: int) -> PublicSymbol | None:
        public = self.public(rva)
        before = self._read(self._tables.functions.last_before(rva), records.read_func) if public else None
        return public if public and (not before or public.start > before.start) else None

    def _file(self, number: int) -> str | None:
        if number not in self._files:
            found = self._read(self._tables.files.exactly(number), records.read_file)
            self._files[number] = found[1] if found else None
        return self._files[number]

    def _origin(self, number: int) -> Origin | None:
        if number not in self._origins:
            self._origins[number] = self._read(self._tables.origins.exactly(number), records.read_origin)
        return self._origins[number]


class _Blocks(Generic[B]):
    """Blocks read before, by offset. When together they grow too big all are dropped: each can be read again."""

    def __init__(self) -> None:
        self._blocks: dict[int, B] = {}
        self._cost = 0

    def get(self, offset: int) -> B | None:
        return self._blocks.get(offset)

    def keep(self, offset: int, block: B) -> None:
        if self._cost > _CACHE_COST:
            self._blocks.clear()
            self._cost = 0
        self._blocks[offset] = block
        self._cost += block.cost
