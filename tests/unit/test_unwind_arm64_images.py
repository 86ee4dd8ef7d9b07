"""ARM64 `.pdata` of real images against their code: prologs and epilogs are carried out, decoded by capstone.

At every instruction of a prolog or epilog, and in the body, the rule made of the unwind data has to lead back to the
registers with which the function was entered.
"""

import random
import struct
from pathlib import Path

import capstone
import pytest
from capstone import arm64

from mdmp.arch import ARM64
from mdmp.binary.window import map_file
from mdmp.formats.pe import pdata_arm64
from mdmp.formats.pe.headers import PeImage, open_file
from mdmp.unwind import windows_arm64
from mdmp.unwind.rule import apply_rule

KEPT = tuple(f"x{n}" for n in range(19, 30))
TOP = 0x100000
PROBED = (0xCB2F73FF).to_bytes(4, "little")
"""sub sp, sp, x15, uxtx #4: what comes after a call of __chkstk."""
IGNORED = {"nop", "pacibsp", "autibsp", "bti", "movz", "bl", "hint"}


class Machine:
    """Just enough of an ARM64 to enter and leave functions."""

    def __init__(self, rng: random.Random) -> None:
        self.registers = {name: rng.randrange(1 << 40) for name in ARM64.registers} | {"sp": TOP}
        self.memory: dict[int, int] = {}
        self.stored: set[str] = set()
        self.decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
        self.decoder.detail = True

    def word(self, address: int) -> int | None:
        return self.memory.get(address, 0x5A5A)

    def name(self, operand: object) -> str:
        name = str(self.decoder.reg_name(operand.reg))  # type: ignore[attr-defined]
        return {"fp": "x29", "lr": "x30"}.get(name, name)

    def step(self, code: bytes) -> bool:
        """One instruction; False for the return, ValueError for what it does not know."""
        found = next(self.decoder.disasm(code, 0), None)
        if found is None:
            raise ValueError(code.hex())
        name, ops, regs = found.mnemonic, found.operands, self.registers
        if name in ("ret", "b", "br", "retab"):
            return False
        if name in ("stp", "str", "ldp", "ldr"):
            place = next(op for op in ops if op.type == arm64.ARM64_OP_MEM)
            base = str(self.decoder.reg_name(place.mem.base)).replace("fp", "x29")
            names = [self.name(op) for op in ops if op.type == arm64.ARM64_OP_REG]
            post = ops[-1].imm if ops[-1].type == arm64.ARM64_OP_IMM else 0
            address = regs[base] + place.mem.disp
            width = 16 if names[0][0] == "q" else 8
            for i, register in enumerate(names):
                if name[0] == "s":
                    self.stored.add(register)
                    self.memory[address + width * i] = regs.get(register, 0)
                else:
                    regs[register] = self.memory.get(address + width * i, 0)
            if found.writeback:
                regs[base] = address + post
        elif name in ("sub", "add") and ops[1].type == arm64.ARM64_OP_REG:
            last = ops[2].imm if ops[2].type == arm64.ARM64_OP_IMM else regs[self.name(ops[2])]
            last <<= ops[2].shift.value
            regs[self.name(ops[0])] = regs[self.name(ops[1])] + (last if name == "add" else -last)
        elif name == "mov" and ops[1].type == arm64.ARM64_OP_REG:
            regs[self.name(ops[0])] = 0 if self.name(ops[1]) == "xzr" else regs[self.name(ops[1])]
        elif name == "mov":
            register = self.name(ops[0])
            regs[register.replace("w", "x")] = ops[1].imm
        elif name not in IGNORED:
            raise ValueError(f"{name} {found.op_str}")
        return True


def functions(image: PeImage) -> list[pdata_arm64.Unwind]:
    rva, size = image.directories[3]
    found = []
    for begin, _ in struct.iter_unpack("<II", image.read(rva, size & ~7)):
        unwind = pdata_arm64.find_unwind(image, begin)
        assert unwind is not None and unwind.begin == begin
        found.append(unwind)
    return found


def check(image: PeImage) -> tuple[int, int, int]:
    """Instructions checked in prologs, bodies and epilogs."""
    prologs = bodies = epilogs = 0
    for unwind in functions(image):
        machine = Machine(random.Random(unwind.begin))
        entry = dict(machine.registers)

        def leads_back(rva: int, exact: bool, machine: Machine = machine, entry: dict[str, int] = entry) -> None:
            rule = windows_arm64.rule_at(image, rva, exact)
            found = apply_rule(rule, machine.registers, machine.word, KEPT, "pc", "sp", "x30", ARM64.mask)
            assert isinstance(found, dict), (hex(rva), rule)
            assert found["pc"] == entry["x30"] and found["sp"] == TOP, (hex(rva), rule, found)
            assert {name: found[name] for name in KEPT} == {name: entry[name] for name in KEPT}, (hex(rva), rule)

        if not unwind.prolog or any(code.op == "end_c" for code in unwind.codes):
            continue  # one that needs no frame, or a part of a function that is entered in the middle
        at = unwind.begin
        try:
            for _ in range(unwind.prolog):
                leads_back(at, True)
                code = image.read(at, 4)
                if code[3] >> 2 == 0x25 and image.read(at + 4, 4) != PROBED:
                    machine.registers["sp"] -= 16  # __security_push_cookie
                elif not machine.step(code):
                    break
                at += 4
                prologs += 1
        except ValueError:
            continue  # an instruction that stands for none of the machine's
        inside = dict(machine.registers)
        framed = any(code.op in ("set_fp", "add_fp") for code in unwind.codes)
        changed = dict.fromkeys(machine.stored & {*KEPT, "x30"} - ({"x29"} if framed else set()), 7)
        machine.registers |= changed  # as the body may
        if at < unwind.begin + unwind.size - 4 and any("x30" in code.registers for code in unwind.codes):
            leads_back(at + 4, False)
            bodies += 1
        for start, codes in unwind.epilogs:
            raw = image.read(unwind.begin + start, 4 * len(codes))
            if not codes or any(raw[i] >> 2 == 0x25 for i in range(3, len(raw), 4)):
                continue  # __security_push_cookie, and calls of __security_pop_cookie: they move the stack pointer
            # Bodies take more stack, which the epilog frees first.
            below = sum(code.size for code in codes if code.op in ("alloc", "save_x"))
            machine.registers = {**inside, **changed, "sp": TOP - below}
            at = unwind.begin + start
            if codes[0].op == "set_fp":  # from wherever the stack pointer is
                leads_back(at, True)
                at += 4
            while at <= unwind.begin + start + 4 * len(codes):
                leads_back(at, True)
                epilogs += 1
                try:
                    if not machine.step(image.read(at, 4)):
                        break
                except ValueError:
                    break
                at += 4
    return prologs, bodies, epilogs


@pytest.mark.parametrize("name", ["shop_arm64.exe", "faults_arm64.exe"])
def test_our_own_programs(name: str, data: Path) -> None:
    prologs, bodies, epilogs = check(open_file(map_file(data / "windows" / name)))
    assert prologs > 10 and bodies > 3 and epilogs > 10


@pytest.mark.parametrize(
    "name", ["node-pty-console-list-arm64/conpty_console_list.node", "seh-nested-collided-arm64/nested_collided.exe"]
)
def test_programs_of_microsofts_compiler(name: str, corpus: Path) -> None:
    prologs, bodies, epilogs = check(open_file(map_file(corpus / "pdb" / name)))
    assert prologs > 60 and bodies > 15 and epilogs > 60
