"""Open handles (Windows) or file descriptors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Handle:
    value: int
    type_name: str | None = None
    object_name: str | None = None
    attributes: int | None = None
    granted_access: int | None = None
    handle_count: int | None = None
    pointer_count: int | None = None
    facts: tuple[str, ...] = ()
    """What the object information told, in words (`mutant owned by thread 12`)."""
