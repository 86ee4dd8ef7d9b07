"""ELF files and images: headers, notes, symbols, and look-ups with the DWARF they carry.

This package may use `mdmp.formats.dwarf`, which knows no container; no other format does.
"""
