"""Source files around a line: found below the folders that the user named, and compared with what was compiled."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MAX_SIZE = 32 << 20
_MAX_COMPONENTS = 40


class SourceText(NamedTuple):
    """A source file's lines. `verified`: is it the very file that was compiled? None when nobody noted a checksum."""

    path: Path
    lines: tuple[str, ...]
    verified: bool | None


class SourceFolders:
    """Folders with sources, searched in order; every file is read once."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._found: dict[tuple[str, tuple[str, bytes] | None], SourceText | None] = {}

    def find(self, recorded: str, checksum: tuple[str, bytes] | None) -> SourceText | None:
        """The file that a debug file calls `recorded`: the longest tail of that path which exists below a folder.

        A file whose checksum fits is preferred; one that does not fit is given with `verified` False.
        """
        key = (recorded, checksum)
        if key not in self._found:
            self._found[key] = self._search(recorded, checksum)
        return self._found[key]

    def _search(self, recorded: str, checksum: tuple[str, bytes] | None) -> SourceText | None:
        second_best = None
        for path in self._candidates(recorded):
            try:
                if path.stat().st_size > _MAX_SIZE:
                    continue
                raw = path.read_bytes()
            except OSError:
                continue
            verified = _same(raw, checksum)
            text = SourceText(path, tuple(raw.decode("utf-8", "replace").expandtabs(4).splitlines()), verified)
            if verified is not False:
                return text
            second_best = second_best or text
        return second_best

    def _candidates(self, recorded: str) -> Iterator[Path]:
        parts = [
            p
            for p in recorded.replace("\\", "/").split("/")
            if p not in ("", ".", "..") and ":" not in p and "\0" not in p
        ]
        parts = parts[-_MAX_COMPONENTS:]
        for folder in self._folders:
            for i in range(len(parts)):
                path = folder.joinpath(*parts[i:])
                if path.is_file():
                    yield path


def _same(raw: bytes, checksum: tuple[str, bytes] | None) -> bool | None:
    if checksum is None or checksum[0].lower() not in ("md5", "sha1", "sha256"):
        return None
    kind, digest = checksum
    for text in (raw, raw.replace(b"\r\n", b"\n"), raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
        if hashlib.new(kind.lower(), text, usedforsecurity=False).digest() == digest:
            return True
    return False
