"""Claims about reading: damaged, unknown, large and control messages, and several in one datagram.

Not here: what the fields of a good message are (``test_route``, ``test_generic``, ``test_others``).
"""

from __future__ import annotations

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import Start
from nlmon.errors import KernelError
from nlmon.testing.messages import addr, attr, link, message, number, wrong_length
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, RTM_NEWADDR, RTM_NEWLINK

__all__ = ()

LAN0, LAN1 = message(RTM_NEWLINK, link(3, "lan0")), message(RTM_NEWLINK, link(4, "lan1"))


def refused(errno: int, *, flags: int = 0, more: bytes = b"") -> bytes:
    """What the kernel answers to a request of sixteen bytes: NLMSG_ERROR."""
    return message(NLMSG_ERROR, number("i", -errno) + number("IHHII", 16, 18, 1, 1, 0) + more, flags=flags)


@claim(
    "reading.time",
    "The time of an event is that of its datagram, in nanoseconds.",
    source="guide#event-structure-changes",
)
def test_time(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.kernel.clock = 1_700_000_000_123_456_789
    assert [event.timestamp for event in monitor.receive(LAN0)] == [1_700_000_000_123_456_789]


@claim(
    "reading.several",
    "Every message of a datagram gives an event, with the number of the datagram and its place in it.",
    source="guide#new-libnl-based-implementation; netlink(7)",
)
def test_several(start: Start) -> None:
    events = start(ROUTE).receive(LAN1, LAN0 + LAN1 + LAN0)
    assert [(event.interface, event.frame, event.offset) for event in events] == [
        ("lan1", 1, 0),
        ("lan0", 2, 0),
        ("lan1", 2, len(LAN0)),
        ("lan0", 2, len(LAN0) + len(LAN1)),
    ]


@claim(
    "reading.multipart",
    "A multipart message gives an event for each part, and none for its end.",
    source="guide#new-libnl-based-implementation; netlink(7)",
)
def test_multipart(start: Start) -> None:
    parts = [message(RTM_NEWLINK, link(index, f"lan{index}"), flags=NLM_F_MULTI) for index in (3, 4, 5)]
    events = start(ROUTE).receive(
        parts[0] + parts[1], parts[2] + message(NLMSG_DONE, number("i", 0), flags=NLM_F_MULTI)
    )
    assert [event.interface for event in events] == ["lan3", "lan4", "lan5"]


@claim(
    "reading.many",
    "A datagram of more than 8 KiB is read to its end.",
    source="guide#new-libnl-based-implementation; netlink(7)",
)
def test_many(start: Start) -> None:
    messages = [message(RTM_NEWLINK, link(index, f"lan{index}")) for index in range(1, 301)]
    assert len(start(ROUTE).receive(b"".join(messages))) == len(messages)


@claim(
    "reading.large",
    "A message of more than 16 KiB is read whole.",
    source="guide#scenario-3-high-traffic-production-environment; decision 29",
)
def test_large(start: Start) -> None:
    data = message(
        RTM_NEWLINK, link(3, "lan0", altnames=[f"{number_:0100}" for number_ in range(200)]) + attr(16, b"\6")
    )
    assert len(data) > 16384
    found = start(ROUTE).payload(data)
    assert (found.ifname, found.operstate) == ("lan0", 6)


@claim(
    "reading.done",
    "Reading goes on behind NLMSG_DONE.",
    source="decision 5; netlink(7)",
)
def test_done(start: Start) -> None:
    events = start(ROUTE).receive(LAN0 + message(NLMSG_DONE, number("i", 0)) + LAN1)
    assert [event.interface for event in events] == ["lan0", "lan1"]


@claim("reading.noop", "NLMSG_NOOP is no event, of whatever protocol.", source="decision 5; netlink(7)")
def test_noop(start: Start) -> None:
    monitor = start(ROUTE, GENERIC)
    noop = message(NLMSG_NOOP, bytes(8))
    assert (monitor.receive(noop), monitor.receive(noop, protocol=GENERIC), monitor.errors) == ([], [], [])


@claim(
    "reading.error",
    "An error message of the kernel is reported with its number, and reading goes on behind it.",
    source="guide#new-libnl-based-implementation; decision 5",
)
def test_error(start: Start) -> None:
    monitor = start(ROUTE)
    events = monitor.receive(LAN0 + refused(17) + LAN1)
    assert [event.interface for event in events] == ["lan0", "lan1"]
    assert [getattr(error, "errno", None) for error in monitor.errors] == [17]


@claim(
    "reading.error.text",
    "An error message is reported with the kernel's own explanation.",
    source="guide#new-libnl-based-implementation; linux/netlink.h NLMSGERR_ATTR_MSG",
    legacy=by_design("it knows the numbers of errors alone"),
)
def test_error_text(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.receive(refused(22, flags=0x300, more=attr(1, b"No such table\0")))
    assert [error.ext_ack for error in monitor.errors if isinstance(error, KernelError)] == ["No such table"]


@claim("reading.ack", "An acknowledgement is neither an event nor an error.", source="decision 5; netlink(7)")
def test_ack(start: Start) -> None:
    monitor = start(ROUTE)
    assert (len(monitor.receive(refused(0) + LAN0)), monitor.errors) == (1, [])


@claim(
    "reading.overrun-message",
    "NLMSG_OVERRUN is reported as an error, and reading goes on behind it.",
    source="decision 5; netlink(7)",
)
def test_overrun_message(start: Start) -> None:
    monitor = start(ROUTE)
    assert (len(monitor.receive(message(NLMSG_OVERRUN) + LAN0)), monitor.found()) == (1, ["OverrunMessage"])


@claim(
    "reading.header",
    "A message that is too short for the header of its type is no event, and is reported.",
    source="guide#new-libnl-based-implementation; decision 1",
)
def test_short_header(start: Start) -> None:
    monitor = start(ROUTE)
    events = monitor.receive(message(RTM_NEWLINK, bytes(8)) + LAN0)
    assert ([event.interface for event in events], monitor.found()) == (["lan0"], ["HeaderError"])


@claim(
    "reading.attribute.short",
    "An attribute that is too short is left out and reported with its name; the rest of the message is kept.",
    source="guide#new-libnl-based-implementation; decision 1",
)
def test_short_attribute(start: Start) -> None:
    monitor = start(ROUTE)
    body = number("BxHiII", 0, 1, 3, 1, 0) + attr(4, b"\xdc\x05") + attr(3, b"lan0\0")
    found = monitor.payload(message(RTM_NEWLINK, body))
    assert (found.ifname, found.mtu) == ("lan0", None)
    assert [getattr(error, "path", None) for error in monitor.errors] == ["IFLA_MTU"]


@claim(
    "reading.attribute.cut",
    "An attribute that is longer than its message is reported, and the attributes before it are kept.",
    source="guide#new-libnl-based-implementation; decision 1",
)
def test_cut_attribute(start: Start) -> None:
    monitor = start(ROUTE)
    found = monitor.payload(message(RTM_NEWLINK, link(3, "lan0") + number("HH", 400, 1) + bytes(4)))
    assert (found.ifname, found.mtu, monitor.found()) == ("lan0", 1500, ["AttributeFormatError"])


@claim(
    "reading.attribute.long",
    "A number with a longer payload is read from its leading bytes, as newer kernels extend structures.",
    source="decision 3",
)
def test_long_number(start: Start) -> None:
    body = number("BxHiII", 0, 1, 3, 1, 0) + attr(4, number("II", 1400, 99))
    assert start(ROUTE).payload(message(RTM_NEWLINK, body)).mtu == 1400


@claim(
    "reading.attribute.unknown",
    "An attribute that is not known changes nothing.",
    source="netlink(7)",
)
def test_unknown_attribute(start: Start) -> None:
    monitor = start(ROUTE)
    plain, more = (monitor.payload(message(RTM_NEWLINK, link(3, "lan0") + row)) for row in (b"", attr(3000, b"new")))
    assert (more, monitor.errors) == (plain, [])


@claim(
    "reading.attribute.twice",
    "Of an attribute that comes twice the last one counts.",
    source="netlink(7); include/net/netlink.h nla_parse",
)
def test_repeated_attribute(start: Start) -> None:
    assert start(ROUTE).payload(message(RTM_NEWLINK, link(3, "lan0") + attr(4, number("I", 9000)))).mtu == 9000


@claim(
    "reading.unknown",
    "A message of a type that is not known is no event and no error, and is counted.",
    source="guide#new-libnl-based-implementation",
)
def test_unknown_message(start: Start) -> None:
    monitor = start(ROUTE)
    assert (monitor.receive(message(1000, bytes(8))), monitor.errors) == ([], [])
    assert list(monitor.backend.status().protocols[ROUTE].unknown.values()) == [1]


@claim(
    "reading.cut",
    "A message that does not fit in its datagram is reported with its place, and those before it are kept.",
    source="guide#new-libnl-based-implementation; netlink(3)",
)
def test_cut_message(start: Start) -> None:
    monitor = start(ROUTE)
    events = monitor.receive(LAN0 + LAN1[:-8])
    assert [event.interface for event in events] == ["lan0"]
    assert [(type(error).__name__, getattr(error, "offset", None)) for error in monitor.errors] == [
        ("FramingError", len(LAN0))
    ]


@claim(
    "reading.garbage",
    "Bytes that are no netlink give no event and end nothing.",
    source="guide#new-libnl-based-implementation",
)
def test_garbage(start: Start) -> None:
    monitor = start(ROUTE)
    garbage = [bytes(3), b"\xff" * 100, *(wrong_length(LAN0, length) for length in (0, 5, 1 << 31))]
    assert monitor.receive(*garbage) == []
    assert [event.interface for event in monitor.receive(LAN1)] == ["lan1"]


@claim(
    "reading.names.odd",
    "A name that is not UTF-8 is given with its bytes escaped.",
    source="net/core/dev.c dev_valid_name",
)
def test_odd_name(start: Start) -> None:
    body = number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"lan\xff\0")
    assert start(ROUTE).payload(message(RTM_NEWLINK, body)).ifname == "lan\\xff"


@claim(
    "reading.counters",
    "Events and errors are counted by protocol.",
    source="guide#post-migration-validation",
)
def test_counters(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.receive(LAN0, refused(1), message(RTM_NEWADDR, addr(3, "192.0.2.1")), message(RTM_NEWLINK, bytes(4)))
    status = monitor.backend.status().protocols[ROUTE]
    assert (status.enabled, status.events, status.errors) == (True, 2, 2)


@claim(
    "reading.limit",
    "A message above the limit is refused and reported; its neighbours are kept.",
    source="guide#scenario-3-high-traffic-production-environment",
    legacy=by_design("it has no limit of message sizes"),
)
def test_limit(start: Start) -> None:
    large = message(RTM_NEWLINK, link(4, "large", altnames=["x" * 100]))
    monitor = start(ROUTE, max_message_size=len(LAN0))
    events = monitor.receive(LAN0 + large + LAN0)
    assert ([event.interface for event in events], monitor.found()) == (["lan0", "lan0"], ["MessageTooLarge"])


@claim(
    "reading.limit.control",
    "A limit of message sizes refuses no error of the kernel, however much of the request that echoes.",
    source="guide#scenario-3-high-traffic-production-environment",
    legacy=not_applicable("it has no limit of message sizes"),
)
def test_control_messages(start: Start) -> None:
    monitor = start(ROUTE, max_message_size=20)
    monitor.receive(refused(22, more=bytes(400)))
    assert monitor.found() == ["KernelError"]
