"""DWARF inside a PE image, against what Mozilla's dump_syms made of the same file (it left inlined calls out)."""

from pathlib import Path

from mdmp.symbols.open_file import open_symbols


def test_lines_of_a_mingw_dll(corpus: Path) -> None:
    folder = corpus / "pdb" / "mozilla-basic64-dwarf"
    symbols = open_symbols(folder / "basic64-dwarf.dll")
    files: dict[str, str] = {}
    asked = 0
    for line in (folder / "basic64-dwarf.expected.sym").read_text().splitlines():
        words = line.split(" ")
        if words[0] == "FILE":
            files[words[1]] = " ".join(words[2:])
        elif words[0] == "FUNC":
            function = " ".join(words[4:])
        elif len(words) == 4 and words[0] not in ("INLINE", "INLINE_ORIGIN", "PUBLIC", "STACK", "INFO"):
            found = symbols.lookup(int(words[0], 16))
            assert (found[-1].file, found[-1].line) == (files[words[3]], int(words[2])), line
            assert found[-1].function == function
            asked += 1
    assert asked > 300
