"""Names of interfaces that are remembered for the length of a burst: never an old one."""

from __future__ import annotations

import struct
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.registry import create
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.kernel.ifnames import Names
from support.examples import examples

XFRM = 6
ADDR, NEW_LINK, DEL_LINK = 20, 16, 17


def said(kind: int, index: int = 2, more: bytes = b"") -> bytes:
    """A message as far as it matters here, and what follows it in its datagram."""
    return struct.pack("=IHHIII", 20, kind, 0, 0, 0, index) + more


class Asked:
    """A kernel's names, and how often it was asked for which."""

    def __init__(self) -> None:
        self.names = {2: "eth0", 3: "br0"}
        self.indexes: list[int] = []

    def __call__(self, ifindex: int) -> str | None:
        self.indexes.append(ifindex)
        return self.names.get(ifindex)


def burst() -> tuple[Names, Asked]:
    """A socket that receives links, in a burst, that knows the name of 2."""
    asked = Asked()
    names = Names(asked)
    names.quiet(subscribed=True)
    names.received(said(ADDR))
    names.of(2)
    asked.names[2] = "wan0"
    return names, asked


def test_in_a_burst_a_name_is_asked_for_once() -> None:
    """Messages that change no name leave what is known, each index for itself."""
    names, asked = burst()
    for _ in range(3):
        names.received(said(ADDR))
        names.of(2)
        names.of(3)

    assert (names.of(2), names.of(3), asked.indexes) == ("eth0", "br0", [2, 3])


@pytest.mark.parametrize(
    "data",
    [
        said(NEW_LINK),
        said(DEL_LINK),
        said(NEW_LINK, 3),
        said(ADDR, 3, said(NEW_LINK)),
        said(ADDR, 3, said(ADDR)),
        said(ADDR)[:-1],
    ],
)
def test_a_message_that_may_change_a_name_ends_what_is_known(data: bytes) -> None:
    """A link that is new, changed or gone, whichever; and what is no single message."""
    names, _ = burst()
    names.received(data)

    assert names.of(2) == "wan0"


def test_nothing_is_kept_beyond_the_burst() -> None:
    """Once nothing waits, names are asked for anew: they are true for what was read ahead of its decoding, too."""
    names, asked = burst()
    names.quiet(subscribed=True)
    found = [names.of(2)]
    asked.names[2] = "lan0"

    assert [*found, names.of(2)] == ["wan0", "wan0"]


def test_after_a_loss_nothing_is_remembered_before_it_is_quiet() -> None:
    """The kernel may drop more, a change of a name among it, and does not say so."""
    names, asked = burst()
    names.missed()
    found = []
    for name in ("a0", "a1", "a2"):
        asked.names[2] = name
        names.received(said(ADDR))
        found.append(names.of(2))
    names.quiet(subscribed=True)
    names.received(said(ADDR))
    names.of(2)
    asked.names[2] = "a3"

    assert [*found, names.of(2)] == ["a0", "a1", "a2", "a2"]


def test_an_answer_gets_the_names_of_its_time() -> None:
    """A dump in the middle of a burst did not wait for its turn."""
    names, asked = burst()
    names.answered()
    found = [names.of(2)]
    asked.names[2] = "lan0"
    found.append(names.of(2))
    names.answered()

    assert [*found, names.of(2)] == ["wan0", "wan0", "lan0"]


def test_who_is_not_subscribed_to_links_asks_each_time() -> None:
    """Another protocol, or the group of links was not joined; and nobody has said yet that it was."""
    asked = Asked()
    names = Names(asked)
    names.received(said(ADDR))
    found = [names.of(2), names.of(2)]
    names.quiet(subscribed=False)
    names.received(said(ADDR))

    assert ([*found, names.of(2), names.of(2)], asked.indexes) == (["eth0"] * 4, [2] * 4)


def test_that_there_is_no_interface_is_not_remembered() -> None:
    """It may come at any time."""
    names, asked = burst()
    found = [names.of(9)]
    asked.names[9] = "new0"

    assert [*found, names.of(9)] == [None, "new0"]


def test_libnl_asks_the_transport_of_the_message() -> None:
    """What the socket of NETLINK_ROUTE remembers is not for the messages of others, which do not wait in its line."""
    kernel = FakeKernel()
    backend = create("libnl", kernel)
    assert isinstance(backend, LibnlBackend)
    for protocol in (ROUTE, XFRM):
        backend.enable(protocol)
    for transport in kernel.opened:
        transport.link_name = f"{{0}} of {transport.protocol}".format  # type: ignore[method-assign]

    assert [backend.link_name(protocol, 2) for protocol in (ROUTE, XFRM, 12)] == ["2 of 0", "2 of 6", "2 of 0"]


class Machine:
    """One interface that is renamed while messages about it are said, lost and read ahead, with the rules of a netlink
    socket: full, it drops all that comes until it was read to its end, and reports it once, before anything else."""

    SIZE = 2

    def __init__(self) -> None:
        # What the name was, from when it was.
        self.history = ["n0"]
        # What waits: a datagram, and the number of names there were when it was said.
        self.queue: deque[tuple[bytes, int]] = deque()
        self.ahead: deque[tuple[bytes, int]] = deque()
        self.congested = self.error = False
        self.names = Names(lambda _: self.history[-1])
        self.names.quiet(subscribed=True)

    def say(self, kind: int) -> None:
        """A message is said; that of a link follows the new name."""
        if kind == NEW_LINK:
            self.history.append(f"n{len(self.history)}")
        if self.congested or len(self.queue) == self.SIZE:
            self.error = self.error or not self.congested
            self.congested = True
        else:
            self.queue.append((said(kind), len(self.history) - 1))

    def read(self) -> None:
        """One datagram is read, to be decoded later."""
        if self.error:
            self.error = False
            self.names.missed()
        elif self.queue:
            self.ahead.append(self.queue.popleft())
            self.names.received(self.ahead[-1][0])
        else:
            self.names.quiet(subscribed=True)
        if not self.queue:
            self.congested = False

    def decode(self) -> bool:
        """The next datagram is decoded; whether its name is one that the interface has had since it was said."""
        if not self.ahead:
            self.read()
        if not self.ahead:
            return True
        _, since = self.ahead.popleft()
        return self.names.of(2) in self.history[since:]

    def answer(self) -> bool:
        """The same of a dump that is asked for, answered and decoded now."""
        self.names.answered()
        return self.names.of(2) == self.history[-1]


# "decode" reads, too, when nothing was read ahead.
STEPS = ["addr", "rename", "rename", "flood", "read", "decode", "decode", "decode", "answer"]


@examples(500)
@given(st.lists(st.sampled_from(STEPS), min_size=8, max_size=60))
def test_no_name_is_older_than_its_message(steps: list[str]) -> None:
    """Whatever is renamed, lost, read ahead and asked for in between."""
    machine = Machine()
    right = []
    for step in steps:
        if step in {"addr", "rename"}:
            machine.say(NEW_LINK if step == "rename" else ADDR)
        elif step == "flood":
            for _ in range(machine.SIZE + 1):
                machine.say(ADDR)
        elif step == "read":
            machine.read()
        else:
            right.append(machine.decode() if step == "decode" else machine.answer())

    assert all(right)
