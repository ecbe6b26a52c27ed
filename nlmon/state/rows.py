"""The objects of a host as ``ip -json -details`` and ``bridge -json -details`` print them: the same keys.

Rules:
1. A key is there only where the state knows its value; a key whose value is null says that something is so.
2. Numbers that ip names are names here, too, as iproute2 6.1 has them without files of its own in /etc/iproute2.

Not here: making them of a state (``listing``).
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import UNSET, Struct, UnsetType, field

__all__ = ["Address", "Entry", "Hop", "Interface", "Kind", "Link", "Neighbour", "Port", "Route", "Rows", "Rule", "Via"]

Text: TypeAlias = str | UnsetType
Number: TypeAlias = int | UnsetType
Said: TypeAlias = None | UnsetType
True_: TypeAlias = bool | UnsetType


class Kind(Struct, frozen=True):
    """``linkinfo`` of a link."""

    info_kind: Text = UNSET
    info_slave_kind: Text = UNSET


class Link(Struct, frozen=True):
    """A link, as ``ip link``. ``link_index`` stands in the place of ``link`` where that is in another namespace."""

    ifindex: int
    ifname: Text = UNSET
    link: Text | None = UNSET
    link_index: Number = UNSET
    flags: list[str] = []
    mtu: Number = UNSET
    qdisc: Text = UNSET
    master: Text = UNSET
    operstate: Text = UNSET
    group: Text = UNSET
    txqlen: Number = UNSET
    link_type: Text = UNSET
    address: Text = UNSET
    link_pointtopoint: True_ = UNSET
    broadcast: Text = UNSET
    link_netnsid: Number = UNSET
    promiscuity: Number = UNSET
    linkinfo: Kind | UnsetType = UNSET
    ifalias: Text = UNSET
    altnames: list[str] | UnsetType = UNSET


class Address(Struct, frozen=True, rename={"stable_privacy": "stable-privacy"}):
    """An address of an interface, one of its ``addr_info``. ``address``: that of the peer."""

    family: str
    local: Text = UNSET
    address: Text = UNSET
    prefixlen: Number = UNSET
    broadcast: Text = UNSET
    anycast: Text = UNSET
    scope: Text = UNSET
    secondary: True_ = UNSET
    temporary: True_ = UNSET
    nodad: True_ = UNSET
    optimistic: True_ = UNSET
    dadfailed: True_ = UNSET
    home: True_ = UNSET
    deprecated: True_ = UNSET
    tentative: True_ = UNSET
    dynamic: True_ = UNSET
    mngtmpaddr: True_ = UNSET
    noprefixroute: True_ = UNSET
    autojoin: True_ = UNSET
    stable_privacy: True_ = UNSET
    metric: Number = UNSET
    protocol: Text = UNSET
    label: Text = UNSET
    valid_life_time: Number = UNSET
    preferred_life_time: Number = UNSET


class Interface(Struct, frozen=True):
    """The addresses of an interface, as ``ip address``."""

    ifindex: int
    ifname: Text = UNSET
    addr_info: list[Address] = []


class Via(Struct, frozen=True):
    """A gateway of another family."""

    family: str
    host: str


class Hop(Struct, frozen=True):
    """One of several hops of a route."""

    encap: Text = UNSET
    gateway: Text = UNSET
    via: Via | UnsetType = UNSET
    dev: Text = UNSET
    weight: Number = UNSET
    flags: list[str] | UnsetType = UNSET


class Route(Struct, frozen=True):
    """A route, as ``ip route show table all`` of its family."""

    type: str
    dst: str
    from_: Text = field(name="from", default=UNSET)
    tos: Text = UNSET
    encap: Text = UNSET
    nhid: Number = UNSET
    gateway: Text = UNSET
    via: Via | UnsetType = UNSET
    dev: Text = UNSET
    table: Text = UNSET
    protocol: Text = UNSET
    scope: Text = UNSET
    prefsrc: Text = UNSET
    metric: Number = UNSET
    flags: list[str] = []
    expires: Number = UNSET
    metrics: list[dict[str, int | str]] | UnsetType = UNSET
    pref: Text = UNSET
    nexthops: list[Hop] | UnsetType = UNSET


class Neighbour(Struct, frozen=True):
    """A neighbour, as ``ip neighbour``."""

    dst: Text = UNSET
    dev: Text = UNSET
    lladdr: Text = UNSET
    router: Said = UNSET
    proxy: Said = UNSET
    extern_learn: Said = UNSET
    offload: Said = UNSET
    state: list[str] | UnsetType = UNSET
    protocol: Text = UNSET


class Rule(Struct, frozen=True, rename={"not_": "not"}):
    """A rule, as ``ip rule`` of its family."""

    priority: int
    not_: Said = UNSET
    src: Text = UNSET
    srclen: Number = UNSET
    dst: Text = UNSET
    dstlen: Number = UNSET
    tos: Text = UNSET
    fwmark: Text = UNSET
    fwmask: Text = UNSET
    iif: Text = UNSET
    iif_detached: Said = UNSET
    oif: Text = UNSET
    oif_detached: Said = UNSET
    l3mdev: Said = UNSET
    uid_start: Number = UNSET
    uid_end: Number = UNSET
    ipproto: Text = UNSET
    sport: Number = UNSET
    sport_start: Number = UNSET
    sport_end: Number = UNSET
    dport: Number = UNSET
    dport_start: Number = UNSET
    dport_end: Number = UNSET
    tun_id: Number = UNSET
    table: Text = UNSET
    suppress_prefixlen: Number = UNSET
    suppress_ifgroup: Text = UNSET
    goto: Number = UNSET
    unresolved: Said = UNSET
    nop: Said = UNSET
    action: Text = UNSET
    protocol: Text = UNSET


class Entry(Struct, frozen=True):
    """An entry of a forwarding table, as ``bridge fdb``."""

    mac: Text = UNSET
    ifname: Text = UNSET
    dst: Text = UNSET
    vlan: Number = UNSET
    port: Number = UNSET
    vni: Number = UNSET
    src_vni: Number = UNSET
    via_if: Text = field(name="viaIf", default=UNSET)
    link_netnsid: Number = UNSET
    flags: list[str] = []
    master: Text = UNSET
    state: Text = UNSET


class Port(Struct, frozen=True):
    """A port of a bridge, as ``bridge link``."""

    ifindex: int
    ifname: Text = UNSET
    flags: list[str] = []
    mtu: Number = UNSET
    master: Text = UNSET


class Rows(Struct, frozen=True):
    """All objects of a host, by the command that shows them: ``ip link``, ``ip addr``, ``ip route`` (``route`` and
    ``route6``: -4 and -6), ``ip rule`` (the same), ``ip neigh``, ``bridge fdb`` and ``bridge link`` (``port``)."""

    link: list[Link]
    addr: list[Interface]
    route: list[Route]
    route6: list[Route]
    neigh: list[Neighbour]
    rule: list[Rule]
    rule6: list[Rule]
    fdb: list[Entry]
    port: list[Port]
