"""Shared fixtures. The corpus of third-party dumps stands beside the repository when it is there at all."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
