"""Live processes of Windows. Every call of the system is declared in `win32.py`."""
