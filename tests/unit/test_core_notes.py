"""Core files made by hand: every note by itself, and what is missing or contradicts itself."""

import struct
from datetime import timedelta

import pytest

from mdmp.binary.window import Window
from mdmp.dumpfile.load import load
from mdmp.errors import UnusableInputError
from mdmp.snapshot import Snapshot
from synth import core

REGISTERS = list(range(100, 127))
RIP, RSP = 116, 119
BUILD_ID = bytes(range(20))


def loaded(file: core.CoreFile) -> Snapshot:
    return load(Window(file.build(), "made.core"))


def test_threads_registers_and_times() -> None:
    file = core.CoreFile()
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS, 11, (1, 500000)))
    file.note(core.NT_PRSTATUS, core.prstatus(8, REGISTERS))
    first, second = loaded(file).threads or ()
    assert (first.tid, second.tid) == (7, 8)
    assert first.user_time == timedelta(seconds=1.5)
    assert first.context is not None
    registers = first.context.registers
    assert (registers["r15"], registers["rip"], registers["rsp"], registers["gs"]) == (100, RIP, RSP, 126)


def test_arm64_registers() -> None:
    file = core.CoreFile(core.ARM64)
    file.note(core.NT_PRSTATUS, core.prstatus(7, list(range(34))))
    (thread,) = loaded(file).threads or ()
    assert thread.context is not None
    registers = thread.context.registers
    assert [registers[name] for name in ("x0", "x30", "sp", "pc", "cpsr")] == [0, 30, 31, 32, 33]


def test_a_cpu_that_we_cannot_walk_is_listed() -> None:
    file = core.CoreFile(core.RISCV)
    file.note(core.NT_PRSTATUS, core.prstatus(7, list(range(32)), 11))
    snapshot = loaded(file)
    assert snapshot.system.cpu == "riscv"
    assert [(thread.tid, thread.context) for thread in snapshot.threads or ()] == [(7, None)]


@pytest.mark.parametrize(
    ("signal", "info", "want"),
    [
        (11, (11, 1, 0x1234), (11, 1, 0x1234)),
        (6, (6, -6, 5 << 32 | 42), (6, 0xFFFFFFFA, 5 << 32 | 42)),
        (11, None, (11, 0, None)),
        (11, (19, 0x80, 0), (11, 0, None)),
        (0, (19, 0x80, 0), None),
        (0, None, None),
    ],
)
def test_the_signal(signal: int, info: tuple[int, int, int] | None, want: tuple[int, int, int | None] | None) -> None:
    file = core.CoreFile()
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS, signal))
    if info:
        file.note(core.NT_SIGINFO, core.siginfo(*info))
    found = [(record.code, record.flags, record.address) for record in loaded(file).exceptions]
    assert found == ([want] if want else [])


def test_the_whole_command_line_comes_from_the_stack() -> None:
    base, pairs = 0x7000_0000, {6: 4096, 25: 0x7000_0F00, 31: 0x7000_0F10, 17: 100, 23: 0}
    texts = b"program\0first\0second one\0SECRET=1\0"
    strings = base + 0x800
    words = [3, strings, strings + 8, strings + 14, 0, strings + 25, 0]
    stack = struct.pack("<7Q", *words) + core.auxv(pairs)
    raw = (bytes(0x100) + stack).ljust(0x800, b"\0") + texts
    file = core.CoreFile()
    file.note(core.NT_PRPSINFO, core.prpsinfo(7, b"program", b"program first se"))
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS))
    file.note(core.NT_AUXV, core.auxv(pairs))
    file.load(base, raw.ljust(0x1000, b"\0"))
    assert loaded(file).process.command_line == "program first second one"
    file.memory.clear()
    assert loaded(file).process.command_line == "program first se"


def program(*rows: tuple[int, int, int, bytes]) -> core.CoreFile:
    file = core.CoreFile()
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS))
    file.note(core.NT_FILE, core.files(list(rows)))
    return file


def test_modules_from_mapped_files() -> None:
    lib, data, hidden = b"/lib/a.so", b"/data/picture", b"/lib/hidden.so"
    file = program(
        (0x10000, 0x11000, 0, lib),
        (0x11000, 0x12000, 1, lib),
        (0x12000, 0x13000, 1, lib),
        (0x20000, 0x21000, 0, data),
        (0x30000, 0x31000, 0, hidden),
        (0x31000, 0x32000, 1, hidden),
        (0x40000, 0x41000, 0, b"/app/main (deleted)"),
        (0x50000, 0x51000, 0, b"/read/as.data.so"),
    )
    file.note(core.NT_AUXV, core.auxv({3: 0x40040}))
    file.load(0x10000, core.image(BUILD_ID), 4)
    file.load(0x11000, b"", 5, 0x1000)
    file.load(0x12000, b"", 6, 0x1000)
    file.load(0x20000, b"not an image".ljust(4096), 5)
    file.load(0x30000, b"", 4, 0x1000)
    file.load(0x31000, b"", 5, 0x1000)
    file.load(0x40000, core.image(None, 0x1000), 5)
    file.load(0x50000, core.image(BUILD_ID, 0x1000), 4)
    modules = loaded(file).modules or ()
    assert [(module.path, module.base, module.size) for module in modules] == [
        ("/app/main", 0x40000, 0x1000),
        ("/lib/a.so", 0x10000, 0x3000),
        ("/lib/hidden.so", 0x30000, 0x2000),
    ]
    assert [module.debug and module.debug.signature for module in modules] == [None, BUILD_ID, None]


def test_one_library_loaded_twice_is_two_modules() -> None:
    lib = b"/lib/a.so"
    file = program((0x10000, 0x11000, 0, lib), (0x13000, 0x14000, 0, lib))
    file.load(0x10000, core.image(BUILD_ID), 5)
    file.load(0x13000, core.image(BUILD_ID), 5)
    assert [module.base for module in loaded(file).modules or ()] == [0x10000, 0x13000]


def test_modules_from_the_list_of_the_dynamic_linker() -> None:
    file = core.CoreFile()
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS))
    file.note(core.NT_AUXV, core.auxv({3: 0x10040, 7: 0x50000, 31: 0x60F00}))
    entry = struct.Struct("<6Q")
    debug = struct.pack("<IIQQIIQ", 1, 0, 0x51100, 0x50500, 0, 0, 0x50000)
    names = b"\0/lib/b.so\0/lib/ld.so\0"
    linker = bytearray(0x1000)
    linker[0x80 : 0x80 + len(debug)] = debug
    linker[0x100:0x130] = entry.pack(0x10000, 0x51300, 0, 0x51140, 0, 0)
    linker[0x140:0x170] = entry.pack(0x20000, 0x51301, 0, 0x51180, 0x51100, 0)
    linker[0x180:0x1B0] = entry.pack(0x50000, 0x5130B, 0, 0x51100, 0x51140, 0)  # goes round
    linker[0x300 : 0x300 + len(names)] = names
    file.load(0x10000, b"", 5, 0x2000)
    file.load(0x12000, b"", 6, 0x1000)
    file.load(0x13000, b"", 5, 0x1000)
    file.load(0x20000, core.image(BUILD_ID), 5)
    file.load(0x50000, b"", 5, 0x1000)
    file.load(0x51000, bytes(linker), 6)
    file.load(0x60000, bytes(0xF00) + b"./main\0".ljust(0x100, b"\0"), 6)
    modules = loaded(file).modules or ()
    assert [(module.path, module.base, module.size) for module in modules] == [
        ("./main", 0x10000, 0x3000),
        ("/lib/b.so", 0x20000, 0x3000),
        ("/lib/ld.so", 0x50000, 0x2000),
    ]
    assert modules[1].debug is not None


def test_a_mapped_file_without_a_segment_is_a_region() -> None:
    file = program((0x10000, 0x11000, 0, b"/some/file"))
    (region,) = loaded(file).regions or ()
    assert (region.start, region.size, region.protection, region.name) == (0x10000, 0x1000, "", "/some/file")


def test_damaged_notes_cost_themselves() -> None:
    file = core.CoreFile()
    file.note(core.NT_PRSTATUS, b"short")
    file.note(core.NT_FILE, struct.pack("<QQ", 1 << 60, 4096))
    file.note(core.NT_PRSTATUS, core.prstatus(7, REGISTERS))
    file.notes.append(struct.pack("<III", 5, 1 << 31, core.NT_AUXV) + b"CORE\0\0\0\0")
    snapshot = loaded(file)
    assert [thread.tid for thread in snapshot.threads or ()] == [7]
    assert len(snapshot.issues) == 3


def test_big_endian_is_refused_in_one_line() -> None:
    raw = bytearray(core.CoreFile().build())
    raw[5] = 2
    with pytest.raises(UnusableInputError, match="big-endian"):
        load(Window(bytes(raw), "made.core"))
