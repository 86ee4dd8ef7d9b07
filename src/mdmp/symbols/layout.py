"""Where a folder or a symbol store keeps a file: pure path arithmetic, as tuples of path components.

Sources: the SSQP key conventions (dotnet/symstore) and Microsoft's "Symbol Store Folder Tree" page. Case is
left to the look-up, which takes any.
"""

from collections.abc import Iterator

from mdmp.snapshot.module import base_name

PORTABLE_AGE = "FFFFFFFF"
"""Stands for the age in the key of a portable PDB."""


def safe_name(path: str) -> str:
    """The base name of a path out of a dump, or "" if it could lead out of the folder that it is joined to."""
    name = base_name(path)
    return "" if name in ("", ".", "..") or "\0" in name or ":" in name else name


def whole(path: str) -> tuple[str, ...]:
    """An absolute path of Unix below another root; empty for one that is none, or that could lead out of it."""
    parts = tuple(part for part in path.split("/") if part)
    safe = path.startswith("/") and not any(part in (".", "..") or "\0" in part for part in parts)
    return parts if safe else ()


def image_id(timestamp: int, size: int) -> str:
    """The folder of a PE image in a store: time stamp with 8 digits, size without padding."""
    return f"{timestamp:08X}{size:x}"


def plain(name: str) -> Iterator[tuple[str, ...]]:
    """In a plain folder, with the sub-folders that Windows debuggers look into."""
    yield (name,)
    stem, _, extension = name.rpartition(".")
    if stem and extension:
        yield (extension, name)
        yield ("symbols", extension, name)


def store(name: str, identity: str, file: str | None = None) -> Iterator[tuple[str, ...]]:
    """In a symbol store; the second form is that of a two-tier store (`index2.txt` in its root)."""
    yield (name, identity, file or name)
    yield (name[:2], name, identity, file or name)
