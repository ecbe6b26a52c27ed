"""Identity: when two messages are about the same object of a host, and how a report names it.

- link: ifindex. Messages of family AF_BRIDGE are bridge ports: RTM_DELLINK of a port leaves the link alone.
- address: ifindex, family, own address, prefix length, peer.
- neighbour: family, ifindex, destination, and whether it is a proxy entry; an entry of a forwarding database
  (AF_BRIDGE): ifindex, link-layer address, vlan, destination, and whether it is SELF or MASTER.
- rule: every selector, action, table and priority.
- route: family, table, dst/len, src/len, tos, priority; IPv6 adds the next hop (each hop is a route of its own
  in the kernel), IPv4 keeps an ordered list (append and prepend make several; replace replaces the first).

Only fields that both implementations provide decide identity, so that their states are comparable. The contract
lists the same rules for readers.

Not here: what happens to an object (``nlmon.state``), and routes of AF_MPLS and multicast routing, which have no
common identity.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, TypeAlias

from msgspec import UNSET, structs

from nlmon.events import AddrInfo, LinkInfo, NeighInfo, NextHop, Payload, RouteInfo, RuleInfo

__all__ = [
    "BRIDGE",
    "INET",
    "INET6",
    "RTM_F_CLONED",
    "Key",
    "hops_of",
    "identity",
    "objects_of",
    "route_group",
    "show_key",
    "split_hops",
]

Key: TypeAlias = tuple[Hashable, ...]

INET, BRIDGE, INET6 = 2, 7, 10
RTM_F_CLONED = 0x200
NTF_SELF, NTF_MASTER, NTF_PROXY = 0x02, 0x04, 0x08
FIB_RULE_INVERT = 0x2


def identity(payload: LinkInfo | AddrInfo | NeighInfo | RuleInfo) -> tuple[str, Key]:
    """Kind and key of anything but a route."""
    if isinstance(payload, LinkInfo):
        return ("port" if payload.family == BRIDGE else "link"), (payload.ifindex,)
    if isinstance(payload, AddrInfo):
        return "addr", (payload.ifindex, payload.family, payload.addr, payload.prefixlen, payload.peer)
    if isinstance(payload, NeighInfo):
        if payload.family == BRIDGE:
            side = payload.flags & (NTF_SELF | NTF_MASTER)
            return "neigh", (BRIDGE, payload.ifindex, payload.lladdr, payload.vlan, payload.dst, side)
        return "neigh", (payload.family, payload.ifindex, payload.dst, payload.flags & NTF_PROXY)
    return "rule", (*(getattr(payload, name) for name in _RULE_KEY), payload.flags & FIB_RULE_INVERT)


_RULE_KEY = (
    *("family", "priority", "table", "action", "src", "src_len", "dst", "dst_len", "tos"),
    *("iifname", "oifname", "fwmark", "fwmask", "ip_proto", "sport_range", "dport_range", "uid_range"),
    *("tun_id", "l3mdev"),
)
_ROUTE_KEY = ("family", "table", "dst", "dst_len", "src", "src_len", "tos", "priority")


def route_group(route: RouteInfo) -> Key:
    """What routes to one destination share; with ``hops_of`` it is the key of one route."""
    return (
        *(route.family, route.table, route.dst, route.dst_len, route.src, route.src_len, route.tos),
        route.priority or 0,
    )


def hops_of(route: RouteInfo) -> Hashable:
    """Type and hops, (gateway, ifindex) each."""
    if route.multipath is not None:
        return (route.type, tuple((hop.gateway, hop.ifindex) for hop in route.multipath))
    return (route.type, ((route.gateway, route.oif),))


def split_hops(route: RouteInfo) -> dict[Key, Payload]:
    """An IPv6 route as one object per hop."""
    group = route_group(route)
    if route.multipath is None:
        return {(*group, hops_of(route)): route}
    found: dict[Key, Payload] = {}
    for hop in route.multipath:
        one = structs.replace(route, multipath=None, gateway=hop.gateway, oif=hop.ifindex, **_via(hop))
        found[(*group, hops_of(one))] = one
    return found


def _via(hop: NextHop) -> dict[str, Any]:
    return {} if hop.via is UNSET else {"via": hop.via}


def objects_of(payload: Payload) -> Iterator[tuple[str, Key, Payload]]:
    """Kind, key and value of each object that a message of a dump describes."""
    if not isinstance(payload, RouteInfo):
        kind, key = identity(payload)
        yield kind, key, payload
    elif payload.flags & RTM_F_CLONED:
        return
    elif payload.family == INET:
        yield "route", (*route_group(payload), hops_of(payload)), payload
    elif payload.family == INET6:
        for key, one in split_hops(payload).items():
            yield "route", key, one


def show_key(kind: str, key: Key) -> str:
    """One line for people: ``addr 10.0.0.1/24 on 3``."""
    if kind in {"link", "port"}:
        return f"{kind} {key[0]}"
    if kind == "addr":
        peer = f" peer {key[4]}" if key[4] else ""
        return f"addr {key[2]}/{key[3]}{peer} on {key[0]}"
    if kind == "neigh":
        if key[0] == BRIDGE:
            return f"fdb {key[2]} vlan {key[3]} dst {key[4]} on {key[1]}"
        return f"neigh {key[2]} on {key[1]}" + (" proxy" if key[3] else "")
    if kind == "rule":
        return "rule " + _named(zip((*_RULE_KEY, "invert"), key, strict=True))
    family, table, dst, dst_len, src, src_len, tos, priority, entry = key
    hops: Iterable[tuple[str | None, int | None]] = entry[1]  # type: ignore[index]  # (route type, hops), see hops_of
    text = f"route {dst or ('::' if family == INET6 else '0.0.0.0')}/{dst_len} table {table}"
    if src:
        text += f" from {src}/{src_len}"
    if tos:
        text += f" tos {tos}"
    if priority:
        text += f" metric {priority}"
    for gateway, oif in hops:
        text += (f" via {gateway}" if gateway else "") + ("" if oif is None else f" on {oif}")
    return text


def _named(pairs: Iterable[tuple[str, Hashable]]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs if value not in {None, 0} or name == "family")
