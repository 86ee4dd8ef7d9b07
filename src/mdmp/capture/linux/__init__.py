"""Capture on Linux: ptrace, process_vm_readv, /proc."""
