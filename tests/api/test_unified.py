"""The guide's unified functions over a kernel in memory, with both implementations."""

from __future__ import annotations

import errno

import pytest

from nlmon.api import (
    NLMON_PROTO_GENERIC,
    NLMON_PROTO_NETFILTER,
    NLMON_PROTO_ROUTE,
    NLMON_PROTO_SOCK_DIAG,
    Code,
    EventType,
    Monitor,
    NetlinkConfig,
    NlmonEvent,
    Result,
    nlmon_netlink_destroy,
    nlmon_netlink_disable,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_init,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)
from nlmon.config.model import BufferSize, Caching, Limits, Netlink, Protocols
from nlmon.errors import NlmonError, TransportError, UsageError
from nlmon.testing.messages import link, message
from nlmon.testing.transport import FakeKernel

ROUTE = NLMON_PROTO_ROUTE
LINK = message(16, link(1, "eth1"))
BOTH = pytest.mark.parametrize("use_libnl", [False, True], ids=["legacy", "libnl"])


def context(kernel: FakeKernel, use_libnl: bool) -> Monitor:
    """A context on a kernel in memory."""
    ctx = nlmon_netlink_init(NetlinkConfig(use_libnl=use_libnl), transports=kernel)
    assert ctx is not None
    return ctx


def why(result: int) -> str:
    """The code of nlmon that a refused call has."""
    assert isinstance(result, Result)
    assert result.error is not None
    return result.error.code


@BOTH
def test_a_life_as_the_guide_writes_it(use_libnl: bool) -> None:
    """Init, enable, callback, descriptor, process, destroy."""
    kernel, seen = FakeKernel(), list[tuple[NlmonEvent, str]]()
    ctx = context(kernel, use_libnl)

    assert nlmon_netlink_enable(ctx, ROUTE, use_libnl) == Code.SUCCESS
    assert nlmon_netlink_set_callback(ctx, lambda event, data: seen.append((event, data)), "mine", use_libnl) == 0
    assert nlmon_netlink_get_fd(ctx, ROUTE, use_libnl) == 99
    kernel.notify(LINK)
    kernel.notify(LINK)
    assert [nlmon_netlink_process(ctx, ROUTE, use_libnl) for _ in range(2)] == [0, 0]
    assert [(event.type, event.data, data) for event, data in seen] == [(EventType.LINK, LINK, "mine")] * 2
    assert seen[0][0].netlink.data.link is not None
    assert seen[0][0].netlink.data.link.ifname == "eth1"
    assert nlmon_netlink_destroy(ctx, use_libnl) == 0
    assert kernel.sockets() == []


@BOTH
def test_process_counts_nothing(use_libnl: bool) -> None:
    """One datagram is read at a time, and 0 returned whether there was one or not."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    ctx = context(kernel, use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, _: seen.append(event), None, use_libnl)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    kernel.notify(LINK + LINK + LINK)
    kernel.notify(LINK)
    steps = []
    for _ in range(3):
        steps.append((int(nlmon_netlink_process(ctx, ROUTE, use_libnl)), len(seen)))

    assert steps == [(0, 3), (0, 4), (0, 4)]


@BOTH
def test_enabling_twice_and_again(use_libnl: bool) -> None:
    """The second time changes nothing; after disable there is no descriptor, and what waited is gone."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    ctx = context(kernel, use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, _: seen.append(event), None, use_libnl)
    calls = [nlmon_netlink_enable(ctx, ROUTE, use_libnl) for _ in range(2)]
    opened = len(kernel.opened)
    kernel.notify(LINK)
    calls += [nlmon_netlink_disable(ctx, ROUTE, use_libnl) for _ in range(2)]
    closed = nlmon_netlink_get_fd(ctx, ROUTE, use_libnl), nlmon_netlink_process(ctx, ROUTE, use_libnl)
    calls += [nlmon_netlink_enable(ctx, ROUTE, use_libnl), nlmon_netlink_process(ctx, ROUTE, use_libnl)]

    assert (calls, opened, closed, seen) == ([0] * 6, 1, (-1, Code.NOTCONN), [])


@BOTH
def test_another_implementations_flag_is_refused(use_libnl: bool) -> None:
    """By every function, which then does nothing; the context goes on."""
    kernel = FakeKernel()
    ctx, wrong = context(kernel, use_libnl), not use_libnl
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    refused = [
        nlmon_netlink_enable(ctx, NLMON_PROTO_SOCK_DIAG, wrong),
        nlmon_netlink_disable(ctx, ROUTE, wrong),
        nlmon_netlink_set_callback(ctx, print, None, wrong),
        nlmon_netlink_process(ctx, ROUTE, wrong),
        nlmon_netlink_destroy(ctx, wrong),
    ]
    fd = nlmon_netlink_get_fd(ctx, ROUTE, wrong)

    assert refused == [Code.INVAL] * 5
    assert [why(result) for result in (*refused, fd)] == ["NLM-A001"] * 6
    assert (int(fd), ctx.protocols) == (-1, (ROUTE,))
    assert f"pass use_libnl={use_libnl}" in str(refused[0])


def test_without_a_context_every_call_is_refused() -> None:
    """But for the end of it; nothing is raised."""
    assert nlmon_netlink_init(None) is None
    refused = [
        nlmon_netlink_enable(None, ROUTE, True),
        nlmon_netlink_disable(None, ROUTE, True),
        nlmon_netlink_set_callback(None, print, None, True),
        nlmon_netlink_process(None, ROUTE, True),
    ]

    assert (refused, nlmon_netlink_destroy(None, True)) == ([Code.INVAL] * 4, Code.SUCCESS)
    assert {why(result) for result in (*refused, nlmon_netlink_get_fd(None, ROUTE, True))} == {"NLM-A002"}


@BOTH
@pytest.mark.parametrize("protocol", [-1, 3, 99])
def test_an_unknown_protocol_is_not_supported(use_libnl: bool, protocol: int) -> None:
    """Its descriptor is -1, and it is not enabled when it is processed."""
    ctx = context(FakeKernel(), use_libnl)
    calls = nlmon_netlink_enable(ctx, protocol, use_libnl), nlmon_netlink_process(ctx, protocol, use_libnl)

    assert calls == (Code.PROTO, Code.NOTCONN)
    assert nlmon_netlink_get_fd(ctx, protocol, use_libnl) == -1


@BOTH
def test_what_the_kernel_refuses_has_its_code(use_libnl: bool) -> None:
    """With the reason beside it, and nothing is left open."""
    kernel = FakeKernel()
    kernel.open_errors.append(TransportError("NLM-T002", "no", errno=errno.EPERM))
    ctx = context(kernel, use_libnl)
    result = nlmon_netlink_enable(ctx, ROUTE, use_libnl)

    assert (result, why(result), kernel.sockets()) == (Code.NOACCESS, "NLM-T002", [])


@BOTH
def test_an_overrun_is_an_event(use_libnl: bool) -> None:
    """In its place, with the number of lost messages and without an old type; the call that met it succeeds."""
    kernel, seen, reported = FakeKernel(), list[NlmonEvent](), list[NlmonError]()
    with Monitor(NetlinkConfig(use_libnl=use_libnl), transports=kernel, on_error=reported.append) as monitor:
        monitor.set_callback(lambda event, _: seen.append(event))
        monitor.start()
        kernel.notify(LINK)
        kernel.dropped = 3
        kernel.overrun()
        kernel.notify(LINK)
        results = [nlmon_netlink_process(monitor, ROUTE, use_libnl) for _ in range(3)]
    lost = seen[1]

    assert (results, [event.type for event in seen]) == ([0, 0, 0], [EventType.LINK, None, EventType.LINK])
    assert lost.netlink.data.overrun is not None
    assert (lost.netlink.data.overrun.drops, lost.data, [error.code for error in reported]) == (3, None, ["NLM-T010"])


@pytest.mark.parametrize(
    ("use_libnl", "code", "opened"), [(False, Code.NOTCONN, 1), (True, Code.SUCCESS, 2)], ids=["legacy", "libnl"]
)
def test_a_lost_socket(use_libnl: bool, code: Code, opened: int) -> None:
    """Legacy says so at each call; libnl opens another one."""
    kernel = FakeKernel()
    ctx = context(kernel, use_libnl)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    kernel.fail(TransportError("NLM-T003", "reading failed", errno=errno.EBADF))

    assert (nlmon_netlink_process(ctx, ROUTE, use_libnl), len(kernel.opened)) == (code, opened)


def test_a_message_pool_leaves_nothing_behind() -> None:
    """What was read ahead is delivered by the call that read it, with the bytes that it came in."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    sent = [message(16, link(number, f"eth{number}")) for number in range(1, 9)]
    with Monitor(NetlinkConfig(message_pool_size=8), transports=kernel) as monitor:
        monitor.set_callback(lambda event, _: seen.append(event))
        monitor.start()
        for one in sent:
            kernel.notify(one)
        read = monitor.process(ROUTE), monitor.due(), monitor.process(ROUTE)

    assert [event.data for event in seen] == sent
    assert read == (True, None, False)


@BOTH
def test_no_callback_discards_events(use_libnl: bool) -> None:
    """They are read and counted."""
    kernel = FakeKernel()
    ctx = context(kernel, use_libnl)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    nlmon_netlink_set_callback(ctx, None, None, use_libnl)
    kernel.notify(LINK)

    assert nlmon_netlink_process(ctx, ROUTE, use_libnl) == 0
    assert ctx.status().protocols[ROUTE].events == 1


@BOTH
def test_what_a_callback_raises_reaches_the_caller(use_libnl: bool) -> None:
    """It is a bug of the program, which no code stands for; reading goes on with the next datagram."""
    kernel, called = FakeKernel(), list[NlmonEvent]()
    ctx = context(kernel, use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, _: called.append(event) or 1 // 0, None, use_libnl)  # type: ignore[func-returns-value]
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    kernel.notify(LINK + LINK)
    with pytest.raises(ZeroDivisionError):
        nlmon_netlink_process(ctx, ROUTE, use_libnl)

    assert (nlmon_netlink_process(ctx, ROUTE, use_libnl), len(called)) == (0, 1)


@BOTH
@pytest.mark.parametrize("what", ["disable", "close", "again"])
def test_a_callback_may_close(use_libnl: bool, what: str) -> None:
    """One protocol, all, or one to open it again; the rest of the datagram is delivered, with its bytes."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    ctx = context(kernel, use_libnl)

    def callback(event: NlmonEvent, _: object) -> None:
        seen.append(event)
        ctx.close() if what == "close" else ctx.disable(ROUTE)
        if what == "again":
            ctx.enable(ROUTE)

    nlmon_netlink_set_callback(ctx, callback, None, use_libnl)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    kernel.notify(LINK + LINK)
    results = [nlmon_netlink_process(ctx, ROUTE, use_libnl) for _ in range(2)]

    assert results == [Code.SUCCESS, Code.SUCCESS if what == "again" else Code.NOTCONN]
    assert [event.data for event in seen] == [LINK, LINK]


@BOTH
def test_a_callback_reads_nothing_itself(use_libnl: bool) -> None:
    """It is refused, and everything comes in its order; what another monitor has may be read."""
    kernel, refused, seen = FakeKernel(), list[Result](), list[bytes]()
    ctx, other = context(kernel, use_libnl), context(kernel, not use_libnl)
    sent = [message(16, link(number, f"eth{number}")) for number in range(3)]

    def callback(event: NlmonEvent, _: object) -> None:
        seen.append(event.data)  # type: ignore[arg-type]
        refused.append(nlmon_netlink_process(ctx, ROUTE, use_libnl))
        assert nlmon_netlink_process(other, ROUTE, not use_libnl) == Code.SUCCESS

    nlmon_netlink_set_callback(ctx, callback, None, use_libnl)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    nlmon_netlink_enable(other, ROUTE, not use_libnl)
    kernel.notify(sent[0] + sent[1])
    kernel.notify(sent[2])
    results = [nlmon_netlink_process(ctx, ROUTE, use_libnl) for _ in range(3)]

    assert (results, seen) == ([Code.SUCCESS] * 3, sent)
    assert (refused, {why(result) for result in refused}) == ([Code.BUSY] * 3, {"NLM-A004"})


@BOTH
def test_the_configuration_says_what_is_started(use_libnl: bool) -> None:
    """Protocols in their order, with the buffers that it names; init opens nothing."""
    kernel = FakeKernel()
    config = NetlinkConfig(use_libnl=use_libnl, enable_generic=True, enable_netfilter=True, receive_buffer=65536)
    with Monitor(config, transports=kernel) as monitor:
        before = len(kernel.opened)
        monitor.start()
        opened = [(one.protocol, one.buffers) for one in kernel.opened]

    assert (before, monitor.protocols) == (0, ())
    assert opened == [(n, (65536, 32768)) for n in (ROUTE, NLMON_PROTO_GENERIC, NLMON_PROTO_NETFILTER)]


def test_a_configuration_that_means_nothing_is_refused_when_it_is_made() -> None:
    """So init cannot fail for it."""
    with pytest.raises(UsageError, match="NLM-B012"):
        NetlinkConfig(receive_buffer=-1)


def test_a_section_of_a_file_gives_the_same_configuration() -> None:
    """By the names of its keys; a cache is on when caching and its own switch are."""
    section = Netlink(
        protocols=Protocols(route=False, generic=True, sock_diag=True),
        buffer_size=BufferSize(receive=131072, send=65536),
        caching=Caching(enabled=True, link_cache=True, route_cache=True),
        limits=Limits(max_message_size=16384, message_pool_size=512),
        generic_families=("nl80211", "taskstats"),
    )

    assert NetlinkConfig.of(section) == NetlinkConfig(
        enable_route=False,
        enable_generic=True,
        enable_sock_diag=True,
        receive_buffer=131072,
        send_buffer=65536,
        caches=("link", "route"),
        generic_families=("nl80211", "taskstats"),
        max_message_size=16384,
        message_pool_size=512,
    )
    assert Monitor(section, transports=FakeKernel()).config.caches == ("link", "route")
    assert NetlinkConfig.of(Netlink(use_libnl=False)) == NetlinkConfig(use_libnl=False)
