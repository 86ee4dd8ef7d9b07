"""From a module's identity to its files, and from an address to function, file, line and inline chain.

identity  who a module is, from the dump's record or the image in the dump's memory
search    where files of that identity may lie (folders, symbol stores), and which one is right
sources   what can answer an address: a PDB, an export table; one file each
symbols   the sources of every module of one snapshot, opened when first asked
"""
