"""MINIDUMP_TYPE: the bits of MINIDUMP_HEADER.Flags. Newer Windows versions add bits; unknown ones mean no harm."""

MINIDUMP_TYPE = {
    0x1: "MiniDumpWithDataSegs",
    0x2: "MiniDumpWithFullMemory",
    0x4: "MiniDumpWithHandleData",
    0x8: "MiniDumpFilterMemory",
    0x10: "MiniDumpScanMemory",
    0x20: "MiniDumpWithUnloadedModules",
    0x40: "MiniDumpWithIndirectlyReferencedMemory",
    0x80: "MiniDumpFilterModulePaths",
    0x100: "MiniDumpWithProcessThreadData",
    0x200: "MiniDumpWithPrivateReadWriteMemory",
    0x400: "MiniDumpWithoutOptionalData",
    0x800: "MiniDumpWithFullMemoryInfo",
    0x1000: "MiniDumpWithThreadInfo",
    0x2000: "MiniDumpWithCodeSegs",
    0x4000: "MiniDumpWithoutAuxiliaryState",
    0x8000: "MiniDumpWithFullAuxiliaryState",
    0x10000: "MiniDumpWithPrivateWriteCopyMemory",
    0x20000: "MiniDumpIgnoreInaccessibleMemory",
    0x40000: "MiniDumpWithTokenInformation",
    0x80000: "MiniDumpWithModuleHeaders",
    0x100000: "MiniDumpFilterTriage",
    0x200000: "MiniDumpWithAvxXStateContext",
    0x400000: "MiniDumpWithIptTrace",
    0x800000: "MiniDumpScanInaccessiblePartialPages",
    0x1000000: "MiniDumpFilterWriteCombinedMemory",
    0x2000000: "MiniDumpNoIgnoreInaccessibleMemory",
    0x4000000: "MiniDumpWithMemoryCompressed",
}


def flag_names(flags: int) -> list[str]:
    """The names of the bits that are set, lowest first; unknown ones as a number at the end."""
    names = [name for bit, name in MINIDUMP_TYPE.items() if flags & bit]
    rest = flags & ~sum(MINIDUMP_TYPE)
    return [*names, f"{rest:#x}"] if rest else names
