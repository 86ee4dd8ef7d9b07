"""Processes traced by ptrace, and the kernel's core handler."""
