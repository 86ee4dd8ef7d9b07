"""Executable images in the process: those loaded, and those that were."""

from dataclasses import dataclass
from datetime import datetime


def base_name(path: str) -> str:
    """The last component of a path of any OS: cut at both kinds of slash."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class DebugId:
    """The identity of a module's debug information."""

    kind: str
    """`pdb70` (RSDS), `pdb20` (NB10), `elf` (build id) or `macho` (UUID)."""
    signature: bytes
    """The GUID as 16 raw bytes, the NB10 time stamp as 4, or the build id in full."""
    age: int
    path: str
    """The debug file's path as the linker wrote it (`C:\\build\\app.pdb`); may be empty."""

    @property
    def breakpad(self) -> str:
        """32 hex digits of the GUID and the age in hex, as symbol stores spell it.

        A build id gives its first 16 bytes read as a GUID, age 0.
        """
        raw = self.signature
        if self.kind == "pdb20":
            return f"{int.from_bytes(raw, 'little'):08X}{self.age:x}"
        raw = raw[:16].ljust(16, b"\0")
        return guid_text(raw).replace("-", "") + f"{self.age:x}"


def guid_text(raw: bytes) -> str:
    """16 bytes of a GUID as Windows prints it, upper case, without braces."""
    a, b, c = int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:6], "little"), int.from_bytes(raw[6:8], "little")
    return f"{a:08X}-{b:04X}-{c:04X}-{raw[8:10].hex().upper()}-{raw[10:16].hex().upper()}"


@dataclass(frozen=True, slots=True)
class Module:
    base: int
    size: int
    path: str
    timestamp: int | None = None
    """PE TimeDateStamp: a link time, or a hash in reproducible builds."""
    checksum: int | None = None
    file_version: str | None = None
    """Four numbers with dots, from the version resource."""
    product_version: str | None = None
    debug: DebugId | None = None
    """None: the dump does not tell (the image file may)."""
    os: str | None = None
    """The OS whose module rules apply (`windows`, `linux`…), as `System.os`."""

    @property
    def end(self) -> int:
        return self.base + self.size

    @property
    def name(self) -> str:
        return base_name(self.path)

    @property
    def code_id(self) -> str | None:
        """PE: time stamp (8 upper-case digits) and size of the image (lower-case); ELF: the whole build id; Mach-O:
        the UUID."""
        if self.debug is not None and self.debug.kind == "elf":
            return self.debug.signature.hex()
        if self.debug is not None and self.debug.kind == "macho":
            return self.debug.breakpad[:32].lower()
        if self.timestamp is None or self.os != "windows":
            return None
        return f"{self.timestamp:08X}{self.size:x}"


@dataclass(frozen=True, slots=True)
class UnloadedModule:
    base: int
    size: int
    path: str
    timestamp: int | None = None
    checksum: int | None = None
    unloaded_at: datetime | None = None

    @property
    def end(self) -> int:
        return self.base + self.size

    @property
    def name(self) -> str:
        return base_name(self.path)
