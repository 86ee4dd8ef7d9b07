"""Core files made by the kernel and by QEMU: what gdb says of them is what we say."""

import json
import lzma
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import mdmp
from mdmp.cli.__main__ import main
from mdmp.report import ThreadReport

HERE = Path(__file__).resolve().parent.parent / "data" / "linux" / "cores"
EXPECTED = json.loads((HERE / "expected.json").read_text("utf-8"))
ALL = (*EXPECTED, "arm64-handler")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("cores")

    @cache
    def unpacked(name: str) -> Path:
        path = folder / f"{name}.core"
        path.write_bytes(lzma.decompress((HERE / f"{name}.core.xz").read_bytes()))
        return path

    return unpacked


@pytest.fixture(scope="module")
def report(core: Callable[[str], Path]) -> Callable[[str], mdmp.Report]:
    return cache(lambda name: mdmp.analyze(mdmp.open_dump(core(name)), images=[HERE]))


def frames(thread: ThreadReport) -> list[list[str | int | None]]:
    """Inlined functions as frames of their own, files without folders."""
    places = (place for frame in thread.frames for place in (*frame.inlines, frame))
    return [[place.function, place.file and place.file.rsplit("/", 1)[-1], place.line] for place in places]


@pytest.mark.parametrize("name", EXPECTED)
def test_stacks_of_all_threads_are_those_of_gdb(name: str, report: Callable[[str], mdmp.Report]) -> None:
    threads = report(name).threads
    wanted = EXPECTED[name]["threads"]
    assert {str(thread.tid) for thread in threads} == set(wanted)
    for thread in threads:
        want = wanted[str(thread.tid)]
        assert frames(thread)[: len(want)] == want
        assert len(want) == 100 or len(frames(thread)) == len(want), "gdb was asked for 100 frames"
        assert {frame.trust for frame in thread.frames} <= {"context", "cfi"}
        assert thread.stop.startswith("end of stack")


def test_a_handler_on_arm64_has_the_stack_of_the_same_program_on_amd64(report: Callable[[str], mdmp.Report]) -> None:
    (thread,) = report("arm64-handler").threads
    (want,) = EXPECTED["handler"]["threads"].values()
    assert frames(thread) == want


REASONS = {
    "segv": ("SIGSEGV / SEGV_MAPERR", 8, "null-dereference"),
    "fpe": ("SIGFPE / FPE_INTDIV", None, "divide-by-zero"),
    "ill": ("SIGILL / ILL_ILLOPN", None, None),
    "jump": ("SIGSEGV / SEGV_MAPERR", 8, "null-call"),
    "sys": ("SIGSYS / SYS_SECCOMP", None, None),
    "bus": ("SIGBUS / BUS_ADRERR", None, None),
    "overflow": ("SIGSEGV / SEGV_MAPERR", None, "stack-overflow"),
    "abort-threads": ("SIGABRT / SI_TKILL", None, None),
    "arm64-abort-threads": ("SIGABRT", None, None),
    "x86-segv": ("SIGSEGV / SEGV_MAPERR", 0, "null-dereference"),
}


@pytest.mark.parametrize("name", REASONS)
def test_reasons(name: str, report: Callable[[str], mdmp.Report]) -> None:
    reason, address, finding = REASONS[name]
    crash = report(name).crash
    assert crash.reason == reason
    if address is not None:
        assert crash.address == address
    if finding:
        assert finding in [found.kind for found in report(name).findings]


def test_the_faulting_thread_is_chosen(report: Callable[[str], mdmp.Report]) -> None:
    for name in ("abort-threads", "pie-segv-threads", "arm64-abort-threads"):
        found = report(name)
        assert found.crashing_thread == 0
        assert "crash" in [frame.function for frame in found.threads[0].frames]


def test_an_address_that_no_one_kept_is_not_made_up(report: Callable[[str], mdmp.Report]) -> None:
    crash = report("arm64-abort-threads").crash
    assert crash.address is None
    assert "neither its code nor an address" in " ".join(crash.details)


def test_the_process_and_the_system(core: Callable[[str], Path]) -> None:
    snapshot = mdmp.open_dump(core("pie-segv-threads"))
    assert snapshot.origin.kind == "core"
    assert snapshot.origin.writer == "the Linux kernel"
    assert snapshot.process.command_line == (
        "./crash_amd64_pie segv threads an argument that is longer than what the kernel keeps in the notes of a core"
    )
    assert (snapshot.system.os, snapshot.system.cpu) == ("linux", "amd64")
    assert (snapshot.system.os_version or "").count(".") == 2
    assert not snapshot.issues
    assert snapshot.threads is not None
    pids = {thread.tid for thread in snapshot.threads}
    assert snapshot.process.pid in pids
    vector = snapshot.threads[0].context and snapshot.threads[0].context.vector
    assert vector
    assert vector["mxcsr"] == 0x1F80


def test_modules_and_regions(core: Callable[[str], Path]) -> None:
    snapshot = mdmp.open_dump(core("pie-segv-threads"))
    assert [module.name for module in snapshot.modules or ()] == ["crash_amd64_pie", "linux-gate.so"]
    program, gate = snapshot.modules or ()
    assert program.path == "/tmp/crash/crash_amd64_pie"
    assert program.debug is not None
    assert program.debug.signature in (HERE / "crash_amd64_pie").read_bytes()
    assert gate.debug is not None
    regions = {region.name: region for region in snapshot.regions or () if region.name}
    assert set(regions) == {"/tmp/crash/crash_amd64_pie", "[stack]", "[vdso]"}
    assert regions["[stack]"].protection == "rw-"
    assert regions["[vdso]"].protection == "r-x"
    code = snapshot.region_at((snapshot.threads or ())[0].context.registers["rip"])  # type: ignore[union-attr]
    assert code is not None
    assert (code.protection, code.kind) == ("r-x", "mapped")


def test_without_a_list_of_files_the_program_is_told_by_its_data(
    core: Callable[[str], Path], report: Callable[[str], mdmp.Report], tmp_path: Path
) -> None:
    found = report("arm64-handler").modules[0]
    assert (found.name, found.debug_id) == ("crash_arm64", None)
    assert (found.image.status, found.image.note) == ("found", "no build id to compare; its data are in memory")
    other = bytearray((HERE / "crash_arm64").read_bytes())
    at = other.index((2).to_bytes(8, "little") + (3).to_bytes(8, "little"))
    other[at : at + 80] = bytes(range(1, 81))
    (tmp_path / "crash_arm64").write_bytes(other)
    image = mdmp.analyze(mdmp.open_dump(core("arm64-handler")), images=[tmp_path]).modules[0].image
    assert image.status == "mismatched"
    assert "of its data differ from the memory" in (image.note or "")


def test_code_that_the_core_left_out_comes_from_the_program(report: Callable[[str], mdmp.Report]) -> None:
    assert report("arm64-handler").crash.instruction == "ret"


@pytest.mark.parametrize("name", ALL)
def test_every_cut_costs_only_what_is_behind_it(name: str, core: Callable[[str], Path], tmp_path: Path) -> None:
    raw = core(name).read_bytes()
    cut = tmp_path / "cut.core"
    cut.write_bytes(raw[: len(raw) // 2])
    snapshot = mdmp.open_dump(cut)
    assert any("beyond the end of the file" in issue.problem for issue in snapshot.issues)
    whole = mdmp.open_dump(core(name))
    assert len(snapshot.threads or ()) == len(whole.threads or ())
    assert (snapshot.threads or ())[0].context == (whole.threads or ())[0].context
    assert mdmp.analyze(snapshot, images=[HERE]).threads[0].frames


def test_info(core: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(core("segv"))]) == 0
    out = capsys.readouterr().out
    for text in ("the Linux kernel", "command    ./crash_amd64 segv", "modules    2, 2 with debug identity"):
        assert text in out
    assert main(["info", "--json", str(core("segv"))]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "core"
    assert (found["exception"]["code"], found["exception"]["address"]) == ("0xb", "0x8")


def test_memory(core: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "--hex", str(core("segv")), "400000", "4"]) == 0
    assert capsys.readouterr().out == "7f454c46\n"


def test_streams_says_that_there_are_none(core: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["streams", str(core("segv"))]) == 2
    assert "an ELF core file, which has no streams" in capsys.readouterr().err


def test_a_program_is_no_core(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(HERE / "crash_amd64")]) == 2
    assert "an ELF file, but no core file" in capsys.readouterr().err
