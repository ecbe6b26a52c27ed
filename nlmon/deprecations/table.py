"""What the migration guide calls old, and what takes its place: one table, which the search for uses and the warnings
of ``nlmon.compat`` both read.

Rules:
1. A row names the line of the guide that it rests on.
2. Nothing is old because it is spelled differently: other names of keys that the guide does not call old have no row.

Not here: finding uses (``yaml``, ``python``, ``c``), and warning of a call (``nlmon.compat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import Struct

__all__ = [
    "EVENT_FIELDS",
    "FILTER_FIELDS",
    "FUNCTIONS",
    "HEADER",
    "LEGACY",
    "MODULE",
    "REMOVED_IN",
    "TABLE",
    "WARNS_SINCE",
    "Deprecated",
    "Kind",
    "Removal",
]

Kind: TypeAlias = Literal["function", "header", "module", "option", "event field", "filter field"]
Removal: TypeAlias = Literal["removed", "may be removed", "kept"]

# The guide's roadmap: the version that warns, and the one that has the old functions no more.
WARNS_SINCE = "2.0"
REMOVED_IN = "3.0"
_CLASS = "Manager."


class Deprecated(Struct, frozen=True):
    """One old name. ``replacement``: what is written instead; ``direct``: the same in libnl's own interface,
    where a method is Python's alone. ``since``: the version that warns of it, empty if none does; ``removal``: whether
    version ``REMOVED_IN`` is without it. ``guide``: the line of the migration guide."""

    name: str
    kind: Kind
    replacement: str
    removal: Removal
    guide: int
    direct: str = ""
    since: str = ""

    def instead(self, *, python: bool) -> str:
        """Everything that may be written instead, in Python or in C."""
        direct = self.direct if python or not self.direct.startswith(_CLASS) else ""
        return f"{self.replacement} or {direct}" if direct else self.replacement


def _function(action: str, direct: str, guide: int) -> Deprecated:
    new = f"nlmon_netlink_{action}()"
    return Deprecated(f"nlmon_multi_protocol_{action}", "function", new, "removed", guide, direct, WARNS_SINCE)


def _by_name(*rows: Deprecated) -> Mapping[str, Deprecated]:
    return MappingProxyType({row.name: row for row in rows})


FUNCTIONS = _by_name(
    _function("init", "nlmon_nl_manager_init()", 253),
    _function("enable", "nlmon_nl_enable_*()", 254),
    _function("disable", "Manager.disable()", 243),
    _function("set_callback", "nlmon_nl_set_callback()", 438),
    _function("get_fd", "nlmon_nl_get_*_fd()", 255),
    _function("process", "nlmon_nl_process_*()", 256),
    _function("destroy", "nlmon_nl_manager_destroy()", 257),
)
HEADER = Deprecated(
    "netlink_multi_protocol.h", "header", "nlmon_netlink_api.h", "removed", 434, "nlmon_netlink.h", WARNS_SINCE
)
MODULE = Deprecated("nlmon.compat", "module", "nlmon.api", "removed", 888, "nlmon.manager", WARNS_SINCE)
LEGACY = Deprecated("netlink.use_libnl: false", "option", "netlink.use_libnl: true", "may be removed", 888)


def _event_field(name: str, guide: int) -> Deprecated:
    return Deprecated(name, "event field", f"netlink.{name}", "kept", guide)


# Time and type are where they were.
EVENT_FIELDS = _by_name(_event_field("protocol", 274), _event_field("msg_type", 275), _event_field("data", 276))


def _filter_field(name: str, path: str, guide: int = 638) -> Deprecated:
    return Deprecated(name, "filter field", path, "kept", guide)


FILTER_FIELDS = _by_name(
    _filter_field("protocol", "netlink.protocol", 641),
    _filter_field("msg_type", "netlink.msg_type"),
    _filter_field("message_type", "netlink.msg_type"),
    _filter_field("event_type", "netlink.msg_type"),
    _filter_field("type", "netlink.msg_type"),
    _filter_field("namespace", "nsid"),
    _filter_field("sequence", "frame"),
    _filter_field("state", "netlink.link.operstate"),
    _filter_field("event.flags", "netlink.link.flags"),
)

TABLE: tuple[Deprecated, ...] = (
    *FUNCTIONS.values(),
    HEADER,
    MODULE,
    LEGACY,
    *EVENT_FIELDS.values(),
    *FILTER_FIELDS.values(),
)
