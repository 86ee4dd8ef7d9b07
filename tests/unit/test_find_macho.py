"""The files of macOS modules: where they are looked for, which are right, and what stacks they make."""

import json
import lzma
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import assert_refused, mdmp
from made_snapshots import make

from mdmp import analyze
from mdmp.binary.window import map_file
from mdmp.formats.macho import MachO, open_file
from mdmp.snapshot import EmptyMemory, Module
from mdmp.symbols.find_macho import find_dsym, find_macho, identity, uuid_of
from mdmp.symbols.folders import Folders
from mdmp.symbols.path import Place
from mdmp.symbols.symbols import Symbols

BASE = 0x100000000
DWARF = Path("Contents/Resources/DWARF")


@pytest.fixture(scope="module")
def macos(data: Path) -> Path:
    return data / "macos"


def opened(macos: Path, cpu: str = "amd64") -> MachO:
    return open_file(map_file(macos / "libframes.dylib"), cpu)


def module_of(macho: MachO, path: str = "/opt/lib/libframes.dylib") -> Module:
    return Module(BASE, 0x4000, path, debug=identity(macho), os="macos")


def put(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return target


def test_identity(macos: Path) -> None:
    macho = opened(macos, "arm64")
    expected = json.loads((macos / "expected.json").read_text())["libframes.dylib arm64"]["uuid"]
    debug = identity(macho)
    assert debug is not None
    assert debug.breakpad == expected.replace("-", "") + "0"
    assert uuid_of(debug) == macho.uuid
    assert uuid_of(debug) != debug.signature


@pytest.mark.parametrize(
    "place",
    [
        "{name}",
        "opt/lib/{name}",
        "{name}/mach-uuid-{uuid}/{name}",
        "li/{name}/mach-uuid-{uuid}/{name}",
        "LIBFRAMES.dylib",
    ],
)
def test_images(macos: Path, tmp_path: Path, place: str) -> None:
    macho = opened(macos, "arm64")
    assert macho.uuid
    file = put(macos / "libframes.dylib", tmp_path / place.format(name="libframes.dylib", uuid=macho.uuid.hex()))
    found = find_macho(module_of(macho), identity(macho), Folders([Place(str(tmp_path), "test")]))
    assert (found.state, found.path) == ("found", file)
    assert found.file is not None
    assert found.file.machine == "arm64"  # of a universal file the part that was loaded


@pytest.mark.parametrize(
    "place",
    [
        "{name}.dSYM/{dwarf}/{name}",
        "opt/lib/{name}.dSYM/{dwarf}/{name}",
        "libframes.dylib.framework.dSYM/{dwarf}/{name}",
        "{dwarf}/{name}",
        "{name}",
        "{name}.dwarf",
        "_.dwarf/mach-uuid-sym-{uuid}/_.dwarf",
        "{lldb}",
    ],
)
def test_dsym(macos: Path, tmp_path: Path, place: str) -> None:
    macho = opened(macos)
    assert macho.uuid
    text = macho.uuid.hex()
    lldb = "/".join((*(text[i : i + 4].upper() for i in range(0, 20, 4)), text[20:].upper()))
    name = "libframes.dylib"
    file = put(
        macos / f"{name}.dSYM" / DWARF / name,
        tmp_path / place.format(name=name, dwarf=DWARF, uuid=text, lldb=lldb),
    )
    found = find_dsym(f"/opt/lib/{name}", identity(macho), Folders([Place(str(tmp_path), "test")]))
    assert (found.state, found.path) == ("found", file)


def test_another_build_is_told(macos: Path, tmp_path: Path) -> None:
    put(macos / "frames", tmp_path / "libframes.dylib")
    debug = identity(opened(macos))
    found = find_macho(module_of(opened(macos)), debug, Folders([Place(str(tmp_path), "test")]))
    assert found.state == "mismatched"
    assert found.note is not None
    assert "another build: the module is 4C4C44" in found.note
    nothing = find_dsym("libframes.dylib", debug, Folders([Place(str(macos / "libframes.dylib"), "test")]))
    assert nothing.note is not None
    assert "no debug information" in nothing.note
    assert find_macho(module_of(opened(macos)), None, Folders([Place(str(macos), "test")])).state == "mismatched"


def test_the_best_source(macos: Path, tmp_path: Path) -> None:
    macho = opened(macos)
    module = module_of(macho)
    both = Symbols(EmptyMemory(), images=(Place(str(macos), "test"),)).of(module)
    assert both.format == "dwarf"
    (frame,) = both.lookup(macho.function_starts[3])
    assert (frame.function, frame.file) == ("bare_small", "/frames/frames.c")
    assert both.searches[0][1].path == macos / "libframes.dylib.dSYM" / DWARF / "libframes.dylib"
    assert both.image_search.path == macos / "libframes.dylib"
    put(macos / "libframes.dylib", tmp_path / "libframes.dylib")
    bare = Symbols(EmptyMemory(), images=(Place(str(tmp_path), "test"),)).of(module)
    assert bare.format == "macho"
    (frame,) = bare.lookup(macho.function_starts[3] + 5)
    assert (frame.function, frame.file, frame.start) == ("bare_small", None, macho.function_starts[3])
    alone = tmp_path / "alone"
    put(
        macos / "libframes.dylib.dSYM" / DWARF / "libframes.dylib",
        alone / "libframes.dylib.dSYM" / DWARF / "libframes.dylib",
    )
    assert Symbols(EmptyMemory(), symbols=(Place(str(alone), "test"),)).of(module).format == "dwarf"
    none = Symbols(EmptyMemory()).of(module)
    assert (none.format, none.lookup(0x400)) == ("", ())


@pytest.mark.parametrize("cpu", ["amd64", "arm64"])
@pytest.mark.parametrize("where", ["file", "memory"])
def test_report(macos: Path, cpu: str, where: str) -> None:
    """A stack through every kind of frame, with the image in a file, or only in the dump's memory."""
    walk: dict[str, Any] = json.loads(lzma.decompress((macos / "frames.json.xz").read_bytes()))[cpu]["walks"][0]
    macho = opened(macos, cpu)
    words = dict(walk["words"])
    low, high = min(words), max(words) + 8
    stack = bytearray(high - low)
    for at, value in words.items():
        stack[at - low : at - low + 8] = value.to_bytes(8, "little")
    memory = {low: bytes(stack)}
    module = module_of(macho)
    if where == "memory":
        text = next(s for s in macho.segments if s.name == "__TEXT")
        linkedit = next(s for s in macho.segments if s.name == "__LINKEDIT")
        for segment in (text, linkedit):
            memory[BASE + segment.address] = macho.read(segment.address, segment.file_size)
        module = Module(BASE, text.size, module.path, os="macos")  # whose identity the dump does not tell
    snapshot = make(
        os="macos",
        cpu=cpu,
        code=1,
        address=walk["registers"]["rip" if cpu == "amd64" else "pc"],
        registers=walk["registers"],
        memory=memory,
        modules=(module,),
    )
    report = analyze(snapshot, images=[macos] if where == "file" else ())
    frames = report.threads[0].frames
    names = [frame.function for frame in frames]
    assert names[:4] == ["bare_leaf_with_room", "bare_keeps_1", "bare_keeps_2", "bare_keeps_3"]
    assert names[-3:] == ["bare_run", "both", None]  # what called from outside is in no image
    assert {frame.trust for frame in frames[1:]} == {"cfi"}
    assert len(frames) == len(walk["frames"])
    if where == "file":
        assert all(frame.file and frame.line for frame in frames[:-1])
    else:
        assert report.modules[0].debug_id == identity(macho).breakpad  # type: ignore[union-attr]


def test_lookup_command(macos: Path, tmp_path: Path) -> None:
    expected = json.loads((macos / "expected.json").read_text())
    texts = expected["texts"]
    for name in ("frames amd64", "libframes.dylib arm64"):
        file, cpu = name.split()
        macho = open_file(map_file(macos / file), cpu)
        rows = [row for row in expected[name]["lookups"] if row[2][0][2]][::9]
        asked = [f"{row[0] - macho.load_address:#x}" for row in rows]
        out = mdmp("lookup", "--json", "--cpu", cpu, macos / file, *asked).out
        for line, (_, _, frames) in zip(out.splitlines(), rows, strict=True):
            found = json.loads(line)["frames"]
            assert [(f["file"], f["line"]) for f in found] == [(texts[file], number) for _, file, number in frames]
            if not texts[frames[-1][0]].startswith("_Z"):
                assert found[-1]["function"] == texts[frames[-1][0]]
    dsym = macos / "frames.dSYM" / DWARF / "frames"
    assert mdmp("lookup", dsym, "0x460").code == 0
    assert_refused(mdmp("lookup", "--cpu", "arm64", macos / "frames", "0x400"), "no part of it is for arm64")
    old = tmp_path / "old"
    old.write_bytes(bytes.fromhex("cefaedfe07000000").ljust(64, b"\0"))
    assert_refused(mdmp("lookup", old, "0x400"), "32-bit (x86)")
    java = tmp_path / "Java.class"
    java.write_bytes(bytes.fromhex("cafebabe00000041").ljust(64, b"\0"))
    assert_refused(mdmp("lookup", java, "0x400"), "not a universal Mach-O file")
