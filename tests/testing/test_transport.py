"""The fake kernel: what it sends, what it loses, how its dumps end."""

from __future__ import annotations

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import Overrun, TransportError
from nlmon.events import Event
from nlmon.testing.messages import link, message
from nlmon.testing.transport import ROUTE, FakeKernel, Outcome

RTM_NEWLINK, RTM_GETLINK = 16, 18
DUMP = message(RTM_GETLINK, bytes(16), flags=0x301, seq=7)


def test_what_was_lost_is_dumped() -> None:
    """The example of the module: a link that nobody was notified of is delivered after the overrun."""
    kernel, events, errors = FakeKernel(), list[Event](), list[Exception]()
    backend = create("libnl", kernel, BackendOptions(resync=True, resync_interval=0.0))
    backend.set_callback(events.append, errors.append)
    backend.enable(ROUTE)
    kernel.new(RTM_NEWLINK, link(3, "lan0"), 3, lost=True)
    kernel.overrun()
    while backend.process(ROUTE):
        pass

    assert [(one.type, one.interface, one.synthetic) for one in events] == [
        ("overrun", None, False),
        ("netlink", "lan0", True),
    ]
    assert [type(one) for one in errors] == [Overrun]


@pytest.mark.parametrize(
    ("outcome", "types", "interrupted"),
    [
        ("complete", [16, 16, 3], False),
        ("interrupted", [16, 3], True),
        ("empty", [3], True),
        ("failed", [2], False),
        ("unfinished", [16, 16], False),
    ],
)
def test_how_a_dump_ends(outcome: Outcome, types: list[int], interrupted: bool) -> None:
    """Types of its messages, and whether the last one says that it was interrupted (NLM_F_DUMP_INTR)."""
    kernel = FakeKernel()
    for index, name in ((2, "a"), (3, "b")):
        kernel.new(RTM_NEWLINK, link(index, name), index)
    kernel.outcomes.append(outcome)
    answers = [one.data for one in kernel.open(ROUTE, ()).request(DUMP)]

    assert [int.from_bytes(data[4:6], "little") for data in answers] == types
    assert bool(answers[-1][6] & 0x10) == interrupted
    assert kernel.requests == [(RTM_GETLINK, 0)]


def test_a_dump_that_is_not_answered_raises() -> None:
    """As a kernel's socket does after its time is over."""
    kernel = FakeKernel()
    kernel.outcomes.append("broken")

    with pytest.raises(TransportError, match="no answer"):
        next(kernel.open(ROUTE, ()).request(DUMP))
