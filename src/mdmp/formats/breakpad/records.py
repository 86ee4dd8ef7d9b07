"""The records of a Breakpad symbol file, one line of text each.

Addresses and sizes are hexadecimal and relative to the image base; line, file and origin numbers are decimal.
Every `read_*` function takes the text of one line without its line end and gives None for text that breaks the
record's form: the callers know where it stands and say so.
Source: docs/symbol_files.md of Breakpad; the two INLINE forms are told apart as its parser does.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

HEX = rb"([0-9a-fA-F]{1,16})"
DECIMAL = rb"([0-9]{1,10})"
_TEXT = rb"([^\s].*)"

EXPECTED = {
    b"FILE": "FILE number name",
    b"INLINE_ORIGIN": "INLINE_ORIGIN number name",
    b"FUNC": "FUNC [m] address size parameter_size name",
    b"INLINE": "INLINE depth call_line call_file origin address size [address size]...",
    b"PUBLIC": "PUBLIC [m] address parameter_size name",
    b"STACK WIN": "STACK WIN type address size prologue epilogue parameters saved locals max has_program program",
    b"STACK CFI": "STACK CFI [INIT] address [size] register: expression...",
    b"": "address size line file",
}
"""What a well-formed line looks like, by its first words."""


class SymModule(NamedTuple):
    """The MODULE record. `debug_id` is the GUID and age as 33 or more hexadecimal digits, without dashes."""

    os: str
    cpu: str
    debug_id: str
    name: str


class Func(NamedTuple):
    start: int
    size: int
    parameter_size: int
    """Bytes of arguments that the function pops off the stack when it returns."""
    name: str
    multiple: bool
    """Identical code of other functions was folded into this one."""


class Line(NamedTuple):
    start: int
    size: int
    line: int
    """0 where the compiler made code that belongs to no line."""
    file: int


class Inline(NamedTuple):
    depth: int
    """0 for a call written in the function itself, 1 for one in that callee, and so on."""
    call_line: int
    call_file: int | None
    """None in the old form of the record, which does not tell."""
    origin: int
    ranges: tuple[tuple[int, int], ...]
    """(start, size) of each piece of code."""


class Origin(NamedTuple):
    number: int
    file: int | None
    """The file that defines the function: only in the old form of the record."""
    name: str


class PublicSymbol(NamedTuple):
    start: int
    parameter_size: int
    name: str
    multiple: bool


class StackWin(NamedTuple):
    """How to leave a frame of 32-bit Windows code; sizes are in bytes.

    `program` is set for type 4 (frame data) and `allocates_base_pointer` matters for type 0 (frame pointer omission).
    """

    type: int
    start: int
    size: int
    prologue_size: int
    epilogue_size: int
    parameter_size: int
    saved_register_size: int
    local_size: int
    max_stack_size: int
    program: str | None
    allocates_base_pointer: bool


Rules = Mapping[str, tuple[str, ...]]
"""Register (`.cfa`, `.ra`, `$rbp`, `x29`: as written) to the words of the postfix expression that recovers it."""


class CfiInit(NamedTuple):
    start: int
    size: int
    rules: Rules


class CfiChange(NamedTuple):
    start: int
    rules: Rules


_MODULE = re.compile(rb"MODULE +([^ ]+) +([^ ]+) +([0-9a-fA-F]+) +" + _TEXT)
_CODE_ID = re.compile(rb"INFO +CODE_ID +([0-9a-fA-F]+)(?:\s|$)")
_FILE = re.compile(rb"FILE +" + DECIMAL + rb" +" + _TEXT)
_ORIGIN = re.compile(rb"INLINE_ORIGIN +" + DECIMAL + rb" +(?:(-1|[0-9]{1,10}) +)?" + _TEXT)
_FUNC = re.compile(rb"FUNC +(m +)?" + rb" +".join((HEX, HEX, HEX, _TEXT)))
_PUBLIC = re.compile(rb"PUBLIC +(m +)?" + rb" +".join((HEX, HEX, _TEXT)))
_LINE = re.compile(rb" +".join((HEX, HEX, DECIMAL, DECIMAL)) + rb"(?:\s|$)")
_WIN = re.compile(rb"STACK +WIN +([0-9a-fA-F]) +" + rb" +".join([HEX] * 8) + rb" +([01]) +" + _TEXT)
_CFI_INIT = re.compile(rb"STACK +CFI +INIT +" + rb" +".join((HEX, HEX, _TEXT)))
_COMMON = 256

FRAME_POINTER_OMISSION, FRAME_DATA = 0, 4
"""The types of STACK WIN records that mean something to a stack walker."""


def text(raw: bytes) -> str:
    return raw.rstrip(b" \r").decode("utf-8", "replace")


def read_module(line: bytes) -> SymModule | None:
    found = _MODULE.match(line)
    return SymModule(text(found[1]), text(found[2]), text(found[3]), text(found[4])) if found else None


def read_code_id(line: bytes) -> str | None:
    found = _CODE_ID.match(line)
    return text(found[1]) if found else None


def read_file(line: bytes) -> tuple[int, str] | None:
    found = _FILE.match(line)
    return (int(found[1]), text(found[2])) if found else None


def read_origin(line: bytes) -> Origin | None:
    found = _ORIGIN.match(line)
    if not found:
        return None
    file = int(found[2]) if found[2] else -1
    return Origin(int(found[1]), file if file >= 0 else None, text(found[3]))


def read_func(line: bytes) -> Func | None:
    found = _FUNC.match(line)
    if not found:
        return None
    return Func(int(found[2], 16), int(found[3], 16), int(found[4], 16), text(found[5]), bool(found[1]))


def read_public(line: bytes) -> PublicSymbol | None:
    found = _PUBLIC.match(line)
    return PublicSymbol(int(found[2], 16), int(found[3], 16), text(found[4]), bool(found[1])) if found else None


def read_line(line: bytes) -> Line | None:
    found = _LINE.match(line)
    return Line(int(found[1], 16), int(found[2], 16), int(found[3]), int(found[4])) if found else None


def read_inline(line: bytes) -> Inline | None:
    """Four numbers and pairs, or in the old form three numbers and pairs: the count of fields tells which."""
    fields = line.split()
    head = 4 + len(fields) % 2
    if len(fields) < 6 or b"-" in line:
        return None
    try:
        numbers = [int(field) for field in fields[1:head]]
        bounds = [int(field, 16) for field in fields[head:]]
    except ValueError:
        return None
    ranges = tuple(zip(bounds[::2], bounds[1::2], strict=True))
    return Inline(numbers[0], numbers[1], numbers[2] if head == 5 else None, numbers[-1], ranges)


def read_stack_win(line: bytes) -> StackWin | None:
    """None also where the type and the flag for a program contradict each other: neither can then be trusted."""
    found = _WIN.match(line)
    if not found:
        return None
    type_, *sizes = (int(found[i], 16) for i in range(1, 10))
    has_program, last = found[10] == b"1", text(found[11])
    if has_program != (type_ == FRAME_DATA):
        return None
    return StackWin._make((type_, *sizes, last if has_program else None, last == "1"))


def read_rules(line: bytes) -> Rules | None:
    """`register: word word... register: word...`; None when a register has no expression or the other way round."""
    return _common_rules(line) if len(line) < _COMMON else _rules(line)


def _rules(line: bytes) -> Rules | None:
    rules = dict[str, tuple[str, ...]]()
    register, words = "", list[str]()
    for word in text(line).split():
        if word[-1] != ":":
            words.append(word)
            continue
        if bool(register) != bool(words) or len(word) == 1:
            return None
        if register:
            rules[register] = tuple(words)
        register, words = word[:-1], []
    if not register or not words:
        return None
    rules[register] = tuple(words)
    return rules


_common_rules = lru_cache(4096)(_rules)
"""A file has a hundred thousand records and a few hundred different texts of rules in them."""


def read_cfi_init(line: bytes) -> CfiInit | None:
    found = _CFI_INIT.match(line)
    rules = read_rules(found[3]) if found else None
    return CfiInit(int(found[1], 16), int(found[2], 16), rules) if found and rules else None


def read_cfi_change(line: bytes) -> CfiChange | None:
    fields = line.split(None, 3)
    try:
        start, rules = int(fields[2], 16), read_rules(fields[3])
    except (ValueError, IndexError):
        return None
    return CfiChange(start, rules) if rules and 0 <= start >> 64 == 0 else None
