"""The golden NETLINK_ROUTE datagrams of the original program, and what the guide promises for each of them.

The expectations are read off the bytes of the vectors and the documented behaviour: where the original went
wrong (short messages accepted, DONE ends the datagram, errors swallowed, 8 KiB limit) they differ from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from nlmon.backends.legacy import LegacyBackend
from nlmon.errors import DecodeError, KernelError, NlmonError, Overrun, TransportError
from nlmon.events import UNSET, AddrInfo, Event, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo
from nlmon.transport.base import TransportStatus
from nlmon.wire import Datagram
from support.paths import FIXTURES

VECTORS = FIXTURES / "vectors" / "replay-cases.txt"


def _route_vectors() -> dict[str, str]:
    rows = (line.split() for line in VECTORS.read_text().splitlines() if not line.startswith("#"))
    return {name: what for name, protocol, what in rows if protocol == "0"}


ALL = _route_vectors()
DATAGRAMS = {name: bytes.fromhex(what) for name, what in ALL.items() if not what.startswith("errno:")}
ERRNOS = {name: int(what.removeprefix("errno:")) for name, what in ALL.items() if what.startswith("errno:")}

# (nlmsg_type, offset in the datagram, interface, payload)
Row = tuple[int, int, str | None, Any]
# (class, offset, attribute path, errno of a KernelError)
Error = tuple[str, int, str, int]

ETH7 = LinkInfo(0, 7, 0x11043, "eth7", 1500, "02:00:00:00:00:07", "fq_codel", 6)
MAC9 = "02:00:00:00:00:09"


def _link(offset: int = 0, msg_type: int = 16, **changes: Any) -> Row:
    """A link event like that of ``link_plain`` but for ``changes``; named by its own IFLA_IFNAME."""
    payload = replace(ETH7, **changes)
    return msg_type, offset, payload.ifname, payload


def _bare(ifname: str | None, **fields: Any) -> Row:
    """A link event of a message that carries IFLA_IFNAME and ``fields`` only."""
    payload = LinkInfo(0, fields.pop("ifindex", 7), 0x11043, ifname, **fields)
    return 16, 0, ifname, payload


def _one(msg_type: int, payload: Any) -> list[Row]:
    return [(msg_type, 0, None, payload)]


def _attribute(offset: int, path: str = "") -> list[Error]:
    return [("AttributeFormatError", offset, path, 0)]


FRAMING, HEADER = ("FramingError", 0, "", 0), ("HeaderError", 0, "", 0)

# name: events, errors, unknown messages, control messages
EXPECTED: dict[str, tuple[list[Row], list[Error], int, int]] = {
    # links
    "link_plain": ([_link()], [], 0, 0),
    "link_del": ([_link(0, 17)], [], 0, 0),
    "link_get": ([_link(0, 18)], [], 0, 0),
    "link_set": ([_link(0, 19)], [], 0, 0),
    "two_links_one_datagram": ([_link(), _link(88, ifindex=8)], [], 0, 0),
    "link_no_ifname_lo": ([_bare(None, ifindex=1, mtu=65536)], [], 0, 0),
    "link_no_ifname_unknown_idx": ([_bare(None, ifindex=4242, mtu=65536)], [], 0, 0),
    "link_ifname_20chars_no_nul": ([_bare("abcdefghijklmnopqrst")], _attribute(32, "IFLA_IFNAME"), 0, 0),
    "link_ifname_no_nul": ([_bare("abcd")], [], 0, 0),
    "link_addr4": ([_link(addr="0a:00:00:01")], [], 0, 0),
    "link_addr16": ([_bare("ip6t", addr="fd" + ":00" * 15)], [], 0, 0),
    "link_addr20_ipoib": ([_bare("ib0", addr=":".join(f"{i:02x}" for i in range(20)))], [], 0, 0),
    "link_qdisc_40": ([_bare("e", qdisc="q" * 40)], _attribute(40, "IFLA_QDISC"), 0, 0),
    "link_mtu_2bytes": ([_bare("e")], _attribute(40, "IFLA_MTU"), 0, 0),
    "link_dup_ifname": ([_bare("second")], [], 0, 0),
    "link_bridge_family": ([_link(family=7)], [], 0, 0),
    "link_header_only_16": ([], [HEADER], 0, 0),
    "link_short_header": ([], [HEADER], 0, 0),
    "link_attr_overlong": ([_bare("eth7")], _attribute(44), 0, 0),
    "link_attr_len3": ([_bare("eth7")], _attribute(44), 0, 0),
    "link_attr_unknown_type": ([_bare("eth7")], [], 0, 0),
    "link_attr_nested_flag": ([_bare("nest")], [], 0, 0),
    "link_multi_flag_no_done": ([_link()], [], 0, 0),
    "link_dump_intr": ([_link()], [], 0, 1),
    # control messages: what follows them is read
    "done_then_link": ([_link(20)], [], 0, 1),
    "link_done_link": ([_link(), _link(108, ifindex=8)], [], 0, 1),
    "noop_then_link": ([_link(16)], [], 0, 1),
    "overrun_then_link": ([_link(16)], [("OverrunMessage", 0, "", 0)], 0, 0),
    "error_enodev_then_link": ([_link(36)], [("KernelError", 0, "", 19)], 0, 0),
    "ack_then_link": ([_link(36)], [], 0, 1),
    "error_eperm": ([], [("KernelError", 0, "", 1)], 0, 0),
    "error_truncated_then_link": ([_link(20)], [HEADER], 0, 0),
    "link_then_error_eexist_then_link": ([_link(), _link(124, ifindex=8)], [("KernelError", 88, "", 17)], 0, 0),
    # framing
    "nlmsg_len_beyond_datagram": ([], [FRAMING], 0, 0),
    "second_msg_truncated": ([_link()], [("FramingError", 88, "", 0)], 0, 0),
    "nlmsg_len_zero": ([], [FRAMING], 0, 0),
    "garbage_3bytes": ([], [FRAMING], 0, 0),
    "big_datagram_9000": ([_link(1392 * i, ifindex=i + 1) for i in range(7)], [], 0, 0),
    "single_msg_9000": ([_link()], [], 0, 0),
    # rules
    "rule_new_v4": (_one(32, RuleInfo(2, 0, 24, 0, 1, 0, 254, priority=1000, src="10.1.0.0")), [], 0, 0),
    "rule_new_v6": (_one(32, RuleInfo(10, 0, 0, 0, 1, 0, 254)), [], 0, 0),
    "rule_del": (_one(33, RuleInfo(2, 0, 24, 0, 1, 0, 254)), [], 0, 0),
    # types without an event
    "qdisc_new": ([], [], 1, 0),
    "nexthop_new": ([], [], 1, 0),
    "nsid_new": ([], [], 1, 0),
    "prefix_new": ([], [], 1, 0),
    "stats_new": ([], [], 1, 0),
    # addresses
    "addr_plain": (_one(20, AddrInfo(2, 1, 24, 0, "10.0.0.5", None, "lo")), [], 0, 0),
    "addr_peer": (_one(20, AddrInfo(2, 1, 32, 0, "10.0.0.5", "10.0.0.99", "lo")), [], 0, 0),
    "addr_local_only": (_one(20, AddrInfo(2, 1, 24, 0, "10.0.0.5", None, "lo")), [], 0, 0),
    "addr_v6_no_label": (_one(20, AddrInfo(10, 1, 64, 0, "fd00::5")), [], 0, 0),
    "addr_unknown_idx": (_one(21, AddrInfo(10, 4242, 64, 0, "fd00::5")), [], 0, 0),
    "addr_v4mapped": (_one(20, AddrInfo(10, 1, 128, 0, "::ffff:1.2.3.4")), [], 0, 0),
    "addr_label_16chars": (
        _one(20, AddrInfo(2, 1, 24, 0, "10.0.0.5", None, "0123456789abcdef")),
        *(_attribute(32, "IFA_LABEL"), 0, 0),
    ),
    "addr_unknown_family": (_one(20, AddrInfo(12, 1, 24, 0)), [], 0, 0),
    "addr_get": (_one(22, AddrInfo(2, 1, 24, 0)), [], 0, 0),
    # routes
    "route_full": (
        _one(
            24,
            RouteInfo(
                *(2, 16, 8, 16, 3, 0, 1, 0, 1000, "10.2.0.0", "10.9.0.0", "10.1.0.2"),
                oif=1,
                priority=100,
                prefsrc="10.1.0.1",
            ),
        ),
        *([], 0, 0),
    ),
    "route_via6": (
        _one(24, RouteInfo(2, 16, 0, 0, 3, 0, 1, 0, 254, "10.2.0.0", oif=1, via="inet6 fd00::9")),
        *([], 0, 0),
    ),
    "route_multipath": (
        _one(
            24,
            RouteInfo(
                *(2, 16, 0, 0, 3, 0, 1, 0, 254, "10.2.0.0"),
                multipath=(NextHop(1, 1, 0, "10.1.0.2"), NextHop(1, 2, 0, "10.1.0.3")),
            ),
        ),
        *([], 0, 0),
    ),
    "route_mpls": (
        _one(24, RouteInfo(28, 20, 0, 0, 3, 0, 1, 0, 254, UNSET, UNSET, UNSET, oif=1, prefsrc=UNSET)),
        *([], 0, 0),
    ),
    "route_get": (_one(26, RouteInfo(2, 16, 0, 0, 3, 0, 1, 0, 254)), [], 0, 0),
    # neighbours
    "neigh_plain": (_one(28, NeighInfo(2, 1, 2, 0, "10.0.0.9", MAC9)), [], 0, 0),
    "neigh_fdb": (_one(28, NeighInfo(7, 1, 0x80, 2, None, MAC9, 10)), [], 0, 0),
    "neigh_lladdr20": (_one(28, NeighInfo(2, 1, 2, 0, "10.0.0.9", "00" + ":00" * 19)), [], 0, 0),
    "neigh_lladdr4": (_one(28, NeighInfo(2, 1, 2, 0, "10.0.0.9", "01:02:03:04")), [], 0, 0),
    "neigh_get": (_one(30, NeighInfo(2, 1, 2, 0)), [], 0, 0),
}


class _Recording:
    """A transport that gives one datagram or failure after the other, and knows no interface."""

    byteorder = "little"

    protocol = 0

    def __init__(self, waiting: list[Datagram | TransportError]) -> None:
        self.waiting = waiting

    def now(self) -> int:
        return 0

    def open(self, protocol: int, groups: Any, **buffers: Any) -> _Recording:
        return self

    def recv(self) -> Datagram | None:
        if not self.waiting:
            return None
        first = self.waiting.pop(0)
        if isinstance(first, TransportError):
            raise first
        return first

    def fileno(self) -> int:
        return -1

    def request(self, message: bytes) -> Iterator[Datagram]:
        return iter(())

    def link_name(self, ifindex: int) -> str | None:
        return None

    def status(self) -> TransportStatus:
        return TransportStatus((), None, None, None, None)

    def close(self) -> None:
        pass


def _row(event: Event) -> Row:
    return event.msg_type, event.offset, event.interface, event.payload


def _error(error: Exception) -> Error:
    assert isinstance(error, DecodeError)
    return (
        type(error).__name__,
        error.offset,
        error.path,
        error.errno if isinstance(error, KernelError) else 0,
    )


def test_every_route_vector_has_an_expectation():
    """The table names exactly the datagrams of the file."""
    assert sorted(EXPECTED) == sorted(DATAGRAMS)


@pytest.mark.parametrize("name", DATAGRAMS)
def test_vector_gives_what_the_guide_promises(name):
    """Events in message order, typed errors with their place, and the two counts."""
    decoded = LegacyBackend(_Recording([])).decode(Datagram(1, 0, 0, DATAGRAMS[name]))
    found = ([_row(event) for event in decoded.events], [_error(error) for error in decoded.errors])
    assert (*found, len(decoded.unknown), decoded.control) == EXPECTED[name]


@pytest.mark.parametrize("name", DATAGRAMS)
def test_processing_delivers_what_decoding_gives(name):
    """Through a transport and callbacks the same events and errors arrive, and are counted."""
    backend = LegacyBackend(_Recording([Datagram(1, 0, 0, DATAGRAMS[name])]))
    events: list[Event] = []
    errors: list[NlmonError] = []
    backend.set_callback(events.append, errors.append)
    backend.enable(0)
    more = (backend.process(0), backend.process(0))
    status = backend.status().protocols[0]
    rows, places, unknown, _ = EXPECTED[name]
    assert ([_row(event) for event in events], [_error(error) for error in errors]) == (rows, places)
    assert (more, status.events, status.errors, sum(status.unknown.values())) == (
        (True, False),
        *(len(rows), len(places), unknown),
    )


@pytest.mark.parametrize(("name", "number"), ERRNOS.items())
def test_failed_read(name, number):
    """ENOBUFS is reported, and an event, and the next datagram read; every other failure reaches the caller."""
    failure = Overrun("NLM-X001", name, drops=2) if number == 105 else TransportError("NLM-X002", name, errno=number)
    backend = LegacyBackend(_Recording([failure, Datagram(1, 0, 0, DATAGRAMS["link_plain"])]))
    errors: list[NlmonError] = []
    raised: list[TransportError] = []
    backend.set_callback(None, errors.append)
    backend.enable(0)
    try:
        backend.process(0)
    except TransportError as error:
        raised.append(error)
    backend.process(0)
    expected = ([failure], []) if number == 105 else ([], [failure])
    overruns = 1 if number == 105 else 0
    assert (errors, raised, backend.status().protocols[0].events) == (*expected, 1 + overruns)
