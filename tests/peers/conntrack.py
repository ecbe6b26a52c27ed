"""Connection tracking by tshark, by pyroute2 and by ``conntrack``, each in the words of our payloads.

Numbers of the kernel that stand here (states, bits of the status) are those of linux/netfilter/nf_conntrack_tcp.h and
nf_conntrack_common.h, written a third time on purpose.

Not here: comparing (``table``).
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg

from nlmon.capture.segment import Role
from nlmon.events import ConntrackInfo, Event, ExpectInfo
from peers.pieces import header_by_pyroute2, header_by_tshark, inside, shown, text
from peers.recording import BACKENDS, Message, Recording
from peers.table import Case, Excuse, Witness
from peers.tshark import Attribute, Dissection, dissected

__all__ = ["CASES"]

NETFILTER = 12
FLOWS, EXPECTATIONS = {0x100, 0x102}, {0x200, 0x202}
CREATED = 0x600
SEEN_REPLY, ASSURED = 2, 4
TCP_STATES = [
    *("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE"),
    "SYN_SENT2",
]
TUPLE = ("src_addr", "dst_addr", "protocol", "src_port", "dst_port", "icmp_type", "icmp_code", "icmp_id", "zone")
Fields = dict[str, Any]


def flat(original: Fields | None, others: dict[str, Fields | None]) -> Fields:
    """Tuples as fields: the original one has no prefix, and its zone its own name."""
    found = {name: (original or {}).get(name) for name in TUPLE}
    found["zone_orig"] = found.pop("zone")
    for prefix, other in others.items():
        found |= {f"{prefix}.{name}": (other or {}).get(name) for name in TUPLE}
    return found


# -- tshark ------------------------------------------------------------------------------------------------------


def big(one: Attribute | None, *numbers: int) -> int | None:
    """A big-endian number that tshark shows as bytes: of the attribute, or of one inside it by its numbers."""
    payload = None if one is None else one.payload
    for number in numbers:
        payload = None if payload is None else inside(payload, number)
    return None if payload is None else int.from_bytes(payload, "big")


def tuple_by_tshark(one: Attribute | None) -> Fields | None:
    """A tuple; tshark shows addresses, protocol and ports, and of ICMP the bytes."""
    if one is None or not one.payload.strip(b"\0"):
        return None
    ip, l4 = "IP address", "L4 protocol info"
    addresses = {
        f"{ours}_addr": text(one.find(ip, f"IPv4 {theirs} address") or one.find(ip, f"IPv6 {theirs} address"))
        for ours, theirs in (("src", "source"), ("dst", "destination"))
    }
    return {
        **addresses,
        "protocol": shown(one.find(l4, "IP protocol number")),
        "src_port": shown(one.find(l4, "Source port")),
        "dst_port": shown(one.find(l4, "Destination port")),
        **{
            f"icmp_{name.lower()}": big(one.find(l4, f"ICMPv4 {name}") or one.find(l4, f"ICMPv6 {name}"))
            for name in ("type", "code", "ID")
        },
        "zone": big(one.find("Zone")),
    }


def flow_by_tshark(m: Dissection) -> Fields:
    """IPCTNL_MSG_CT_*."""
    info = m.find("Protocol-specific info")
    others = {"reply": m.find("Reply IP tuple"), "master": m.find("Master IP tuple")}
    return {
        **header_by_tshark(m),
        "family": int(m.fields["netlink-netfilter.family"]),
        **flat(tuple_by_tshark(m.find("Original IP tuple")), {k: tuple_by_tshark(v) for k, v in others.items()}),
        "tcp_state": big(info, 1, 1),
        "mark": big(m.find("Mark")),
        "packets_orig": big(m.find("COUNTERS_ORIG"), 1),
        "bytes_orig": big(m.find("COUNTERS_ORIG"), 2),
        "packets_reply": big(m.find("COUNTERS_REPLY"), 1),
        "bytes_reply": big(m.find("COUNTERS_REPLY"), 2),
        "status": shown(m.find("Connection status")),
        "id": shown(m.find("ID")),
        "zone": big(m.find("Zone")),
        "timeout": shown(m.find("Timeout")),
        "use": big(m.find("Use count")),
        "helper": text(m.find("Helper", "Helper name")),
        "start": big(m.find("Timestamp"), 1),
        "stop": big(m.find("Timestamp"), 2),
    }


def expectation_by_tshark(m: Dissection) -> Fields:
    """IPCTNL_MSG_EXP_*."""
    tuples = {"tuple": "IP tuple", "mask": "IP mask tuple", "master": "Master IP tuple"}
    found = flat(None, {ours: tuple_by_tshark(m.find(theirs)) for ours, theirs in tuples.items()})
    found |= flat(None, {"nat_tuple": tuple_by_tshark(m.find("NAT", "IP tuple"))})
    helper = m.find("Helper name")
    return {
        **header_by_tshark(m),
        "family": int(m.fields["netlink-netfilter.family"]),
        **{name: value for name, value in found.items() if "." in name},
        "timeout": shown(m.find("Timeout")),
        "id": shown(m.find("ID")),
        "helper": None if helper is None else helper.payload.rstrip(b"\0").decode(),
        "flags": shown(m.find("Flags")),
        "expect_class": shown(m.find("Class")),
        "function": text(m.find("Expect function")),
        "nat_dir": shown(m.find("NAT", "Direction")),
    }


def by_tshark(flows: bool) -> Any:
    """What tshark says of flows, or of expectations."""

    def witnesses(source: Recording) -> Iterator[Witness]:
        asked = {one.key: one.header.type for one in source.messages if one.frame.protocol == NETFILTER}
        for m in dissected(source):
            if asked.get(m.key) in (FLOWS if flows else EXPECTATIONS):
                yield Witness(m.key, flow_by_tshark(m) if flows else expectation_by_tshark(m))

    return witnesses


# -- pyroute2 ----------------------------------------------------------------------------------------------------


def tuple_by_pyroute2(one: Any) -> Fields | None:
    """A tuple."""
    if one is None:
        return None
    ip, l4 = one.get_attr("CTA_TUPLE_IP"), one.get_attr("CTA_TUPLE_PROTO")
    names = {"protocol": "NUM", "src_port": "SRC_PORT", "dst_port": "DST_PORT"}
    return {
        **{
            f"{side}_addr": ip
            and (ip.get_attr(f"CTA_IP_V4_{side.upper()}") or ip.get_attr(f"CTA_IP_V6_{side.upper()}"))
            for side in ("src", "dst")
        },
        **{ours: l4 and l4.get_attr(f"CTA_PROTO_{theirs}") for ours, theirs in names.items()},
        **{
            f"icmp_{name}": l4
            and next(
                (
                    value
                    for version in ("ICMP", "ICMPV6")
                    if (value := l4.get_attr(f"CTA_PROTO_{version}_{name.upper()}")) is not None
                ),
                None,
            )
            for name in ("type", "code", "id")
        },
    }


def flow_by_pyroute2(data: bytes) -> Fields:
    """IPCTNL_MSG_CT_*."""
    m = nfct_msg(data)
    m.decode()
    info = m.get_attr("CTA_PROTOINFO")
    tcp = info and info.get_attr("CTA_PROTOINFO_TCP")
    others = {"reply": m.get_attr("CTA_TUPLE_REPLY"), "master": m.get_attr("CTA_TUPLE_MASTER")}
    stamp = m.get_attr("CTA_TIMESTAMP")
    counters = {side: m.get_attr(f"CTA_COUNTERS_{side.upper()}") for side in ("orig", "reply")}
    return {
        **header_by_pyroute2(m),
        "family": m["nfgen_family"],
        **flat(tuple_by_pyroute2(m.get_attr("CTA_TUPLE_ORIG")), {k: tuple_by_pyroute2(v) for k, v in others.items()}),
        "tcp_state": tcp and tcp.get_attr("CTA_PROTOINFO_TCP_STATE"),
        **{
            f"{what}_{side}": found and found.get_attr(f"CTA_COUNTERS_{what.upper()}")
            for side, found in counters.items()
            for what in ("packets", "bytes")
        },
        **{name: m.get_attr(f"CTA_{name.upper()}") for name in ("mark", "status", "id", "zone", "timeout", "use")},
        "helper": m.get_attr("CTA_HELP"),
        "start": stamp and stamp.get_attr("CTA_TIMESTAMP_START"),
        "stop": stamp and stamp.get_attr("CTA_TIMESTAMP_STOP"),
    }


def by_pyroute2(source: Recording) -> Iterator[Witness]:
    """Every flow; pyroute2 has no expectations."""
    for one in source.messages:
        if one.frame.protocol == NETFILTER and one.header.type in FLOWS:
            yield Witness(one.key, flow_by_pyroute2(one.data))


# -- conntrack ---------------------------------------------------------------------------------------------------

WORDS = {
    "src": "src_addr",
    "dst": "dst_addr",
    "sport": "src_port",
    "dport": "dst_port",
    "type": "icmp_type",
    "code": "icmp_code",
    "id": "icmp_id",
    "packets": "packets",
    "bytes": "bytes",
}
ADDRESS_FAMILIES = {"ipv4": 2, "ipv6": 10}


def flow_by_conntrack(line: str) -> Fields:
    """A line of ``conntrack -o extended``; what it does not print was not in the message."""
    start = re.search(r"\[start=([^\]]*)\]", line)
    stop = re.search(r"\[stop=([^\]]*)\]", line)
    words = re.sub(r"\[(start|stop)=[^\]]*\]", "", re.sub(r"^\[[\d.]+\]", "", line)).split()
    while words[0].startswith("["):
        words.pop(0)
    family, protocol = ADDRESS_FAMILIES[words[0]], int(words[3])
    rest = words[4:]
    tuples: list[Fields] = []
    more: Fields = {}
    flags = {word for word in rest if word.startswith("[")}
    for word in rest:
        key, _, value = word.partition("=")
        if key == "src":
            tuples.append({})
        if tuples and key in WORDS and WORDS[key] not in tuples[-1] and (key != "id" or "icmp_type" in tuples[-1]):
            tuples[-1][WORDS[key]] = value if key in {"src", "dst"} else int(value)
        elif "=" in word:
            more[key] = value
    bare = [word for word in rest[:2] if "=" not in word and not word.startswith("[")]
    for one in tuples:
        one["protocol"] = protocol
    counts = {
        f"{what}_{side}": one.pop(what, None)
        for side, one in zip(("orig", "reply"), tuples, strict=True)
        for what in ("packets", "bytes")
    }
    return {
        "family": family,
        **flat(tuples[0], {"reply": tuples[1]}),
        "tcp_state": next((TCP_STATES.index(word) for word in bare if not word.isdigit()), None),
        "timeout": next((int(word) for word in bare if word.isdigit()), None),
        **counts,
        **{name: int(more[name]) if name in more else None for name in ("mark", "zone", "use", "id")},
        "helper": more.get("helper"),
        "assured": "[ASSURED]" in flags,
        "seen_reply": "[UNREPLIED]" not in flags,
        "start_second": seconds(start),
        "stop_second": seconds(stop),
    }


def seconds(found: re.Match[str] | None) -> int | None:
    """``Mon Nov 23 19:49:10 2026`` of a host in UTC."""
    return None if found is None else calendar.timegm(time.strptime(found[1], "%a %b %d %H:%M:%S %Y"))


DERIVED = {
    "assured": lambda p: bool(p.status & ASSURED),
    "seen_reply": lambda p: bool(p.status & SEEN_REPLY),
    "start_second": lambda p: None if p.start is None else p.start // 10**9,
    "stop_second": lambda p: None if p.stop is None else p.stop // 10**9,
}


def flows_of(stdout: str) -> list[str]:
    """The lines that show a flow."""
    return [line for line in stdout.splitlines() if " src=" in line]


def by_conntrack(source: Recording) -> Iterator[Witness]:
    """The listings against the dumps that they printed, and the events against the notifications, in order. A
    listing with a filter, which the program applies to what it received, is left out."""
    for row in source.commands("conntrack -L"):
        dump = [one for one in source.during(row, NETFILTER) if one.place.role is Role.DUMP]
        if re.fullmatch(r"conntrack -L( -f ipv6)? -o extended\S*", row["cmd"]):
            yield from paired(flows_of(row["stdout"]), [one for one in dump if one.header.type == 0x100], row["cmd"])
    (events,) = source.commands("conntrack -E -o")
    announced = [one for one in source.notifications(NETFILTER) if one.header.type in FLOWS]
    yield from paired(flows_of(events["stdout"]), announced, events["cmd"])


def paired(lines: list[str], found: list[Message], command: str) -> Iterator[Witness]:
    """Lines and messages in order."""
    assert len(lines) == len(found), f"{command}: {len(lines)} lines, {len(found)} messages"
    for line, one in zip(lines, found, strict=True):
        yield Witness(one.key, {**kind_of(line), **flow_by_conntrack(line)})


def kind_of(line: str) -> Fields:
    """[NEW], [UPDATE], [DESTROY]: the type of the message, and whether its flags say that it is new."""
    found = re.search(r"\[(NEW|UPDATE|DESTROY)\]", line)
    if found is None:
        return {"event.msg_type": 0x100}
    flags = CREATED if found[1] == "NEW" else 0
    return {"event.msg_type": 0x102 if found[1] == "DESTROY" else 0x100, "event.msg_flags": flags}


def expectations(source: Recording) -> Iterator[Witness]:
    """The lines of ``conntrack -E expect``: timeout, tuple, mask, master, class and helper, in this order."""
    (row,) = source.commands("conntrack -E expect")
    lines = flows_of(row["stdout"])
    announced = [one for one in source.notifications(NETFILTER) if one.header.type in EXPECTATIONS]
    assert len(lines) == len(announced), f"{len(lines)} lines, {len(announced)} messages"
    for line, one in zip(lines, announced, strict=True):
        pairs = re.findall(r"(\S+)=(\S+)", line)
        addresses = {key.replace("-", "."): value for key, value in pairs if key.endswith(("src", "dst"))}
        ports = [int(value) for key, value in pairs if key.endswith("port")]
        more = dict(pairs)
        timeout = re.search(r"\] (\d+) proto", line)
        prefixes = ("tuple", "mask", "master")
        yield Witness(
            one.key,
            {
                "timeout": timeout and int(timeout[1]),
                **{
                    f"{prefix}.{side}_addr": addresses[f"{prefix}.{side}".removeprefix("tuple.")]
                    for prefix in prefixes
                    for side in ("src", "dst")
                },
                **{f"{p}.{side}_port": ports.pop(0) for p in prefixes for side in ("src", "dst")},
                **{f"{prefix}.protocol": int(more["proto"]) for prefix in prefixes},
                "expect_class": int(more["class"]),
                "helper": more["helper"],
            },
        )


# -- cases -------------------------------------------------------------------------------------------------------


def is_flow(event: Event, _: Recording) -> bool:
    """A tracked flow."""
    return isinstance(event.payload, ConntrackInfo)


def is_expectation(event: Event, _: Recording) -> bool:
    """An expected flow."""
    return isinstance(event.payload, ExpectInfo)


PYROUTE2 = {
    "helper": Excuse(
        "pyroute2 does not open CTA_HELP and gives the header of CTA_HELP_NAME as text",
        lambda ours, theirs, _: theirs == f"\x08\0\1\0{ours}",
    ),
}
CAPTURE = ("04-conntrack",)
# What no flow and no expectation of the recordings has, or has as zero only.
ICMP, INNER = ("type", "code", "id"), ("master", "tuple", "mask", "nat_tuple")
NO_ZONE = {"reply.zone", "zone_orig"}
NO_ICMP = {f"{prefix}.icmp_{name}" for prefix in INNER for name in ICMP} | {f"{prefix}.zone" for prefix in INNER}
ZERO_ICMP = {"icmp_code", "reply.icmp_code", "reply.icmp_type"}
FLOW_SILENT = NO_ZONE | ZERO_ICMP | {name for name in NO_ICMP if name.startswith("master.")}
ZERO_PORTS = {"tuple.src_port", "mask.src_port"}
ZERO_EXPECTED = {"event.seq", "event.pid", "flags", "expect_class", "nat_dir", "nat_tuple.dst_port", *ZERO_PORTS}
EXPECTED_SILENT = NO_ICMP | ZERO_EXPECTED
ONE = ("libnl",)
CASES = (
    Case("conntrack", "tshark", CAPTURE, BACKENDS, 311, by_tshark(True), is_flow, silent=FLOW_SILENT),
    Case("expectations", "tshark", CAPTURE, ONE, 4, by_tshark(False), is_expectation, silent=EXPECTED_SILENT),
    Case("conntrack", "pyroute2", CAPTURE, BACKENDS, 311, by_pyroute2, is_flow, PYROUTE2, FLOW_SILENT),
    Case("conntrack", "conntrack", CAPTURE, BACKENDS, 193, by_conntrack, silent=NO_ZONE | ZERO_ICMP, derived=DERIVED),
    Case("expectations", "conntrack", CAPTURE, ONE, 4, expectations, is_expectation, {}, {"expect_class", *ZERO_PORTS}),
)
