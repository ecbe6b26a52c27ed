"""Two implementations listen while something happens in a sandbox, and nobody sleeps."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.side import Side
from nlmon.scenario.sandbox import Sandbox
from nlmon.transport.base import TransportFactory
from support.listening import listening

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

MANY = "".join(f"link add name v{n} type veth peer name w{n}\n" for n in range(100))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox."""
    with Sandbox() as made:
        yield made


class NeverReads(LibnlBackend):
    """An implementation that never reads."""

    def process(self, protocol: int) -> bool:
        """Say that nothing waits."""
        return False


def never_reads(factory: TransportFactory, options: BackendOptions) -> Backend:
    """Make one."""
    return NeverReads(factory, options)


def test_all_that_was_sent_before_is_read(sandbox: Sandbox) -> None:
    """By both, whatever comes later; nothing is given to anybody or counted for it."""
    links: tuple[set[str | None], set[str | None]] = set(), set()

    def take(number: int, side: Side) -> None:
        links[number].update(event.interface for event in side.events if event.msg_type == 16)

    with listening(sandbox, on_side=take) as watch:
        before = watch.live.tally.frames
        quiet = watch.catch_up(), watch.live.tally.frames - before
        sandbox.batch(MANY)
        left = watch.catch_up()
        waiting = watch.live.waiting

    assert (quiet, left, waiting) == (([], 0), [], False)
    assert [len(names & {f"{kind}{n}" for kind in "vw" for n in range(100)}) for names in links] == [200, 200]


def test_who_lost_messages_catches_up(sandbox: Sandbox) -> None:
    """The kernel drops what announces it, too, when a receive buffer is full."""
    with listening(sandbox, receive_buffer=4096) as watch:
        sandbox.batch(MANY)
        left = watch.catch_up()
        lossy = [lane.lossy for lane in watch.live.lanes]

    assert (left, lossy) == ([], [True, True])


def test_who_does_not_read_is_named(sandbox: Sandbox) -> None:
    """With the protocol."""
    with listening(sandbox, candidate=never_reads) as watch:
        left = watch.catch_up()

    assert "libnl (NETLINK_ROUTE)" in left
    assert Counter(one.partition(" ")[0] for one in left).keys() == {"libnl"}


def test_what_is_awaited_comes_or_does_not(sandbox: Sandbox) -> None:
    """It ends at once when it comes, and at the deadline when it does not."""
    seen: list[str] = []

    def take(number: int, side: Side) -> None:
        seen.extend(event.interface or "" for event in side.events)

    with listening(sandbox, on_side=take) as watch:
        sandbox.run("ip link add v0 type veth peer name v1")
        came = watch.wait_for(lambda: {"v0", "v1"} <= set(seen), 30)
        began = time.monotonic()
        never = watch.wait_for(lambda: "v2" in seen, 0.1)

    assert (came, never, time.monotonic() - began >= 0.1) == (True, False, True)


def test_what_waits_at_the_deadline_came_in_time(sandbox: Sandbox) -> None:
    """Whoever had no processor until then reads it before it is said to be missing."""
    seen: list[str] = []

    def take(number: int, side: Side) -> None:
        seen.extend(event.interface or "" for event in side.events)

    with listening(sandbox, on_side=take) as watch:
        sandbox.run("ip link add v0 type veth peer name v1")
        before = list(seen)
        came = watch.wait_for(lambda: {"v0", "v1"} <= set(seen), 0.0)

    assert (before, came) == ([], True)
