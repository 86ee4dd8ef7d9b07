"""Whose a file is, and who we are, as SIDs (`S-1-5-18`)."""

from __future__ import annotations

import ctypes
import sys

assert sys.platform == "win32"

from mdmp.capture.windows import win32  # noqa: E402

_OWNER_SECURITY_INFORMATION = 1
_TOKEN_USER = 1
_MAX_SIZE = 4096
"""Bytes of an owner in a security descriptor: a SID has 68 at most."""


def owner_of(path: str) -> str:
    """Raises `OSError`."""
    descriptor = ctypes.create_string_buffer(_MAX_SIZE)
    owner, defaulted, size = ctypes.c_void_p(), ctypes.c_int32(), ctypes.c_uint32()
    win32.GetFileSecurity(path, _OWNER_SECURITY_INFORMATION, descriptor, len(descriptor), ctypes.byref(size))
    win32.GetSecurityDescriptorOwner(descriptor, ctypes.byref(owner), ctypes.byref(defaulted))
    return _text(owner)


def own_sid() -> str:
    """Raises `OSError`."""
    token, size = ctypes.c_void_p(), ctypes.c_uint32()
    win32.OpenProcessToken(win32.GetCurrentProcess(), win32.TOKEN_QUERY, ctypes.byref(token))
    with win32.closing(token.value or 0):
        user = ctypes.create_string_buffer(_MAX_SIZE)
        win32.GetTokenInformation(token, _TOKEN_USER, user, len(user), ctypes.byref(size))
        # TOKEN_USER begins with a pointer into the same buffer.
        return _text(ctypes.c_void_p.from_buffer(user))


def _text(sid: ctypes.c_void_p) -> str:
    found = ctypes.c_wchar_p()
    win32.ConvertSidToStringSid(sid, ctypes.byref(found))
    try:
        return found.value or ""
    finally:
        win32.LocalFree(ctypes.cast(found, ctypes.c_void_p))
