from mdmp.arch import AMD64, ARM64, CPUS, X86


def test_every_role_and_number_names_a_register() -> None:
    for name, cpu in CPUS.items():
        assert cpu.name == name
        known = {*cpu.registers, cpu.flags}
        assert len(set(cpu.registers)) == len(cpu.registers)
        assert {cpu.pc, cpu.sp, cpu.fp} <= known
        assert cpu.lr is None or cpu.lr in known
        assert cpu.fp in cpu.saved_windows
        assert cpu.saved_sysv <= known and cpu.saved_windows <= known
        assert set(cpu.codeview.values()) <= known and set(cpu.dwarf.values()) <= known
        assert set(cpu.aliases.values()) <= known


def test_numbers_taken_from_the_specifications() -> None:
    assert X86.codeview[20] == "ebx" and X86.codeview[22] == "ebp" and X86.dwarf[5] == "ebp"
    assert AMD64.codeview[335] == "rsp" and AMD64.dwarf[7] == "rsp" and AMD64.dwarf[16] == "rip"
    assert ARM64.codeview[79] == "x29" and ARM64.dwarf[31] == "sp"
    assert X86.mask == 0xFFFFFFFF
