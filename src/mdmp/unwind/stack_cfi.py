"""The step to the caller by STACK CFI rules of Breakpad: an expression for each register."""

from collections.abc import Collection, Mapping

from mdmp.arch import Cpu
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.unwind.postfix import ReadWord, evaluate

CFA, RETURN_ADDRESS = ".cfa", ".ra"


def apply_stack_cfi(
    rules: Mapping[str, tuple[str, ...]], registers: Mapping[str, int], word: ReadWord, kept: Collection[str], cpu: Cpu
) -> dict[str, int] | None:
    """The caller's registers, by the names of `cpu`.

    `rules` gives, by register as written in the record (`$rsp`, `x29`, `.cfa`, `.ra`), the words of its expression.
    `kept` are the registers that a function gives back unchanged: they keep their values where no rule speaks of them.
    A register whose rule cannot be evaluated is left out. None when that is the frame address or the return address:
    a rule for it is missing, or it uses a register that is not known. Raises `FormatError` and `MemoryUnavailable`.
    """
    values = {f"${name}": value for name, value in registers.items()}
    values.update(registers)
    for alias, name in cpu.aliases.items():
        if name in registers:
            values[alias] = values[f"${alias}"] = registers[name]
    size = cpu.pointer_size
    cfa = evaluate(rules[CFA], values, word, size) if CFA in rules else None
    if cfa is None or RETURN_ADDRESS not in rules:
        return None
    values[CFA] = cfa
    target = evaluate(rules[RETURN_ADDRESS], values, word, size)
    if target is None:
        return None
    caller = {name: registers[name] for name in kept if name in registers}
    caller[cpu.sp] = cfa
    for written, words in rules.items():
        if written in (CFA, RETURN_ADDRESS):
            continue
        name = written.removeprefix("$")
        name = cpu.aliases.get(name, name)
        try:
            value = evaluate(words, values, word, size)
        except (FormatError, MemoryUnavailable):
            value = None
        if value is None:
            caller.pop(name, None)
        elif name in cpu.registers:
            caller[name] = value
    caller[cpu.pc] = target
    return caller
