"""A law of verdicts: whatever happens and whatever is lost, with recovery nobody is accused of what only the loss made
different. Of live recordings see ``tests/live/test_windows.py``."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture.base import Frame
from nlmon.compare.difference import Severity
from nlmon.engine.replay import Replay
from nlmon.testing.messages import message, number
from nlmon.testing.transport import ROUTE
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram
from support.examples import examples
from support.modelled import APPEND, CREATE, REPLACE, Model, changes, differences

# A dump of addresses, of which there is none: all that come are known.
ASKED = number("IHHII", 24, 22, 0x301, 9, 0) + bytes(8)
BEGIN = [Frame(1, 1, ROUTE, ASKED, "out"), Frame(2, 2, ROUTE, message(3, bytes(4), flags=2, seq=9), "in")]


def happened(found: list[Any]) -> tuple[Model, list[bytes]]:
    """The host after all that, and what it announced."""
    kernel = Model()
    socket = kernel.open(ROUTE, ())
    for name, *values in found:
        getattr(kernel, name)(*values)
    return kernel, [one.data for one in socket.queue if isinstance(one, Datagram)]


@examples(60)
@given(st.lists(changes, min_size=1, max_size=40), st.integers(0, 39), st.sampled_from((1, 2, 5, 40)))
@example(
    found=[
        ("link", 2, "a", True),
        ("address", 2, 1, True),
        ("address", 2, 2, True),
        ("route4", "10.0.0.0/8", 2, 1, CREATE),
        ("address", 2, 1, False),
        ("route4", "10.1.0.0/16", 2, 1, CREATE | APPEND),
        ("address", 2, 2, False),
    ],
    first=4,
    size=1,
)
@example(
    found=[
        ("link", 2, "a", True),
        ("link", 2, "a", False),
        ("link", 2, "a", True),
        ("route4", "10.0.0.0/8", 2, 1, CREATE),
        ("route4", "10.0.0.0/8", 2, 2, CREATE),
        ("route4", "10.0.0.0/8", 2, 3, CREATE | REPLACE),
        ("link", 2, "a", False),
    ],
    first=4,
    size=1,
)
def test_no_loss_makes_an_accusation(found: list[Any], first: int, size: int) -> None:
    """Not in any window of any history; and libnl ends with what the host holds."""
    kernel, messages = happened(found)
    options = BackendOptions(resync=True, resync_interval=0.0)
    makers = (partial(create, "legacy"), partial(create, "libnl"))
    faults = (Fault(3 + first % max(1, len(messages)), size),)
    replay = Replay(*makers, byteorder="little", options=options, faults=faults)
    replay.play([*BEGIN, *(Frame(n, n, ROUTE, one) for n, one in enumerate(messages, 3))])
    replay.finish()

    wrong = {cls.label for cls in replay.judge.counts if cls.severity is Severity.REGRESSION}
    assert (wrong, differences(kernel, replay.states.both[1])) == (set(), [])
