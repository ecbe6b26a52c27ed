"""What rtnetlink's neighbouring groups carry: traffic control, next hops, namespaces, prefixes, multicast
database, per-interface settings, statistics. libnl alone provides them, on request.

Not here: options inside a qdisc, class or filter of one kind.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from nlmon.payloads.route import Family, RouteProtocol, Scope

__all__ = [
    "MdbEntry",
    "MdbInfo",
    "NetconfInfo",
    "NexthopInfo",
    "NsidInfo",
    "PrefixInfo",
    "StatsInfo",
    "TcInfo",
]

PrefixFlags: TypeAlias = Annotated[int, Meta(extra={"names": "prefix_flags", "flags": True})]


class TcInfo(Struct, frozen=True, gc=False):
    """RTM_*QDISC, *TCLASS, *TFILTER, *CHAIN: ``tcmsg`` and TCA_* (linux/rtnetlink.h).

    ``handle``, ``parent``: 32 bits, major and minor number of 16 each. ``info``: of a filter, its priority in the
    upper and its protocol in the lower half. ``bytes``, ``packets``, ``drops``, ``qlen``, ``backlog``:
    TCA_STATS2, where TCA_STATS_PKT64 counts packets that 32 bits cannot count. A shared block has ifindex -1
    (TCM_IFINDEX_MAGIC_BLOCK), and its number in ``parent``.
    """

    family: Family
    ifindex: int
    handle: int
    parent: int
    info: int
    kind: str | None = None
    chain: int | None = None
    ingress_block: int | None = None
    egress_block: int | None = None
    hw_offload: int | None = None
    bytes: int | None = None
    packets: int | None = None
    qlen: int | None = None
    backlog: int | None = None
    drops: int | None = None


class NexthopInfo(Struct, frozen=True, gc=False):
    """RTM_*NEXTHOP: ``nhmsg`` and NHA_* (linux/nexthop.h). ``group``: (id, weight from 1) pairs."""

    family: Family
    scope: Scope
    protocol: RouteProtocol
    flags: int
    id: int | None = None
    group: tuple[tuple[int, int], ...] | None = None
    group_type: int | None = None
    blackhole: bool | None = None
    oif: int | None = None
    gateway: str | None = None
    encap_type: int | None = None
    master: int | None = None
    fdb: bool | None = None


class NsidInfo(Struct, frozen=True, gc=False):
    """RTM_*NSID: the number a namespace knows another one by (linux/net_namespace.h)."""

    family: Family
    nsid: int | None = None
    current_nsid: int | None = None


class PrefixInfo(Struct, frozen=True, gc=False):
    """RTM_NEWPREFIX: a prefix from a router advertisement (``prefixmsg``). Lifetimes in seconds."""

    family: Family
    ifindex: int
    type: int
    prefixlen: int
    flags: PrefixFlags
    prefix: str | None = None
    preferred_lifetime: int | None = None
    valid_lifetime: int | None = None


class MdbEntry(Struct, frozen=True, gc=False):
    """One group in a bridge's multicast database (``br_mdb_entry``, linux/if_bridge.h). ``group``: an IP address,
    or a link-layer address where ``protocol`` is none; ``protocol``: an Ethernet type."""

    ifindex: int
    state: int
    flags: int
    vid: int
    protocol: int
    group: str


class MdbInfo(Struct, frozen=True, gc=False):
    """RTM_*MDB: ``br_port_msg`` and its entries. The kernel answers a dump with RTM_GETMDB."""

    family: Family
    ifindex: int
    entries: tuple[MdbEntry, ...] | None = None


class NetconfInfo(Struct, frozen=True, gc=False):
    """RTM_*NETCONF: settings of an interface, or with ifindex -1 of all and -2 of the default (linux/netconf.h)."""

    family: Family
    ifindex: int | None = None
    forwarding: int | None = None
    rp_filter: int | None = None
    mc_forwarding: int | None = None
    proxy_neigh: int | None = None
    ignore_routes_with_linkdown: int | None = None
    input: int | None = None
    bc_forwarding: int | None = None


class StatsInfo(Struct, frozen=True, gc=False):
    """RTM_NEWSTATS: ``if_stats_msg`` and the first counters of IFLA_STATS_LINK_64 (linux/if_link.h)."""

    family: Family
    ifindex: int
    filter_mask: int
    rx_packets: int | None = None
    tx_packets: int | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    rx_errors: int | None = None
    tx_errors: int | None = None
    rx_dropped: int | None = None
    tx_dropped: int | None = None
