"""Bytes without meaning: bounded windows, declared records, address ranges, text and time."""
