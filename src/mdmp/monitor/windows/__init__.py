"""Processes debugged by the debug API, and the system's post-mortem debugger."""
