"""Describes an object of a host by its identity, in the words of ``ip`` and ``bridge``.

``route 10.20.0.0/16 via 192.0.2.254 dev eth0 metric 50 mtu 1300`` stands in a report where ``ip route`` would print the
same line; the first word is the command that shows the object (``addr``, ``route``, ``neigh``, ``rule``, ``fdb``,
``link``, or ``port`` for the port of a bridge).

Rules:
1. What ``ip`` leaves out is left out: the table ``main``, the protocol ``boot``, the scope ``global``, whatever is zero
   or absent. ``inet6`` stands where no address says that it is IPv6.
2. An interface has its name where the state knows it (``dev eth0``), else its index (``ifindex 3``).
3. Different objects have different texts, but for those that differ in a zero for an absent value.

Not here: what the identity of an object is (``nlmon.objects.keys``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from msgspec import UNSET

from nlmon.events import LinkInfo, RoutePayload
from nlmon.names import TABLES, name_of
from nlmon.objects.keys import RULE_KEY, Key
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    FR_ACT_GOTO,
    FR_ACT_TO_TBL,
    RT_SCOPE_UNIVERSE,
    RT_TABLE_MAIN,
    RTN_UNICAST,
    RTPROT_BOOT,
)

__all__ = ["WHOLE", "show_interface", "show_key", "show_prefix"]

Links = Mapping[Key, RoutePayload]
# The length of a whole address.
WHOLE = {AF_INET: 32, AF_INET6: 128}


def show_key(kind: str, key: Key, links: Links | None = None) -> str:
    """An object as one line; ``links``: the table of links that names interfaces."""
    return " ".join(_SHOW[kind](key, links or {}))


def show_interface(index: object, name: str | None) -> str:
    """An interface with its index, which is its identity."""
    return f"ifindex {index}" if name is None else f"{name} (ifindex {index})"


def show_prefix(address: object, length: int | None, family: int, without: str) -> str:
    """An address with its length, which a whole address goes without; ``without``: the word for all of them."""
    if address is None or address is UNSET:
        return f"0/{length}" if length else without
    return str(address) if length == WHOLE.get(family) else f"{address}/{length}"


def _name(index: Hashable, links: Links) -> str | None:
    link = links.get((index,))
    return link.ifname if isinstance(link, LinkInfo) else None


def _dev(index: Hashable, links: Links, word: str = "dev") -> str:
    name = _name(index, links)
    return f"{word} {name}" if name is not None else f"ifindex {index}" if word == "dev" else f"{word} ifindex {index}"


def _link(key: Key, links: Links) -> Iterator[str]:
    yield f"link {show_interface(key[0], _name(key[0], links))}"


def _port(key: Key, links: Links) -> Iterator[str]:
    yield f"port {show_interface(key[0], _name(key[0], links))}"


def _addr(key: Key, links: Links) -> Iterator[str]:
    index, _, own, length, peer = key
    yield "addr"
    prefix = "" if length is None else f"/{length}"
    if peer:
        yield f"{own} peer {peer}{prefix}"
    elif own is not None:
        yield f"{own}{prefix}"
    yield _dev(index, links)


def _neigh(key: Key, links: Links) -> Iterator[str]:
    if key[0] == AF_BRIDGE:
        yield from _fdb(key[1:], links)
        return
    _, index, dst, proxy = key
    yield "neigh"
    if dst is not None:
        yield str(dst)
    yield _dev(index, links)
    if proxy:
        yield "proxy"


def _fdb(key: Key, links: Links) -> Iterator[str]:
    owner, index, lladdr, vlan = key[:4]
    yield "fdb" if lladdr is None else f"fdb {lladdr}"
    if owner == "self":
        yield _dev(index, links)
    if vlan is not None:
        yield f"vlan {vlan}"
    if owner == "master":
        yield _dev(index, links, "master")
        return
    words = dict(zip(("src_vni", "dst", "vni", "port"), key[4:], strict=False))
    for word, value in ((word, words.get(word)) for word in ("dst", "src_vni", "port", "vni")):
        if value is not None:
            yield f"{word} {value}"
    yield "self"


def _rule(key: Key, _: Links) -> Iterator[str]:
    rule: dict[str, Any] = dict(zip((*RULE_KEY, "invert"), key, strict=True))
    yield "rule" if rule["family"] == AF_INET else f"rule {_family(rule['family'])}"
    yield f"{rule['priority'] or 0}:"
    if rule["invert"]:
        yield "not"
    yield f"from {show_prefix(rule['src'], rule['src_len'], rule['family'], 'all')}"
    if rule["dst"] is not None or rule["dst_len"]:
        yield f"to {show_prefix(rule['dst'], rule['dst_len'], rule['family'], 'all')}"
    if rule["tos"]:
        yield f"tos {rule['tos']:#x}"
    for word, shape in (("dscp", ""), ("flowlabel", "#x")):
        if rule[word] is not None:
            mask = rule[f"{word}_mask"]
            yield f"{word} {rule[word]:{shape}}" + ("" if mask is None else f"/{mask:#x}")
    if rule["fwmark"] is not None or rule["fwmask"] is not None:
        yield f"fwmark {rule['fwmark'] or 0:#x}" + ("" if rule["fwmask"] is None else f"/{rule['fwmask']:#x}")
    for word, name in (("iif", "iifname"), ("oif", "oifname")):
        if rule[name] is not None:
            yield f"{word} {rule[name]}"
    if rule["ip_proto"] is not None:
        yield f"ipproto {name_of('ip_protocol', rule['ip_proto']).lower()}"
    for word, name in (("uidrange", "uid_range"), ("sport", "sport_range"), ("dport", "dport_range")):
        if rule[name] is not None:
            first, last = rule[name]
            mask = rule.get(f"{word}_mask")
            text = f"{word} {first}" if first == last and word != "uidrange" else f"{word} {first}-{last}"
            yield text if mask is None else f"{text}/{mask:#x}"
    if rule["tun_id"] is not None:
        yield f"tun_id {rule['tun_id']}"
    yield _action(rule)
    for word, name in (("prefixlength", "suppress_prefixlen"), ("ifgroup", "suppress_ifgroup")):
        if rule[name] not in {None, -1}:
            yield f"suppress_{word} {rule[name]}"
    if rule["flow"]:
        yield f"realms {rule['flow'] >> 16}/{rule['flow'] & 0xFFFF}"
    if rule["protocol"]:
        yield f"proto {name_of('route_protocol', rule['protocol']).lower()}"


def _action(rule: Mapping[str, Any]) -> str:
    if rule["action"] == FR_ACT_GOTO:
        return f"goto {rule['goto']}"
    if rule["action"] == FR_ACT_TO_TBL:
        return "lookup [l3mdev-table]" if rule["l3mdev"] else f"lookup {_table(rule['table'])}"
    # The header of any other action holds a table, too, which is 0 but for odd ones.
    action = name_of("rule_action", rule["action"]).lower()
    return f"{action} table {_table(rule['table'])}" if rule["table"] else action


def _route(key: Key, links: Links) -> Iterator[str]:
    route: Any = key
    family, table, dst, dst_len, src, src_len, tos, priority, _ = route
    entry: Any = key[-1]  # see keys.hops_of
    kind, *middle, nh_id, hops = entry
    protocol, scope, prefsrc, metrics = middle or (RTPROT_BOOT, RT_SCOPE_UNIVERSE, None, None)
    to = show_prefix(dst, dst_len, family, "default")
    yield "route inet6" if family == AF_INET6 and ":" not in to else "route"
    if kind != RTN_UNICAST:
        yield name_of("route_type", kind).lower()
    yield to
    if src is not None or src_len:
        yield f"from {show_prefix(src, src_len, family, 'all')}"
    if tos:
        yield f"tos {tos:#x}"
    if nh_id is not None:
        yield f"nhid {nh_id}"
    for gateway, via, index, weight, *more in hops:
        if len(hops) > 1:
            yield "nexthop"
        if gateway or via:
            yield f"via {gateway or via}"
        if index is not None:
            yield _dev(index, links)
        if weight != 1:
            yield f"weight {weight}"
        if more:
            yield from _more_of_hop(*more)
    if table != RT_TABLE_MAIN:
        yield f"table {_table(table)}"
    if protocol != RTPROT_BOOT:
        yield f"proto {name_of('route_protocol', protocol).lower()}"
    if scope != RT_SCOPE_UNIVERSE:
        yield f"scope {name_of('scope', scope).lower()}"
    if prefsrc is not None:
        yield f"src {prefsrc}"
    if priority:
        yield f"metric {priority}"
    for number, value in metrics or ():
        yield f"{name_of('route_metric', number)} {value}"


def _more_of_hop(flags: int, encap_type: int | None, encap: str | None) -> Iterator[str]:
    if encap is not None:
        yield f"encap {name_of('encap_type', encap_type or 0)} {encap}"
    if flags:
        yield "onlink"


def _table(number: Any) -> str:
    return TABLES["route_table"].get(number, str(number)).lower()


def _family(number: Any) -> str:
    return "inet6" if number == AF_INET6 else name_of("family", number)


_SHOW = {"link": _link, "port": _port, "addr": _addr, "neigh": _neigh, "rule": _rule, "route": _route}
