"""The final state of a namespace, as ``ip`` lists it, beside the state that the events of an implementation make.

Both become lines of text, ``route 198.51.100.0/24 via 192.0.2.7 dev veth0 table 254``, so that a difference is a line
that only one of them has.

Rules:
1. Of an object only what a person would name it by, and of links their state and MTU; nothing that one of our
   implementations does not provide. With ``whole`` also what else tells objects apart, and kinds that a scenario does
   not ask for: ports and forwarding databases.
2. Left out is what the kernel makes without a message, or lists nowhere: neighbours that need no resolution or are
   being resolved, proxy entries, cached routes, and the addresses that a device itself listens to, which ``bridge fdb``
   lists.
3. Objects that are named alike are one line, and with ``whole`` as many as they are.
4. ``ip`` is another reader of the kernel than our implementations, and none of them is asked.

Not here: running ``ip`` (``sandbox``), and the state of the events (``nlmon.state``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeAlias

from nlmon.events import AddrInfo, LinkInfo, NeighInfo, RouteInfo, RuleInfo
from nlmon.names import name_of
from nlmon.state.tables import State
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    FIB_RULE_INVERT,
    FR_ACT_GOTO,
    FR_ACT_TO_TBL,
    IFF_UP,
    NTF_SELF,
    RTM_F_CLONED,
)

__all__ = ["LISTS", "Lines", "differences", "folded", "listed"]

LINES_SHOWN = 10

# How many objects are named by each line.
Lines: TypeAlias = Counter[str]
# What a person names an object by, and what else tells it apart.
Named: TypeAlias = tuple[str, dict[str, object]]

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
MORE_LISTS = (
    ("port", 0, "bridge -json link"),
    ("fdb", 0, "bridge -json fdb show"),
)
UNRESOLVED = {"NOARP", "NONE", "INCOMPLETE", "FAILED"}
UNRESOLVED_BITS = 0x40 | 0x01 | 0x20  # linux/neighbour.h
ENTRY_STATES = {0x80: "permanent", 0x40: "static"}  # linux/neighbour.h: NUD_PERMANENT, NUD_NOARP
RTAX_MTU = 2
EVERY_BIT = 0xFFFFFFFF
WHOLE = {AF_INET: 32, AF_INET6: 128}
ANY = {AF_INET: "0.0.0.0/0", AF_INET6: "::/0"}


def listed(run: Callable[[str], str], *, whole: bool = False) -> Lines:
    """The state as the kernel lists it; ``run`` gives what a command prints."""
    lines: Lines = Counter()
    for kind, family, command in (*LISTS, *MORE_LISTS) if whole else LISTS:
        rows = json.loads(run(command) or "[]", object_pairs_hook=_row)
        lines.update(_text(one, whole) for one in _LISTED[kind](rows, family))
    return lines if whole else Counter(set(lines))


def folded(state: State, *, whole: bool = False) -> Lines:
    """The state that events have made."""
    links = state.tables["link"].values()
    names = {link.ifindex: link.ifname or "" for link in links if isinstance(link, LinkInfo)}
    lines: Lines = Counter()
    for kind, words in _FOLDED.items():
        for key, one in state.tables[kind].items():
            place = _place(state, key, one) if whole else {}
            lines.update(_text((head, rest | place), whole) for head, rest in words(one, names))
    if whole:
        lines.update(_text(named, whole) for named in _more(state, names))
    return lines if whole else Counter(set(lines))


def differences(kernel: Lines, state: Lines) -> list[str]:
    """What only one of both states has, as lines."""
    lines = [*_only("only the kernel lists", kernel - state), *_only("only events report", state - kernel)]
    more = len(lines) - LINES_SHOWN
    return lines if more <= 0 else [*lines[:LINES_SHOWN], f"… and {more:,} more"]


def _only(words: str, found: Lines) -> Iterator[str]:
    return (f"{words} {line}" for line in sorted(found.elements()))


# -- as ip lists it -----------------------------------------------------------------------------------------


def _row(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Of a route with an encapsulation ``ip`` prints two destinations, first that of the route."""
    row = dict(pairs)
    return row | {name: value for name, value in reversed(pairs) if name == "dst"}


def _links(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    for row in rows:
        up = "UP" if "UP" in row["flags"] else "DOWN"
        yield _link(row["ifname"], up, row.get("operstate"), row.get("mtu"), row.get("address"))


def _addresses(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    for row in rows:
        for one in row["addr_info"]:
            if "local" in one:
                head = _words("addr", f"{one['local']}/{one['prefixlen']}", peer=one.get("address"), dev=row["ifname"])
                yield head, {"label": one.get("label")}


def _routes(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    places: Counter[object] = Counter()
    for row in rows:
        if "cloned" in row.get("flags", ()):
            continue
        table, metric, tos = row.get("table", "254"), row.get("metric"), int(str(row.get("tos") or "0"), 16)
        group = (row["dst"], table, tos, metric)
        places[group] += 1
        rest: dict[str, object] = {
            "proto": row.get("protocol"),
            "scope": row.get("scope"),
            "src": row.get("prefsrc"),
            "tos": tos or None,
            "nhid": row.get("nhid"),
            "mtu": next((one["mtu"] for one in row.get("metrics", ()) if "mtu" in one), None),
        }
        place = places[group] if family == AF_INET else None
        for hop in row.get("nexthops") or [row]:
            via = hop.get("gateway") or hop.get("via", {}).get("host")
            weight = hop.get("weight", 1) if family == AF_INET else None
            words = {"via": via, "dev": hop.get("dev"), "table": table, "metric": metric}
            yield _route(row["dst"], family, row.get("type", "1"), **words), rest | {"weight": weight, "place": place}


def _neighbours(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    for row in rows:
        if not UNRESOLVED.intersection(row.get("state", ("NONE",))):
            yield _words("neigh", row["dst"], lladdr=row.get("lladdr"), dev=row.get("dev")), {}


def _rules(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    for row in rows:
        src, dst = (_prefix(row.get(end), row.get(f"{end}len"), family) for end in ("src", "dst"))
        rest: dict[str, object] = {
            "table": None if "action" in row or "goto" in row else row.get("table"),
            "goto": row.get("goto"),
            "action": row.get("action"),
            "inverted": "not" in row or None,
            "tos": _hex(row.get("tos")),
            "fwmark": _hex(row.get("fwmark")),
            "fwmask": _hex(row.get("fwmask")),
            **{f"{end}port": _range(row, f"{end}port") for end in "sd"},
            "uids": None if "uid_start" not in row else (row["uid_start"], row["uid_end"]),
            "suppress": row.get("suppress_prefixlen"),
        }
        yield _rule(family, row["priority"], src, dst, row.get("iif"), row.get("oif")), rest


def _ports(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    return ((f"port {row['ifname']}", {}) for row in rows)


def _entries(rows: list[dict[str, Any]], family: int) -> Iterator[Named]:
    for row in rows:
        if "dst" in row or "self" not in row["flags"]:
            rest: dict[str, object] = {name: row.get(name) for name in ("vni", "src_vni", "port")}
            state = row["state"] if row["state"] in ENTRY_STATES.values() else "dynamic"
            yield _entry(row["mac"], row["ifname"], row.get("vlan"), row.get("dst")), rest | {"state": state}


# -- as events have made it ---------------------------------------------------------------------------------


def _folded_link(link: LinkInfo, names: Mapping[int, str]) -> Iterator[Named]:
    state = "" if link.operstate is None else name_of("operstate", link.operstate)
    yield _link(link.ifname, "UP" if link.flags & IFF_UP else "DOWN", state, link.mtu, link.addr)


def _folded_address(one: AddrInfo, names: Mapping[int, str]) -> Iterator[Named]:
    head = _words("addr", f"{one.addr}/{one.prefixlen}", peer=one.peer, dev=names.get(one.ifindex))
    yield head, {"label": one.label}


def _folded_route(route: RouteInfo, names: Mapping[int, str]) -> Iterator[Named]:
    if route.flags & RTM_F_CLONED or route.family not in WHOLE:
        return
    dst = f"{route.dst}/{route.dst_len}" if route.dst else "default"
    hops: list[tuple[object, object, int | None, int]] = [(route.gateway, route.via, route.oif, 1)]
    if route.multipath is not None:
        hops = [(hop.gateway, hop.via, hop.ifindex, hop.weight) for hop in route.multipath]
    rest: dict[str, object] = {
        "proto": route.protocol,
        "scope": route.scope,
        "src": route.prefsrc,
        "tos": route.tos or None,
        "nhid": route.nh_id,
        "mtu": dict(route.metrics or ()).get(RTAX_MTU),
    }
    for gateway, via, index, weight in hops:
        via = gateway or str(via or "").rpartition(" ")[2] or None
        dev = None if index is None else names.get(index)
        words = {"via": via, "dev": dev, "table": str(route.table), "metric": route.priority}
        head = _route(dst, route.family, str(route.type), **words)
        yield head, rest | {"weight": weight if route.family == AF_INET else None}


def _folded_neighbour(one: NeighInfo, names: Mapping[int, str]) -> Iterator[Named]:
    if one.family != AF_BRIDGE and one.state and not one.state & UNRESOLVED_BITS:
        yield _words("neigh", one.dst, lladdr=one.lladdr, dev=names.get(one.ifindex)), {}


def _folded_rule(rule: RuleInfo, names: Mapping[int, str]) -> Iterator[Named]:
    if rule.family in WHOLE:
        src, dst = _prefix(rule.src, rule.src_len, rule.family), _prefix(rule.dst, rule.dst_len, rule.family)
        table, goto = rule.action == FR_ACT_TO_TBL, rule.action == FR_ACT_GOTO
        rest: dict[str, object] = {
            "table": rule.table if table else None,
            "goto": rule.goto if goto else None,
            "action": None if table or goto else rule.action,
            "inverted": bool(rule.flags & FIB_RULE_INVERT) or None,
            "tos": rule.tos or None,
            "fwmark": rule.fwmark,
            "fwmask": None if rule.fwmask == EVERY_BIT else rule.fwmask,
            "sport": rule.sport_range,
            "dport": rule.dport_range,
            "uids": rule.uid_range,
            "suppress": rule.suppress_prefixlen if table and rule.suppress_prefixlen != -1 else None,
        }
        yield _rule(rule.family, rule.priority or 0, src, dst, rule.iifname, rule.oifname), rest


def _more(state: State, names: Mapping[int, str]) -> Iterator[Named]:
    """Ports, and entries of forwarding databases."""
    for port in state.tables["port"].values():
        if isinstance(port, LinkInfo):
            yield f"port {names.get(port.ifindex)}", {}  # a port that is renamed is announced as a link
    for one in state.tables["neigh"].values():
        if not isinstance(one, NeighInfo) or one.family != AF_BRIDGE:
            continue
        if one.dst is not None or not one.flags & NTF_SELF:
            rest: dict[str, object] = {"vni": one.vni, "src_vni": one.src_vni, "port": one.port}
            kind = next((word for bit, word in ENTRY_STATES.items() if one.state & bit), "dynamic")
            yield _entry(one.lladdr, names.get(one.ifindex), one.vlan, one.dst), rest | {"state": kind}


def _place(state: State, key: tuple[Hashable, ...], one: object) -> dict[str, object]:
    """Which of the IPv4 routes to the same destination one is."""
    if not isinstance(one, RouteInfo) or one.family != AF_INET:
        return {}
    order = state.order(key[:-1])
    return {"place": order.index(key) + 1 if key in order else 0}


# -- lines --------------------------------------------------------------------------------------------------


def _link(name: object, up: str, state: object, mtu: object, address: object) -> Named:
    return _words("link", name, up, operstate=state, mtu=mtu), {"address": address}


def _route(dst: str, family: int, kind: str, **words: object) -> str:
    dst = ANY[family] if dst == "default" else dst if "/" in dst else f"{dst}/{WHOLE[family]}"
    return _words("route", dst, **words | {"metric": words["metric"] or None, "type": None if kind == "1" else kind})


def _rule(family: int, priority: int, src: str, dst: str, iif: object, oif: object) -> str:
    return _words("rule", str(priority), "inet" if family == AF_INET else "inet6", src=src, dst=dst, iif=iif, oif=oif)


def _entry(lladdr: object, dev: object, vlan: object, dst: object) -> str:
    return _words("fdb", lladdr, dev=dev, vlan=vlan, dst=dst)


def _prefix(address: str | None, length: int | None, family: int) -> str:
    return "all" if address in {None, "all"} else f"{address}/{length or WHOLE[family]}"


def _hex(text: str | None) -> int | None:
    return None if text is None else int(text, 16)


def _range(row: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """A range of ports, which ``ip`` prints as one number where it has but one."""
    if name in row:
        return row[name], row[name]
    return (row[f"{name}_start"], row[f"{name}_end"]) if f"{name}_start" in row else None


def _text(named: Named, whole: bool) -> str:
    return _words(named[0], **named[1]) if whole else named[0]


def _words(*words: object, **named: object) -> str:
    """An object as a line; what is None is left out."""
    found = [str(word) for word in words]
    return " ".join(found + [f"{name} {value}" for name, value in named.items() if value is not None])


_LISTED: dict[str, Callable[[list[dict[str, Any]], int], Iterator[Named]]] = {
    "link": _links,
    "addr": _addresses,
    "route": _routes,
    "neigh": _neighbours,
    "rule": _rules,
    "port": _ports,
    "fdb": _entries,
}
_FOLDED: dict[str, Callable[[Any, Mapping[int, str]], Iterator[Named]]] = {
    "link": _folded_link,
    "addr": _folded_address,
    "route": _folded_route,
    "neigh": _folded_neighbour,
    "rule": _folded_rule,
}
