"""The names that fields of events had before libnl, and filters with the others in their place.

Rules:
1. Both names mean the same field under both implementations, so a filter means what it meant.
2. A filter that is none is left as it is.

Not here: the table of fields (``nlmon.filters.fields``), and what a filter means without one (``losses``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from nlmon.errors import FilterError
from nlmon.filters.fields import ALIASES, field_of
from nlmon.filters.parse import names_in
from nlmon.migrate.model import Implementation

__all__ = ["OLD", "Rename", "renames"]

# The fields that the event had before, by their path, with their names there.
OLD: Mapping[str, str] = MappingProxyType({"netlink.protocol": "protocol", "netlink.msg_type": "msg_type"})
# Every name from before, with the path.
_NEW = {old: path for old, path in ALIASES.items() if not old.startswith("netlink.")}


class Rename(Struct, frozen=True):
    """A name in a filter, at a position, and the one to write."""

    position: int
    before: str
    after: str


def renames(expression: str, to: Implementation) -> tuple[Rename, ...]:
    """The names in a filter that have another one in the other implementation's events."""
    try:
        names = names_in(expression)
    except FilterError:
        return ()
    found = []
    for word in names:
        name = word.text
        if to == "libnl":
            after = _NEW.get(name.lower())
        else:
            field = field_of(name) if name.lower().startswith("netlink.") else None
            after = OLD.get(field.path) if field is not None else None
        if after is not None:
            found.append(Rename(word.position, name, after))
    return tuple(found)
