"""CPU contexts: one layout a file, and `choose` to tell which one a piece of a dump is."""
