"""Breakpad's microdumps: the crashing thread as lines of text in a log."""
