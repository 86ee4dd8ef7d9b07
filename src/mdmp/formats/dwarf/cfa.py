"""The program of call-frame instructions, run up to one address. Source: DWARF 5, section 6.4.2."""

from typing import NamedTuple

from mdmp.errors import FormatError
from mdmp.formats.dwarf.leb import PAD, sleb, uleb

MAX_REMEMBERED = 64
"""States that a program may stack up."""


class Cie(NamedTuple):
    """What the entries of several functions have in common."""

    code_align: int
    data_align: int
    return_register: int
    encoding: int
    """DW_EH_PE_* of the code addresses in its FDEs."""
    augmented: bool
    """Its FDEs have augmentation data, too."""
    signal_frame: bool
    b_key: bool
    address_size: int
    instructions: bytes


class Cfa(NamedTuple):
    """The canonical frame address: register + offset, or what the expression gives."""

    register: int
    offset: int
    expression: bytes | None = None


class Saved(NamedTuple):
    """Where the caller's value of a register is.

    kind: `at` (in memory at CFA + value), `is` (it is CFA + value), `register` (in register value), `at_expression`,
    `is_expression` (the same with an expression that starts with the CFA on its stack), `same`, `undefined`.
    """

    kind: str
    value: int | bytes = 0


class Row(NamedTuple):
    """How to unwind from any instruction in [start, end), addresses as linked. Registers are DWARF numbers."""

    start: int
    end: int
    cfa: Cfa
    registers: dict[int, Saved]
    """A register without an entry keeps its value if the calling convention says so."""
    return_register: int
    signal_frame: bool
    """The caller was interrupted there: its program counter is exact."""
    signed_return: bool
    """arm64: the return address is signed (PAC)."""


_SAME = Saved("same")
_UNDEFINED = Saved("undefined")


def run(cie: Cie, program: bytes, start: int, end: int, address: int) -> Row:
    """The row for `address` in [start, end): the CIE's instructions, then the FDE's up to the address.

    Every instruction takes at least one byte, so the program's bytes bound the work. Raises `FormatError`.
    """
    state = _State(cie, start)
    _execute(state, cie.instructions, 1 << 64, None)
    state.location = start
    initial = dict(state.registers)
    next_location = _execute(state, program, address, initial)
    if state.cfa is None:
        raise FormatError("FDE", f"no rule for the frame address at {address:#x}")
    row_end = min(end, next_location) if next_location is not None else end
    return Row(state.location, row_end, state.cfa, state.registers, cie.return_register, cie.signal_frame, state.signed)


class _State:
    def __init__(self, cie: Cie, location: int) -> None:
        self.cie = cie
        self.location = location
        self.cfa: Cfa | None = None
        self.registers: dict[int, Saved] = {}
        self.signed = False
        self.remembered: list[tuple[Cfa | None, dict[int, Saved], bool]] = []


def _execute(state: _State, program: bytes, address: int, initial: dict[int, Saved] | None) -> int | None:
    """Run until the location passes `address`; gives that next location, None when the program ended before."""
    data, end, at = program + PAD, len(program), 0
    cie, registers = state.cie, state.registers
    factor = cie.data_align
    while at < end:
        op = data[at]
        at += 1
        high, low = op & 0xC0, op & 0x3F
        delta = -1
        if high == 0x40:  # advance_loc
            delta = low * cie.code_align
        elif high == 0x80:  # offset
            number, at = uleb(data, at)
            registers[low] = Saved("at", number * factor)
        elif high == 0xC0:  # restore
            _restore(registers, initial, low)
        elif op == 0x00:  # nop
            pass
        elif op == 0x01:  # set_loc; only .debug_frame has it, with plain addresses
            size = cie.address_size
            delta, at = int.from_bytes(data[at : at + size], "little") - state.location, at + size
            if delta < 0 or cie.encoding & 0x70:
                raise FormatError("FDE", "DW_CFA_set_loc goes back, or is relative")
        elif op in (0x02, 0x03, 0x04):  # advance_loc1, 2, 4
            size = 1 << op - 2
            delta, at = int.from_bytes(data[at : at + size], "little") * cie.code_align, at + size
        elif op == 0x1D:  # MIPS_advance_loc8
            delta, at = int.from_bytes(data[at : at + 8], "little") * cie.code_align, at + 8
        elif op == 0x0A:  # remember_state
            if len(state.remembered) >= MAX_REMEMBERED:
                raise FormatError("FDE", f"expected at most {MAX_REMEMBERED} remembered states")
            state.remembered.append((state.cfa, dict(registers), state.signed))
        elif op == 0x0B:  # restore_state
            if not state.remembered:
                raise FormatError("FDE", "DW_CFA_restore_state without a remembered state")
            state.cfa, registers, state.signed = state.remembered.pop()
            state.registers = registers
        elif op in (0x2D, 0x2C):  # AARCH64_negate_ra_state (on SPARC: GNU_window_save), and the same with_pc
            state.signed = not state.signed
        elif op == 0x2E:  # GNU_args_size: only of use to exception handling
            _, at = uleb(data, at)
        elif op in (0x0C, 0x12, 0x0D, 0x0E, 0x13, 0x0F):
            at = _define_cfa(state, op, data, at)
        elif op == 0x06:  # restore_extended
            register, at = uleb(data, at)
            _restore(registers, initial, register)
        else:
            at = _define_register(registers, op, data, at, factor)
        if at > end:
            raise FormatError("FDE", "an instruction runs over the end of its entry")
        if delta >= 0:
            if state.location + delta > address:
                return state.location + delta
            state.location += delta
    return None


def _restore(registers: dict[int, Saved], initial: dict[int, Saved] | None, register: int) -> None:
    rule = initial.get(register) if initial is not None else None
    if rule is None:
        registers.pop(register, None)
    else:
        registers[register] = rule


def _define_cfa(state: _State, op: int, data: bytes, at: int) -> int:
    old = state.cfa or Cfa(0, 0)
    if op == 0x0F:  # def_cfa_expression
        block, at = _block(data, at)
        state.cfa = Cfa(0, 0, block)
        return at
    register, offset = old.register, old.offset
    if op in (0x0C, 0x12, 0x0D):  # def_cfa, def_cfa_sf, def_cfa_register
        register, at = uleb(data, at)
    if op in (0x0C, 0x0E):  # def_cfa, def_cfa_offset
        offset, at = uleb(data, at)
    elif op in (0x12, 0x13):  # def_cfa_sf, def_cfa_offset_sf
        offset, at = sleb(data, at)
        offset *= state.cie.data_align
    state.cfa = Cfa(register, offset)
    return at


def _define_register(registers: dict[int, Saved], op: int, data: bytes, at: int, factor: int) -> int:
    register, at = uleb(data, at)
    if op == 0x07:  # undefined
        registers[register] = _UNDEFINED
    elif op == 0x08:  # same_value
        registers[register] = _SAME
    elif op in (0x05, 0x14, 0x09, 0x2F):  # offset_extended, val_offset, register, GNU_negative_offset_extended
        number, at = uleb(data, at)
        if op == 0x09:
            registers[register] = Saved("register", number)
        else:
            registers[register] = Saved("is" if op == 0x14 else "at", (-number if op == 0x2F else number) * factor)
    elif op in (0x11, 0x15):  # offset_extended_sf, val_offset_sf
        number, at = sleb(data, at)
        registers[register] = Saved("at" if op == 0x11 else "is", number * factor)
    elif op in (0x10, 0x16):  # expression, val_expression
        block, at = _block(data, at)
        registers[register] = Saved("at_expression" if op == 0x10 else "is_expression", block)
    else:
        raise FormatError("FDE", f"unknown call-frame instruction {op:#x}")
    return at


def _block(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = uleb(data, at)
    return data[at : at + length], at + length
