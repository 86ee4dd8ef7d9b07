"""What happens around a dump file: its folder and name, old ones removed, the log entry, the notice (`steps.py`)."""
