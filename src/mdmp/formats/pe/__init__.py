"""PE images, in a file or in the memory of a process: headers, exports, debug directory, version, unwind data."""
