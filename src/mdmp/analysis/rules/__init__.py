"""Findings: what may be behind a crash, with the evidence. One finding a file, listed in `table`."""
