"""Claims about the interfaces for programs: unified, direct and deprecated functions, and old and new fields of events.

Not here: what a call is refused for before it comes to an implementation.
"""

from __future__ import annotations

import errno
import warnings
from collections.abc import Callable
from typing import Any

from nlmon import compat, manager
from nlmon.api import (
    EventType,
    Monitor,
    NetlinkConfig,
    NlmonEvent,
    nlmon_netlink_destroy,
    nlmon_netlink_disable,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_init,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)
from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.program import Program
from nlmon.conformance.test_generic import NL80211, QCA, SUBCOMMAND, VENDOR_COMMAND, host, vendor
from nlmon.conformance.test_others import NETFILTER, SOCK_DIAG, flow, inet
from nlmon.errors import TransportError
from nlmon.testing.messages import addr, attr, generic, link, message, neigh, number, route
from nlmon.testing.transport import GENERIC, ROUTE

__all__ = ()

LINK, ADDR, ROUTES, NEIGH = 16, 20, 24, 28
LAN0, LAN1 = message(LINK, link(3, "lan0"), flags=2, seq=7, pid=9), message(LINK, link(4, "lan1"))
OF_LIBNL = not_applicable("the direct interface is that of libnl")
OF_LEGACY = not_applicable("deprecated functions are those of legacy")
NAMELESS = by_design("it knows no names of families")


def _context(program: Program) -> Monitor:
    ctx = nlmon_netlink_init(NetlinkConfig(use_libnl=program.use_libnl), transports=program.kernel)
    assert ctx is not None
    return program.told(ctx)


def _event(program: Program, data: bytes, protocol: int = ROUTE) -> NlmonEvent:
    """The one event that a program is told of a notification."""
    ctx = _context(program)
    assert nlmon_netlink_enable(ctx, protocol, program.use_libnl) == 0
    (found,) = program.hear(ctx, data, protocol=protocol)
    return found


@claim(
    "unified.enable",
    "The function nlmon_netlink_enable opens the socket of a protocol, whose descriptor nlmon_netlink_get_fd gives.",
    source="guide#for-application-developers",
)
def test_enable(program: Program) -> None:
    ctx, libnl = _context(program), program.use_libnl
    before = nlmon_netlink_get_fd(ctx, ROUTE, libnl)
    found = nlmon_netlink_enable(ctx, ROUTE, libnl), nlmon_netlink_get_fd(ctx, ROUTE, libnl) >= 0
    assert (before, *found, len(program.kernel.sockets())) == (-1, 0, True, 1)


@claim(
    "unified.process",
    "The function nlmon_netlink_process reads one datagram, and succeeds when nothing waits.",
    source="guide#for-application-developers; guide#development-best-practices",
)
def test_process(program: Program) -> None:
    ctx = _context(program)
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    program.kernel.notify(LAN0)
    program.kernel.notify(LAN1)
    found = [(int(nlmon_netlink_process(ctx, ROUTE, program.use_libnl)), len(program.events)) for _ in range(3)]
    assert found == [(0, 1), (0, 2), (0, 2)]


@claim(
    "unified.callback",
    "A callback is given each event with the data that it was set with.",
    source="guide#for-application-developers; guide#development-best-practices",
)
def test_callback(program: Program) -> None:
    ctx, told = _context(program), []
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, data: told.append((event.interface, data)), 42, program.use_libnl)
    program.hear(ctx, LAN0)
    assert told == [("lan0", 42)]


@claim(
    "unified.disable",
    "The function nlmon_netlink_disable closes the socket of a protocol and leaves the others open.",
    source="guide#for-application-developers",
)
def test_disable(program: Program) -> None:
    ctx, libnl = _context(program), program.use_libnl
    for protocol in (ROUTE, SOCK_DIAG):
        nlmon_netlink_enable(ctx, protocol, libnl)
    assert nlmon_netlink_disable(ctx, ROUTE, libnl) == 0
    assert [len(program.kernel.sockets(one)) for one in (ROUTE, SOCK_DIAG)] == [0, 1]


@claim(
    "unified.destroy",
    "The function nlmon_netlink_destroy closes every socket.",
    source="guide#for-application-developers",
)
def test_destroy(program: Program) -> None:
    ctx, libnl = _context(program), program.use_libnl
    for protocol in (ROUTE, SOCK_DIAG):
        nlmon_netlink_enable(ctx, protocol, libnl)
    opened = len(program.kernel.opened)
    nlmon_netlink_destroy(ctx, libnl)
    assert (opened, [one for one in program.kernel.opened if not one.closed]) == (2, [])


@claim(
    "unified.errors",
    "What the kernel refuses is a result below 0 that says why, and the next try can succeed.",
    source="guide#development-best-practices",
)
def test_errors(program: Program) -> None:
    ctx = _context(program)
    program.kernel.open_errors.append(TransportError("NLM-T001", "no socket", errno=errno.EPERM))
    refused = nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    assert (refused < 0, str(refused.error) != "", nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)) == (
        True,
        True,
        0,
    )


ENABLE: tuple[tuple[int, Callable[..., Any], Callable[..., Any]], ...] = (
    (ROUTE, manager.nlmon_nl_enable_route, manager.nlmon_nl_get_route_fd),
    (GENERIC, manager.nlmon_nl_enable_generic, manager.nlmon_nl_get_genl_fd),
    (SOCK_DIAG, manager.nlmon_nl_enable_diag, manager.nlmon_nl_get_diag_fd),
    (NETFILTER, manager.nlmon_nl_enable_netfilter, manager.nlmon_nl_get_nf_fd),
)


def _manager(program: Program, **options: Any) -> manager.Manager:
    found = manager.Manager(NetlinkConfig(**options), transports=program.kernel)
    program.told(found)
    return found


@claim(
    "direct.enable",
    "Each function nlmon_nl_enable_* opens the socket of its protocol, whose descriptor nlmon_nl_get_*_fd gives.",
    source="guide#direct-libnl-api-advanced",
    legacy=OF_LIBNL,
)
def test_direct_enable(program: Program) -> None:
    mgr = _manager(program)
    found = [(int(enable(mgr)), fd(mgr) >= 0, len(program.kernel.sockets(one))) for one, enable, fd in ENABLE]
    assert found == [(0, True, 1)] * 4


@claim(
    "direct.resolve",
    "The function nlmon_nl_resolve_family gives the number of a family, or a result below 0 where there is none.",
    source="guide#direct-libnl-api-advanced; guide#issue-generic-netlink-family-not-found",
    legacy=OF_LIBNL,
)
def test_direct_resolve(program: Program) -> None:
    program.kernel = host()
    mgr = _manager(program)
    manager.nlmon_nl_enable_generic(mgr)
    found = manager.nlmon_nl_resolve_family(mgr, "nl80211"), manager.nlmon_nl_resolve_family(mgr, "nosuch") < 0
    assert found == (NL80211, True)


@claim(
    "direct.unresolved",
    "A family that is asked for and not there is named, until it comes.",
    source="guide#issue-generic-netlink-family-not-found",
    legacy=OF_LIBNL,
)
def test_direct_unresolved(program: Program) -> None:
    program.kernel = host()
    mgr = _manager(program, generic_families=("nl80211", "taskstats"))
    manager.nlmon_nl_enable_generic(mgr)
    assert mgr.unresolved() == ("taskstats",)


@claim(
    "direct.reconnect",
    "The function nlmon_nl_reconnect opens a new socket with the same groups and buffers.",
    source="guide#direct-libnl-api-advanced; guide#issue-connection-loss-and-reconnection",
    legacy=OF_LIBNL,
)
def test_direct_reconnect(program: Program) -> None:
    mgr = _manager(program, receive_buffer=65536)
    manager.nlmon_nl_enable_route(mgr)
    before = program.groups()
    assert manager.nlmon_nl_reconnect(mgr, ROUTE) == 0
    (one,) = program.kernel.sockets()
    assert (len(program.kernel.opened), one.groups, one.buffers[0], 1 in before) == (2, before, 65536, True)


@claim(
    "direct.config",
    "The function nlmon_nl_apply_config enables the protocols of a configuration with its buffers and caches.",
    source="guide#direct-libnl-api-advanced; guide#libnl-specific-options",
    legacy=OF_LIBNL,
)
def test_direct_config(program: Program) -> None:
    mgr = _manager(program)
    section = program.config("netlink: {buffer_size: {receive: 65536}, caching: {enabled: true, link_cache: true}}")
    assert manager.nlmon_nl_apply_config(mgr, section.netlink) == 0
    asked = {kind for kind, _ in program.kernel.requests}
    assert (mgr.protocols, program.kernel.opened[0].buffers[0], 18 in asked) == ((ROUTE,), 65536, True)


@claim(
    "direct.link",
    "A link is looked up in the cache by its index and by its name.",
    source="guide#direct-libnl-api-advanced; guide#libnl-specific-options",
    legacy=OF_LIBNL,
)
def test_direct_link(program: Program) -> None:
    program.kernel.objects[LINK, 3] = link(3, "lan0")
    mgr = _manager(program, caches=("link",))
    manager.nlmon_nl_enable_route(mgr)
    assert [mgr.link(which).ifindex for which in (3, "lan0")] == [3, 3]


def _old(program: Program) -> Monitor:
    """A context of the deprecated functions, with NETLINK_ROUTE enabled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ctx = compat.nlmon_multi_protocol_init(transports=program.kernel)
        assert compat.nlmon_multi_protocol_enable(ctx, ROUTE) == 0
    return program.told(ctx)


def _warned(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call returns, and what takes its place as its warning says."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = call()
    return found, " ".join(str(one.message) for one in said if one.category is DeprecationWarning)


@claim(
    "deprecated.init",
    "The function nlmon_multi_protocol_init gives a context with nothing open, and names nlmon_netlink_init.",
    source="guide#deprecated-functions",
    libnl=OF_LEGACY,
)
def test_old_init(program: Program) -> None:
    ctx, said = _warned(lambda: compat.nlmon_multi_protocol_init(transports=program.kernel))
    program.told(ctx)
    assert (ctx.protocols, program.kernel.opened, "nlmon_netlink_init()" in said) == ((), [], True)
    assert ctx.fileno(ROUTE) == -1


@claim(
    "deprecated.enable",
    "The function nlmon_multi_protocol_enable opens the socket of a protocol, and names nlmon_netlink_enable.",
    source="guide#deprecated-functions",
    libnl=OF_LEGACY,
)
def test_old_enable(program: Program) -> None:
    ctx = _old(program)
    found, said = _warned(lambda: compat.nlmon_multi_protocol_enable(ctx, SOCK_DIAG))
    assert (found, "nlmon_netlink_enable()" in said) == (0, True)
    assert [len(program.kernel.sockets(one)) for one in (ROUTE, SOCK_DIAG)] == [1, 1]


@claim(
    "deprecated.fd",
    "The function nlmon_multi_protocol_get_fd gives the descriptor of a protocol, and names nlmon_netlink_get_fd.",
    source="guide#deprecated-functions",
    libnl=OF_LEGACY,
)
def test_old_fd(program: Program) -> None:
    ctx = _old(program)
    found, said = _warned(lambda: compat.nlmon_multi_protocol_get_fd(ctx, ROUTE))
    assert (found >= 0, "nlmon_netlink_get_fd()" in said) == (True, True)


@claim(
    "deprecated.process",
    "The function nlmon_multi_protocol_process tells of the events of a datagram, and names nlmon_netlink_process.",
    source="guide#deprecated-functions; guide#compatibility-layer",
    libnl=OF_LEGACY,
)
def test_old_process(program: Program) -> None:
    ctx = _old(program)
    program.kernel.notify(LAN0)
    found, said = _warned(lambda: compat.nlmon_multi_protocol_process(ctx, ROUTE))
    assert (found, "nlmon_netlink_process()" in said) == (0, True)
    assert [(one.type, one.data) for one in program.events] == [(EventType.LINK, LAN0)]


@claim(
    "deprecated.destroy",
    "The function nlmon_multi_protocol_destroy closes every socket, and names nlmon_netlink_destroy.",
    source="guide#deprecated-functions",
    libnl=OF_LEGACY,
)
def test_old_destroy(program: Program) -> None:
    ctx = _old(program)
    found, said = _warned(lambda: compat.nlmon_multi_protocol_destroy(ctx))
    assert (found, "nlmon_netlink_destroy()" in said, program.kernel.sockets()) == (0, True, [])
    assert len(program.kernel.opened) == 1


@claim(
    "structure.old",
    "An event has time, type, protocol and type of message where the old structure had them, and its message as data.",
    source="guide#event-structure-changes; guide#compatibility-layer",
)
def test_old_fields(program: Program) -> None:
    found = _event(program, LAN0)
    assert (found.timestamp, found.type, found.protocol) == (program.kernel.clock, EventType.LINK, ROUTE)
    assert (found.msg_type, found.data) == (LINK, LAN0)


@claim(
    "structure.header",
    "An event has protocol, type, flags, sequence number and port of its message in netlink.",
    source="guide#event-structure-changes",
)
def test_header(program: Program) -> None:
    found = _event(program, LAN0).netlink
    assert (found.protocol, found.msg_type, found.msg_flags, found.seq, found.pid) == (ROUTE, LINK, 2, 7, 9)


@claim(
    "structure.generic",
    "A generic message has its command, version and the number of its family in netlink.",
    source="guide#event-structure-changes",
)
def test_generic(program: Program) -> None:
    program.kernel = host()
    found = _event(program, generic(NL80211, 46, version=1), GENERIC).netlink
    assert (found.genl_cmd, found.genl_version, found.genl_family_id) == (46, 1, NL80211)


@claim(
    "structure.generic.name",
    "A generic message has the name of its family in netlink.",
    source="guide#event-structure-changes",
    legacy=NAMELESS,
)
def test_generic_name(program: Program) -> None:
    program.kernel = host()
    assert _event(program, generic(NL80211, 46), GENERIC).netlink.genl_family_name == "nl80211"


@claim(
    "structure.route",
    "Links, addresses, routes and neighbours are members of their name in netlink.data.",
    source="guide#event-structure-changes",
)
def test_members(program: Program) -> None:
    rows = {
        "link": LAN0,
        "addr": message(ADDR, addr(3, "192.0.2.1")),
        "route": message(ROUTES, route("192.0.2.0/24", 3)),
        "neigh": message(NEIGH, neigh(3, "192.0.2.9")),
    }
    ctx = _context(program)
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    found = {name: one.netlink.data for name, data in rows.items() for one in program.hear(ctx, data)}
    there = {name: [key for key in rows if getattr(data, key) is not None] for name, data in found.items()}
    assert there == {name: [name] for name in rows}


@claim(
    "structure.diag",
    "A socket is a member of netlink.data, and has its ports in the old structure, too.",
    source="guide#event-structure-changes",
)
def test_diag(program: Program) -> None:
    found = _event(program, inet(), SOCK_DIAG)
    assert found.netlink.data.diag is not None
    assert (found.type, getattr(found.data, "src_port", 0)) == (EventType.SOCK_DIAG, 22)


@claim(
    "structure.conntrack",
    "A connection is a member of netlink.data, and has no old type.",
    source="guide#event-structure-changes",
)
def test_connection(program: Program) -> None:
    found = _event(program, flow(), NETFILTER)
    assert found.netlink.data.conntrack is not None
    assert (found.type, found.data) == (None, None)


@claim(
    "structure.nl80211",
    "What a message of nl80211 says is a member of netlink.data.",
    source="guide#event-structure-changes",
    legacy=by_design("it has no fields of nl80211"),
)
def test_wireless(program: Program) -> None:
    program.kernel = host()
    found = _event(program, generic(NL80211, 46, attr(3, number("I", 5))), GENERIC).netlink.data.nl80211
    assert found is not None
    assert (found.cmd, found.ifindex) == (46, 5)


@claim(
    "structure.qca",
    "A vendor command of Qualcomm Atheros is a member of netlink.data.",
    source="guide#event-structure-changes; guide#related-guides",
    legacy=by_design("it has no entry for vendor commands"),
)
def test_vendor_member(program: Program) -> None:
    program.kernel = host()
    found = _event(program, vendor(QCA), GENERIC).netlink.data.qca
    assert found is not None
    assert found.subcmd == SUBCOMMAND


@claim(
    "structure.vendor.old",
    "The old structure has vendor and subcommand of a vendor command in the name of its family.",
    source="guide#event-structure-changes; guide#compatibility-layer",
)
def test_old_vendor(program: Program) -> None:
    program.kernel = host()
    found = [_event(program, data, GENERIC).data for data in (vendor(QCA), vendor(0x1018))]
    assert [(getattr(one, "cmd", 0), getattr(one, "family_name", "")) for one in found] == [
        (SUBCOMMAND, f"nl80211/QCA:{SUBCOMMAND:#x}"),
        (VENDOR_COMMAND, "nl80211/vendor:0x001018"),
    ]
