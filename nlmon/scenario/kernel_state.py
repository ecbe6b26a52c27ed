"""The final state of a namespace, as ``ip`` lists it, beside the state that the events of an implementation make.

Both become lines of text, ``route 198.51.100.0/24 via 192.0.2.7 dev veth0 table 254``, so that a difference is a line
that only one of them has.

Rules:
1. Of an object only what a person would name it by, and of links their state and MTU; nothing that one of our
   implementations does not provide.
2. Left out is what the kernel makes without a message, or lists nowhere: neighbours that need no resolution or are
   being resolved, cached routes, ports and forwarding databases of bridges.
3. ``ip`` is another reader of the kernel than our implementations, and none of them is asked.

Not here: running ``ip`` (``sandbox``), and the state of the events (``nlmon.state``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from nlmon.events import AddrInfo, LinkInfo, NeighInfo, RouteInfo, RuleInfo
from nlmon.names import name_of
from nlmon.state.tables import State
from nlmon.uapi import AF_BRIDGE, AF_INET, AF_INET6, IFF_UP, RTM_F_CLONED

__all__ = ["LISTS", "differences", "folded", "listed"]

LINES_SHOWN = 10

# What ``ip`` is asked for: the kind of object, the family, and the command.
LISTS = (
    ("link", 0, "ip -json link"),
    ("addr", 0, "ip -json address"),
    ("route", AF_INET, "ip -json -Numeric -details -4 route show table all"),
    ("route", AF_INET6, "ip -json -Numeric -details -6 route show table all"),
    ("neigh", 0, "ip -json neighbour show nud all"),
    ("rule", AF_INET, "ip -json -Numeric -4 rule"),
    ("rule", AF_INET6, "ip -json -Numeric -6 rule"),
)
UNRESOLVED = {"NOARP", "NONE", "INCOMPLETE", "FAILED"}
UNRESOLVED_BITS = 0x40 | 0x01 | 0x20  # linux/neighbour.h
WHOLE = {AF_INET: 32, AF_INET6: 128}
ANY = {AF_INET: "0.0.0.0/0", AF_INET6: "::/0"}


def listed(run: Callable[[str], str]) -> set[str]:
    """The state as the kernel lists it; ``run`` gives what a command prints."""
    return {line for kind, family, command in LISTS for line in _LISTED[kind](json.loads(run(command) or "[]"), family)}


def folded(state: State) -> set[str]:
    """The state that events have made."""
    links = state.tables["link"].values()
    names = {link.ifindex: link.ifname or "" for link in links if isinstance(link, LinkInfo)}
    return {line for kind in _FOLDED for one in state.tables[kind].values() for line in _FOLDED[kind](one, names)}


def differences(kernel: Set[str], state: Set[str]) -> list[str]:
    """What only one of both states has, as lines."""
    lines = [*_only("only the kernel lists", kernel - state), *_only("only events tell of", state - kernel)]
    more = len(lines) - LINES_SHOWN
    return lines if more <= 0 else [*lines[:LINES_SHOWN], f"… and {more:,} more"]


def _only(words: str, found: Set[str]) -> Iterator[str]:
    return (f"{words} {line}" for line in sorted(found))


# -- as ip lists it -----------------------------------------------------------------------------------------


def _links(rows: list[dict[str, Any]], family: int) -> Iterator[str]:
    for row in rows:
        up = "UP" if "UP" in row["flags"] else "DOWN"
        yield _link(row["ifname"], up, row.get("operstate"), row.get("mtu"))


def _addresses(rows: list[dict[str, Any]], family: int) -> Iterator[str]:
    for row in rows:
        for one in row["addr_info"]:
            if "local" in one:
                yield _words("addr", f"{one['local']}/{one['prefixlen']}", peer=one.get("address"), dev=row["ifname"])


def _routes(rows: list[dict[str, Any]], family: int) -> Iterator[str]:
    for row in rows:
        if "cloned" in row.get("flags", ()):
            continue
        base = (row["dst"], family, row.get("type", "1"), row.get("table", "254"), row.get("metric"))
        for hop in row.get("nexthops") or [row]:
            via = hop.get("gateway") or hop.get("via", {}).get("host")
            yield _route(*base, via, hop.get("dev"))


def _neighbours(rows: list[dict[str, Any]], family: int) -> Iterator[str]:
    for row in rows:
        if not UNRESOLVED.intersection(row.get("state", ("NONE",))):
            yield _words("neigh", row["dst"], lladdr=row.get("lladdr"), dev=row.get("dev"))


def _rules(rows: list[dict[str, Any]], family: int) -> Iterator[str]:
    for row in rows:
        src, dst = (_prefix(row.get(end), row.get(f"{end}len"), family) for end in ("src", "dst"))
        yield _rule(family, row["priority"], src, dst, row.get("iif"), row.get("oif"))


# -- as events have made it ---------------------------------------------------------------------------------


def _folded_link(link: LinkInfo, names: Mapping[int, str]) -> Iterator[str]:
    state = "" if link.operstate is None else name_of("operstate", link.operstate)
    yield _link(link.ifname, "UP" if link.flags & IFF_UP else "DOWN", state, link.mtu)


def _folded_address(one: AddrInfo, names: Mapping[int, str]) -> Iterator[str]:
    yield _words("addr", f"{one.addr}/{one.prefixlen}", peer=one.peer, dev=names.get(one.ifindex))


def _folded_route(route: RouteInfo, names: Mapping[int, str]) -> Iterator[str]:
    if route.flags & RTM_F_CLONED or route.family not in WHOLE:
        return
    dst = f"{route.dst}/{route.dst_len}" if route.dst else "default"
    hops: list[tuple[object, object, int | None]] = [(route.gateway, route.via, route.oif)]
    if route.multipath is not None:
        hops = [(hop.gateway, hop.via, hop.ifindex) for hop in route.multipath]
    for gateway, via, index in hops:
        via = gateway or str(via or "").rpartition(" ")[2] or None
        dev = None if index is None else names.get(index)
        yield _route(dst, route.family, str(route.type), str(route.table), route.priority, via, dev)


def _folded_neighbour(one: NeighInfo, names: Mapping[int, str]) -> Iterator[str]:
    if one.family != AF_BRIDGE and one.state and not one.state & UNRESOLVED_BITS:
        yield _words("neigh", one.dst, lladdr=one.lladdr, dev=names.get(one.ifindex))


def _folded_rule(rule: RuleInfo, names: Mapping[int, str]) -> Iterator[str]:
    if rule.family in WHOLE:
        src, dst = _prefix(rule.src, rule.src_len, rule.family), _prefix(rule.dst, rule.dst_len, rule.family)
        yield _rule(rule.family, rule.priority or 0, src, dst, rule.iifname, rule.oifname)


# -- lines --------------------------------------------------------------------------------------------------


def _link(name: object, up: str, state: object, mtu: object) -> str:
    return _words("link", name, up, operstate=state, mtu=mtu)


def _route(dst: str, family: int, kind: str, table: str, metric: object, via: object, dev: object) -> str:
    dst = ANY[family] if dst == "default" else dst if "/" in dst else f"{dst}/{WHOLE[family]}"
    return _words(
        "route", dst, via=via, dev=dev, table=table, metric=metric or None, type=None if kind == "1" else kind
    )


def _rule(family: int, priority: int, src: str, dst: str, iif: object, oif: object) -> str:
    return _words("rule", str(priority), "inet" if family == AF_INET else "inet6", src=src, dst=dst, iif=iif, oif=oif)


def _prefix(address: str | None, length: int | None, family: int) -> str:
    return "all" if address in {None, "all"} else f"{address}/{length or WHOLE[family]}"


def _words(*words: object, **named: object) -> str:
    """An object as a line; what is None is left out."""
    found = [str(word) for word in words]
    return " ".join(found + [f"{name} {value}" for name, value in named.items() if value is not None])


_LISTED: dict[str, Callable[[list[dict[str, Any]], int], Iterator[str]]] = {
    "link": _links,
    "addr": _addresses,
    "route": _routes,
    "neigh": _neighbours,
    "rule": _rules,
}
_FOLDED: dict[str, Callable[[Any, Mapping[int, str]], Iterator[str]]] = {
    "link": _folded_link,
    "addr": _folded_address,
    "route": _folded_route,
    "neigh": _folded_neighbour,
    "rule": _folded_rule,
}
