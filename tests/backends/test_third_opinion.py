"""libnl's compiled decoding against pyroute2's own decoder on the same bytes, field by field.

What pyroute2 makes of a message is turned into our fields here, without the policies that libnl is compiled from.
``DISAGREEMENTS`` lists the fields in which pyroute2 is known to be wrong or silent, with the reason.
"""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkNLADecodeError
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.events import Event, NextHop, RouteInfo
from nlmon.framing import messages
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.paths import CAPTURES, NEWEST_FIRST

# Every message of 01 and 02, and of the bursts, which repeat themselves, every 40th.
SAMPLES = [("01-route-basic", 1), ("02-route-topology", 1), ("07-burst", 40), ("07b-overrun", 40)]

# field -> why pyroute2's value is not compared
DISAGREEMENTS = {
    "route.nh_id": "pyroute2's list of RTA_* ends before RTA_NH_ID",
    "route.dst of AF_MPLS": "pyroute2 gives a list of dictionaries; compared in its own terms",
    "route.via": "pyroute2 gives a dictionary; compared in its own terms",
    "neigh.link_netnsid": "pyroute2 reads it unsigned; compared as signed",
    "rule.suppress_*": "pyroute2 reads them unsigned; compared as signed",
    "link.new_netnsid": "pyroute2 reads it big-endian; the kernel writes its own order; compared swapped",
    "link of AF_INET6": "pyroute2 raises on its IFLA_PROTINFO",
    "link-layer addresses": "pyroute2 reads six bytes, or an IPv4 address where there are four; compared at six bytes",
}
SIX_BYTES = {"addr", "broadcast", "lladdr"}


def signed(number: int | None) -> int | None:
    return number if number is None or number < 1 << 31 else number - (1 << 32)


def swapped(number: int | None) -> int | None:
    return number if number is None else int.from_bytes(number.to_bytes(4, "big"), "little", signed=True)


def link(m: Any) -> dict[str, Any]:
    info = m.get_attr("IFLA_LINKINFO")
    props = m.get_attr("IFLA_PROP_LIST")
    return {
        "family": m["family"],
        "ifindex": m["index"],
        "flags": m["flags"],
        "type": m["ifi_type"],
        "change": m["change"],
        **{
            field: m.get_attr("IFLA_" + name)
            for field, name in {
                "ifname": "IFNAME",
                "mtu": "MTU",
                "addr": "ADDRESS",
                "qdisc": "QDISC",
                "master": "MASTER",
                "link": "LINK",
                "link_netnsid": "LINK_NETNSID",
                "broadcast": "BROADCAST",
                "txqlen": "TXQLEN",
                "ifalias": "IFALIAS",
                "group": "GROUP",
                "carrier": "CARRIER",
                "promiscuity": "PROMISCUITY",
                "new_ifindex": "NEW_IFINDEX",
            }.items()
        },
        "operstate": OPERSTATES.get(m.get_attr("IFLA_OPERSTATE")),
        "new_netnsid": swapped(m.get_attr("IFLA_NEW_NETNSID")),
        "kind": info and info.get_attr("IFLA_INFO_KIND"),
        "slave_kind": info and info.get_attr("IFLA_INFO_SLAVE_KIND"),
        "altnames": None if props is None else tuple(props.get_attrs("IFLA_ALT_IFNAME")),
    }


OPERSTATES = {
    None: None,
    "UNKNOWN": 0,
    "NOTPRESENT": 1,
    "DOWN": 2,
    "LOWERLAYERDOWN": 3,
    "TESTING": 4,
    "DORMANT": 5,
    "UP": 6,
}


def addr(m: Any) -> dict[str, Any]:
    local, remote, flags = m.get_attr("IFA_LOCAL"), m.get_attr("IFA_ADDRESS"), m.get_attr("IFA_FLAGS")
    cache = m.get_attr("IFA_CACHEINFO")
    return {
        "family": m["family"],
        "ifindex": m["index"],
        "prefixlen": m["prefixlen"],
        "scope": m["scope"],
        "addr": remote if local is None else local,
        "peer": remote if local is not None and local != remote else None,
        "label": m.get_attr("IFA_LABEL"),
        "flags": m["flags"] if flags is None else flags,
        "broadcast": m.get_attr("IFA_BROADCAST"),
        "anycast": m.get_attr("IFA_ANYCAST"),
        "preferred_lifetime": cache and cache["ifa_preferred"],
        "valid_lifetime": cache and cache["ifa_valid"],
        "route_priority": m.get_attr("IFA_RT_PRIORITY"),
        "protocol": m.get_attr("IFA_PROTO"),
    }


def via(value: Any) -> str | None:
    if value is None:
        return None
    return f"{'inet' if value['family'] == socket.AF_INET else 'inet6'} {value['addr']}"


def labels(value: Any) -> Any:
    return "/".join(str(one["label"]) for one in value) if isinstance(value, list) else value


def hop(h: Any) -> NextHop:
    return NextHop(
        *(h["oif"], h["hops"] + 1, h["flags"], h.get_attr("RTA_GATEWAY"), via(h.get_attr("RTA_VIA"))),
        h.get_attr("RTA_ENCAP_TYPE"),
    )


METRICS = [
    *("UNSPEC", "LOCK", "MTU", "WINDOW", "RTT", "RTTVAR", "SSTHRESH", "CWND", "ADVMSS", "REORDERING", "HOPLIMIT"),
    *("INITCWND", "FEATURES", "RTO_MIN", "INITRWND", "QUICKACK", "CC_ALGO", "FASTOPEN_NO_COOKIE"),
]


def route(m: Any) -> dict[str, Any]:
    metrics, hops, cache = m.get_attr("RTA_METRICS"), m.get_attr("RTA_MULTIPATH"), m.get_attr("RTA_CACHEINFO")
    table = m.get_attr("RTA_TABLE")
    return {
        **{name: m[name] for name in ("family", "dst_len", "src_len", "tos", "scope", "type", "flags")},
        "protocol": m["proto"],
        "table": m["table"] if table is None else table,
        "dst": labels(m.get_attr("RTA_DST")),
        **{
            field: m.get_attr("RTA_" + name)
            for field, name in {
                "src": "SRC",
                "gateway": "GATEWAY",
                "oif": "OIF",
                "priority": "PRIORITY",
                "prefsrc": "PREFSRC",
                "iif": "IIF",
                "pref": "PREF",
                "flow": "FLOW",
                "encap_type": "ENCAP_TYPE",
                "mark": "MARK",
            }.items()
        },
        "multipath": None if hops is None else tuple(map(hop, hops)),
        "via": via(m.get_attr("RTA_VIA")),
        "metrics": metrics
        and tuple((METRICS.index(n.removeprefix("RTAX_")), v) for n, v in ((a[0], a[1]) for a in metrics["attrs"])),
        "expires": cache and signed(cache["rta_expires"]),
    }


def neigh(m: Any) -> dict[str, Any]:
    return {
        **{name: m[name] for name in ("family", "ifindex", "state", "flags")},
        "type": m["ndm_type"],
        **{
            field: m.get_attr("NDA_" + name)
            for field, name in {
                "dst": "DST",
                "lladdr": "LLADDR",
                "vlan": "VLAN",
                "master": "MASTER",
                "vni": "VNI",
                "src_vni": "SRC_VNI",
                "port": "PORT",
                "nda_ifindex": "IFINDEX",
                "probes": "PROBES",
                "flags_ext": "FLAGS_EXT",
                "protocol": "PROTOCOL",
            }.items()
        },
        "link_netnsid": signed(m.get_attr("NDA_LINK_NETNSID")),
    }


def pair(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    first, _, last = value.partition(":")
    return int(first), int(last)


def rule(m: Any) -> dict[str, Any]:
    table = m.get_attr("FRA_TABLE")
    return {
        **{name: m[name] for name in ("family", "dst_len", "src_len", "tos", "action", "flags")},
        "table": m["table"] if table is None else table,
        **{
            field: m.get_attr("FRA_" + field.upper())
            for field in (
                *("priority", "dst", "src", "iifname", "oifname", "fwmark", "fwmask", "ip_proto", "tun_id", "l3mdev"),
                *("goto", "flow", "protocol"),
            )
        },
        **{name: signed(m.get_attr("FRA_" + name.upper())) for name in ("suppress_prefixlen", "suppress_ifgroup")},
        **{name: pair(m.get_attr("FRA_" + name.upper())) for name in ("sport_range", "dport_range", "uid_range")},
    }


OPINIONS: dict[int, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    **dict.fromkeys((16, 17), ("link", link)),
    **dict.fromkeys((20, 21), ("addr", addr)),
    **dict.fromkeys((24, 25), ("route", route)),
    **dict.fromkeys((28, 29), ("neigh", neigh)),
    **dict.fromkeys((32, 33), ("rule", rule)),
}


def odd_length(kind: str, field: str, ours: str | None) -> bool:
    """Whether a value is a link-layer address that has not six bytes, which pyroute2 misreads."""
    return kind in {"link", "neigh"} and field in SIX_BYTES and ours is not None and len(ours) != 17


@pytest.mark.slow
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize(("name", "step"), SAMPLES)
def test_every_field_has_a_second_witness(kernel: str, name: str, step: int) -> None:
    """Each field of each sampled message is what pyroute2 reads; fields not compared are in the table."""
    pyroute2, backend = MarshalRtnl(), create("libnl", RecordedFactory())
    compared: Counter[str] = Counter()
    differ: list[str] = []
    undecoded: Counter[tuple[str, int]] = Counter()
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        for frame in reader:
            if frame.protocol != 0 or frame.number % step:
                continue
            events = {e.offset: e for e in backend.decode(Datagram(frame.number, 0, 0, frame.data)).events}
            for header in messages(frame.data, "little"):
                if header.type not in OPINIONS or header.flags & 1:
                    continue
                kind, opinion = OPINIONS[header.type]
                data = frame.data[header.offset : header.offset + header.length]
                theirs = pyroute2.msg_map[header.type](data)
                try:
                    theirs.decode()
                except NetlinkNLADecodeError:
                    undecoded[kind, data[16]] += 1
                    continue
                for field, value in opinion(theirs).items():
                    compared[f"{kind}.{field}"] += 1
                    ours = getattr(events[header.offset].payload, field)
                    if ours != value and not odd_length(kind, field, ours):
                        differ.append(f"frame {frame.number} {kind}.{field}: {ours!r} / {value!r}")
    assert differ == []
    # pyroute2 knows IFLA_PROTINFO of AF_BRIDGE alone and gives up on the one of AF_INET6.
    assert set(undecoded) <= {("link", socket.AF_INET6)}
    assert compared.total() > 500


def test_the_nexthop_id_is_where_the_header_says() -> None:
    """RTA_NH_ID, which pyroute2 cannot witness, is read at its number in linux/rtnetlink.h."""
    body = struct.pack("<BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) + struct.pack("<HHI", 8, 30, 42)
    data = struct.pack("<IHHII", 16 + len(body), 24, 0, 0, 0) + body
    (event,) = create("libnl", RecordedFactory()).decode(Datagram(1, 0, 0, data)).events

    assert isinstance(event, Event)
    assert isinstance(event.payload, RouteInfo)
    assert event.payload.nh_id == 42
