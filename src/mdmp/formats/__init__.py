"""File formats: bytes to typed records and back, faithful and without opinion. One package per format."""
