"""Writes frames.json.xz: where each instruction of libframes.dylib leaves what its caller owns, by running it.

Needs unicorn (pip install unicorn), which the tests do not. Shape: {cpu: {"rows": [[[address as linked…], CFA - sp,
frame pointer - CFA where it points into the frame, {register: [place…]}]…], "walks": [{"registers": {…}, "words":
[[address, value]…], "frames": [[program counter, stack pointer, {register: value}]…]}…]}}. A place is a slot on the
stack, relative to the CFA, or "register"; all places where the caller's value is are listed, registers left out that
simply keep it. "return" or x30: the return address. Walks are of the image at `BASE`.
"""

import json
import lzma
import re
import struct
import subprocess
from pathlib import Path

import unicorn
from unicorn import arm64_const, x86_const

FOLDER = Path(__file__).resolve().parent
BASE, STACK, TOP, RETURN = 0x100000000, 0x7FF000000000, 0x7FF000400000, 0x10000FF00


class Cpu:
    def __init__(self, arch: str) -> None:
        self.arch = arch
        if arch == "x86_64":
            self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
            self.kept = ("rbx", "rbp", "r12", "r13", "r14", "r15")
            self.fp, self.sp, self.pc = "rbp", "rsp", "rip"
            names = (*self.kept, "rsp", "rip", "rdi", "rax")
            self.number = {name: getattr(x86_const, f"UC_X86_REG_{name.upper()}") for name in names}
        else:
            self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
            self.kept = tuple(f"x{n}" for n in range(19, 30))
            self.fp, self.sp, self.pc = "x29", "sp", "pc"
            names = (*self.kept, "x30", "sp", "pc", "x0")
            self.number = {name: getattr(arm64_const, f"UC_ARM64_REG_{name.upper()}") for name in names}
        self.entry_size = 8 if arch == "x86_64" else 0

    def get(self, name: str) -> int:
        return int(self.uc.reg_read(self.number[name]))

    def set(self, name: str, value: int) -> None:
        self.uc.reg_write(self.number[name], value)

    def word(self, address: int) -> int:
        return int(struct.unpack("<Q", self.uc.mem_read(address, 8))[0])


def text_symbols(slice_file: Path) -> dict[str, int]:
    out = subprocess.run(["llvm-nm-22", str(slice_file)], capture_output=True, text=True, check=True).stdout
    return {name: int(address, 16) for address, name in re.findall(r"^([0-9a-f]+) [tT] (\S+)$", out, re.M)}


def trace(arch: str, slice_file: Path) -> dict[str, object]:
    cpu = Cpu(arch)
    uc = cpu.uc
    raw = slice_file.read_bytes()
    symbols = text_symbols(slice_file)
    uc.mem_map(BASE, 0x20000)
    uc.mem_write(BASE, raw[:0x20000])
    uc.mem_map(STACK, TOP - STACK)
    keep = {name: 0xC0DE0000_00000000 + 0x1111 * (i + 1) for i, name in enumerate(cpu.kept)}
    rows: dict[int, list[object]] = {}
    walks: list[dict[str, object]] = []
    stack: list[dict[str, object]] = []  # activations: cfa, ra, kept
    wanted = {BASE + symbols[f"_{kind}_leaf_with_room"]: 1 for kind in ("bare", "chained")}
    called = {"yes": True}
    link = "" if arch == "x86_64" else "x30"

    def on_code(_uc: object, address: int, size: int, _data: object) -> None:
        sp = cpu.get(cpu.sp)
        while stack and not called["yes"] and address == stack[-1]["ra"] and sp == stack[-1]["cfa"]:
            stack.pop()
        if called["yes"]:
            ra = cpu.word(sp) if arch == "x86_64" else cpu.get("x30")
            stack.append({"cfa": sp + cpu.entry_size, "ra": ra, "kept": {n: cpu.get(n) for n in cpu.kept}})
        code = bytes(uc.mem_read(address, size))
        if arch == "x86_64":
            called["yes"] = code[0] == 0xE8 or (code[0] == 0xFF and code[1] >> 3 & 7 == 2)
        else:
            word = int.from_bytes(code, "little")
            called["yes"] = word >> 26 == 0x25 or word & 0xFFFFFC1F == 0xD63F0000
        if not stack:
            return
        frame = stack[-1]
        cfa: int = frame["cfa"]  # type: ignore[assignment]
        if address not in rows:
            near = range(sp, cfa, 8) if cfa - sp < 0x4000 else (*range(sp, sp + 256, 8), *range(cfa - 256, cfa, 8))
            slots: dict[int, list[int | str]] = {}
            for at in near:
                slots.setdefault(cpu.word(at), []).append(at - cfa)
            owned = {**frame["kept"], link: frame["ra"]}  # type: ignore[dict-item]
            places = {}
            for name, value in owned.items():
                found = slots.get(value, []) + (["register"] if name and cpu.get(name) == value else [])  # type: ignore
                if found != ["register"]:
                    places[name or "return"] = found
            fp = cpu.get(cpu.fp)
            rows[address] = [address - BASE, cfa - sp, fp - cfa if sp <= fp < cfa else None, places]
        if wanted.get(address):
            wanted[address] -= 1
            frames = [[address, sp, {n: cpu.get(n) for n in cpu.kept}]]
            frames += [[f["ra"], f["cfa"], f["kept"]] for f in reversed(stack)]
            words = [[at, cpu.word(at)] for at in range(sp, TOP - 0x1000, 8) if cpu.word(at)]
            registers = {n: cpu.get(n) for n in cpu.number if n not in ("rdi", "rax", "x0")}
            walks.append({"registers": registers, "words": words, "frames": frames})

    uc.hook_add(unicorn.UC_HOOK_CODE, on_code)
    for argument in (7, -9, 5000):
        cpu.set("rdi" if arch == "x86_64" else "x0", argument & (1 << 64) - 1)
        for name, value in keep.items():
            cpu.set(name, value)
        sp = TOP - 0x1000
        if arch == "x86_64":
            sp -= 8
            uc.mem_write(sp, struct.pack("<Q", RETURN))
        else:
            cpu.set("x30", RETURN)
        cpu.set(cpu.sp, sp)
        stack.clear()
        called["yes"] = True
        uc.emu_start(BASE + symbols["_both"], RETURN)
    merged: list[list[object]] = []
    for address in sorted(rows):
        row = rows[address]
        if merged and merged[-1][1:] == row[1:]:
            merged[-1][0].append(row[0])  # type: ignore[attr-defined]
        else:
            merged.append([[row[0]], *row[1:]])
    return {"rows": merged, "walks": walks}


def main() -> None:
    found = {}
    for arch, cpu in (("x86_64", "amd64"), ("arm64", "arm64")):
        part = FOLDER / f"{arch}.tmp"
        subprocess.run(["llvm-lipo-22", FOLDER / "libframes.dylib", "-thin", arch, "-output", part], check=True)
        try:
            found[cpu] = trace(arch, part)
        finally:
            part.unlink()
    lines = []
    for cpu, table in found.items():
        parts = (
            f' "{key}": [\n' + ",\n".join(json.dumps(row, separators=(",", ":")) for row in table[key]) + "]"  # type: ignore[attr-defined]
            for key in ("rows", "walks")
        )
        lines.append(f'"{cpu}": {{\n' + ",\n".join(parts) + "}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (FOLDER / "frames.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    main()
