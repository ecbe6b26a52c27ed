"""Claims about sockets, tracked connections, IPsec and audit.

Not here: NETLINK_ROUTE (``test_route``) and NETLINK_GENERIC (``test_generic``).
"""

from __future__ import annotations

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import Start
from nlmon.events import ExpectInfo, FlowTuple, XfrmFlushInfo
from nlmon.testing.messages import attr, big, link, message, nested, number
from nlmon.uapi import IPPROTO_TCP, IPPROTO_UDP, NETLINK_AUDIT, NETLINK_NETFILTER, NETLINK_SOCK_DIAG, NETLINK_XFRM
from nlmon.wire import Datagram

__all__ = ()

NOBODYS = 21
NO_IPSEC = not_applicable("it does not support NETLINK_XFRM")
SOURCE, DESTINATION = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1))


def inet(*, state: int = 1, rows: bytes = b"") -> bytes:
    """A message about an internet socket: ``inet_diag_msg``."""
    ends = big("HH", 22, 40000) + SOURCE.ljust(16, b"\0") + DESTINATION.ljust(16, b"\0") + bytes(12)
    return message(20, bytes((2, state, 1, 3)) + ends + number("IIIII", 0, 5, 6, 1000, 4242) + rows)


def ends(kind: int, source: bytes, destination: bytes, ports: tuple[int, int]) -> bytes:
    """CTA_TUPLE_ORIG or CTA_TUPLE_REPLY of a TCP connection."""
    addresses = nested(1, attr(1, source), attr(2, destination))
    return nested(kind, addresses, nested(2, attr(1, b"\6"), attr(2, big("H", ports[0])), attr(3, big("H", ports[1]))))


def flow(msg_type: int = 0x100) -> bytes:
    """A message about a TCP connection: ``nfgenmsg`` and CTA_*."""
    counters = [
        nested(kind, attr(1, big("Q", packets)), attr(2, big("Q", 1 << 33))) for kind, packets in ((9, 10), (10, 9))
    ]
    state, mark = nested(4, nested(1, attr(1, b"\3"))), attr(8, big("I", 256))
    directions = ends(1, SOURCE, DESTINATION, (40000, 22)), ends(2, DESTINATION, SOURCE, (22, 40001))
    return message(msg_type, bytes((2, 0, 0, 0)) + b"".join((*directions, state, *counters, mark)))


@claim(
    "protocols.four",
    "NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_SOCK_DIAG and NETLINK_NETFILTER are supported.",
    source="guide#new-libnl-based-implementation; guide#common-options-both-implementations",
)
def test_four_protocols(start: Start) -> None:
    monitor = start()
    assert [monitor.supports(protocol) for protocol in (0, 16, NETLINK_SOCK_DIAG, NETLINK_NETFILTER)] == [True] * 4


@claim(
    "protocols.xfrm",
    "NETLINK_XFRM is supported, with the groups of states, policies and what becomes of them.",
    source="guide#upcoming-features-libnl-only; linux/xfrm.h",
    legacy=by_design("no new features are planned for it"),
)
def test_xfrm(start: Start) -> None:
    monitor = start()
    assert (monitor.supports(NETLINK_XFRM), monitor.kernel.groups(NETLINK_XFRM)) == (True, {1, 2, 3, 4, 5})


@claim(
    "protocols.xfrm.event",
    "An IPsec message gives an event.",
    source="guide#upcoming-features-libnl-only; linux/xfrm.h",
    legacy=NO_IPSEC,
)
def test_xfrm_event(start: Start) -> None:
    found = start(NETLINK_XFRM).payload(message(28, b"\x32"), protocol=NETLINK_XFRM)
    assert isinstance(found, XfrmFlushInfo)


@claim(
    "protocols.xfrm.state",
    "A security association that is deleted has its destination, protocol and SPI.",
    source="guide#upcoming-features-libnl-only; linux/xfrm.h",
    legacy=NO_IPSEC,
)
def test_xfrm_state(start: Start) -> None:
    body = DESTINATION.ljust(16, b"\0") + big("I", 0x1234) + number("HBx", 2, 50)
    found = start(NETLINK_XFRM).payload(message(17, body), protocol=NETLINK_XFRM)
    assert (found.daddr, found.spi, found.proto) == ("198.51.100.1", 0x1234, 50)


@claim(
    "protocols.audit",
    "NETLINK_AUDIT is supported, and a record gives an event.",
    source="guide#upcoming-features-libnl-only; linux/audit.h",
    legacy=by_design("no new features are planned for it"),
)
def test_audit(start: Start) -> None:
    monitor = start()
    assert monitor.supports(NETLINK_AUDIT)
    assert (
        len(monitor.receive(message(1300, b"audit(1364481363.243:24287): arch=c000003e"), protocol=NETLINK_AUDIT)) == 1
    )


@claim(
    "protocols.unknown",
    "A protocol that is not supported is refused.",
    source="guide#development-best-practices",
)
def test_unknown_protocol(start: Start) -> None:
    monitor = start()
    assert (monitor.supports(NOBODYS), monitor.backend.fileno(NOBODYS)) == (False, -1)


@claim(
    "protocols.sequence",
    "A notification is an event whatever its sequence number and port are.",
    source="guide#new-libnl-based-implementation; netlink(7)",
)
def test_sequence(start: Start) -> None:
    monitor = start(0, 16, NETLINK_SOCK_DIAG, NETLINK_NETFILTER)
    bodies = {
        0: (16, link(3, "lan0")),
        16: (99, bytes((1, 1, 0, 0))),
        NETLINK_SOCK_DIAG: (20, inet()[16:]),
        NETLINK_NETFILTER: (0x100, flow()[16:]),
    }
    found = [
        monitor.receive(message(*body, seq=seq, pid=pid), protocol=protocol)
        for protocol, body in bodies.items()
        for seq, pid in ((0, 0), (7, 0), (0xFFFFFFFF, 4321))
    ]
    assert ([len(events) for events in found], monitor.errors) == ([1] * len(found), [])


@claim(
    "sockets.fields",
    "A socket has its family, state, addresses, ports and inode.",
    source="guide#event-structure-changes; linux/inet_diag.h",
)
def test_socket(start: Start) -> None:
    found = start(NETLINK_SOCK_DIAG).payload(inet(), protocol=NETLINK_SOCK_DIAG)
    values = found.family, found.state, found.src_addr, found.src_port, found.dst_addr, found.dst_port, found.inode
    assert values == (2, 1, "192.0.2.1", 22, "198.51.100.1", 40000, 4242)


@claim(
    "sockets.protocol",
    "A destroyed socket says whether it was TCP or UDP.",
    source="guide#event-structure-changes; linux/inet_diag.h INET_DIAG_PROTOCOL",
)
def test_socket_protocol(start: Start) -> None:
    monitor = start(NETLINK_SOCK_DIAG)
    rows = [attr(10, bytes((protocol,))) for protocol in (IPPROTO_TCP, IPPROTO_UDP)]
    found = [monitor.payload(inet(state=7, rows=row), protocol=NETLINK_SOCK_DIAG).protocol for row in rows]
    assert found == [IPPROTO_TCP, IPPROTO_UDP]


@claim(
    "sockets.protocol.asked",
    "A socket in an answer has the protocol that was asked for, whatever its state.",
    source="decision 20; linux/inet_diag.h inet_diag_req_v2",
)
def test_asked(start: Start) -> None:
    backend = start(NETLINK_SOCK_DIAG).backend
    found = []
    for protocol, state in ((IPPROTO_TCP, 1), (IPPROTO_UDP, 1), (IPPROTO_UDP, 7)):
        request = message(20, bytes((2, protocol)) + bytes(54))
        answer = Datagram(1, 0, NETLINK_SOCK_DIAG, inet(state=state), request=request)
        found += [event.payload.protocol for event in backend.decode(answer).events]
    assert found == [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP]


@claim(
    "sockets.queues",
    "A socket has its owner, queues, timer and retransmissions.",
    source="guide#event-structure-changes; linux/inet_diag.h",
    legacy=by_design("its events have the fields of the guide's structures alone"),
)
def test_socket_queues(start: Start) -> None:
    found = start(NETLINK_SOCK_DIAG).payload(inet(), protocol=NETLINK_SOCK_DIAG)
    assert (found.uid, found.rqueue, found.wqueue, found.timer, found.retrans) == (1000, 5, 6, 1, 3)


@claim(
    "sockets.unix",
    "A unix socket has no addresses and ports, however long its message is.",
    source="linux/unix_diag.h",
)
def test_unix_socket(start: Start) -> None:
    data = message(20, bytes((1, 1, 1, 0)) + number("III", 4343, 0, 0) + attr(0, b"/run/" + b"x" * 80))
    found = start(NETLINK_SOCK_DIAG).payload(data, protocol=NETLINK_SOCK_DIAG)
    assert (found.family, found.inode, found.src_addr, found.src_port) == (1, 4343, None, None)


@claim(
    "sockets.unix.path",
    "A unix socket has its path, and the socket at its other end.",
    source="linux/unix_diag.h",
    legacy=by_design("its events have the fields of the guide's structures alone"),
)
def test_unix_path(start: Start) -> None:
    data = message(
        20, bytes((1, 1, 1, 0)) + number("III", 4343, 0, 0) + attr(0, b"/run/a") + attr(2, number("I", 4344))
    )
    found = start(NETLINK_SOCK_DIAG).payload(data, protocol=NETLINK_SOCK_DIAG)
    assert (found.path, found.peer) == ("/run/a", 4344)


@claim(
    "sockets.groups",
    "The groups of destroyed TCP and UDP sockets are joined, of IPv4 and of IPv6.",
    source="guide#common-options-both-implementations; linux/sock_diag.h",
)
def test_socket_groups(start: Start) -> None:
    assert start(NETLINK_SOCK_DIAG).kernel.groups(NETLINK_SOCK_DIAG) == {1, 2, 3, 4}


@claim(
    "conntrack.groups",
    "The groups of new, updated and destroyed connections are joined.",
    source="guide#common-options-both-implementations; linux/netfilter/nfnetlink_compat.h",
)
def test_conntrack_groups(start: Start) -> None:
    assert {1, 2, 3} <= start(NETLINK_NETFILTER).kernel.groups(NETLINK_NETFILTER)


@claim(
    "conntrack.fields",
    "A connection has its protocol, state, addresses and ports.",
    source="guide#event-structure-changes; linux/netfilter/nfnetlink_conntrack.h",
)
def test_conntrack(start: Start) -> None:
    found = start(NETLINK_NETFILTER).payload(flow(), protocol=NETLINK_NETFILTER)
    assert (found.family, found.protocol, found.tcp_state) == (2, IPPROTO_TCP, 3)
    values = found.src_addr, found.src_port, found.dst_addr, found.dst_port
    assert values == ("192.0.2.1", 40000, "198.51.100.1", 22)


@claim(
    "conntrack.counters",
    "Counters and mark of a connection are read in network byte order.",
    source="guide#event-structure-changes; linux/netfilter/nfnetlink_conntrack.h",
)
def test_counters(start: Start) -> None:
    found = start(NETLINK_NETFILTER).payload(flow(), protocol=NETLINK_NETFILTER)
    assert (found.packets_orig, found.packets_reply, found.bytes_orig, found.mark) == (10, 9, 1 << 33, 256)


@claim(
    "conntrack.destroy",
    "A connection that ends gives an event with the same fields as one that begins.",
    source="guide#event-structure-changes",
)
def test_destroy(start: Start) -> None:
    monitor = start(NETLINK_NETFILTER)
    new, destroyed = (monitor.payload(flow(kind), protocol=NETLINK_NETFILTER) for kind in (0x100, 0x102))
    assert destroyed == new


@claim(
    "conntrack.reply",
    "A connection has the addresses and ports of replies, which differ from the mirrored ones under NAT.",
    source="guide#event-structure-changes; linux/netfilter/nfnetlink_conntrack.h",
    legacy=by_design("its events have the fields of the guide's structures alone"),
)
def test_reply(start: Start) -> None:
    found = start(NETLINK_NETFILTER).payload(flow(), protocol=NETLINK_NETFILTER).reply
    assert isinstance(found, FlowTuple)
    assert (found.src_addr, found.src_port, found.dst_addr, found.dst_port) == ("198.51.100.1", 22, "192.0.2.1", 40001)


@claim(
    "conntrack.expect",
    "A connection that a helper expects gives an event, and the groups of such connections are joined.",
    source="guide#new-libnl-based-implementation; linux/netfilter/nfnetlink_conntrack.h",
    legacy=by_design("it reads tracked connections alone"),
)
def test_expect(start: Start) -> None:
    monitor = start(NETLINK_NETFILTER)
    assert {4, 5, 6} <= monitor.kernel.groups(NETLINK_NETFILTER)
    found = monitor.payload(message(0x200, bytes((2, 0, 0, 0)) + attr(4, big("I", 30))), protocol=NETLINK_NETFILTER)
    assert isinstance(found, ExpectInfo)
    assert found.timeout == 30


@claim(
    "conntrack.more",
    "A connection has its identifier, status, zone and the time that is left.",
    source="guide#event-structure-changes; linux/netfilter/nfnetlink_conntrack.h",
    legacy=by_design("its events have the fields of the guide's structures alone"),
)
def test_more(start: Start) -> None:
    rows = attr(3, big("I", 0x188)), attr(7, big("I", 120)), attr(12, big("I", 99)), attr(18, big("H", 5))
    data = message(0x100, bytes((2, 0, 0, 0)) + b"".join(rows))
    found = start(NETLINK_NETFILTER).payload(data, protocol=NETLINK_NETFILTER)
    assert (found.status, found.timeout, found.id, found.zone) == (0x188, 120, 99, 5)
