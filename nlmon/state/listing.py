"""The objects of a state as ``ip -json -details`` and ``bridge -json -details`` would list them.

Rules:
1. What no message carries, or neither implementation reads, has no key; nor has what an implementation does
   not provide.
2. All objects of the state are there, such as neighbours that need no resolution (``ip neigh show nud all``).
3. Hops of an IPv6 route, which are objects by themselves, are one route again. Of their weights nothing is known.

Not here: the keys (``rows``), and objects in one line of text (``describe``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType, structs

from nlmon import uapi
from nlmon.events import AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo
from nlmon.names import TABLES, flag_names, name_of
from nlmon.objects.keys import Key, is_sibling, route_group
from nlmon.state.describe import WHOLE, show_prefix
from nlmon.state.iproute import (
    ADDRESS_FLAGS,
    ADDRESS_PROTOCOLS,
    ENTRY_FLAGS,
    ENTRY_STATES,
    FAMILIES,
    LINK_FLAGS,
    LINK_TYPES,
    METRICS,
    NEIGHBOUR_FLAGS,
    PREFERENCES,
    PROTOCOLS,
    ROUTE_FLAGS,
    ROUTE_TABLES,
    SCOPES,
    TUNNELS,
)
from nlmon.state.rows import Address, Entry, Hop, Interface, Kind, Link, Neighbour, Port, Route, Rows, Rule, Via
from nlmon.state.tables import State

__all__ = ["rows_of"]

T = TypeVar("T")

EVERY_BIT = 0xFFFFFFFF
USER_HZ = 100


def rows_of(state: State) -> Rows:
    """All objects of a state, in its order; of routes and rules those of IP."""
    links = _Links(state.tables["link"])
    tables: Mapping[str, Mapping[Key, Any]] = state.tables
    neighbours = list(tables["neigh"].values())
    return Rows(
        link=[_link(one, links) for one in tables["link"].values()],
        addr=list(_interfaces(tables["addr"].values(), links)),
        route=list(_routes(tables["route"].values(), uapi.AF_INET, links)),
        route6=list(_routes(tables["route"].values(), uapi.AF_INET6, links)),
        neigh=[_neighbour(one, links) for one in neighbours if one.family != uapi.AF_BRIDGE],
        rule=_rules(tables["rule"].values(), uapi.AF_INET),
        rule6=_rules(tables["rule"].values(), uapi.AF_INET6),
        fdb=[_entry(one, links) for one in neighbours if one.family == uapi.AF_BRIDGE],
        port=[_port(one, links) for one in tables["port"].values()],
    )


class _Links:
    """The links of a state, which give interfaces their names."""

    def __init__(self, table: Mapping[Key, Any]) -> None:
        self._table = table

    def __iter__(self) -> Iterator[LinkInfo]:
        return iter(self._table.values())

    def get(self, index: Hashable) -> LinkInfo | None:
        """The link of an index, if it is known."""
        found = self._table.get((index,))
        return found if isinstance(found, LinkInfo) else None

    def name(self, index: int | None | UnsetType) -> str | UnsetType:
        """What an interface is called; ``if5`` where only its index is known, as ``ip`` has it."""
        if index is None or index is UNSET:
            return UNSET
        link = self.get(index)
        return f"if{index}" if link is None or link.ifname is None else link.ifname


def _said(value: T | None | UnsetType) -> T | UnsetType:
    """A value, or unset where the message does not carry it."""
    return UNSET if value is None else value


def _flags(value: int | UnsetType, names: Mapping[int, str]) -> dict[str, Any]:
    """A key for each flag that is set, with null."""
    return {} if value is UNSET else {name: None for bit, name in names.items() if value & bit}


# -- links ---------------------------------------------------------------------------------------------------------


def _link(link: LinkInfo, links: _Links) -> Link:
    lower = _said(link.link)
    foreign = _said(link.link_netnsid) is not UNSET
    kinds = Kind(_said(link.kind), _said(link.slave_kind))
    broadcast = _said(link.broadcast)
    return Link(
        ifindex=link.ifindex,
        ifname=_said(link.ifname),
        link=UNSET if lower is UNSET or (lower and foreign) else links.name(lower) if lower else None,
        link_index=lower if lower is not UNSET and lower and foreign else UNSET,
        flags=_link_flags(link, links),
        mtu=_said(link.mtu),
        qdisc=_said(link.qdisc),
        master=links.name(link.master),
        operstate=UNSET if link.operstate is None else name_of("operstate", link.operstate),
        group=UNSET if link.group in {None, UNSET} else _group(link.group),
        txqlen=_said(link.txqlen or UNSET),
        link_type=UNSET if link.type is UNSET else LINK_TYPES.get(link.type, f"[{link.type}]"),
        address=_hardware(link.addr, link.type),
        link_pointtopoint=True if broadcast is not UNSET and link.flags & uapi.IFF_POINTOPOINT else UNSET,
        broadcast=_hardware(broadcast, link.type),
        link_netnsid=_said(link.link_netnsid),
        promiscuity=_said(link.promiscuity),
        linkinfo=UNSET if kinds == Kind() else kinds,
        ifalias=_said(link.ifalias),
        altnames=UNSET if link.altnames in {None, UNSET} else list(link.altnames or ()),
    )


def _link_flags(link: LinkInfo, links: _Links) -> list[str]:
    flags = link.flags
    names = set(flag_names(TABLES["link_flags"], flags))
    found = ["NO-CARRIER"] if flags & uapi.IFF_UP and not flags & uapi.IFF_RUNNING else []
    found += [name for name in LINK_FLAGS if name in names]
    if rest := flags & ~sum(TABLES["link_flags"]):
        found.append(f"{rest:x}")
    lower = links.get(link.link) if link.link and _said(link.link_netnsid) is UNSET else None
    return [*found, "M-DOWN"] if lower is not None and not lower.flags & uapi.IFF_UP else found


def _group(number: int | None | UnsetType) -> str:
    return str(number) if number else "default"


def _hardware(text: str | None | UnsetType, link_type: int | UnsetType) -> str | UnsetType:
    """A link-layer address; of a tunnel it is an address of IP."""
    if text is None or text is UNSET:
        return UNSET
    parts = text.split(":")
    return str(ip_address(bytes.fromhex("".join(parts)))) if link_type in TUNNELS.get(len(parts), ()) else text


def _port(port: LinkInfo, links: _Links) -> Port:
    name = links.name(port.ifindex) if port.ifname is None else port.ifname
    return Port(port.ifindex, name, _link_flags(port, links), _said(port.mtu), links.name(port.master))


# -- addresses -----------------------------------------------------------------------------------------------------


def _interfaces(addresses: Iterable[AddrInfo], links: _Links) -> Iterator[Interface]:
    """Every link with its addresses, and behind them interfaces of which only addresses are known."""
    found: dict[int, list[Address]] = {link.ifindex: [] for link in links}
    for address in addresses:
        found.setdefault(address.ifindex, []).append(_address(address))
    for index, listed in found.items():
        yield Interface(index, links.name(index), listed)


def _address(address: AddrInfo) -> Address:
    flags: dict[str, Any] = {}
    if address.flags is not UNSET:
        flags = dict.fromkeys(_flags(address.flags, ADDRESS_FLAGS), True)
        if not address.flags & uapi.IFA_F_PERMANENT:
            flags["dynamic"] = True
        if address.flags & uapi.IFA_F_SECONDARY:
            flags["temporary" if address.family == uapi.AF_INET6 else "secondary"] = True
    protocol = _said(address.protocol)
    return Address(
        family=FAMILIES.get(address.family, str(address.family)),
        local=_said(address.addr),
        address=_said(address.peer),
        prefixlen=address.prefixlen,
        broadcast=_said(address.broadcast),
        anycast=_said(address.anycast),
        scope=_scope(address.scope),
        metric=_said(address.route_priority),
        protocol=UNSET if protocol is UNSET else ADDRESS_PROTOCOLS.get(protocol, str(protocol)),
        label=_said(address.label),
        valid_life_time=_said(address.valid_lifetime),
        preferred_life_time=_said(address.preferred_lifetime),
        **flags,
    )


def _scope(number: int) -> str:
    return SCOPES.get(number, str(number))


# -- routes --------------------------------------------------------------------------------------------------------


def _routes(routes: Iterable[RouteInfo], family: int, links: _Links) -> Iterator[Route]:
    """The routes of a family; those of IPv6 that share the traffic as hops of one."""
    shared: dict[Hashable, list[RouteInfo]] = {}
    for number, route in enumerate(routes):
        if route.family == family:
            shared.setdefault(route_group(route) if is_sibling(route) else number, []).append(route)
    for first, *others in shared.values():
        made = _route(first, links)
        if others:
            hops = [_hop_of(one, links) for one in (first, *others)]
            made = structs.replace(made, gateway=UNSET, via=UNSET, dev=UNSET, encap=UNSET, nexthops=hops)
        yield made


def _route(route: RouteInfo, links: _Links) -> Route:
    pref, expires = _said(route.pref), _said(route.expires)
    metrics = {METRICS[number]: value for number, value in route.metrics or () if number in METRICS}
    return Route(
        type=name_of("route_type", route.type).lower(),
        dst=show_prefix(route.dst, route.dst_len, route.family, "default"),
        from_=show_prefix(route.src, route.src_len, route.family, "all") if route.src_len or route.src else UNSET,
        tos=f"{route.tos:#04x}" if route.tos else UNSET,
        encap=_encap(route),
        nhid=_said(route.nh_id),
        gateway=_said(route.gateway),
        via=_via(route.via),
        dev=links.name(route.oif),
        table=ROUTE_TABLES.get(route.table, str(route.table)),
        protocol=_protocol(route.protocol),
        scope=_scope(route.scope),
        prefsrc=_said(route.prefsrc),
        metric=_said(route.priority),
        flags=_route_flags(route.flags),
        expires=expires // USER_HZ if expires is not UNSET and expires else UNSET,
        metrics=[metrics] if metrics else UNSET,
        pref=UNSET if pref is UNSET else PREFERENCES.get(pref, str(pref)),
        nexthops=UNSET if route.multipath is None else [_hop(hop, links) for hop in route.multipath],
    )


def _hop(hop: NextHop, links: _Links) -> Hop:
    way = _encap(hop), _said(hop.gateway), _via(hop.via)
    return Hop(*way, links.name(hop.ifindex), hop.weight, _route_flags(hop.flags))


def _hop_of(route: RouteInfo, links: _Links) -> Hop:
    """The hop that one of several siblings is."""
    return Hop(_encap(route), _said(route.gateway), _via(route.via), links.name(route.oif))


def _encap(way: RouteInfo | NextHop) -> str | UnsetType:
    return UNSET if way.encap_type is None else name_of("encap_type", way.encap_type)


def _via(text: str | None) -> Via | UnsetType:
    return UNSET if text is None else Via(*text.split(" ", 1))


def _route_flags(value: int) -> list[str]:
    return [name for bit, name in ROUTE_FLAGS.items() if value & bit]


def _protocol(number: int) -> str:
    return name_of("route_protocol", number).lower()


# -- neighbours ----------------------------------------------------------------------------------------------------


def _neighbour(entry: NeighInfo, links: _Links) -> Neighbour:
    link, protocol = links.get(entry.ifindex), _said(entry.protocol)
    return Neighbour(
        dst=_said(entry.dst),
        dev=links.name(entry.ifindex),
        lladdr=_hardware(entry.lladdr, UNSET if link is None else link.type),
        state=flag_names(TABLES["neigh_state"], entry.state) or UNSET,
        protocol=UNSET if protocol is UNSET else _protocol(protocol),
        **_flags(entry.flags, NEIGHBOUR_FLAGS),
    )


def _entry(entry: NeighInfo, links: _Links) -> Entry:
    return Entry(
        mac=_said(entry.lladdr),
        ifname=links.name(entry.ifindex),
        dst=_said(entry.dst),
        vlan=_said(entry.vlan),
        port=_said(entry.port),
        vni=_said(entry.vni),
        src_vni=_said(entry.src_vni),
        via_if=links.name(entry.nda_ifindex),
        link_netnsid=_said(entry.link_netnsid),
        flags=[name for bit, name in ENTRY_FLAGS.items() if entry.flags & bit],
        master=links.name(entry.master),
        state=next((name for bit, name in ENTRY_STATES.items() if entry.state & bit), f"{entry.state:#x}"),
    )


# -- rules ---------------------------------------------------------------------------------------------------------


def _rules(rules: Iterable[RuleInfo], family: int) -> list[Rule]:
    """The rules of a family, in the order in which the kernel asks them."""
    return sorted((_rule(rule) for rule in rules if rule.family == family), key=lambda rule: rule.priority)


def _rule(rule: RuleInfo) -> Rule:
    values: dict[str, Any] = {"priority": rule.priority or 0}
    values |= _ends("src", rule.src, rule.src_len, rule.family, "all")
    values |= _ends("dst", rule.dst, rule.dst_len, rule.family, "")
    for name, number in (("uid", rule.uid_range), ("sport", rule.sport_range), ("dport", rule.dport_range)):
        if number is not None:
            first, last = number
            alone = first == last and name != "uid"
            values |= {name: first} if alone else {f"{name}_start": first, f"{name}_end": last}
    if rule.fwmark or rule.fwmask is not None:
        values["fwmark"] = f"{rule.fwmark or 0:#x}"
        if rule.fwmask not in {None, EVERY_BIT}:
            values["fwmask"] = f"{rule.fwmask:#x}"
    if rule.ip_proto is not None:
        values["ipproto"] = PROTOCOLS.get(rule.ip_proto) or name_of("ip_protocol", rule.ip_proto).lower()
    if rule.table:
        values["table"] = ROUTE_TABLES.get(rule.table, str(rule.table))
        if rule.suppress_prefixlen not in {None, -1}:
            values["suppress_prefixlen"] = rule.suppress_prefixlen
        if rule.suppress_ifgroup not in {None, -1}:
            values["suppress_ifgroup"] = _group(rule.suppress_ifgroup)
    if rule.action == uapi.FR_ACT_GOTO:
        values["goto"] = _said(rule.goto)
    elif rule.action not in {uapi.FR_ACT_TO_TBL, uapi.FR_ACT_NOP}:
        values["action"] = name_of("rule_action", rule.action).lower()
    marks: dict[str, Any] = {
        "not_": rule.flags & uapi.FIB_RULE_INVERT,
        "iif_detached": rule.flags & uapi.FIB_RULE_IIF_DETACHED,
        "oif_detached": rule.flags & uapi.FIB_RULE_OIF_DETACHED,
        "unresolved": rule.action == uapi.FR_ACT_GOTO and rule.flags & uapi.FIB_RULE_UNRESOLVED,
        "nop": rule.action == uapi.FR_ACT_NOP,
        "l3mdev": rule.l3mdev,
    }
    values |= {name: None for name, said in marks.items() if said}
    return Rule(
        tos=f"{rule.tos:#04x}" if rule.tos else UNSET,
        iif=_said(rule.iifname),
        oif=_said(rule.oifname),
        tun_id=_said(rule.tun_id),
        protocol=UNSET if rule.protocol is None else _protocol(rule.protocol),
        **values,
    )


def _ends(name: str, address: str | None, length: int, family: int, without: str) -> dict[str, Any]:
    """The source or destination of a rule; ``without``: what stands for any."""
    if address is None:
        return {name: "0", f"{name}len": length} if length else {name: without} if without else {}
    return {name: address} if length == WHOLE.get(family) else {name: address, f"{name}len": length}
