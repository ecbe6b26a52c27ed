"""The guide's direct interface of libnl over a kernel in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nlmon import manager as direct
from nlmon.api import Code, NetlinkConfig, NlmonEvent, Result
from nlmon.errors import NotFound, UsageError
from nlmon.manager import Manager
from nlmon.testing.messages import link, message, new_family
from nlmon.testing.transport import FakeKernel

ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16
LINK = message(16, link(1, "eth1"))


def kernel_with_families() -> FakeKernel:
    """A kernel that has nl80211."""
    kernel = FakeKernel()
    kernel.families["nl80211"] = new_family(28, "nl80211")
    return kernel


PROTOCOLS: list[tuple[int, Callable[..., int], Callable[..., int], Callable[..., int]]] = [
    (ROUTE, direct.nlmon_nl_enable_route, direct.nlmon_nl_get_route_fd, direct.nlmon_nl_process_route),
    (GENERIC, direct.nlmon_nl_enable_generic, direct.nlmon_nl_get_genl_fd, direct.nlmon_nl_process_genl),
    (SOCK_DIAG, direct.nlmon_nl_enable_diag, direct.nlmon_nl_get_diag_fd, direct.nlmon_nl_process_diag),
    (NETFILTER, direct.nlmon_nl_enable_netfilter, direct.nlmon_nl_get_nf_fd, direct.nlmon_nl_process_nf),
]


@pytest.mark.parametrize(("protocol", "enable", "get_fd", "process"), PROTOCOLS, ids=lambda one: str(one)[:28])
def test_a_protocol_has_three_functions(
    protocol: int, enable: Callable[..., int], get_fd: Callable[..., int], process: Callable[..., int]
) -> None:
    """Before it is enabled there is no descriptor and nothing to process; without a manager all are refused."""
    kernel = kernel_with_families()
    mgr = direct.nlmon_nl_manager_init(transports=kernel)
    before = get_fd(mgr), process(mgr), direct.nlmon_nl_is_connected(mgr, protocol)
    enabled = enable(mgr), enable(mgr), get_fd(mgr), process(mgr), direct.nlmon_nl_is_connected(mgr, protocol)
    opened = [one.protocol for one in kernel.opened]
    direct.nlmon_nl_manager_destroy(mgr)

    assert (before, enabled, opened) == ((-1, Code.NOTCONN, 0), (0, 0, 99, 0, 1), [protocol])
    assert (enable(None), get_fd(None), process(None)) == (Code.INVAL, -1, Code.INVAL)
    assert kernel.sockets(protocol) == []


def test_a_manager_is_destroyed_once_or_never() -> None:
    """None is allowed, and so is the second time."""
    mgr = direct.nlmon_nl_manager_init(transports=FakeKernel())
    direct.nlmon_nl_manager_destroy(None)
    direct.nlmon_nl_manager_destroy(mgr)
    direct.nlmon_nl_manager_destroy(mgr)

    assert mgr.protocols == ()


def test_one_callback_for_all_protocols() -> None:
    """With the data that it was set with."""
    kernel, seen = kernel_with_families(), list[NlmonEvent]()
    with direct.nlmon_nl_manager_init(transports=kernel) as mgr:
        assert direct.nlmon_nl_set_callback(mgr, lambda event, into: into.append(event), seen) == 0
        direct.nlmon_nl_enable_route(mgr)
        direct.nlmon_nl_enable_generic(mgr)
        kernel.notify(LINK)
        kernel.notify(message(28, bytes((5, 1, 0, 0))), GENERIC)
        direct.nlmon_nl_process_route(mgr)
        direct.nlmon_nl_process_genl(mgr)

    assert [event.protocol for event in seen] == [ROUTE, GENERIC]
    assert seen[1].netlink.genl_family_name == "nl80211"
    assert direct.nlmon_nl_set_callback(None, None, None) == Code.INVAL


def test_a_family_is_resolved() -> None:
    """To its number; to a code when there is none, or NETLINK_GENERIC is not enabled."""
    with direct.nlmon_nl_manager_init(transports=kernel_with_families()) as mgr:
        early = direct.nlmon_nl_resolve_family(mgr, "nl80211")
        direct.nlmon_nl_enable_generic(mgr)
        found = direct.nlmon_nl_resolve_family(mgr, "nl80211")
        missing = direct.nlmon_nl_resolve_family(mgr, "nl80212")
        with pytest.raises(NotFound, match="did you mean nl80211"):
            mgr.resolve_family("nl80212")

    assert (early, found, missing) == (Code.NOTCONN, 28, Code.NOTFOUND)
    assert isinstance(missing, Result)
    assert direct.nlmon_nl_resolve_family(None, "nl80211") == Code.INVAL


def test_a_configuration_is_applied_before_protocols_are_enabled() -> None:
    """Its protocols with its buffers and families; then no more, as sockets keep what they were opened with."""
    kernel = kernel_with_families()
    config = NetlinkConfig(enable_generic=True, receive_buffer=65536, generic_families=("nl80211", "wireguard"))
    with direct.nlmon_nl_manager_init(transports=kernel) as mgr:
        results = [direct.nlmon_nl_apply_config(mgr, config) for _ in range(2)]
        opened = [(one.protocol, one.buffers) for one in kernel.opened]
        unresolved, protocols = mgr.unresolved(), mgr.protocols

    assert (results, protocols, unresolved) == ([0, Code.BUSY], (ROUTE, GENERIC), ("wireguard",))
    assert opened == [(ROUTE, (65536, 32768)), (GENERIC, (65536, 32768))]
    assert direct.nlmon_nl_apply_config(None, config) == Code.INVAL


def test_a_callback_outlives_a_configuration() -> None:
    """Whoever received events receives those that come after it was applied."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    with Manager(transports=kernel) as manager:
        manager.set_callback(lambda event, _: seen.append(event))
        manager.apply(NetlinkConfig())
        kernel.notify(LINK)
        manager.process(ROUTE)

    assert len(seen) == 1


def test_a_callback_applies_no_configuration() -> None:
    """The rest of its datagram is delivered by the implementation that read it."""
    kernel, results, seen = FakeKernel(), list[Result](), list[NlmonEvent]()
    with Manager(transports=kernel) as manager:

        def callback(event: NlmonEvent, _: object) -> None:
            seen.append(event)
            manager.close()
            results.append(direct.nlmon_nl_apply_config(manager, NetlinkConfig()))

        manager.set_callback(callback)
        manager.start()
        kernel.notify(LINK + LINK)
        manager.process(ROUTE)

    assert (results, len(seen)) == ([Code.BUSY] * 2, 2)
    assert [result.error.code for result in results if result.error] == ["NLM-A004"] * 2


def test_a_manager_is_libnl() -> None:
    """A configuration of legacy is refused, whenever it is given."""
    legacy = NetlinkConfig(use_libnl=False)
    with pytest.raises(UsageError, match="NLM-A001"):
        Manager(legacy, transports=FakeKernel())

    result = direct.nlmon_nl_apply_config(Manager(transports=FakeKernel()), legacy)
    assert result == Code.INVAL


def test_links_are_looked_up() -> None:
    """By index or name, with the link cache; without it the lookup is refused."""
    kernel = FakeKernel()
    kernel.new(16, link(7, "eth7"), 7)
    with Manager(NetlinkConfig(caches=("link",)), transports=kernel) as manager:
        manager.start()
        found = manager.link(7).ifname, manager.link("eth7").ifindex
        with pytest.raises(NotFound, match="NLM-B006"):
            manager.link("eth8")
    with Manager(transports=kernel) as manager, pytest.raises(UsageError, match="NLM-B007"):
        manager.link(7)

    assert found == ("eth7", 7)


def test_reconnecting_opens_another_socket() -> None:
    """Of a protocol that was enabled or was not."""
    kernel = FakeKernel()
    with direct.nlmon_nl_manager_init(transports=kernel) as mgr:
        results = [direct.nlmon_nl_reconnect(mgr, ROUTE) for _ in range(2)]
        results += [direct.nlmon_nl_reconnect(mgr, 99), direct.nlmon_nl_is_connected(mgr, 99)]
        sockets = len(kernel.opened), len(kernel.sockets())

    assert (results, sockets) == ([0, 0, Code.PROTO, 0], (2, 1))
    assert (direct.nlmon_nl_reconnect(None, ROUTE), direct.nlmon_nl_is_connected(None, ROUTE)) == (Code.INVAL,) * 2


@pytest.mark.parametrize("code", Code)
def test_strerror_explains_what_functions_return(code: Code) -> None:
    """And gives no code the text of another number."""
    assert direct.nlmon_nl_strerror(code) == Result(code).strerror
    assert direct.nlmon_nl_strerror(-22) == "unknown error -22"
