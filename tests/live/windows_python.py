#!/usr/bin/env python3
"""Makes a real Windows Python for Wine, of the minor version that runs this script.

    windows_python.py FOLDER [WHEEL]

The wheels of panda3d for Windows carry the interpreter's DLL and all extension modules; the rest of the library is
that of the Python here, which does no harm: it is the same on each system. There are wheels for 3.11, 3.12 and 3.13.
WHEEL: one that was downloaded already; a `win32` one gives a 32-bit Python.
"""

import struct
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

NAME = f"python{sys.version_info[0]}{sys.version_info[1]}"
_UNUSED = ("tcl86t.dll", "tk86t.dll", "_tkinter.pyd")

RVA, FILE_OFFSET, SIZE = 0x1000, 0x200, 0x400
"""Where the only section lies in memory and in the file, and its bytes."""
IMPORTS_AT, DATA_AT = 0x80, 0x300
BASE = 0x400000


def python_exe(dll: str, wide: bool) -> bytes:
    """A console program that is `exit(Py_Main(argc, argv))`."""
    word = 8 if wide else 4
    imports, slots = _imports({"msvcrt.dll": ("__wgetmainargs", "exit"), dll: ("Py_Main",)}, word)
    code = _code64(slots) if wide else _code32(slots)
    body = bytearray(SIZE)
    body[: len(code)] = code
    body[IMPORTS_AT : IMPORTS_AT + len(imports)] = imports
    machine, flags, magic = (0x8664, 0x22, 0x20B) if wide else (0x14C, 0x103, 0x10B)
    standard = struct.pack("<HBBIIIII", magic, 14, 0, SIZE, 0, 0, RVA, RVA)
    standard += struct.pack("<Q", BASE) if wide else struct.pack("<II", RVA, BASE)
    versions = struct.pack("<IIHHHHHHIIIIHH", 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, RVA + 0x1000, 0x200, 0, 3, 0x100)
    sizes = struct.pack("<4Q" if wide else "<4I", 1 << 20, 1 << 16, 1 << 20, 1 << 12)
    directories = bytearray(16 * 8)
    struct.pack_into("<II", directories, 8, RVA + IMPORTS_AT, 3 * 20)
    optional = standard + versions + sizes + struct.pack("<II", 0, 16) + directories
    file_header = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), flags)
    section = struct.pack("<8s6I2HI", b".text", SIZE, RVA, SIZE, FILE_OFFSET, 0, 0, 0, 0, 0xE0000060)
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    return (dos + b"PE\0\0" + file_header + optional + section).ljust(FILE_OFFSET, b"\0") + body


def _imports(wanted: dict[str, tuple[str, ...]], word: int) -> tuple[bytes, dict[str, int]]:
    """The import directory with all it points to; and the RVA of the slot of each function."""
    start = RVA + IMPORTS_AT
    tables, texts = b"", b""
    tables_at = start + 20 * (len(wanted) + 1)
    texts_at = tables_at + sum(2 * word * (len(functions) + 1) for functions in wanted.values())
    directory, slots = b"", {}
    for dll, functions in wanted.items():
        thunks = b""
        names_at = tables_at + len(tables)
        slots_at = names_at + word * (len(functions) + 1)
        for index, function in enumerate(functions):
            thunks += (texts_at + len(texts)).to_bytes(word, "little")
            texts += b"\0\0" + function.encode() + b"\0"
            slots[function] = slots_at + word * index
        thunks += bytes(word)
        tables += thunks * 2
        directory += struct.pack("<5I", names_at, 0, 0, texts_at + len(texts), slots_at)
        texts += dll.encode() + b"\0"
    return directory + bytes(20) + tables + texts, slots


def _code64(slots: dict[str, int]) -> bytes:
    code = bytearray.fromhex("4883ec38")  # sub rsp, 38h

    def relative(opcode: str, rva: int) -> None:
        code.extend(bytes.fromhex(opcode))
        code.extend(struct.pack("<i", rva - (RVA + len(code) + 4)))

    argc, argv, environment, start_up = (RVA + DATA_AT + 8 * index for index in range(4))
    relative("488d0d", argc)  # lea rcx, argc
    relative("488d15", argv)  # lea rdx, argv
    relative("4c8d05", environment)  # lea r8, environment
    code += bytes.fromhex("4531c9")  # xor r9d, r9d
    relative("488d05", start_up)  # lea rax, start_up
    code += bytes.fromhex("4889442420")  # mov [rsp + 20h], rax
    relative("ff15", slots["__wgetmainargs"])
    relative("8b0d", argc)  # mov ecx, argc
    relative("488b15", argv)  # mov rdx, argv
    relative("ff15", slots["Py_Main"])
    code += bytes.fromhex("89c1")  # mov ecx, eax
    relative("ff15", slots["exit"])
    return bytes(code)


def _code32(slots: dict[str, int]) -> bytes:
    argc, argv, environment, start_up = (BASE + RVA + DATA_AT + 4 * index for index in range(4))

    def absolute(opcode: str, address: int) -> bytes:
        return bytes.fromhex(opcode) + struct.pack("<I", address)

    call = {name: absolute("ff15", BASE + rva) for name, rva in slots.items()}
    get = absolute("68", start_up) + b"\x6a\0" + absolute("68", environment) + absolute("68", argv)
    get += absolute("68", argc) + call["__wgetmainargs"] + bytes.fromhex("83c414")  # add esp, 14h
    run = absolute("ff35", argv) + absolute("ff35", argc) + call["Py_Main"]
    return get + run + b"\x50" + call["exit"]  # push eax


def download(folder: Path) -> Path:
    version = NAME.removeprefix("python")
    options = ("--only-binary=:all:", "--platform=win_amd64", f"--python-version={version}", "--no-deps", "-q")
    subprocess.run([sys.executable, "-m", "pip", "download", *options, "-d", folder, "panda3d"], check=True)
    return next(folder.glob("*.whl"))


def make(folder: Path, wheel: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            file = name.rpartition("/")[2]
            if name.startswith("deploy_libs/") and file and file not in _UNUSED:
                (folder / file).write_bytes(archive.read(name))
    if not (folder / f"{NAME}.dll").exists():
        raise SystemExit(f"{wheel.name} has no {NAME}.dll")
    (folder / "python.exe").write_bytes(python_exe(f"{NAME}.dll", "win_amd64" in wheel.name))
    library = folder / "Lib"
    if not library.exists():
        library.symlink_to(sysconfig.get_path("stdlib"))


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    if len(arguments) == 2:
        make(folder, Path(arguments[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            make(folder, download(Path(scratch)))
    print(folder / "python.exe")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
