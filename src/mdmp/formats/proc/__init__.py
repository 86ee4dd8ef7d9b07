"""The texts of Linux's /proc, parsed. Lines that are not what they should be are left out."""
