"""Our own PDBs (lld; pages of 4,096 and 8,192 bytes) against what llvm-symbolizer said of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mdmp.binary.window import Window, map_file
from mdmp.formats.pdb import Pdb

PROGRAMS = [
    *("faults.exe", "faults32.exe", "faults_arm64.exe", "folded.exe", "folded32.exe", "host.exe", "host32.exe"),
    *("plugin.dll", "plugin32.dll", "shop.exe", "shop32.exe", "shop_arm64.exe"),
]


def pdb_of(data: Path, program: str) -> Pdb:
    return Pdb(map_file(data / "windows" / Path(program).with_suffix(".pdb")))


def table(data: Path, program: str) -> Iterator[dict[str, Any]]:
    for line in (data / "windows" / "lookups" / f"{program}.jsonl").read_text().splitlines():
        yield json.loads(line)


def plain(name: str, is_x86: bool) -> str:
    """C names of 32-bit publics lose their decoration; templates and operators do not occur here."""
    if is_x86 and name.startswith(("_", "@")) and "::" not in name:
        name = name[1:].partition("@")[0]
    return name


@pytest.mark.parametrize("program", PROGRAMS)
def test_look_ups(data: Path, program: str) -> None:
    pdb, asked = pdb_of(data, program), 0
    is_x86, functions = pdb.machine == 0x14C, list(pdb.functions())
    for entry in table(data, program):
        rva, want = int(entry["address"], 16), entry["frames"]
        ours = pdb.lookup(rva)
        if not want:
            continue
        if not ours:  # the tool names what stands before filling, or before the end of the section
            assert want[-1]["line"] is None and not any(f.rva <= rva < f.rva + f.size for f in functions), entry
            continue
        asked += 1
        names = {want[-1]["function"], *entry.get("aliases", ())} | set(map(str, pdb.public_names(ours[-1].start)))
        assert plain(ours[-1].function, is_x86) in {plain(name, is_x86) for name in names} | names, entry
        if entry.get("open"):
            continue
        assert len(ours) == len(want), (entry, ours)
        for frame, theirs in zip(ours, want, strict=True):
            assert (frame.line, frame.file) == (theirs["line"], theirs["file"]), entry
            assert frame.inline == theirs["inline"]
            if frame.inline:
                assert frame.function == theirs["function"]
    assert asked > 100
    assert not pdb.issues.freeze()


def test_an_inline_chain_in_full(data: Path) -> None:
    pdb = pdb_of(data, "shop.exe")
    chain = next(
        frames for rva in range(0x1000, 0x2000) if len(frames := pdb.lookup(rva)) == 4 and "add" in frames[0].function
    )
    assert [frame.function for frame in chain] == [
        "shop::LoyaltyAccount::add",
        "shop::Customer::reward",
        "shop::Order::complete",
        "shop::OrderDesk::process_order",
    ]
    assert [frame.line for frame in chain[:3]] == [10, 26, 46]
    assert [frame.source for frame in chain] == ["inline"] * 3 + ["procedure"]
    kind, digest = chain[0].checksum
    assert (kind, len(digest)) == ("MD5", 16)


def test_find_by_name(data: Path) -> None:
    pdb = pdb_of(data, "shop.exe")
    (start,) = pdb.find("shop::OrderDesk::process_order")
    assert pdb.lookup(start)[-1].start == start
    (public,) = (p for p in pdb.publics() if "process_order" in p.name)
    assert public.rva == start and public.name.startswith("?") and public.is_code
    assert pdb.find(public.name) == (start,)
    assert pdb.find("SHOP::ORDERDESK::PROCESS_ORDER") == ()  # the hash ignores case, names do not
    assert pdb.find("no such thing") == ()
    assert pdb.public_names(start) == (public.name,)
    assert pdb.public_names(start + 1) == ()


def test_listings(data: Path) -> None:
    pdb = pdb_of(data, "shop.exe")
    functions = {function.name: function for function in pdb.functions()}
    assert functions["main"].size > 50
    assert [module.name.rsplit("\\")[-1] for module in pdb.modules()][:2] == ["runtime.x86_64.obj", "shop.x86_64.obj"]
    assert {r"C:\shop\shop.cpp", r"C:\shop\order.h", r"C:\shop\customer.h"} <= {f.path for f in pdb.source_files()}


def test_folded_functions_keep_all_their_public_names(data: Path) -> None:
    names = [
        names
        for public in pdb_of(data, "folded.exe").publics()
        if len(names := pdb_of(data, "folded.exe").public_names(public.rva)) > 1
    ]
    assert names


def test_frame_data_has_programs(data: Path) -> None:
    pdb = pdb_of(data, "shop32.exe")
    (start,) = pdb.find("shop::OrderDesk::process_order")
    frame = pdb.frame_data(start)
    assert frame.start == start and frame.size == pdb.lookup(start)[-1].size
    assert ".raSearch" in frame.program or "$ebp" in frame.program
    assert frame.type == "framedata"
    assert pdb.frame_data(0x100) is None and pdb.fpo(start) is None


def test_a_procedure_needs_no_publics(data: Path) -> None:
    """The records of globals and publics may be rubbish where a procedure gives the name."""
    path = data / "windows" / "faults.pdb"
    whole = Pdb(map_file(path))
    (rva,) = whole.find("divide_by_zero")
    frames = whole.lookup(rva)
    stream = whole._parts.msf.stream(whole._parts.dbi.header.SymRecordStream)
    assert frames and stream.size > 1000
    copy = bytearray(path.read_bytes())
    for page in stream._pages:
        copy[page * 4096 : page * 4096 + 4096] = b"\xff" * 4096
    assert Pdb(Window(bytes(copy), "faults.pdb")).lookup(rva) == frames
