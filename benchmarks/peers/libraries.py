"""pyroute2 and scapy, reading six attributes of each message, timed without their imports.

The messages are in memory, each as bytes of its own, as a socket gives them. pyroute2 decodes an attribute when it is
asked for; so it does no more than it is asked. scapy has no layer for neighbours, whose attributes it does not read.

Not here: their sockets (``live``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.captures import Captures
from benchmarks.recording import split
from benchmarks.sample import Sample, timed

__all__ = ["SCAPY_SHARE", "WORK"]

# scapy gets one message in so many.
SCAPY_SHARE = 10
NFNL_SUBSYS_CTNETLINK = 0x100
LINK = ("IFLA_IFNAME", "IFLA_MTU", "IFLA_OPERSTATE", "IFLA_ADDRESS", "IFLA_MASTER", "IFLA_TXQLEN")
ADDR = ("IFA_ADDRESS", "IFA_LOCAL", "IFA_BROADCAST", "IFA_LABEL", "IFA_FLAGS", "IFA_CACHEINFO")
ROUTE = ("RTA_TABLE", "RTA_DST", "RTA_GATEWAY", "RTA_OIF", "RTA_PRIORITY", "RTA_PREFSRC")
NEIGH = ("NDA_DST", "NDA_LLADDR", "NDA_PROBES", "NDA_CACHEINFO", "NDA_VLAN", "NDA_MASTER")
SIX = {16: LINK, 20: ADDR, 24: ROUTE, 28: NEIGH}
NL80211 = ("WIPHY", "IFINDEX", "IFNAME", "MAC", "WDEV", "IFTYPE")


def messages(path: Path, share: int = 1) -> list[bytes]:
    """Every message of a file, or one in so many."""
    return list(islice(split(path.read_bytes()), 0, None, share))


def route(captures: Captures) -> Sample:
    """pyroute2: MarshalRtnl and six attributes by get_attr(), of the kinds that have them."""
    from pyroute2.netlink.rtnl.marshal import MarshalRtnl  # noqa: PLC0415

    parse, found = MarshalRtnl().parse, messages(captures.plain)

    def work() -> int:
        for data in found:
            for message in parse(data):
                for name in SIX.get(message["header"]["type"] & ~3, ()):
                    message.get_attr(name)
        return len(found)

    return timed(work)


def conntrack(captures: Captures) -> Sample:
    """pyroute2: addresses, protocol and ports of a flow, and its status."""
    from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg  # noqa: PLC0415

    def read(message: Any) -> None:
        flow = message.get_attr("CTA_TUPLE_ORIG")
        ip, ports = flow.get_attr("CTA_TUPLE_IP"), flow.get_attr("CTA_TUPLE_PROTO")
        for name in ("CTA_IP_V4_SRC", "CTA_IP_V4_DST"):
            ip.get_attr(name)
        for name in ("CTA_PROTO_NUM", "CTA_PROTO_SRC_PORT", "CTA_PROTO_DST_PORT"):
            ports.get_attr(name)
        message.get_attr("CTA_STATUS")

    return _one_class(captures, nfct_msg, read)


def nl80211(captures: Captures) -> Sample:
    """pyroute2: six attributes of a message of nl80211."""
    from pyroute2.netlink.nl80211 import nl80211cmd  # noqa: PLC0415

    names = [f"NL80211_ATTR_{name}" for name in NL80211]

    def read(message: Any) -> None:
        for name in names:
            message.get_attr(name)

    return _one_class(captures, nl80211cmd, read)


def _one_class(captures: Captures, kind: Any, read: Callable[[Any], None]) -> Sample:
    found = [data for data in messages(captures.plain) if data[4:6] != b"\x10\0"]

    def work() -> int:
        for data in found:
            message = kind(data)
            message.decode()
            read(message)
        return len(found)

    return timed(work)


def scapy(captures: Captures) -> Sample:
    """scapy: the packet of a message and its first six attributes."""
    from scapy.arch.linux.rtnetlink import rtmsghdr  # noqa: PLC0415

    found = messages(captures.plain, SCAPY_SHARE)

    def work() -> int:
        for data in found:
            for attribute in _attributes(rtmsghdr(data)):
                attribute.rta_data  # noqa: B018  (what is not asked for may never be decoded)
        return len(found)

    return timed(work)


def _attributes(packet: Any) -> Iterator[Any]:
    return islice(getattr(packet.payload, "data", None) or (), 6)


WORK: dict[str, Callable[[Captures], Sample]] = {
    "pyroute2": route,
    "pyroute2 conntrack": conntrack,
    "pyroute2 nl80211": nl80211,
    "scapy": scapy,
}
