"""rtnetlink's neighbouring groups by pyroute2, and by the JSON that ``tc`` and ``ip`` print of them.

pyroute2 defines traffic control, namespaces and statistics. Numbers that stand here are those of linux/rtnetlink.h,
and nexthop.h.

Not here: comparing (``table``), the five kinds of messages that every monitor reads, prefixes, which no program lists,
and the multicast database, whose dumps have the type of their question (RTM_GETMDB) and are no events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from nlmon.events import Event, NsidInfo, StatsInfo, TcInfo
from peers.pieces import header_by_pyroute2
from peers.recording import Message, Recording
from peers.table import Case, Witness

__all__ = ["CASES"]

ROUTE = 0
QDISC, CLASS, FILTER, NETCONF, NSID, STATS, NEXTHOP = 36, 40, 44, 80, 88, 92, 104
TC = {36, 37, 40, 41, 44, 45}
AF_INET, AF_INET6 = 2, 10
Fields = dict[str, Any]

# -- pyroute2 ----------------------------------------------------------------------------------------------------


def signed(number: int | None) -> int | None:
    """A number that pyroute2 reads unsigned and the kernel writes signed."""
    return number if number is None or number < 1 << 31 else number - (1 << 32)


def tc(m: Any) -> Fields:
    """A qdisc, a class or a filter; statistics are nested under names of pyroute2's own."""
    stats = m.get_attr("TCA_STATS2")
    basic, queue = (stats and stats.get_attr(f"TCA_STATS_{name}") for name in ("BASIC", "QUEUE"))
    return {
        "family": m["family"],
        "ifindex": m["index"],
        "handle": m["handle"],
        "parent": m["parent"],
        "info": m["info"],
        "kind": m.get_attr("TCA_KIND"),
        **{name: basic and basic[name] for name in ("bytes", "packets")},
        **{name: queue and queue[name] for name in ("qlen", "backlog", "drops")},
    }


def nsid(m: Any) -> Fields:
    """A namespace's number."""
    return {
        "family": m["rtgen_family"],
        "nsid": signed(m.get_attr("NETNSA_NSID")),
        "current_nsid": signed(m.get_attr("NETNSA_CURRENT_NSID")),
    }


COUNTERS = [f"{side}_{what}" for what in ("packets", "bytes", "errors", "dropped") for side in ("rx", "tx")]


def stats(m: Any) -> Fields:
    """An interface's counters."""
    counters = m.get_attr("IFLA_STATS_LINK_64")
    names = {name: name for name in COUNTERS}
    return {
        **{name: m[name] for name in ("family", "ifindex", "filter_mask")},
        **{ours: counters and counters[theirs] for ours, theirs in names.items()},
    }


def by_pyroute2(types: set[int], read: Callable[[Any], Fields]) -> Callable[[Recording], Iterator[Witness]]:
    """Every message of these types."""

    def witnesses(source: Recording) -> Iterator[Witness]:
        for one in source.messages:
            if one.frame.protocol == ROUTE and one.header.type in types:
                m = MarshalRtnl.msg_map[one.header.type](one.data)
                m.decode()
                yield Witness(one.key, {**header_by_pyroute2(m), **read(m)})

    return witnesses


# -- tc, ip ------------------------------------------------------------------------------------------------------

HANDLES = {"root": 0xFFFFFFFF, "ffff:fff1": 0xFFFFFFF1}
ETHERNET_TYPES = {"ip": 0x0800, "all": 0x0003}
SCOPES = {"global": 0, "link": 253, "host": 254}
NEXTHOP_TYPES = {"mpath": 0, "resilient": 1}
NETCONF_INDEX = {"all": -1, "default": -2}
RP_FILTER = {"off": 0, "strict": 1, "loose": 2}


def handle(text: str) -> int:
    """``1:10``: two numbers of 16 bits, hexadecimal."""
    major, _, minor = text.partition(":")
    return int(major or "0", 16) << 16 | int(minor or "0", 16)


def qdisc_by_tc(one: Any, index: dict[str, int]) -> Fields:
    """An object of ``tc -s -j qdisc``."""
    return {
        "kind": one["kind"],
        "handle": handle(one["handle"]),
        "parent": HANDLES["root"] if one.get("root") else handle(one["parent"]),
        "ifindex": index[one["dev"]],
        "info": one.get("refcnt", 1),
        **{name: one[name] for name in ("bytes", "packets", "drops", "qlen", "backlog")},
    }


def class_by_tc(one: Any, _: dict[str, int]) -> Fields:
    """An object of ``tc -s -j class``."""
    return {
        "kind": one["class"],
        "handle": handle(one["handle"]),
        "parent": HANDLES["root"] if one.get("root") else handle(one["parent"]),
        "info": int(one["leaf"], 16) << 16 if "leaf" in one else 0,
        **{name: one["stats"][name] for name in ("bytes", "packets", "drops", "qlen", "backlog")},
    }


def filter_by_tc(one: Any, _: dict[str, int]) -> Fields:
    """An object of ``tc -s -j filter``; the protocol is big-endian in the lower half of the number."""
    protocol = int.from_bytes(ETHERNET_TYPES[one["protocol"]].to_bytes(2, "big"), "little")
    parent = {"parent": handle(one["parent"])} if "parent" in one else {}
    return {"kind": one["kind"], "info": one["pref"] << 16 | protocol, "chain": one["chain"], **parent}


def nexthop_by_ip(one: Any, index: dict[str, int]) -> Fields:
    """An object of ``ip -d -j nexthop``."""
    gateway, group = one.get("gateway"), one.get("group")
    return {
        "id": one["id"],
        "gateway": gateway,
        "oif": index[one["dev"]] if "dev" in one else None,
        "scope": SCOPES[one["scope"]],
        "blackhole": True if "blackhole" in one else None,
        "group": group and tuple((hop["id"], hop.get("weight", 1)) for hop in group),
        "group_type": NEXTHOP_TYPES[one.get("type", "mpath")] if group else None,
        "fdb": True if "fdb" in one else None,
        **({} if gateway is None else {"family": AF_INET6 if ":" in gateway else AF_INET}),
    }


def netconf_by_ip(one: Any, index: dict[str, int]) -> Fields:
    """An object of ``ip -j netconf``."""
    names = ("forwarding", "mc_forwarding", "proxy_neigh", "ignore_routes_with_linkdown")
    name = one["interface"]
    return {
        "family": {"inet": AF_INET, "inet6": AF_INET6}[one["family"]],
        "ifindex": NETCONF_INDEX[name] if name in NETCONF_INDEX else index[name],
        **{field: int(one[field]) if field in one else None for field in names},
        "rp_filter": RP_FILTER[one["rp_filter"]] if "rp_filter" in one else None,
    }


def nsid_by_ip(one: Any, _: dict[str, int]) -> Fields:
    """An object of ``ip -j netns list-id``."""
    return {"nsid": one["nsid"], "current_nsid": None}


def printed(kind: int, command: str, read: Callable[[Any, dict[str, int]], Fields]) -> Any:
    """The objects that a command printed as JSON against the messages of the dump it asked for, in order."""

    def witnesses(source: Recording) -> Iterator[Witness]:
        index = source.devices()
        for row in source.log:
            if re.fullmatch(command, row.get("cmd", "")):
                shown, dump = objects(row["stdout"]), dumped(source, row, kind)
                assert len(shown) == len(dump), f"{row['cmd']}: {len(shown)} printed, {len(dump)} messages"
                for one, message in zip(shown, dump, strict=True):
                    yield Witness(message.key, read(one, index))

    return witnesses


def objects(stdout: str) -> list[Any]:
    """The objects of an output; tc of 6.1 prints classes as text for all that it was asked for JSON."""
    if not stdout.startswith("class "):
        return list(json.loads(stdout or "[]"))
    line = r"class (\S+) (\S+) (?:root|parent (\S+)(?: leaf (\w+):)?) .*\n"
    sent = r" Sent (\d+) bytes (\d+) pkt \(dropped (\d+), .*\n backlog (\d+)b (\d+)p"
    found = []
    for kind, number, parent, leaf, *counts in re.findall(line + sent, stdout):
        counted = dict(zip(("bytes", "packets", "drops", "backlog", "qlen"), map(int, counts), strict=True))
        place = {"parent": parent} if parent else {"root": True}
        found.append({"class": kind, "handle": number, **place, **({"leaf": leaf} if leaf else {}), "stats": counted})
    return found


def dumped(source: Recording, row: dict[str, Any], kind: int) -> list[Message]:
    """Messages of the dump that a command asked for."""
    return [one for one in source.during(row, ROUTE) if one.header.type == kind and one.place.dump_id is not None]


def stats_by_ip(source: Recording) -> Iterator[Witness]:
    """``ip stats show dev NAME``: two lines of counters."""
    for row in source.commands("ip stats show"):
        received, sent = re.findall(r"[RT]X:.*\n([\d ]+)\n", row["stdout"])
        fields: Fields = {"ifindex": int(row["stdout"].split(":")[0])}
        for side, line in (("rx", received), ("tx", sent)):
            names = (f"{side}_{what}" for what in ("bytes", "packets", "errors", "dropped"))
            fields |= dict(zip(names, map(int, line.split()), strict=False))
        (message,) = [one for one in source.during(row, ROUTE) if one.header.type == STATS]
        yield Witness(message.key, fields)


def of(kind: type) -> Callable[[Event, Recording], bool]:
    """Events with a payload of a kind, of messages that pyroute2 has."""
    return lambda event, _: isinstance(event.payload, kind) and event.msg_type in MarshalRtnl.msg_map


BASIC, TOPOLOGY, TRAFFIC, ONE = ("01-route-basic",), ("02-route-topology",), ("08-tc",), ("libnl",)
# What the recordings show as zero only, or not at all: no packet went through a qdisc with statistics.
NO_TRAFFIC = {"bytes", "packets", "qlen", "backlog"}
NO_COUNTS = {"rx_packets", "rx_bytes", "rx_errors", "rx_dropped", "tx_errors", "tx_dropped"}
NO_NSID = {"current_nsid"}
NO_NETCONF = {"mc_forwarding", "proxy_neigh", "ignore_routes_with_linkdown"}
NO_HEADER = {"family", "event.msg_flags"}
LISTED_QDISC = printed(QDISC, r"tc -s -j qdisc show", qdisc_by_tc)
LISTED_CLASS = printed(CLASS, r"tc -s -j class show dev \w+", class_by_tc)
LISTED_FILTER = printed(FILTER, r"tc -s -j filter show dev .*", filter_by_tc)
LISTED_NEXTHOP = printed(NEXTHOP, r"ip -d -j nexthop show", nexthop_by_ip)
LISTED_NETCONF = printed(NETCONF, r"ip -j netconf", netconf_by_ip)
LISTED_NSID = printed(NSID, r"ip -j netns list-id", nsid_by_ip)
CASES = (
    Case("tc", "pyroute2", TRAFFIC, ONE, 140, by_pyroute2(TC, tc), of(TcInfo), silent=NO_TRAFFIC | {"family"}),
    Case("tc", "tc qdisc", TRAFFIC, ONE, 14, LISTED_QDISC, silent=NO_TRAFFIC | {"drops"}),
    Case("tc", "tc class", TRAFFIC, ONE, 6, LISTED_CLASS, silent=NO_TRAFFIC | {"drops"}),
    Case("tc", "tc filter", TRAFFIC, ONE, 36, LISTED_FILTER),
    Case("nsid", "pyroute2", TOPOLOGY, ONE, 62, by_pyroute2({88, 89}, nsid), of(NsidInfo), silent={"family"} | NO_NSID),
    Case("nsid", "ip netns", TOPOLOGY, ONE, 16, LISTED_NSID, silent=NO_NSID),
    Case("stats", "pyroute2", BASIC, ONE, 2, by_pyroute2({92}, stats), of(StatsInfo), silent=NO_COUNTS | NO_HEADER),
    Case("stats", "ip stats", BASIC, ONE, 2, stats_by_ip, silent=NO_COUNTS),
    Case("nexthop", "ip nexthop", TOPOLOGY, ONE, 36, LISTED_NEXTHOP, silent={"fdb"}),
    Case("netconf", "ip netconf", BASIC, ONE, 20, LISTED_NETCONF, silent=NO_NETCONF),
)
