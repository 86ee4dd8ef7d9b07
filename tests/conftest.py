"""Shared fixtures. The corpus of third-party dumps stands beside the repository when it is there at all."""

import functools
import lzma
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import mdmp

ROOT = Path(__file__).resolve().parent.parent

# A shell has what it runs in the background ignore these, and our programs would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name != "nt":
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real dumps and PDBs with expected results: `MDMP_CORPUS`, or `shared/corpus` beside the repository."""
    folder = Path(os.environ.get("MDMP_CORPUS") or ROOT.parent / "shared" / "corpus")
    if not (folder / "index.json").is_file():
        pytest.skip("the corpus of third-party dumps is not here")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The repository's own fixtures."""
    return ROOT / "tests" / "data"


@pytest.fixture(scope="session")
def windows_dump(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A Windows dump by its name in `expected.json`; packed ones are unpacked, once, into a folder of their own."""
    folder = tmp_path_factory.mktemp("unpacked")

    def dump(name: str) -> Path:
        packed = data / "windows" / name
        if packed.suffix != ".xz":
            return packed
        path = folder / packed.stem
        if not path.exists():
            path.write_bytes(lzma.decompress(packed.read_bytes()))
        return path

    return dump


@pytest.fixture(scope="session")
def windows_report(data: Path, windows_dump: Callable[[str], Path]) -> Callable[[str], mdmp.Report]:
    """The report on a Windows dump, with images and PDBs at hand; each is made once."""

    @functools.cache
    def report(name: str) -> mdmp.Report:
        return mdmp.analyze(mdmp.open_dump(windows_dump(name)), images=[data / "windows"])

    return report
