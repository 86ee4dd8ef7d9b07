"""Win32 error codes and HRESULTs by name.

Sources: winerror.h (tables `data/win32.txt`, `data/hresult.txt`, see `codes`); facilities: winerror.h.
"""

from mdmp.platforms.codes import name_of

FACILITIES = {
    0: "NULL", 1: "RPC", 2: "DISPATCH", 3: "STORAGE", 4: "ITF", 7: "WIN32", 8: "WINDOWS", 9: "SECURITY", 10: "CONTROL",
    11: "CERT", 12: "INTERNET", 13: "MEDIASERVER", 14: "MSMQ", 15: "SETUPAPI", 16: "SCARD", 17: "COMPLUS", 18: "AAF",
    19: "URT", 20: "ACS", 21: "DPLAY", 22: "UMI", 23: "SXS", 24: "WINDOWS_CE", 25: "HTTP", 26: "USERMODE_COMMONLOG",
    27: "WER", 31: "USERMODE_FILTER_MANAGER", 32: "BACKGROUNDCOPY", 33: "CONFIGURATION", 34: "STATE_MANAGEMENT",
    35: "METADIRECTORY", 36: "WINDOWSUPDATE", 37: "DIRECTORYSERVICE", 38: "GRAPHICS", 39: "SHELL", 40: "TPM_SERVICES",
    41: "TPM_SOFTWARE", 42: "UI", 43: "XAML", 48: "PLA", 49: "FVE", 50: "FWP", 51: "WINRM", 52: "NDIS",
    53: "USERMODE_HYPERVISOR", 60: "SDIAG", 61: "WEBSERVICES", 62: "WPN", 63: "WINDOWS_STORE", 64: "INPUT", 65: "QUIC",
    80: "WINDOWS_DEFENDER", 81: "OPC", 84: "MBN", 99: "P2P", 102: "AUDIO", 103: "STATEREPOSITORY", 109: "VISUALCPP",
    112: "SCRIPT", 113: "PARSE", 176: "DEBUGGERS", 885: "WEB", 886: "WEB_SOCKET", 1967: "SQLITE", 1989: "UTC",
    2168: "DIRECTMUSIC", 2169: "DIRECT3D10", 2170: "DXGI", 2171: "DXGI_DDI", 2172: "DIRECT3D11", 2174: "DIRECT3D12",
    2176: "DXCORE", 2185: "AUDCLNT", 2192: "WINML", 2200: "WINCODEC_DWRITE_DWM", 2201: "DIRECT2D", 2306: "JSCRIPT",
    2339: "XBOX", 2340: "GAME",
}  # fmt: skip

VISUAL_CPP = 109
"""Facility of delay loading: 0xC06Dxxxx is a Win32 error in the low word."""


def win32_error_name(code: int) -> str | None:
    """`ERROR_ACCESS_DENIED` for 5; None when it is not in Microsoft's list."""
    return name_of("win32", code & 0xFFFFFFFF)


def hresult_name(code: int) -> str | None:
    """`E_FAIL` for 0x80004005, `HRESULT_FROM_WIN32(ERROR_…)` for wrapped Win32 errors; None if unknown."""
    code &= 0xFFFFFFFF
    if name := name_of("hresult", code):
        return name
    facility, low = code >> 16 & 0x1FFF, code & 0xFFFF
    if code & 0x80000000 and facility == 7 and (name := win32_error_name(low)):
        return f"HRESULT_FROM_WIN32({name})"
    if code & 0x10000000 and (name := name_of("ntstatus", code & ~0x10000000)):
        return f"HRESULT_FROM_NT({name})"
    return None


def last_error_name(code: int) -> str | None:
    """The name of a thread's last-error value: a Win32 error first, else the NTSTATUS or HRESULT left there."""
    return win32_error_name(code) or name_of("ntstatus", code & 0xFFFFFFFF) or hresult_name(code)
