"""/etc/lsb-release and /etc/os-release. Source: os-release(5), and the LSB's `lsb_release`."""

_KEYS = {
    "id": ("DISTRIB_ID", "NAME"),
    "release": ("DISTRIB_RELEASE", "VERSION_ID"),
    "codename": ("DISTRIB_CODENAME", "VERSION_CODENAME"),
    "description": ("DISTRIB_DESCRIPTION", "PRETTY_NAME"),
}


def distribution(text: bytes) -> dict[str, str]:
    """Its `id`, `release`, `codename` and `description`, from either file; what is not told is ""."""
    pairs = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines())
    values = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
    return {name: next((values[key] for key in keys if key in values), "") for name, keys in _KEYS.items()}
