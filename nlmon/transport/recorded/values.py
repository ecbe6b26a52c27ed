"""The values of messages of the route protocol, as they stand in the bytes, that objects are known by.

Not here: reading them (``reading``), and the rules (``nlmon.objects``).
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from nlmon.objects.keys import (
    Key,
    Subject,
    address_subject,
    hops_of,
    link_subject,
    neighbour_subject,
    route_group,
    rule_subject,
)

__all__ = ["Address", "Hop", "Link", "Neighbour", "Route", "Rule", "Value", "route_key", "subject_of"]


class Link(Struct, frozen=True):
    """A message of a link or a bridge port."""

    family: int
    ifindex: int
    ifname: bytes | None
    mtu: bytes | None
    operstate: bytes | None
    target_netnsid: bytes | None


class Address(Struct, frozen=True):
    """A message of an address."""

    family: int
    ifindex: int
    addr: bytes | None
    prefixlen: int
    peer: bytes | None
    target_netnsid: bytes | None


class Neighbour(Struct, frozen=True):
    """A message of a neighbour or of an entry of a forwarding database."""

    family: int
    ifindex: int
    flags: int
    dst: bytes | None
    lladdr: str | None
    vlan: bytes | None
    master: int | None
    vni: bytes | None
    src_vni: bytes | None
    port: bytes | None


class Rule(Struct, frozen=True):
    """A message of a rule."""

    family: int
    dst_len: int
    src_len: int
    tos: int
    table: int
    action: int
    flags: int
    priority: bytes | None
    src: bytes | None
    dst: bytes | None
    iifname: bytes | None
    oifname: bytes | None
    fwmark: bytes | None
    fwmask: bytes | None
    ip_proto: bytes | None
    sport_range: bytes | None
    dport_range: bytes | None
    uid_range: bytes | None
    tun_id: bytes | None
    l3mdev: bytes | None
    goto: bytes | None
    suppress_prefixlen: bytes | None
    suppress_ifgroup: bytes | None
    flow: bytes | None
    protocol: bytes | None
    dscp: bytes | None
    flowlabel: bytes | None
    flowlabel_mask: bytes | None
    sport_mask: bytes | None
    dport_mask: bytes | None
    dscp_mask: bytes | None


class Hop(Struct, frozen=True):
    """A hop of a route."""

    ifindex: int
    weight: int
    flags: int
    gateway: bytes | None
    via: bytes | None
    encap_type: int | None
    encap: bytes | None


class Route(Struct, frozen=True):
    """A message of a route."""

    family: int
    dst_len: int
    src_len: int
    tos: int
    table: int
    protocol: int
    scope: int
    type: int
    flags: int
    dst: bytes | None
    src: bytes | None
    priority: int | None
    prefsrc: bytes | None
    metrics: bytes | None
    nh_id: int | None
    gateway: bytes | None
    via: bytes | None
    oif: int | None
    encap_type: int | None
    encap: bytes | None
    multipath: tuple[Hop, ...] | None


Value: TypeAlias = Link | Address | Neighbour | Rule | Route


def subject_of(value: Value) -> Subject | None:
    """What a message is about; see ``nlmon.objects.keys``."""
    if isinstance(value, Route):
        group = route_group(value)
        return "route", (*group, hops_of(value)), group
    if isinstance(value, Link):
        return link_subject(value)
    if isinstance(value, Address):
        return address_subject(value)
    return neighbour_subject(value) if isinstance(value, Neighbour) else rule_subject(value)


def route_key(route: Route) -> Key:
    """What a route is known by."""
    return (*route_group(route), hops_of(route))
