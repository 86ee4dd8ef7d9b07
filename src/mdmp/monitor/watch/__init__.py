"""Triggers that are no faults: hangs, processor time, memory, counts of threads and handles, signals, the end."""
