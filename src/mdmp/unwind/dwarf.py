"""The step to the caller by a row of DWARF call-frame information."""

from collections.abc import Callable

from mdmp.arch import Cpu
from mdmp.errors import FormatError
from mdmp.formats.dwarf.cfa import Row
from mdmp.unwind.expression import evaluate


def apply_row(
    row: Row, registers: dict[str, int], word: Callable[[int], int | None], cpu: Cpu, code_bits: int = 64
) -> dict[str, int] | int | None:
    """The caller's registers, by the names of `cpu`; those that cannot be known are left out.

    `word` gives the pointer-sized word at an address, or None. `code_bits` are the bits of an address that hold no
    signature, for signed return addresses of arm64. A return address that the row calls undefined is 0: the end of
    the stack. An int is the address whose missing memory stops it; None means that a register it needs is not known.
    Raises `FormatError` for an expression that makes no sense.
    """
    names, size, mask = cpu.dwarf, cpu.pointer_size, cpu.mask

    def value_of(number: int) -> int | None:
        return registers.get(names.get(number, ""))

    if row.cfa.expression is None:
        base = value_of(row.cfa.register)
        cfa = None if base is None else base + row.cfa.offset & mask
    else:
        cfa = evaluate(row.cfa.expression, value_of, word, size, ())
    if cfa is None:
        return None

    missing: int | None = None

    def recover(number: int) -> int | None:
        """The caller's value of a register."""
        nonlocal missing
        rule = row.registers.get(number)
        name = names.get(number, "")
        if rule is None or rule.kind == "same":
            keeps = rule is not None or name in cpu.saved_sysv or number == row.return_register
            return registers.get(name) if keeps else None
        value = rule.value
        if isinstance(value, bytes):
            try:
                found = evaluate(value, value_of, word, size, (cfa,))
            except FormatError:
                if number == row.return_register:
                    raise
                return None
            if rule.kind == "is_expression" or found is None:
                return found
            place = found
        elif rule.kind == "at":
            place = cfa + value & mask
        else:
            return cfa + value & mask if rule.kind == "is" else value_of(value) if rule.kind == "register" else None
        read = word(place)
        if read is None:
            missing = place
        return read

    rule = row.registers.get(row.return_register)
    target = 0 if rule is not None and rule.kind == "undefined" else recover(row.return_register)
    if target is None:
        return missing
    if row.signed_return and code_bits < 64:
        target &= (1 << code_bits) - 1
    caller = {cpu.sp: cfa, cpu.pc: target}
    for number, name in names.items():
        if name == cpu.pc or (name == cpu.sp and number not in row.registers):
            continue
        found = recover(number)
        if found is not None and name in cpu.registers:
            caller[name] = found
    return caller
