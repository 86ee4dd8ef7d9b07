"""Our own crash dumps: the frames that expected.json gives, which nothing of mdmp had a part in."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from mdmp.arch import CPUS
from mdmp.binary.window import map_file
from mdmp.errors import FormatError, MemoryUnavailable
from mdmp.formats.pdb.frames import FrameData
from mdmp.formats.pdb.pdb import Pdb
from mdmp.formats.pe.headers import PeImage, open_file, open_memory
from mdmp.unwind import Walk, Walker
from synth.dumpreader import Dump, Module, Source

FOLDER = Path(__file__).resolve().parent.parent / "data" / "windows"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
WALKED = [name for name in EXPECTED if EXPECTED[name]["cpu"] in CPUS]


class FixtureModule(Module):
    """A module whose image and PDB lie beside the dumps, or whose image is in the dump."""

    def __init__(self, memory: Any, base: int, size: int, path: str) -> None:
        super().__init__(base, size, path.replace("/", "\\").rsplit("\\", 1)[-1].lower())
        self._memory = memory
        self._opened: PeImage | bool | None = False
        self._pdb: Pdb | bool | None = False

    def pe_image(self) -> Any:
        if self._opened is False:
            path = FOLDER / self.name
            try:
                self._opened = open_file(map_file(path)) if path.is_file() else open_memory(
                    self._memory, self.base, self.end - self.base
                )  # fmt: skip
            except (FormatError, MemoryUnavailable):
                self._opened = None
        return self._opened

    def frame_data(self, rva: int) -> FrameData | None:
        if self._pdb is False:
            path = FOLDER / (self.name.rsplit(".", 1)[0] + ".pdb")
            self._pdb = Pdb(map_file(path)) if path.is_file() else None
        return (self._pdb.frame_data(rva) or self._pdb.fpo(rva)) if isinstance(self._pdb, Pdb) else None


def walks(name: str, tmp_path: Path, limit: int) -> dict[int, Walk]:
    path = FOLDER / name
    if name.endswith(".xz"):
        path = tmp_path / "unpacked.dmp"
        path.write_bytes(lzma.decompress((FOLDER / name).read_bytes()))
    dump = Dump(path)
    source = Source([FixtureModule(dump.memory, *module) for module in dump.modules])
    walker = Walker(CPUS[EXPECTED[name]["cpu"]], dump.memory, source)
    found = {}
    for tid, registers, stack in dump.threads:
        if dump.exception and dump.exception[0] == tid and EXPECTED[name]["exception"]:
            registers = dump.exception[1]
        found[tid] = walker.walk(registers, stack=stack, limit=limit)
    return found


@pytest.mark.parametrize("name", WALKED)
def test_the_frames_of_our_own_dumps(name: str, tmp_path: Path) -> None:
    limit = 40000 if "stack_overflow" in name else 1024
    found = walks(name, tmp_path, limit)
    for thread in EXPECTED[name]["threads"]:
        walk = found[thread["thread_id"]]
        expected = [frame for frame in thread["frames"] if not frame.get("inline")]
        own = [frame for frame in expected if frame["module"] is None or (FOLDER / frame["module"]).is_file()]
        frames = iter(walk.frames)
        for frame in own:  # in this order; recursive calls in between are not all listed
            wanted = (int(frame["pc"], 16), int(frame["sp"], 16))
            assert any((f.instruction, f.sp) == wanted for f in frames), (name, frame, walk.stop)
        # Up to the first module without image there is no room for guesses.
        first_system = next((i for i, frame in enumerate(expected) if frame not in own), len(expected))
        if first_system > 1:
            reached = next(
                i for i, f in enumerate(walk.frames) if f.instruction == int(expected[first_system - 1]["pc"], 16)
            )
            trusts = {f.trust for f in walk.frames[1 : reached + 1]}
            assert trusts <= {"cfi", "cfi_scan", *(["scan", "frame_pointer"] if "callback_x86" in name else [])}, trusts


def test_images_inside_a_full_dump_serve_as_well_as_files(tmp_path: Path) -> None:
    """In this dump even the system's modules are there, so the stack is walked to its end by tables alone."""
    name = "cpp_throw_full_x64.dmp.xz"
    path = tmp_path / "full.dmp"
    path.write_bytes(lzma.decompress((FOLDER / name).read_bytes()))
    dump = Dump(path)
    modules = []
    for base, size, module in dump.modules:
        try:
            modules.append(Module(base, size, module, open_memory(dump.memory, base, size)))
        except (FormatError, MemoryUnavailable):
            modules.append(Module(base, size, module))
    (tid, _, stack), *_ = dump.threads
    assert dump.exception is not None and dump.exception[0] == tid
    walk = Walker(CPUS["amd64"], dump.memory, Source(modules)).walk(dump.exception[1], stack=stack)
    expected = [frame for frame in EXPECTED[name]["threads"][0]["frames"] if not frame.get("inline")]
    assert [(f.instruction, f.sp) for f in walk.frames[: len(expected)]] == [
        (int(frame["pc"], 16), int(frame["sp"], 16)) for frame in expected
    ]
    assert {frame.trust for frame in walk.frames[1:]} == {"cfi"}
    assert walk.stop.startswith("end of stack")
