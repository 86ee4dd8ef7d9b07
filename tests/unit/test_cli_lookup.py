import json

import pytest
from command import assert_refused, mdmp


@pytest.fixture
def pdb(data):
    return data / "windows" / "faults.pdb"


def entry(data):
    """Where the fixture's image starts: an address that certainly has a function."""
    image = (data / "windows" / "faults.exe").read_bytes()
    header = int.from_bytes(image[0x3C:0x40], "little")
    return int.from_bytes(image[header + 0x28 : header + 0x2C], "little")


def test_json_and_text_say_the_same(data, pdb):
    rva = f"{entry(data):#x}"
    answer = json.loads(mdmp("lookup", "--json", pdb, rva).out)
    assert answer["address"] == rva
    outer = answer["frames"][-1]
    assert outer["function"]
    assert outer["line"] > 0
    assert outer["inline"] is False
    lines = mdmp("lookup", pdb, rva).out.splitlines()
    assert lines[-1] == ""
    assert lines[0::2][: len(answer["frames"])] == [frame["function"] for frame in answer["frames"]]
    assert lines[1] == f"{answer['frames'][0]['file']}:{answer['frames'][0]['line']}"


def test_an_image_finds_its_pdb_beside_it_or_as_told(data, pdb, tmp_path):
    rva = f"{entry(data):#x}"
    expected = mdmp("lookup", "--json", pdb, rva).out
    image = data / "windows" / "faults.exe"
    assert mdmp("lookup", "--json", image, rva).out == expected
    alone = tmp_path / "faults.exe"
    alone.write_bytes(image.read_bytes())
    assert mdmp("lookup", "--json", alone, rva) == (1, f'{{"address": "{rva}", "frames": []}}\n', "")
    assert mdmp("lookup", "--json", alone, "--symbols", pdb.parent, rva).out == expected
    assert mdmp("lookup", "--json", alone, "--pdb", pdb, rva).out == expected


def test_answers_come_in_order_for_standard_input(data, pdb):
    rva = entry(data)
    asked = [rva, 0xFFFFFF, rva + 1]
    result = mdmp("lookup", "--json", pdb, "-", stdin="".join(f"{a:x}\r\n\n" for a in asked).encode())
    assert result.code == 0
    assert [int(json.loads(line)["address"], 16) for line in result.out.splitlines()] == asked


def test_nothing_known(pdb):
    result = mdmp("lookup", pdb, "0xffffff")
    assert result == (1, "??\n??:0\n\n", "")


def test_a_wrong_address_on_standard_input_keeps_its_place(data, pdb):
    rva = f"{entry(data):#x}"
    result = mdmp("lookup", "--json", pdb, "-", stdin=f"{rva}\nhello\n{rva}\n".encode())
    assert result.code == 2
    assert [bool(json.loads(line)["frames"]) for line in result.out.splitlines()] == [True, False, True]
    assert result.err == "mdmp: not an address: 'hello'\n"


def test_what_cannot_be_used(pdb, tmp_path):
    empty = tmp_path / "empty.pdb"
    empty.touch()
    assert_refused(mdmp("lookup", empty, "1"), "empty")
    assert_refused(mdmp("lookup", tmp_path / "none.pdb", "1"), "none.pdb")
    assert_refused(mdmp("lookup", tmp_path, "1"), str(tmp_path))
    assert_refused(mdmp("lookup", pdb, "xyz"), "xyz")
    assert_refused(mdmp("lookup", pdb, "1", "-"), "not both")


def test_addresses_of_a_crashed_process(data):
    dump = data / "windows" / "null_write_x64.dmp"
    report = json.loads(mdmp("analyze", "--json", dump).out)
    frame = report["threads"][0]["frames"][0]
    answer = json.loads(mdmp("lookup", "--json", dump, frame["offset"]).out)
    assert [f["function"] for f in answer["frames"]] == [i["function"] for i in frame["inlines"]] + [frame["function"]]
    assert mdmp("lookup", dump, "0x10").code == 1
    assert_refused(mdmp("lookup", dump, "--pdb", "x.pdb", "1"), "--pdb")
