"""What keys demand of each other, and what of a configuration has no effect.

Not here: what one key may be (``kinds``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from os.path import normpath
from typing import Any

from msgspec import Struct

from nlmon import uapi
from nlmon.config.entries import File
from nlmon.config.keys import KeyPath, dotted
from nlmon.config.model import SHORT_RULE, Config
from nlmon.config.problems import Position, Problem, error, notice, shown
from nlmon.config.unused import IDLE, UNUSED
from nlmon.yamlfile import Path, nearest

__all__ = ["LIBNL_ONLY", "Given", "check", "implied"]

# What the migration guide says to remove for legacy, and what else legacy ignores.
LIBNL_ONLY: tuple[KeyPath, ...] = (
    *(("netlink", "caching"), ("netlink", "generic_families"), ("netlink", "multicast_groups")),
    *(("netlink", "limits"), ("netlink", "debug")),
)
_GROUPS = tuple(name.removeprefix("RTNLGRP_").lower() for name in vars(uapi) if name.startswith("RTNLGRP_"))
# Exports that are on when their file is named and nothing else is said.
_FILES: tuple[KeyPath, ...] = (("export", "json"), ("export", "pcap"))
# Exports that only their switch turns on.
_SWITCHED = ("syslog", "prometheus")


class Given(Struct, frozen=True):
    """A value that was given, and where: at the path ``written`` of a file, or in a variable."""

    value: Any
    place: Position
    file: File | None = None
    written: Path = ()

    def around(self, up: int) -> Position:
        """The place of the key that stands ``up`` levels above this one; of a variable, the variable."""
        if self.file is None:
            return self.place
        return self.file.key_place(self.written[: len(self.written) - up])


def implied(given: Mapping[KeyPath, Given]) -> dict[KeyPath, Given]:
    """Values that follow from others: an export whose file is named is on."""
    return {
        (*path, "enabled"): Given(True, given[(*path, "file")].place)
        for path in _FILES
        if (*path, "enabled") not in given and (*path, "file") in given and given[(*path, "file")].value
    }


def check(config: Config, given: Mapping[KeyPath, Given], refused: Collection[KeyPath]) -> Iterator[Problem]:
    """Problems of a configuration, of which ``given`` was not left at its default; nothing is said of keys that were
    refused."""
    for problem in (*_needs(config, given), *_twice(config, given)):
        if not any(problem.key == dotted(path) for path in refused):
            yield problem
    yield from _of_libnl(config, given)
    yield from _unused(config, given)
    yield from _off(given, refused)
    yield from _idle(config, given)
    yield from _groups(config, given)


def _needs(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    export, web = config.export, config.web
    rows: tuple[tuple[bool, str, KeyPath, KeyPath], ...] = (
        (export.json.enabled, export.json.file, ("export", "json", "enabled"), ("export", "json", "file")),
        (export.pcap.enabled, export.pcap.file, ("export", "pcap", "enabled"), ("export", "pcap", "file")),
        (
            *(export.database.enabled, export.database.path),
            *(("export", "database", "enabled"), ("export", "database", "path")),
        ),
        *(
            (web.enabled and web.tls.enabled, getattr(web.tls, name), ("web", "tls", "enabled"), ("web", "tls", name))
            for name in ("cert", "key")
        ),
    )
    for wants, has, switch, needed in rows:
        if wants and not has:
            what = f"{dotted(switch)} is true, and {dotted(needed)} is missing"
            hint = f"give {dotted(needed)}, or switch it off"
            yield error("NLM-G016", what, _place(given, switch), key=dotted(needed), hint=hint)


def _twice(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    json, pcap = config.export.json, config.export.pcap
    if json.enabled and pcap.enabled and json.file and normpath(json.file) == normpath(pcap.file):
        what = f"export.json.file and export.pcap.file are both {shown(json.file)}"
        path = ("export", "pcap", "file")
        yield error("NLM-G016", what, _place(given, path), key=dotted(path), hint="name another file")
    names = [rule.name for rule in config.filters]
    for number, name in enumerate(names):
        if name in names[:number] or (config.filter and name == SHORT_RULE):
            what = f"two filters are called {shown(name)}"
            place = _place(given, ("filters",), number, "name")
            yield error(
                "NLM-G016", what, place, key=f"filters[{number + 1}].name", value=name, hint="name it otherwise"
            )


def _of_libnl(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    if config.netlink.use_libnl:
        return
    for option in LIBNL_ONLY:
        place = _section(given, option)
        if place is not None:
            what = f"{dotted(option)} has no effect with legacy"
            hint = "remove it, or write use_libnl: true"
            yield notice("NLM-G030", what, place, key=dotted(option), hint=hint)


def _unused(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    """What is switched on, or given, and is no part of this monitor."""
    for path, instead in IDLE.items():
        if path in given:
            what = f"{dotted(path)} has no effect"
            yield notice("NLM-G031", what, _place(given, path), key=dotted(path), hint=instead)
    for path, instead in UNUSED.items():
        value: Any = config
        for part in path:
            value = getattr(value, part)
        if value:
            yield notice(
                "NLM-G031", f"{dotted(path)} has no effect", _place(given, path), key=dotted(path), hint=instead
            )


def _off(given: Mapping[KeyPath, Given], refused: Collection[KeyPath]) -> Iterator[Problem]:
    """Exports of which something is said, and which are neither switched on nor off."""
    for name in _SWITCHED:
        path: KeyPath = ("export", name)
        switch = (*path, "enabled")
        place = None if switch in given or switch in refused else _section(given, path)
        if place is not None:
            what, hint = f"{dotted(path)} is off", f"write {dotted(switch)}: true, or false if that is meant"
            yield notice("NLM-G035", what, place, key=dotted(switch), hint=hint)


def _idle(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    """What is asked for and yet idle, since something else is off."""
    netlink = config.netlink
    if not any(getattr(netlink.protocols, name) for name in netlink.protocols.__struct_fields__):
        path: KeyPath = ("netlink", "protocols", "route")
        what, hint = "no protocol is listened to", "write netlink.protocols.route: true"
        yield notice("NLM-G035", what, _place(given, path), key="netlink.protocols", hint=hint)
    kept = config.monitoring.protocols
    if kept and not any(getattr(netlink.protocols, _switch(name), False) for name in kept):
        path = ("monitoring", "protocols")
        what, hint = f"no event is kept: none of {', '.join(kept)} is listened to", "see netlink.protocols"
        yield notice("NLM-G035", what, _place(given, path), key=dotted(path), hint=hint)
    if not netlink.use_libnl:
        return
    for name in ("link_cache", "addr_cache", "route_cache"):
        path = ("netlink", "caching", name)
        if getattr(netlink.caching, name) and not netlink.caching.enabled:
            what, hint = f"{dotted(path)} has no effect without caching", "write netlink.caching.enabled: true"
            yield notice("NLM-G035", what, _place(given, path), key=dotted(path), hint=hint)
    if netlink.generic_families and not netlink.protocols.generic:
        path = ("netlink", "generic_families")
        what, hint = "no family is resolved without NETLINK_GENERIC", "write netlink.protocols.generic: true"
        yield notice("NLM-G035", what, _place(given, path), key=dotted(path), hint=hint)


def _switch(protocol: str) -> str:
    """The key of ``netlink.protocols`` that a protocol would have."""
    return protocol.removeprefix("NETLINK_").lower()


def _groups(config: Config, given: Mapping[KeyPath, Given]) -> Iterator[Problem]:
    path: KeyPath = ("netlink", "multicast_groups")
    for number, group in enumerate(config.netlink.multicast_groups):
        name = group.lower().removeprefix("rtnlgrp_")
        if name not in _GROUPS:
            what = f"{shown(group)} is no multicast group of NETLINK_ROUTE"
            key = f"{dotted(path)}[{number + 1}]"
            yield notice(
                "NLM-G036", what, _place(given, path, number), key=key, value=group, hint=nearest(name, _GROUPS)
            )


def _place(given: Mapping[KeyPath, Given], path: KeyPath, *inside: str | int) -> Position:
    """Where a value was given, or what is ``inside`` of it."""
    found = given.get(path)
    if found is None:
        return Position()
    return found.place if found.file is None else found.file.place((*found.written, *inside))


def _section(given: Mapping[KeyPath, Given], section: KeyPath) -> Position | None:
    """Where a section, or a key, begins of which something was given."""
    found = [(path, one) for path, one in given.items() if path[: len(section)] == section]
    if not found:
        return None
    places = [one.around(len(path) - len(section)) for path, one in found]
    return min(places, key=lambda place: (bool(place.variable), place.file, place.line))
