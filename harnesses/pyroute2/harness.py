"""What pyroute2 makes of recorded messages, by the harness protocol on stdin and stdout.

Each message is decoded by the class that pyroute2's own sockets use for its type. No socket is opened.

Rules:
1. A value is what pyroute2 gives; only its form is changed (ranges, link addresses without separators, names of route
   metrics as their numbers). A value that is not understood here is printed as text, so that it cannot agree.
2. What pyroute2 takes apart further than the protocol's fields do, such as an encapsulation, is not provided.

Not here: the classes of nlmon, which use pyroute2's lists of attributes and none of its decoding.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pyroute2
from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg
from pyroute2.netlink.rtnl.marshal import MarshalRtnl

Fields = dict[str, Any]
Read = tuple[str, Callable[[Any], Any]]  # the attribute, and what makes a value of it
CTNETLINK, NETFILTER = 1 << 8, 12
STATES = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")  # linux/if.h


def same(value: Any) -> Any:
    """A value as it is."""
    return value


def pair(value: str) -> list[int]:
    """A range that pyroute2 writes with a colon."""
    return [int(part) for part in value.split(":")]


def target(value: Any) -> Any:
    """An address; of MPLS its labels, which pyroute2 gives as a list of their parts."""
    if isinstance(value, list):
        return "/".join(str(one["label"]) for one in value)
    return value


def via(value: Mapping[str, Any]) -> str:
    """A gateway of another family."""
    return f"{ {2: 'inet', 10: 'inet6'}.get(value['family'], value['family']) } {value['addr']}"


def hops(value: list[Any]) -> list[Fields]:
    """The next hops of a route."""
    return [
        {
            "ifindex": hop["oif"],
            "weight": hop["hops"] + 1,
            "flags": hop["flags"],
            "gateway": target(hop.get_attr("RTA_GATEWAY")),
            "via": None if hop.get_attr("RTA_VIA") is None else via(hop.get_attr("RTA_VIA")),
            "encap_type": hop.get_attr("RTA_ENCAP_TYPE"),
        }
        for hop in value
    ]


def metrics(value: Any) -> list[list[Any]]:
    """The metrics of a route, by their numbers; of one that pyroute2 has no name for, only the number."""
    numbers = {row[0]: number for number, row in enumerate(type(value).nla_map)}
    return [[numbers[name], one] if name in numbers else [one["header"]["type"], None] for name, one in value["attrs"]]


def operstate(value: str) -> Any:
    """The number of an operational state."""
    return STATES.index(value) if value in STATES else value


def device(value: str) -> str:
    """The address of a device; one of four or sixteen bytes pyroute2 writes as an IP address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(value).packed.hex(":")
    return value


def altnames(value: Any) -> list[str]:
    """The further names of a link."""
    return [name for _, name in value["attrs"]]


def nested(name: str) -> Callable[[Any], Any]:
    """An attribute of an attribute."""
    return lambda value: value.get_attr(name)


def plain(**attributes: str) -> dict[str, Read]:
    """Attributes that are values as they are."""
    return {field: (attribute, same) for field, attribute in attributes.items()}


LINK = plain(
    ifname="IFLA_IFNAME", mtu="IFLA_MTU", addr="IFLA_ADDRESS", broadcast="IFLA_BROADCAST", qdisc="IFLA_QDISC",
    master="IFLA_MASTER", link="IFLA_LINK", link_netnsid="IFLA_LINK_NETNSID", txqlen="IFLA_TXQLEN",
    ifalias="IFLA_IFALIAS", group="IFLA_GROUP", carrier="IFLA_CARRIER", promiscuity="IFLA_PROMISCUITY",
    new_netnsid="IFLA_NEW_NETNSID", new_ifindex="IFLA_NEW_IFINDEX",
) | {
    "kind": ("IFLA_LINKINFO", nested("IFLA_INFO_KIND")),
    "slave_kind": ("IFLA_LINKINFO", nested("IFLA_INFO_SLAVE_KIND")),
    "altnames": ("IFLA_PROP_LIST", altnames),
    "operstate": ("IFLA_OPERSTATE", operstate),
}  # fmt: skip
ADDR = plain(
    label="IFA_LABEL", broadcast="IFA_BROADCAST", anycast="IFA_ANYCAST", route_priority="IFA_RT_PRIORITY",
    protocol="IFA_PROTO",
) | {
    "preferred_lifetime": ("IFA_CACHEINFO", lambda value: value["ifa_preferred"]),
    "valid_lifetime": ("IFA_CACHEINFO", lambda value: value["ifa_valid"]),
}  # fmt: skip
ROUTE = plain(
    oif="RTA_OIF", iif="RTA_IIF", priority="RTA_PRIORITY", encap_type="RTA_ENCAP_TYPE", pref="RTA_PREF",
    flow="RTA_FLOW", mark="RTA_MARK",
) | {
    "dst": ("RTA_DST", target),
    "src": ("RTA_SRC", target),
    "gateway": ("RTA_GATEWAY", target),
    "prefsrc": ("RTA_PREFSRC", target),
    "via": ("RTA_VIA", via),
    "multipath": ("RTA_MULTIPATH", hops),
    "metrics": ("RTA_METRICS", metrics),
    "expires": ("RTA_CACHEINFO", lambda value: value["rta_expires"]),
}  # fmt: skip
NEIGH = plain(
    dst="NDA_DST", vlan="NDA_VLAN", master="NDA_MASTER", vni="NDA_VNI", src_vni="NDA_SRC_VNI",
    port="NDA_PORT", nda_ifindex="NDA_IFINDEX", probes="NDA_PROBES", flags_ext="NDA_FLAGS_EXT",
    link_netnsid="NDA_LINK_NETNSID", protocol="NDA_PROTOCOL",
) | {"lladdr": ("NDA_LLADDR", device)}  # fmt: skip
RULE = plain(
    priority="FRA_PRIORITY", dst="FRA_DST", src="FRA_SRC", iifname="FRA_IIFNAME", oifname="FRA_OIFNAME",
    fwmark="FRA_FWMARK", fwmask="FRA_FWMASK", ip_proto="FRA_IP_PROTO", tun_id="FRA_TUN_ID", l3mdev="FRA_L3MDEV",
    goto="FRA_GOTO", suppress_prefixlen="FRA_SUPPRESS_PREFIXLEN", suppress_ifgroup="FRA_SUPPRESS_IFGROUP",
    flow="FRA_FLOW", protocol="FRA_PROTOCOL",
) | {
    "sport_range": ("FRA_SPORT_RANGE", pair),
    "dport_range": ("FRA_DPORT_RANGE", pair),
    "uid_range": ("FRA_UID_RANGE", pair),
}  # fmt: skip
FLOW = plain(mark="CTA_MARK", id="CTA_ID", zone="CTA_ZONE", timeout="CTA_TIMEOUT", use="CTA_USE", helper="CTA_HELP")

# By the name of a kind: its NEW and DEL, the attributes, and the header's numbers by pyroute2's names.
KINDS: dict[str, tuple[tuple[int, int], Mapping[str, Read], Mapping[str, str]]] = {
    "link": ((16, 17), LINK, {"family": "family", "ifindex": "index", "flags": "flags", "type": "ifi_type"}),
    "addr": ((20, 21), ADDR, {name: name for name in ("family", "prefixlen", "scope")} | {"ifindex": "index"}),
    "route": (
        (24, 25),
        ROUTE,
        {name: name for name in ("family", "dst_len", "src_len", "tos", "scope", "type", "flags")}
        | {"protocol": "proto"},
    ),
    "neigh": (
        (28, 29),
        NEIGH,
        {name: name for name in ("family", "ifindex", "state", "flags")} | {"type": "ndm_type"},
    ),
    "rule": (
        (32, 33),
        RULE,
        {name: name for name in ("family", "dst_len", "src_len", "tos", "action", "flags")},
    ),
    "conntrack": ((CTNETLINK, CTNETLINK | 2), FLOW, {"family": "nfgen_family"}),
}
FURTHER = {"link": ["change"], "addr": ["addr", "peer", "flags"], "route": ["table"], "rule": ["table"]}


def either(message: Any, attribute: str, header: Any) -> Any:
    """An attribute that is a wider form of a number of the header."""
    found = message.get_attr(attribute)
    return header if found is None else found


def further(kind: str, message: Any) -> Fields:
    """What takes more than one value of a message."""
    if kind == "link":
        return {"change": message["change"]}
    if kind == "addr":
        address, local = message.get_attr("IFA_ADDRESS"), message.get_attr("IFA_LOCAL")
        return {
            "addr": address if local is None else local,
            "peer": None if local is None or local == address else address,
            "flags": either(message, "IFA_FLAGS", message["flags"]),
        }
    if kind in {"route", "rule"}:
        return {"table": either(message, "RTA_TABLE" if kind == "route" else "FRA_TABLE", message["table"])}
    return {}


def fields(kind: str, message: Any) -> Fields:
    """All fields that pyroute2 provides of a message."""
    _, attributes, header = KINDS[kind]
    found = {field: message[name] for field, name in header.items()}
    for field, (attribute, read) in attributes.items():
        value = message.get_attr(attribute)
        found[field] = None if value is None else read(value)
    return found | further(kind, message)


def outcome(netlink: int, msg_type: int, data: bytes) -> Fields:
    """What becomes of one message."""
    if netlink == NETFILTER:
        kind, structure = ("conntrack" if msg_type in KINDS["conntrack"][0] else None), nfct_msg
    else:
        kind = next((name for name, (types, _, _) in KINDS.items() if msg_type in types), None)
        structure = MarshalRtnl.msg_map.get(msg_type)
    if kind is None:
        return {"skip": "unsupported"}
    try:
        message = structure(data)
        message.decode()
        return {"kind": kind, "fields": fields(kind, message)}
    except Exception as error:
        return {"error": {"code": "refused", "text": f"{type(error).__name__}: {error}"}}


def events(netlink: int, data: bytes) -> list[Fields]:
    """What becomes of each message of a datagram."""
    found, at = [], 0
    while len(data) - at >= 16:
        length, msg_type = struct.unpack_from("=IH", data, at)
        if not 16 <= length <= len(data) - at:
            break
        event: Fields = {"offset": at, "type": msg_type}
        found.append(event | outcome(netlink, msg_type, data[at : at + length]))
        at += (length + 3) & ~3
    return found


def hello() -> Fields:
    """The answer to the first line."""
    provides = {name: [*header, *attributes, *FURTHER.get(name, ())] for name, (_, attributes, header) in KINDS.items()}
    provides["hop"] = ["ifindex", "weight", "flags", "gateway", "via", "encap_type"]
    return {
        "name": "pyroute2",
        "version": pyroute2.__version__,
        "language": "Python",
        "protocol": 1,
        "netlink": [0, 12],
        "mode": "stream",
        "provides": provides,
        "absent": {},
    }


def say(answer: Fields) -> None:
    """Print a line."""
    sys.stdout.write(json.dumps(answer, default=str) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Answer line by line; the exit status."""
    datagrams = count = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "hello":
            if request.get("byteorder", sys.byteorder) != sys.byteorder:
                sys.stderr.write("pyroute2 reads messages of this machine's byte order alone\n")
                return 4
            answer: Fields = {"hello": hello()}
        elif request["cmd"] == "datagram":
            found = events(request["netlink"], base64.b64decode(request["data"]))
            datagrams, count = datagrams + 1, count + len(found)
            answer = {"n": request["n"], "events": found}
        else:
            say({"bye": {"datagrams": datagrams, "events": count}})
            return 0
        say(answer)
    return 5  # without an end


if __name__ == "__main__":
    sys.exit(main())
