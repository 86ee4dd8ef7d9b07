"""What a file that is not a minidump is, as far as its first bytes tell."""

from mdmp.binary.window import Window

_KINDS = (
    (b"PMDM", "a minidump in big-endian byte order, which mdmp does not read"),
    (b"PAGEDU64", "a Windows kernel memory dump (64-bit); mdmp reads dumps of processes"),
    (b"PAGEDUMP", "a Windows kernel memory dump (32-bit); mdmp reads dumps of processes"),
    (b"PAGE", "a Windows kernel memory dump; mdmp reads dumps of processes"),
    (b"USERDU64", "an old-style Windows user dump, not a minidump"),
    (b"USERDUMP", "an old-style Windows user dump, not a minidump"),
    (b"\x7fELF", "an ELF file"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file"),
    (b"\xce\xfa\xed\xfe", "a Mach-O file"),
    (b"MZ", "a Windows executable or DLL"),
    (b"Microsoft C/C++ MSF 7.00", "a PDB symbol file"),
    (b"MODULE ", "a Breakpad symbol file"),
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"MSCF", "a cabinet (.cab) file; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"{", "a text file that may be JSON"),
)


def describe(window: Window) -> str:
    """A few words on what the file is, ending with its first bytes when nothing else is known."""
    head = window.read(0, min(4096, len(window)))
    if not head.strip(b"\0"):
        if len(head) == len(window):
            return "every byte is zero" if head else "the file is empty"
        return "it begins with zeros, as dumps do whose writer was stopped before it finished"
    for start, kind in _KINDS:
        if head.startswith(start):
            if start == b"\x7fELF" and len(head) > 18 and int.from_bytes(head[16:18], "little") == 4:
                return "an ELF core file, which has no streams (mdmp info and mdmp analyze read it)"
            return kind
    if b"google-breakpad" in head:
        return "a Breakpad microdump (text)"
    return f"it begins with {head[:8].hex(' ')}"
