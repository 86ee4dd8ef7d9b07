"""Marketing names of Windows by build number.

Source: Microsoft's "Windows 10/11 release information" and "Operating system version" pages.
"""

WORKSTATION, DOMAIN_CONTROLLER, SERVER = 1, 2, 3

_CLIENT = {
    1381: "Windows NT 4.0", 2195: "Windows 2000", 2600: "Windows XP", 3790: "Windows XP x64",
    6000: "Windows Vista", 6001: "Windows Vista SP1", 6002: "Windows Vista SP2", 6003: "Windows Vista SP2",
    7600: "Windows 7", 7601: "Windows 7 SP1", 9200: "Windows 8", 9600: "Windows 8.1",
    10240: "Windows 10 1507", 10586: "Windows 10 1511", 14393: "Windows 10 1607", 15063: "Windows 10 1703",
    16299: "Windows 10 1709", 17134: "Windows 10 1803", 17763: "Windows 10 1809", 18362: "Windows 10 1903",
    18363: "Windows 10 1909", 19041: "Windows 10 2004", 19042: "Windows 10 20H2", 19043: "Windows 10 21H1",
    19044: "Windows 10 21H2", 19045: "Windows 10 22H2", 22000: "Windows 11 21H2", 22621: "Windows 11 22H2",
    22631: "Windows 11 23H2", 26100: "Windows 11 24H2", 26200: "Windows 11 25H2",
}  # fmt: skip
_SERVER = {
    1381: "Windows NT 4.0 Server", 2195: "Windows 2000 Server", 3790: "Windows Server 2003",
    6001: "Windows Server 2008", 6002: "Windows Server 2008 SP2", 6003: "Windows Server 2008 SP2",
    7600: "Windows Server 2008 R2", 7601: "Windows Server 2008 R2 SP1", 9200: "Windows Server 2012",
    9600: "Windows Server 2012 R2", 14393: "Windows Server 2016", 16299: "Windows Server 1709",
    17134: "Windows Server 1803", 17763: "Windows Server 2019", 18362: "Windows Server 1903",
    18363: "Windows Server 1909", 19041: "Windows Server 2004", 19042: "Windows Server 20H2",
    20348: "Windows Server 2022", 25398: "Windows Server 23H2", 26100: "Windows Server 2025",
}  # fmt: skip


def windows_name(build: int, product_type: int | None = None) -> str | None:
    """`Windows 10 22H2` for build 19045; for a build between releases the release it comes from with a `+`."""
    table = _SERVER if product_type in (DOMAIN_CONTROLLER, SERVER) else _CLIENT
    if name := table.get(build):
        return name
    known = max((b for b in table if b < build), default=None)
    return f"{table[known]}+" if known is not None and build < 100_000 else None
