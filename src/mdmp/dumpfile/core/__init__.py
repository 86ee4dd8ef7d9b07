"""Core files of Linux -> `Snapshot`, one concept a file."""
