"""Claims about the interfaces for programs: unified, direct and deprecated functions.

Not here: old and new fields of events (``test_structure``), and what a call is refused for before it comes to an
implementation.
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
    nlmon_netlink_destroy,
    nlmon_netlink_disable,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)
from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.program import Program
from nlmon.conformance.test_generic import NL80211, host
from nlmon.errors import TransportError
from nlmon.testing.messages import link, message
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_SOCK_DIAG, RTM_NEWLINK

__all__ = ()

LAN0, LAN1 = message(RTM_NEWLINK, link(3, "lan0"), flags=2, seq=7, pid=9), message(RTM_NEWLINK, link(4, "lan1"))
OF_LIBNL = not_applicable("the direct interface is that of libnl")
OF_LEGACY = not_applicable("deprecated functions are those of legacy")
NAMELESS = by_design("it knows no names of families")


@claim(
    "unified.enable",
    "The function nlmon_netlink_enable opens the socket of a protocol, whose descriptor nlmon_netlink_get_fd gives.",
    source="guide#for-application-developers",
)
def test_enable(program: Program) -> None:
    ctx, libnl = program.context(), program.use_libnl
    before = nlmon_netlink_get_fd(ctx, ROUTE, libnl)
    found = nlmon_netlink_enable(ctx, ROUTE, libnl), nlmon_netlink_get_fd(ctx, ROUTE, libnl) >= 0
    assert (before, *found, len(program.kernel.sockets())) == (-1, 0, True, 1)


@claim(
    "unified.process",
    "The function nlmon_netlink_process reads one datagram, and succeeds when nothing waits.",
    source="guide#for-application-developers; guide#development-best-practices",
)
def test_process(program: Program) -> None:
    ctx = program.context()
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
    ctx, received = program.context(), []
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, data: received.append((event.interface, data)), 42, program.use_libnl)
    program.receive(ctx, LAN0)
    assert received == [("lan0", 42)]


@claim(
    "unified.disable",
    "The function nlmon_netlink_disable closes the socket of a protocol and leaves the others open.",
    source="guide#for-application-developers",
)
def test_disable(program: Program) -> None:
    ctx, libnl = program.context(), program.use_libnl
    for protocol in (ROUTE, NETLINK_SOCK_DIAG):
        nlmon_netlink_enable(ctx, protocol, libnl)
    assert nlmon_netlink_disable(ctx, ROUTE, libnl) == 0
    assert [len(program.kernel.sockets(one)) for one in (ROUTE, NETLINK_SOCK_DIAG)] == [0, 1]


@claim(
    "unified.destroy",
    "The function nlmon_netlink_destroy closes every socket.",
    source="guide#for-application-developers",
)
def test_destroy(program: Program) -> None:
    ctx, libnl = program.context(), program.use_libnl
    for protocol in (ROUTE, NETLINK_SOCK_DIAG):
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
    ctx = program.context()
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
    (NETLINK_SOCK_DIAG, manager.nlmon_nl_enable_diag, manager.nlmon_nl_get_diag_fd),
    (NETLINK_NETFILTER, manager.nlmon_nl_enable_netfilter, manager.nlmon_nl_get_nf_fd),
)


def _manager(program: Program, **options: Any) -> manager.Manager:
    found = manager.Manager(NetlinkConfig(**options), transports=program.kernel)
    program.listening(found)
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
    before = program.kernel.groups()
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
    program.kernel.objects[RTM_NEWLINK, 3] = link(3, "lan0")
    mgr = _manager(program, caches=("link",))
    manager.nlmon_nl_enable_route(mgr)
    assert [mgr.link(which).ifindex for which in (3, "lan0")] == [3, 3]


def _old(program: Program) -> Monitor:
    """A context of the deprecated functions, with NETLINK_ROUTE enabled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ctx = compat.nlmon_multi_protocol_init(transports=program.kernel)
        assert compat.nlmon_multi_protocol_enable(ctx, ROUTE) == 0
    return program.listening(ctx)


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
    program.listening(ctx)
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
    found, said = _warned(lambda: compat.nlmon_multi_protocol_enable(ctx, NETLINK_SOCK_DIAG))
    assert (found, "nlmon_netlink_enable()" in said) == (0, True)
    assert [len(program.kernel.sockets(one)) for one in (ROUTE, NETLINK_SOCK_DIAG)] == [1, 1]


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
    "The function nlmon_multi_protocol_process delivers the events of a datagram, and names nlmon_netlink_process.",
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
