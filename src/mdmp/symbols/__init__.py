"""From a module's identity to its files, and from an address to function, file, line and inline chain.

symbols          the modules of one snapshot
*_module         one module each: names, code bytes, unwind tables; a file for every kind of image
find_*           the search for one kind of file, with the check that it is of the right build
path, folders, layout, locate    where files may lie, and what was found there
*_source         what answers an address: a PDB, DWARF, a .sym file, an export table
open_file        the symbols of one file by itself
"""
