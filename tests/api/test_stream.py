"""Events in a loop of asyncio, of a kernel in memory whose sockets can be waited for."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from nlmon.api import EventType, Monitor, NetlinkConfig, NlmonEvent
from nlmon.api.stream import EVENTS_KEPT, READ_AT_ONCE
from nlmon.errors import TransportError
from nlmon.manager import Manager
from nlmon.testing.messages import link, message, new_family
from nlmon.testing.transport import FakeKernel, FakeTransport
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

ROUTE, GENERIC = 0, 16
BOTH = pytest.mark.parametrize("use_libnl", [False, True], ids=["legacy", "libnl"])
PATIENCE = 20.0


class Signalled(deque[Any]):
    """What waits in a socket; a descriptor can be read while there is something."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self.writer = socket.socketpair()

    def append(self, item: Any) -> None:
        super().append(item)
        if len(self) == 1:
            self.writer.send(b".")

    def popleft(self) -> Any:
        if len(self) == 1:
            self.reader.recv(1)
        return super().popleft()


class WaitedTransport(FakeTransport):
    """A socket in memory with a descriptor of its own."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.queue: Signalled = Signalled()

    def fileno(self) -> int:
        return self.queue.reader.fileno()

    def close(self) -> None:
        super().close()
        self.queue.reader.close()
        self.queue.writer.close()


class WaitedKernel(FakeKernel):
    """A kernel in memory whose sockets can be waited for."""

    def transport(self, *arguments: Any) -> FakeTransport:
        return WaitedTransport(self, *arguments)


def named(number: int) -> bytes:
    """A message about the link ``ethN``."""
    return message(16, link(number, f"eth{number}"))


def numbers(events: Sequence[NlmonEvent]) -> list[int | None]:
    """The links of events; None for what is about another thing."""
    return [None if event.netlink.data.link is None else event.netlink.data.link.ifindex for event in events]


async def take(monitor: Monitor, count: int) -> list[NlmonEvent]:
    """The next events."""
    found: list[NlmonEvent] = []
    async for event in monitor:
        found.append(event)
        if len(found) == count:
            break
    return found


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """What a program in a loop of asyncio comes to, in time."""

    async def bounded() -> Any:
        return await asyncio.wait_for(main, PATIENCE)

    return asyncio.run(bounded())


def with_monitor(
    use_libnl: bool, body: Callable[[Monitor, WaitedKernel], Coroutine[Any, Any, Any]], **config: Any
) -> Any:
    """Run a body with a monitor on a kernel whose sockets can be waited for; no socket is left open."""
    kernel = WaitedKernel()

    async def main() -> Any:
        async with Monitor(NetlinkConfig(use_libnl=use_libnl, **config), transports=kernel) as monitor:
            monitor.start()
            return await body(monitor, kernel)

    try:
        return run(main())
    finally:
        assert [one for one in kernel.opened if not one.closed] == []


@BOTH
def test_events_come_in_order(use_libnl: bool) -> None:
    """Those that waited and those that come later, while other tasks of the loop run."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1) + named(2))

        async def later() -> None:
            for number in (3, 4):
                await asyncio.sleep(0)
                kernel.notify(named(number))

        task = asyncio.create_task(later())
        found = await take(monitor, 4)
        await task
        return found

    found = with_monitor(use_libnl, body)

    assert (numbers(found), {event.type for event in found}) == ([1, 2, 3, 4], {EventType.LINK})


@BOTH
def test_a_break_loses_nothing(use_libnl: bool) -> None:
    """The next loop goes on with the next event, also of the same datagram."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1) + named(2))
        first = await take(monitor, 1)
        kernel.notify(named(3))
        return numbers(first), numbers(await take(monitor, 2))

    assert with_monitor(use_libnl, body) == ([1], [2, 3])


@BOTH
def test_the_last_receiver_has_the_events(use_libnl: bool) -> None:
    """A callback that is set takes the place of the loop, and a loop that of the callback."""
    received: list[NlmonEvent] = []

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1))
        first = await take(monitor, 1)
        monitor.set_callback(lambda event, _: received.append(event))
        kernel.notify(named(2))
        monitor.process(ROUTE)
        kernel.notify(named(3))
        return numbers(first), numbers(await take(monitor, 1))

    assert (with_monitor(use_libnl, body), numbers(received)) == (([1], [3]), [2])


@BOTH
def test_the_queue_is_bounded(use_libnl: bool) -> None:
    """While the program is elsewhere so many events are read and no more; the others wait in the socket."""
    count = EVENTS_KEPT + 3 * READ_AT_ONCE

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        first = asyncio.create_task(take(monitor, 1))
        kernel.notify(named(1))
        await first
        (sock,) = kernel.sockets()
        for number in range(2, count + 1):
            kernel.notify(named(number))
        turns = 0
        while len(sock.queue) != count - 1 - EVENTS_KEPT and turns < count:
            await asyncio.sleep(0)
            turns += 1
        for _ in range(10):
            await asyncio.sleep(0)
        return len(sock.queue), numbers(await take(monitor, count - 1))

    assert with_monitor(use_libnl, body) == (count - 1 - EVENTS_KEPT, list(range(2, count + 1)))


@BOTH
def test_a_loss_is_an_event_in_its_place(use_libnl: bool) -> None:
    """Between what came before it and what comes after."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1))
        kernel.dropped = 5
        kernel.overrun()
        kernel.notify(named(2))
        return await take(monitor, 3)

    found = with_monitor(use_libnl, body)

    assert numbers(found) == [1, None, 2]
    assert [event.netlink.data.overrun.drops for event in found if event.netlink.data.overrun] == [5]


def test_a_replaced_socket_is_waited_for() -> None:
    """libnl opens another one for a socket that was lost, which may get the same number."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1))
        first = await take(monitor, 1)
        kernel.fail(TransportError("NLM-T003", "reading failed", errno=errno.EBADF))
        second = asyncio.create_task(take(monitor, 1))
        while len(kernel.opened) == 1:
            await asyncio.sleep(0)
        kernel.notify(named(2))
        return numbers(first + await second), len(kernel.opened)

    assert with_monitor(True, body) == ([1, 2], 2)


def test_a_socket_that_is_not_replaced_is_an_error() -> None:
    """It is raised once what came before it is delivered."""
    seen: list[NlmonEvent] = []

    async def body(monitor: Monitor, kernel: WaitedKernel) -> None:
        kernel.notify(named(1))
        kernel.fail(TransportError("NLM-T003", "reading failed", errno=errno.EBADF))
        async for event in monitor:
            seen.append(event)

    with pytest.raises(TransportError, match="NLM-T003"):
        with_monitor(False, body)

    assert numbers(seen) == [1]


@BOTH
def test_cancellation_closes_the_sockets(use_libnl: bool) -> None:
    """Of who waits for an event; there is nothing left that the loop waits for."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        waiting = asyncio.create_task(take(monitor, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return monitor.protocols, len(kernel.sockets())

    assert with_monitor(use_libnl, body) == ((), 0)


@BOTH
def test_who_waits_for_a_time_goes_on(use_libnl: bool) -> None:
    """asyncio.wait() gives the time back and cancels nothing, where a timeout that cancels closes the sockets."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        waiting = asyncio.create_task(take(monitor, 1))
        done, _ = await asyncio.wait({waiting}, timeout=0.001)
        open_still = monitor.protocols
        kernel.notify(named(1))
        found = numbers(await waiting)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(take(monitor, 1), 0.001)
        return len(done), open_still, found, monitor.protocols

    assert with_monitor(use_libnl, body) == (0, (ROUTE,), [1], ())


@BOTH
def test_closing_ends_the_loop(use_libnl: bool) -> None:
    """Of another task that waits, after what was read already."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        waiting = asyncio.create_task(take(monitor, 9))
        kernel.notify(named(1) + named(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        monitor.close()
        found = numbers(await waiting)
        again = await take(monitor, 1)
        monitor.start()
        kernel.notify(named(3))
        return found, again, numbers(await take(monitor, 1))

    assert with_monitor(use_libnl, body) == ([1, 2], [], [3])


@BOTH
def test_several_protocols(use_libnl: bool) -> None:
    """One loop has the events of all of them."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        kernel.notify(named(1))
        kernel.notify(message(28, bytes((5, 1, 0, 0))), GENERIC)
        return sorted(event.protocol for event in await take(monitor, 2))

    assert with_monitor(use_libnl, body, enable_generic=True) == [ROUTE, GENERIC]


def test_families_are_asked_for_after_a_loss() -> None:
    """As soon as nothing waits, though no descriptor can be read: one whose announcement was lost has its name."""
    kernel = WaitedKernel()

    async def main() -> Any:
        async with Manager(NetlinkConfig(enable_route=False, enable_generic=True), transports=kernel) as manager:
            manager.start()
            kernel.families["nl80211"] = new_family(28, "nl80211")
            kernel.overrun(GENERIC)
            lost = await take(manager, 1)
            kernel.notify(message(28, bytes((5, 1, 0, 0))), GENERIC)
            return lost + await take(manager, 1)

    lost, named_ = run(main())

    assert lost.netlink.data.overrun is not None
    assert named_.netlink.genl_family_name == "nl80211"


def test_a_recording_is_read_to_its_end() -> None:
    """It has no descriptor to wait for: the loop ends when nothing is left."""
    factory = RecordedFactory()

    async def main() -> Any:
        async with Monitor(transports=factory) as monitor:
            monitor.start()
            for frame in range(1, 4):
                factory.deliver(Datagram(frame, frame, ROUTE, named(frame)))
            return [event async for event in monitor]

    assert numbers(run(main())) == [1, 2, 3]


def test_cancellation_ends_a_recording_too() -> None:
    """Where nothing is waited for, the loop gets its turn before each reading."""
    factory = RecordedFactory()

    async def main() -> Any:
        async with Monitor(transports=factory) as monitor:
            monitor.start()
            factory.deliver(Datagram(1, 1, ROUTE, named(1)))
            reading = asyncio.create_task(take(monitor, 1))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            return monitor.protocols

    assert run(main()) == ()


@BOTH
def test_who_waits_notices_what_is_enabled(use_libnl: bool) -> None:
    """By another task: a further protocol, or the same one again, whose socket is another."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        first = asyncio.create_task(take(monitor, 1))
        await asyncio.sleep(0)
        monitor.enable(GENERIC)
        kernel.notify(message(28, bytes((5, 1, 0, 0))), GENERIC)
        found = await first
        second = asyncio.create_task(take(monitor, 1))
        await asyncio.sleep(0)
        monitor.disable(ROUTE)
        monitor.enable(ROUTE)
        kernel.notify(named(4))
        return [event.protocol for event in found + await second]

    assert with_monitor(use_libnl, body) == [GENERIC, ROUTE]


@BOTH
def test_who_waits_notices_that_nothing_is_left(use_libnl: bool) -> None:
    """When another task disables the last protocol, the loop ends."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        waiting = asyncio.create_task(take(monitor, 1))
        await asyncio.sleep(0)
        monitor.disable(ROUTE)
        return await waiting

    assert with_monitor(use_libnl, body) == []


@BOTH
def test_the_number_of_a_closed_socket_is_free(use_libnl: bool) -> None:
    """Whoever opens the next one can wait for it in the same loop."""

    async def body(monitor: Monitor, kernel: WaitedKernel) -> Any:
        waiting = asyncio.create_task(take(monitor, 1))
        await asyncio.sleep(0)
        number = monitor.fileno(ROUTE)
        monitor.disable(ROUTE)
        return asyncio.get_running_loop().remove_reader(number), await waiting

    assert with_monitor(use_libnl, body) == (False, [])


def test_nothing_enabled_is_no_event() -> None:
    """The loop ends at once, and does not wait for ever."""

    async def main() -> Any:
        async with Monitor(transports=WaitedKernel()) as monitor:
            return [event async for event in monitor]

    assert run(main()) == []


def test_another_loop_goes_on() -> None:
    """A monitor outlives its loop: the next one gets what the first one left."""
    kernel = WaitedKernel()
    with Monitor(NetlinkConfig(use_libnl=False), transports=kernel) as monitor:
        monitor.start()
        kernel.notify(named(1) + named(2))
        first = run(take(monitor, 1))
        kernel.notify(named(3))
        second = run(take(monitor, 2))

    assert (numbers(first), numbers(second)) == ([1], [2, 3])


def test_asyncio_is_loaded_when_it_is_used() -> None:
    """Who polls by himself, or with another loop, does not load it."""
    code = (
        "import sys\nfrom nlmon.api import Monitor, NetlinkConfig\nimport nlmon.compat\n"
        "with Monitor(NetlinkConfig(use_libnl=False)) as monitor: pass\nprint('asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
