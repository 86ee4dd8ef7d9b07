"""Rules from x64 UNWIND_INFO against the STACK CFI records that another implementation made of the same images."""

import re
from pathlib import Path

import pytest

from mdmp.binary.window import map_file
from mdmp.formats.pe import pdata
from mdmp.formats.pe.headers import open_file
from mdmp.unwind import windows_amd64

CASES = {
    "breakpad-regtest64": "dump_syms_regtest64.exe",
    "debugpy-attach-amd64": "attach_amd64.dll",
    "gobject-amd64": "gobject-2.0-0.dll",
    "samply-writeargument": "WriteArgument.exe",
    "seh-nested-collided-amd64": "nested_collided.exe",
}


def place(expression: str, register: str, offset: int) -> int:
    """Where an expression like `.cfa 16 - ^` or `$rbp 64 + ^` reads, from the CFA (= register + offset)."""
    base, number, sign, *_ = expression.split()
    value = int(number) if sign == "+" else -int(number)
    if base == ".cfa":
        return value
    assert base == register
    return value - offset


@pytest.mark.parametrize("case", CASES)
def test_every_function_body_has_the_rule_that_others_derived(case: str, corpus: Path) -> None:
    image = open_file(map_file(corpus / "pdb" / case / CASES[case]))
    seen = 0
    for line in (corpus / "pdb" / case / "unwind.from-pe.txt").read_text().splitlines():
        found = re.match(r"STACK CFI INIT (\S+) (\S+) \.cfa: (\S+) (\d+) \+ (.*)", line)
        assert found, line
        start, size, register, offset = int(found[1], 16), int(found[2], 16), found[3], int(found[4])
        rule = windows_amd64.rule_at(image, start + size, exact=False)
        assert (f"${rule.register}", rule.offset, rule.return_at) == (register, offset, -8), line
        expressions = dict(re.findall(r"(\S+): ((?:(?!\S+:).)+?)(?= \S+:|$)", found[5]))
        assert expressions.pop(".ra") == ".cfa 8 - ^"
        places = {name[1:]: place(text, register, offset) for name, text in expressions.items()}
        ours = dict(rule.saves)
        function = pdata.find_function(image, start)
        assert function is not None
        # Parts of functions: the other implementation measures a part's own saves from the CFA instead of from the
        # stack pointer, which gives places in the caller's frame. The code (mov [rsp+n], register) says the latter.
        parts = pdata.unwind_chain(image, function)[:-1]
        own = {windows_amd64.UNWIND_REGISTERS[code[2]] for _, info in parts for code in info.codes if code[1] in (4, 5)}
        places = {name: at - (offset - 8) if name in own else at for name, at in places.items()}
        assert ours == places, line
        seen += 1
    assert seen >= 25
