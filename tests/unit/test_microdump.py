"""Microdumps: lines of a log, whole and damaged."""

import json
import random
import struct
from pathlib import Path

import pytest

import mdmp
from mdmp.analysis.crash_reason import CrashReason
from mdmp.analysis.reason import crash_reason
from mdmp.binary.window import Window
from mdmp.cli.__main__ import main
from mdmp.dumpfile.load import load
from mdmp.snapshot import Snapshot

BASE, STACK = 0x7100000000, 0x7FE2000000
CONTEXT = struct.pack("<Q33QIII", 0x80000006, *range(31), STACK + 0x10, BASE + 0x100, 0x60000000, 1, 2) + bytes(512)
LINES = (
    "-----BEGIN BREAKPAD MICRODUMP-----",
    "V Shop:1.2.3",
    "O A arm64 08 aarch64 maker/model:9/user release-keys",
    "P renderer",
    "R 0000000B SIGSEGV 0000000000000018",
    "G UNKNOWN",
    "H 12C00000 FFF73000 00D9 31E89000 975F4000 0C:18",
    f"S 0 {STACK + 0x10:016X} {STACK:016X} 0000000000000040",
    f"S {STACK:016X} {bytes(range(32)).hex().upper()}",
    f"S {STACK + 32:016X} {bytes(range(32, 64)).hex().upper()}",
    f"C {CONTEXT.hex().upper()}",
    f"M {BASE:016X} 0000000000000000 0000000000004000 00112233445566778899AABBCCDDEEFF0 lib shop.so",
    f"M {BASE + 0x8000:016X} 0000000000001000 0000000000001000 {'0' * 33} none.so",
    "-----END BREAKPAD MICRODUMP-----",
)


def opened(*lines: str, prefix: str = "") -> Snapshot:
    return load(Window("".join(f"{prefix}{line}\n" for line in lines).encode(), "t.log"))


@pytest.mark.parametrize(
    "prefix",
    ["", "W/google-breakpad( 3728): ", "08-17 19:45:06.579 25655 25655 F google-breakpad: "],
    ids=["plain", "brief", "threadtime"],
)
def test_all_lines(prefix: str) -> None:
    found = opened(*LINES, prefix=prefix)
    assert found.issues == ()
    assert (found.origin.kind, found.system.os, found.system.cpu, found.system.cpu_count) == (
        "microdump", "android", "arm64", 8)  # fmt: skip
    assert found.system.os_build == "maker/model:9/user release-keys"
    assert found.annotations.process == {"product": "Shop:1.2.3", "process type": "renderer", "hardware": "aarch64"}
    (record,), (thread,) = found.exceptions, found.threads or ()
    assert (record.code, record.address, record.tid) == (11, 0x18, thread.tid)
    assert (thread.stack_start, thread.stack_size) == (STACK, 0x40)
    assert thread.context is not None
    assert (thread.context.registers["pc"], thread.context.registers["x30"]) == (BASE + 0x100, 30)
    assert found.memory.ranges == ((STACK, 64),)
    assert found.memory.read(STACK + 24, 16) == bytes(range(24, 40))
    shop, none = found.modules or ()
    assert (shop.name, shop.base, shop.size) == ("lib shop.so", BASE, 0x4000)
    assert shop.debug is not None and shop.debug.breakpad == "00112233445566778899AABBCCDDEEFF0"
    assert none.debug is None
    report = mdmp.analyze(found)
    assert report.crash.reason == "SIGSEGV" and report.crash.address == 0x18
    assert report.threads[0].frames[0].module == "lib shop.so"


def test_lines_of_other_programs_in_between() -> None:
    lines = [f"F/google-breakpad(77): {line}" for line in LINES]
    mixed = [line for pair in zip(lines, ["F/other( 9): M 1 2 3 4 5"] * len(lines), strict=True) for line in pair]
    assert opened(*mixed[:-1]).modules == opened(*LINES).modules
    twice = opened(*lines, *lines)
    assert len(twice.modules or ()) == 2 and "another one follows" in twice.issues[0].problem


def test_damage_costs_its_line() -> None:
    broken = [line.replace("S 0000007FE2000020", "S 0000007FE200zz20") for line in LINES]
    found = opened(*broken)
    assert found.memory.ranges == ((STACK, 32),)
    assert [issue.place for issue in found.issues] == ["microdump S"]
    found = opened(*(line for line in LINES if line[:1] != "-" or "BEGIN" in line))
    assert "ends before it" in found.issues[0].problem and len(found.modules or ()) == 2
    for start in "ORSCM":
        found = opened(*(line[: len(line) // 2 + 1] if line.startswith(start + " ") else line for line in LINES))
        assert found.threads is not None and mdmp.analyze(found)
        found = opened(*(line[:2] if line.startswith(start + " ") else line for line in LINES))
        assert found.issues or start == "S"
    whole = "\n".join(LINES).encode()
    for cut in range(len(LINES[0]), len(whole), 7):
        assert mdmp.analyze(load(Window(whole[:cut], "t")))
    chance = random.Random(1)
    for _ in range(300):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            raw[chance.randrange(len(LINES[0]), len(raw))] = chance.choice(b"\n 0FSMORC\xff")
        assert mdmp.analyze(load(Window(bytes(raw), "t")))


def test_old_writers_tell_no_signal() -> None:
    found = opened(*(line for line in LINES if not line.startswith("R ")))
    reason = crash_reason(found, None)
    assert isinstance(reason, CrashReason) and not reason.requested and reason.kind == "unknown"
    assert mdmp.analyze(found).crash.address is None


def test_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.log"
    path.write_text("\n".join(LINES))
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "exception  code 0xb at 0x18 in thread 0" in text and "damaged" not in text and "streams" not in text
    assert main(["info", "--json", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["header"], found["streams"], found["module_count"]) == ("microdump", None, [], 2)
    assert found["memory_ranges"] == [{"base": f"{STACK:#x}", "size": 64}]


def test_other_files_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 70000 + LINES[0].encode())
    assert main(["analyze", str(path)]) == 2
    assert "not a minidump" in capsys.readouterr().err


def test_corpus(corpus: Path) -> None:
    folder = corpus / "dumps" / "breakpad"
    symbols = [corpus / "symbols" / "breakpad-microdump"]
    report = mdmp.analyze(mdmp.open_dump(folder / "microdump-arm64.dmp"), symbols=symbols)
    names = [frame.function or "" for frame in report.threads[0].frames]
    assert names[0] == "MicrodumpWriterTest_Setup_Test::TestBody"
    assert (names[2], names[7]) == ("testing::Test::Run", "main")
    assert [frame.trust for frame in report.threads[0].frames[:9]] == ["context", *["cfi"] * 8]
    report = mdmp.analyze(mdmp.open_dump(folder / "microdump-withcrashreason.dmp"))
    assert (report.crash.reason, report.crash.address, len(report.modules)) == ("SIGTRAP", 0x4A7CB000, 203)
    report = mdmp.analyze(mdmp.open_dump(folder / "microdump-mips32.dmp"), symbols=symbols)
    assert (report.cpu, report.cpu_count, len(report.modules)) == ("mips", 2, 7)
    assert [frame.function for frame in report.threads[0].frames] == ["blaTest"]
    assert report.threads[0].stop == "stacks of mips processors cannot be walked"
