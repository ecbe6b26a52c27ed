"""Which objects of a host a message of a dump is about, and keys that several states share, by the rules of
``nlmon.objects.keys``.

Not here: how a report names an object (``describe``), what happens to it (``tables``), and the objects of an interface
(``indexes``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from nlmon.events import Event, RouteInfo, RoutePayload
from nlmon.objects.keys import Key, Subject, hops_of, identity, parts_of, route_group, subject_of
from nlmon.state.hops import over_hop
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    RTM_F_CLONED,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
    RTM_GETROUTE,
    RTM_GETRULE,
)

__all__ = ["forget_shared", "held_by_dump", "objects_of", "shared_subject", "split_hops"]

# What is held of an object in several states has one key, for keys take more memory than what they stand for. So many
# are remembered, and of routes so many hops: of a recording those of one batch, of a running kernel those of what was
# read at once.
SUBJECTS_KEPT = 32768
# A route with more hops and metrics than these has keys of its own.
FEW_PARTS = 16
_subjects: dict[Hashable, Any] = {}


class _Splits:
    """Routes that were split into their hops, each with the route, by its id(), and how many ``hops`` these are: a
    route that changes has the same keys again and again."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[RouteInfo, dict[Key, RoutePayload]]] = {}
        self.hops = 0

    def put(self, route: RouteInfo, split: dict[Key, RoutePayload]) -> None:
        self.found[id(route)] = route, split
        self.hops += len(route.multipath or ())

    def clear(self) -> None:
        self.found.clear()
        self.hops = 0


_splits = _Splits()


def shared_subject(event: Event) -> Subject | None:
    """The same as ``subject_of``, and the very one of an event about the same object that was asked for not long
    ago."""
    subject = subject_of(event)
    if subject is None or (isinstance(event.payload, RouteInfo) and parts_of(event.payload) > FEW_PARTS):
        return subject
    if len(_subjects) >= SUBJECTS_KEPT:
        forget_shared()
    found: Subject | None = _subjects.get(subject)
    if found is None:
        found, (kind, key, group) = subject, subject
        if group is not None:  # hosts have many routes by few gateways
            found = kind, (*group, _subjects.setdefault(key[-1], key[-1])), group
        _subjects[found] = found
    return found


def forget_shared() -> None:
    """What follows need not share its keys with what was there before."""
    _subjects.clear()
    _splits.clear()


def split_hops(route: RouteInfo) -> dict[Key, RoutePayload]:
    """An IPv6 route as one object per hop; over a nexthop object it is one. Nobody may change what is returned, which
    several states have in common."""
    group = route_group(route)
    if route.multipath is None or route.nh_id is not None:
        return {(*group, hops_of(route)): route}
    known = _splits.found.get(id(route))
    if known is not None:
        return known[1]
    if max(len(_subjects), _splits.hops) >= SUBJECTS_KEPT:
        forget_shared()
    found: dict[Key, RoutePayload] = {}
    for hop in route.multipath:
        one = over_hop(route, hop)
        key = (*group, hops_of(one))
        found[_subjects.setdefault(key, key)] = one
    _splits.put(route, found)
    return found


def objects_of(payload: RoutePayload) -> Iterator[tuple[str, Key, RoutePayload]]:
    """Kind, key and value of each object that a message of a dump describes."""
    if not isinstance(payload, RouteInfo):
        found = identity(payload)
        if found is not None:
            yield *found, payload
    elif payload.flags & RTM_F_CLONED:
        return
    elif payload.family == AF_INET:
        yield "route", (*route_group(payload), hops_of(payload)), payload
    elif payload.family == AF_INET6:
        for key, one in split_hops(payload).items():
            yield "route", key, one


_DUMPED = {
    RTM_GETLINK: "link",
    RTM_GETADDR: "addr",
    RTM_GETROUTE: "route",
    RTM_GETNEIGH: "neigh",
    RTM_GETRULE: "rule",
}


def held_by_dump(get_type: int, family: int) -> tuple[str, Callable[[Key], bool]]:
    """Kind of the objects that a whole dump (RTM_GET* type and family) lists, and whether a key is one of them."""
    kind = _DUMPED[get_type]
    if kind == "link":
        return ("port" if family == AF_BRIDGE else "link"), lambda _: True
    if kind == "addr":
        return kind, lambda key: family in {AF_UNSPEC, key[1]}
    if kind == "neigh":
        # A neighbour dump of every family leaves out forwarding databases and proxy entries.
        if family == AF_BRIDGE:
            return kind, lambda key: key[0] == AF_BRIDGE
        return kind, lambda key: key[0] != AF_BRIDGE and key[3] == 0 and family in {AF_UNSPEC, key[0]}
    return kind, lambda key: family in {AF_UNSPEC, key[0]}
