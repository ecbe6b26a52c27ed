"""The translator: each event of either implementation has the old fields that legacy gives for the same message."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.api import EventType, GenericMessage, Monitor, NetlinkConfig, NetlinkData, NlmonEvent, SocketDiag
from nlmon.api.event import translate
from nlmon.capture import ByteOrder, open_capture
from nlmon.events import (
    UNSET,
    AddrInfo,
    ConntrackInfo,
    DiagInfo,
    Event,
    GenericInfo,
    LinkInfo,
    NeighInfo,
    NsidInfo,
    OverrunInfo,
    Payload,
    QcaVendorInfo,
    RouteInfo,
    RuleInfo,
)
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.paths import CAPTURES

BUNDLED = [
    pytest.param(
        path,
        marks=[
            *([pytest.mark.slow] if "burst" in path.name else []),
            *([pytest.mark.long] if path.parent.name == "linux-6.1" else []),
        ],
    )
    for path in sorted(CAPTURES.rglob("*.pcap*"))
]
ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16
PROTOCOLS = (ROUTE, SOCK_DIAG, NETFILTER, GENERIC)
QCA = 0x1374


def old(event: NlmonEvent) -> tuple[object, ...]:
    """The fields of the old structure, and what came with them."""
    return event.timestamp, event.type, event.protocol, event.msg_type, event.data


def length(message: bytes, order: ByteOrder) -> int:
    """``nlmsg_len`` of a message."""
    return int.from_bytes(message[:4], order)


def both(path: Path) -> Iterator[tuple[ByteOrder, Datagram, list[NlmonEvent], list[NlmonEvent]]]:
    """Every message of a capture that legacy reads, too, with the events of legacy and of libnl."""
    with open_capture(path) as reader:
        kernel = RecordedKernel(reader.info.byteorder)
        factories = [RecordedFactory(kernel, select_all=True) for _ in range(2)]
        monitors = [
            Monitor(NetlinkConfig(use_libnl=libnl), transports=factory)
            for libnl, factory in zip((False, True), factories, strict=True)
        ]
        for monitor in monitors:
            for protocol in PROTOCOLS:
                monitor.enable(protocol)
        for frame in reader:
            if frame.protocol not in PROTOCOLS:
                continue
            datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated)
            kernel.learn(Datagrams.of(datagram))
            results: list[list[NlmonEvent]] = [[], []]
            for monitor, factory, found in zip(monitors, factories, results, strict=True):
                factory.deliver(datagram)
                monitor.set_callback(lambda event, into: into.append(event), found)
                while monitor.process(frame.protocol):
                    pass
            yield kernel.byteorder, datagram, *results
        for monitor in monitors:
            monitor.close()


@pytest.mark.slow
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
def test_old_fields_are_those_of_legacy(path: Path) -> None:
    """Over every bundled recording: what has an old type has it from both, with the same old fields; a message of
    rtnetlink comes with its bytes."""
    for order, datagram, legacy, libnl in both(path):
        typed = [[event for event in events if event.type is not None] for events in (legacy, libnl)]
        for left, right in zip_longest(*typed):
            assert left is not None and right is not None, datagram
            assert old(left) == old(right), datagram
            if isinstance(right.data, bytes):
                begin = right.event.offset
                assert right.data == datagram.data[begin : begin + length(right.data, order)]
        assert [event.type for event in legacy if event.type is None and event.protocol != NETFILTER] == []


def made(payload: Payload, protocol: int = ROUTE, message: bytes = b"bytes") -> NlmonEvent:
    """An event that carries a payload, translated."""
    return translate(Event(5, protocol, 16, 2, 3, 4, 1, 0, "eth0", payload), message)


LINK, RULE = LinkInfo(0, 2, 0), RuleInfo(2, 0, 0, 0, 1, 0, 254)
DIAG = DiagInfo(2, 1, 6, 22, 40000, "10.0.0.1", "10.0.0.2", 7, uid=0)
UNIX = DiagInfo(1, 1, None, None, None, None, None, 9)
OLD_TYPES: list[tuple[Payload, int, EventType | None, object, str]] = [
    (LINK, ROUTE, EventType.LINK, b"bytes", "link"),
    (AddrInfo(2, 2, 24, 0), ROUTE, EventType.ADDR, b"bytes", "addr"),
    (RouteInfo(2, 0, 0, 0, 3, 0, 1, 0, 254), ROUTE, EventType.ROUTE, b"bytes", "route"),
    (NeighInfo(2, 2, 2, 0), ROUTE, EventType.NEIGH, b"bytes", "neigh"),
    (RULE, ROUTE, EventType.RULE, b"bytes", "rule"),
    (DIAG, SOCK_DIAG, EventType.SOCK_DIAG, SocketDiag(2, 1, 6, 22, 40000, 7, "10.0.0.1", "10.0.0.2"), "diag"),
    (UNIX, SOCK_DIAG, EventType.SOCK_DIAG, SocketDiag(1, 1, 0, 0, 0, 9, "", ""), "diag"),
    (GenericInfo(28, 5, 1), GENERIC, EventType.GENERIC, GenericMessage(5, 1, 28, "family_28"), "generic"),
    (ConntrackInfo(2), NETFILTER, None, None, "conntrack"),
    (OverrunInfo(3), ROUTE, None, None, "overrun"),
    (NsidInfo(0, 1), ROUTE, None, None, ""),
]


@pytest.mark.parametrize(("payload", "protocol", "kind", "data", "member"), OLD_TYPES)
def test_both_structures_are_filled(
    payload: Payload, protocol: int, kind: EventType | None, data: object, member: str
) -> None:
    """The old type with what came with it, and the one member of the new union; what the old interface has no type for
    is an event all the same."""
    event = made(payload, protocol)
    members = {name: value for name in NetlinkData.__struct_fields__ if (value := getattr(event.netlink.data, name))}

    assert (event.type, event.data, event.interface) == (kind, data, "eth0")
    assert members == ({member: payload} if member else {})
    assert (event.netlink.protocol, event.netlink.msg_type) == (event.protocol, event.msg_type) == (protocol, 16)
    assert (event.netlink.msg_flags, event.netlink.seq, event.netlink.pid) == (2, 3, 4)
    assert event.event.payload is payload


def test_a_named_family_has_its_name_in_the_new_fields_alone() -> None:
    """An old program compares with ``family_N``, as legacy knows no names."""
    qca = QcaVendorInfo(QCA, 203)
    event = made(GenericInfo(28, 103, 1, QCA, 203, genl_family_name="nl80211", qca_vendor=qca), GENERIC)

    assert event.data == GenericMessage(203, 1, 28, "nl80211/QCA:0xcb")
    assert (event.netlink.genl_family_name, event.netlink.genl_family_id) == ("nl80211", 28)
    assert (event.netlink.genl_cmd, event.netlink.genl_version, event.netlink.data.qca) == (103, 1, qca)


@given(
    st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.none() | st.integers(0, 2**32 - 1), st.none() | st.integers(0, 99)
)
def test_vendor_commands_do_not_depend_on_who_knows_the_family(
    family: int, command: int, vendor: int | None, subcommand: int | None
) -> None:
    """The old fields of a generic message are made of what both implementations provide."""
    plain = GenericInfo(family, command, 1, vendor, subcommand)
    named = GenericInfo(family, command, 1, vendor, subcommand, genl_family_name="nl80211", attributes=None)

    assert plain.genl_family_name is UNSET
    assert old(made(plain, GENERIC)) == old(made(named, GENERIC))
