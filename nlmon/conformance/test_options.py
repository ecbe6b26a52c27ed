"""Claims about what the options of a configuration do, in the chapters on options, troubleshooting and best practice.

Not here: files that are refused, and options that are about no implementation.
"""

from __future__ import annotations

import errno

from nlmon.conformance.claim import by_design, claim
from nlmon.conformance.program import Program
from nlmon.conformance.test_generic import MLME, NL80211, SCAN, host
from nlmon.errors import TransportError
from nlmon.events import OVERRUN
from nlmon.filters import compile_filter
from nlmon.testing.messages import addr, generic, link, message, route
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import (
    NETLINK_NETFILTER,
    NETLINK_SOCK_DIAG,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETROUTE,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
)

__all__ = ()

LAN0, LAN1 = message(RTM_NEWLINK, link(3, "lan0")), message(RTM_NEWLINK, link(4, "lan1"))
NO_OPTION = by_design("it has no such option, and says so in a notice")
ALL_OPTIONS = """netlink:
  caching: {enabled: true, link_cache: true, addr_cache: true, route_cache: true}
  generic_families: [nl80211, taskstats]
  multicast_groups: [link, ipv4_ifaddr, ipv6_ifaddr]
  limits: {max_message_size: 16384, message_pool_size: 2048}
"""


def _seen(program: Program, text: str) -> list[tuple[int, str | None, object]]:
    """Type, interface and old form of what a monitor with a configuration gives of a few messages."""
    program.kernel.names[3] = "lan0"
    program.kernel.objects[RTM_NEWLINK, 3] = link(3, "lan0")
    monitor = program.configured(text)
    more = message(RTM_NEWADDR, addr(3, "192.0.2.1")), message(RTM_NEWROUTE, route("192.0.2.0/24", 3))
    found = program.receive(monitor, LAN0, *more)
    monitor.close()
    return [(one.msg_type, one.interface, one.data) for one in found]


@claim(
    "options.protocols",
    "The protocols that a configuration switches on are listened to, and no others.",
    source="guide#common-options-both-implementations",
)
def test_protocols(program: Program) -> None:
    first = program.configured("netlink: {protocols: {route: true, generic: true, sock_diag: false, netfilter: false}}")
    second = program.configured("netlink: {protocols: {route: false, generic: false, sock_diag: true}}")
    assert [first.protocols, second.protocols] == [(ROUTE, GENERIC), (NETLINK_SOCK_DIAG,)]
    protocols = ROUTE, GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER
    assert [len(program.kernel.sockets(one)) for one in protocols] == [1, 1, 1, 0]


@claim(
    "options.buffers",
    "Each socket has the buffers of its configuration.",
    source="guide#common-options-both-implementations; guide#configuration-best-practices",
)
def test_buffers(program: Program) -> None:
    program.configured("netlink: {protocols: {generic: true}, buffer_size: {receive: 65536, send: 16384}}")
    assert {one.buffers for one in program.kernel.opened} == {(65536, 16384)}


@claim(
    "options.caching",
    "The caches that a configuration switches on are filled, and no others.",
    source="guide#libnl-specific-options; guide#configuration-best-practices",
    legacy=NO_OPTION,
)
def test_caching(program: Program) -> None:
    program.configured("netlink: {caching: {enabled: true, link_cache: true, addr_cache: true, route_cache: false}}")
    asked = {kind for kind, _ in program.kernel.requests}
    assert {RTM_GETLINK, RTM_GETADDR} <= asked
    assert RTM_GETROUTE not in asked


@claim(
    "options.caching.off",
    "With caching switched off nothing is asked of the kernel but names, whatever caches are named.",
    source="guide#issue-events-not-being-captured-with-libnl; guide#issue-high-memory-usage-with-libnl",
)
def test_caching_off(program: Program) -> None:
    program.configured("netlink: {caching: {enabled: false, link_cache: true, route_cache: true}}")
    assert program.kernel.requests == []


@claim(
    "options.families",
    "Of generic families that a configuration names the groups are joined, and no others.",
    source="guide#libnl-specific-options; guide#issue-generic-netlink-family-not-found",
    legacy=NO_OPTION,
)
def test_families(program: Program) -> None:
    program.kernel = host()
    program.configured("netlink: {protocols: {generic: true}, generic_families: [nl80211]}")
    assert program.kernel.groups(GENERIC) >= {SCAN, MLME}
    assert 24 not in program.kernel.groups(GENERIC)


@claim(
    "options.families.off",
    "Families that are named without NETLINK_GENERIC open no socket.",
    source="guide#issue-generic-netlink-family-not-found",
)
def test_families_off(program: Program) -> None:
    program.configured("netlink: {generic_families: [nl80211]}")
    assert {one.protocol for one in program.kernel.opened} == {ROUTE}


@claim(
    "options.multicast",
    "Multicast groups of a configuration are information: the same groups are joined with them and without.",
    source="guide#libnl-specific-options",
)
def test_multicast(program: Program) -> None:
    program.configured("netlink: {multicast_groups: [link]}")
    named = program.kernel.groups()
    program.configured("")
    assert (named, {1, 5, 7, 9, 11} <= named) == (program.kernel.groups(), True)


@claim(
    "options.limits.size",
    "A message that is larger than the configuration allows gives no event.",
    source="guide#issue-high-memory-usage-with-libnl; guide#configuration-best-practices",
    legacy=NO_OPTION,
)
def test_limit(program: Program) -> None:
    monitor = program.configured("netlink: {limits: {max_message_size: 128}}")
    large = message(RTM_NEWLINK, link(4, "lan1", altnames=["name-of-lan1-" + "0" * 100]))
    assert [one.interface for one in program.receive(monitor, LAN0, large)] == ["lan0"]


@claim(
    "options.limits.pool",
    "With a message pool every event is delivered, in order.",
    source="guide#issue-performance-degradation-after-migration; guide#scenario-3-high-traffic-production-environment",
)
def test_pool(program: Program) -> None:
    monitor = program.configured("netlink: {limits: {message_pool_size: 2}}")
    names = [f"lan{number}" for number in range(5)]
    received = program.receive(
        monitor, *(message(RTM_NEWLINK, link(3 + place, name)) for place, name in enumerate(names))
    )
    assert [one.interface for one in received] == names


@claim(
    "options.limits.pool.ahead",
    "With a message pool one call takes all that waits in the kernel, as far as there is room.",
    source="guide#scenario-3-high-traffic-production-environment; decision 19",
    legacy=NO_OPTION,
)
def test_pool_ahead(program: Program) -> None:
    monitor = program.configured("netlink: {limits: {message_pool_size: 8}}")
    for data in (LAN0, LAN1, LAN0):
        program.kernel.notify(data)
    monitor.process(ROUTE)
    assert (len(program.events), len(program.kernel.sockets()[0].queue)) == (3, 0)


@claim(
    "options.same",
    "Options of libnl change no event: a configuration with all of them gives what one without gives.",
    source="guide#libnl-specific-options; guide#pattern-2-parallel-deployment",
)
def test_same(program: Program) -> None:
    found = [_seen(program, text) for text in ("", ALL_OPTIONS)]
    assert found[0] == found[1]
    kinds = RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE
    assert [(kind, name) for kind, name, _ in found[0]] == [(kind, "lan0") for kind in kinds]


@claim(
    "options.one-protocol",
    "A configuration with NETLINK_ROUTE alone opens one socket.",
    source="guide#pattern-1-gradual-migration; guide#configuration-best-practices",
)
def test_one_protocol(program: Program) -> None:
    program.configured("netlink: {use_libnl: true, protocols: {route: true}}")
    assert [one.protocol for one in program.kernel.opened] == [ROUTE]


@claim(
    "options.all-protocols",
    "A configuration with all protocols listens to each of them.",
    source="guide#pattern-1-gradual-migration",
)
def test_all_protocols(program: Program) -> None:
    text = "netlink: {protocols: {route: true, generic: true, sock_diag: true, netfilter: true}}"
    monitor = program.configured(text)
    assert sorted(monitor.protocols) == [ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, GENERIC]
    assert all(monitor.fileno(one) >= 0 for one in monitor.protocols)


@claim(
    "options.rollback",
    "After the way back the configuration gives the events that it gave before, also with options of libnl left in it.",
    source="guide#rollback-procedure; guide#option-2-continue-with-legacy-implementation",
)
def test_rollback(program: Program) -> None:
    plain = _seen(program, "")
    left = _seen(program, "netlink: {caching: {enabled: true, link_cache: true}, generic_families: [nl80211]}")
    assert (left, len(plain)) == (plain, 3)


@claim(
    "trouble.protocol-off",
    "Of a protocol that is not switched on nothing is received.",
    source="guide#issue-events-not-being-captured-with-libnl; guide#issue-generic-netlink-family-not-found",
)
def test_protocol_off(program: Program) -> None:
    monitor = program.configured("netlink: {protocols: {route: true, generic: false}}")
    program.kernel.notify(generic(NL80211, 46), GENERIC)
    assert [one.protocol for one in program.receive(monitor, LAN0)] == [ROUTE]


@claim(
    "trouble.permission",
    "Where the kernel refuses a socket that is said with the reason, and the other protocols can be listened to.",
    source="guide#issue-events-not-being-captured-with-libnl; guide#development-best-practices",
)
def test_permission(program: Program) -> None:
    monitor = program.configured("netlink: {protocols: {route: false, sock_diag: true}}")
    program.kernel.open_errors.append(TransportError("NLM-T001", "no socket", errno=errno.EPERM))
    try:
        monitor.enable(ROUTE)
        said = 0
    except TransportError as error:
        said = error.errno
    monitor.enable(ROUTE)
    assert (said, set(monitor.protocols)) == (errno.EPERM, {NETLINK_SOCK_DIAG, ROUTE})


@claim(
    "trouble.reconnect",
    "A socket that is lost is replaced, and events go on.",
    source="guide#issue-connection-loss-and-reconnection",
    legacy=by_design("who uses it opens another socket"),
)
def test_reconnect(program: Program) -> None:
    monitor = program.configured("netlink: {buffer_size: {receive: 65536}}")
    program.kernel.fail(TransportError("NLM-T003", "lost", errno=errno.EBADF))
    assert not program.lost(monitor)
    assert [one.interface for one in program.receive(monitor, LAN0)] == ["lan0"]
    assert [one.buffers[0] for one in program.kernel.sockets()] == [65536]


@claim(
    "trouble.overrun",
    "An overrun is an event with the number of messages that were lost, and reading goes on.",
    source="guide#issue-connection-loss-and-reconnection",
)
def test_overrun(program: Program) -> None:
    monitor = program.configured("")
    program.kernel.notify(LAN0, lost=True)
    program.kernel.overrun()
    found = program.receive(monitor, LAN1)
    lost = [one.netlink.data.overrun for one in found if one.event.type == OVERRUN]
    assert [one and one.drops for one in lost] == [1]
    assert found[-1].interface == "lan1"


@claim(
    "trouble.filters",
    "A filter with the old fields and one with the new fields match the same events.",
    source="guide#issue-different-event-data-between-implementations",
)
def test_filters(program: Program) -> None:
    monitor = program.configured("")
    found = program.receive(monitor, LAN0, message(RTM_NEWADDR, addr(3, "192.0.2.1")))
    pairs = (
        ("protocol == NETLINK_ROUTE", "netlink.protocol == NETLINK_ROUTE"),
        ("msg_type == RTM_NEWADDR", "netlink.msg_type == RTM_NEWADDR"),
    )
    matched = [[compile_filter(text).matches(one.event) for one in found] for pair in pairs for text in pair]
    assert matched == [[True, True], [True, True], [False, True], [False, True]]
