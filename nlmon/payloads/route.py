"""What rtnetlink's five kinds of messages carry: links, addresses, routes, neighbours, rules.

The order of fields: first what both implementations provide, then what libnl alone does.

Not here: rtnetlink's other kinds (``nlmon.payloads.network``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = [
    "AddrInfo",
    "Family",
    "LinkInfo",
    "NeighInfo",
    "NextHop",
    "RouteInfo",
    "RouteProtocol",
    "RouteType",
    "RuleInfo",
    "Scope",
]

# A number with the table of names (nlmon.names.TABLES) that explains it; "flags": a set of bits.
Family: TypeAlias = Annotated[int, Meta(extra={"names": "family"})]
LinkFlags: TypeAlias = Annotated[int, Meta(extra={"names": "link_flags", "flags": True})]
AddrFlags: TypeAlias = Annotated[int, Meta(extra={"names": "addr_flags", "flags": True})]
RouteFlags: TypeAlias = Annotated[int, Meta(extra={"names": "route_flags", "flags": True})]
NeighState: TypeAlias = Annotated[int, Meta(extra={"names": "neigh_state", "flags": True})]
NeighFlags: TypeAlias = Annotated[int, Meta(extra={"names": "neigh_flags", "flags": True})]
RuleFlags: TypeAlias = Annotated[int, Meta(extra={"names": "rule_flags", "flags": True})]
Operstate: TypeAlias = Annotated[int, Meta(extra={"names": "operstate"})]
Scope: TypeAlias = Annotated[int, Meta(extra={"names": "scope"})]
RouteType: TypeAlias = Annotated[int, Meta(extra={"names": "route_type"})]
RouteProtocol: TypeAlias = Annotated[int, Meta(extra={"names": "route_protocol"})]
RouteTable: TypeAlias = Annotated[int, Meta(extra={"names": "route_table"})]
RuleAction: TypeAlias = Annotated[int, Meta(extra={"names": "rule_action"})]


class LinkInfo(Struct, frozen=True, gc=False):
    """RTM_*LINK: ``ifinfomsg`` and IFLA_* (linux/if_link.h). Lengths in bytes, MTU in bytes.

    ``target_netnsid``: the message is about a link of the namespace with this identifier, and not of this one.
    """

    family: Family
    ifindex: int
    flags: LinkFlags
    ifname: str | None = None
    mtu: int | None = None
    addr: str | None = None
    qdisc: str | None = None
    operstate: Operstate | None = None
    target_netnsid: int | None = None
    type: int | UnsetType = UNSET
    change: LinkFlags | UnsetType = UNSET
    kind: str | None | UnsetType = UNSET
    slave_kind: str | None | UnsetType = UNSET
    master: int | None | UnsetType = UNSET
    link: int | None | UnsetType = UNSET
    link_netnsid: int | None | UnsetType = UNSET
    broadcast: str | None | UnsetType = UNSET
    txqlen: int | None | UnsetType = UNSET
    ifalias: str | None | UnsetType = UNSET
    group: int | None | UnsetType = UNSET
    carrier: int | None | UnsetType = UNSET
    promiscuity: int | None | UnsetType = UNSET
    new_netnsid: int | None | UnsetType = UNSET
    new_ifindex: int | None | UnsetType = UNSET
    altnames: tuple[str, ...] | None | UnsetType = UNSET


class AddrInfo(Struct, frozen=True, gc=False):
    """RTM_*ADDR: ``ifaddrmsg`` and IFA_* (linux/if_addr.h). Lifetimes in seconds, 4294967295 is forever.

    ``addr`` is the interface's own address: IFA_LOCAL, or IFA_ADDRESS where there is no IFA_LOCAL.
    ``peer`` is IFA_ADDRESS where it differs from IFA_LOCAL, else None. ``target_netnsid``: see ``LinkInfo``.
    """

    family: Family
    ifindex: int
    prefixlen: int
    scope: Scope
    addr: str | None = None
    peer: str | None = None
    label: str | None = None
    target_netnsid: int | None = None
    flags: AddrFlags | UnsetType = UNSET
    broadcast: str | None | UnsetType = UNSET
    anycast: str | None | UnsetType = UNSET
    preferred_lifetime: int | None | UnsetType = UNSET
    valid_lifetime: int | None | UnsetType = UNSET
    route_priority: int | None | UnsetType = UNSET
    protocol: int | None | UnsetType = UNSET


class NextHop(Struct, frozen=True, gc=False):
    """One hop of RTA_MULTIPATH: ``rtnexthop`` and its attributes. ``weight`` is rtnh_hops + 1; ``encap``: see
    ``RouteInfo``."""

    ifindex: int
    weight: int
    flags: RouteFlags
    gateway: str | None = None
    via: str | None = None
    encap_type: int | None = None
    encap: str | None = None


class RouteInfo(Struct, frozen=True, gc=False):
    """RTM_*ROUTE: ``rtmsg`` and RTA_* (linux/rtnetlink.h).

    ``table`` is RTA_TABLE or, without it, rtm_table. ``dst`` of a default route is None with ``dst_len`` 0.
    ``via`` is RTA_VIA (another family's gateway) as ``inet6 fd00::1``. ``metrics``: (RTAX_* number, value)
    pairs in message order; string metrics (RTAX_CC_ALGO) as text. ``encap`` is RTA_ENCAP as hexadecimal digits, whose
    meaning depends on ``encap_type`` (linux/lwtunnel.h). ``expires`` is rta_expires in clock ticks.
    """

    family: Family
    dst_len: int
    src_len: int
    tos: int
    protocol: RouteProtocol
    scope: Scope
    type: RouteType
    flags: RouteFlags
    table: RouteTable
    dst: str | None | UnsetType = None
    src: str | None | UnsetType = None
    gateway: str | None | UnsetType = None
    oif: int | None = None
    priority: int | None = None
    multipath: tuple[NextHop, ...] | None = None
    prefsrc: str | None | UnsetType = None
    iif: int | None | UnsetType = UNSET
    via: str | None = None
    nh_id: int | None = None
    metrics: tuple[tuple[int, int | str], ...] | None = None
    encap_type: int | None = None
    encap: str | None = None
    pref: int | None | UnsetType = UNSET
    flow: int | None | UnsetType = UNSET
    mark: int | None | UnsetType = UNSET
    expires: int | None | UnsetType = UNSET


class NeighInfo(Struct, frozen=True, gc=False):
    """RTM_*NEIGH: ``ndmsg`` and NDA_* (linux/neighbour.h). AF_BRIDGE: an entry of a forwarding database.

    ``dst`` has 4 bytes in AF_INET, 16 in AF_INET6 and either in AF_BRIDGE, whose entries carry the address of a
    tunnel's far end; other lengths are malformed, and other families have no text. ``vni`` is the network identifier
    at the far end, ``src_vni`` that of the traffic it is for (vxlan in external mode). Both implementations provide
    ``vlan``: without it two entries of a vlan-aware bridge would be one.
    """

    family: Family
    ifindex: int
    state: NeighState
    flags: NeighFlags
    dst: str | None = None
    lladdr: str | None = None
    vlan: int | None = None
    type: RouteType | UnsetType = UNSET
    master: int | None = None
    vni: int | None = None
    src_vni: int | None = None
    port: int | None = None
    nda_ifindex: int | None | UnsetType = UNSET
    probes: int | None | UnsetType = UNSET
    flags_ext: int | None | UnsetType = UNSET
    link_netnsid: int | None | UnsetType = UNSET
    protocol: RouteProtocol | None | UnsetType = UNSET


class RuleInfo(Struct, frozen=True, gc=False):
    """RTM_*RULE: ``fib_rule_hdr`` and FRA_* (linux/fib_rules.h). Port and user ranges are inclusive pairs.

    ``table`` is FRA_TABLE or, without it, the header's. ``suppress_prefixlen``, ``suppress_ifgroup``: -1 is none.
    """

    family: Family
    dst_len: int
    src_len: int
    tos: int
    action: RuleAction
    flags: RuleFlags
    table: RouteTable
    priority: int | None = None
    dst: str | None = None
    src: str | None = None
    iifname: str | None = None
    oifname: str | None = None
    fwmark: int | None = None
    fwmask: int | None = None
    ip_proto: int | None = None
    sport_range: tuple[int, int] | None = None
    dport_range: tuple[int, int] | None = None
    uid_range: tuple[int, int] | None = None
    tun_id: int | None = None
    l3mdev: int | None = None
    goto: int | None = None
    suppress_prefixlen: int | None = None
    suppress_ifgroup: int | None = None
    flow: int | None = None
    protocol: RouteProtocol | None = None
    dscp: int | None = None
    flowlabel: int | None = None
    flowlabel_mask: int | None = None
    sport_mask: int | None = None
    dport_mask: int | None = None
    dscp_mask: int | None = None
