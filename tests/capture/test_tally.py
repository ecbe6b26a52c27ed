"""What is counted of segments, and when a recording seems to hold notifications several times.

Not here: segments (``test_segments``).
"""

from __future__ import annotations

import pytest

from nlmon.capture.segment import NOTIFICATION, Place, Role, Segment
from nlmon.capture.tally import Tally
from nlmon.testing.messages import message
from nlmon.wire import Datagrams

ROUTE, USERSOCK, XFRM, NETFILTER = 0, 2, 6, 12
ONE, OTHER = message(16, bytes(16)), message(20, bytes(8))


def segment(
    *data: bytes, first: int = 1, protocol: int = ROUTE, role: Role = Role.NOTIFICATION, lost: int = 0
) -> Segment:
    """A segment of datagrams that are numbered from ``first``, of one message each."""
    numbers = range(first, first + len(data))
    place = NOTIFICATION if role is Role.NOTIFICATION else Place(role)
    return Segment(place, Datagrams(numbers, protocol, numbers, data, lost), len(data))


def test_what_is_counted_of_segments() -> None:
    """Frames by role and protocol, messages, what was truncated, and the highest number, in any order."""
    tally = Tally()
    for one in (
        segment(ONE, ONE, OTHER, first=3),
        segment(ONE, ONE, first=1, role=Role.REQUEST),
        segment(ONE, first=6, protocol=USERSOCK, lost=4),
    ):
        tally.add(one)
    tally.add(Segment(Place(Role.DUMP), Datagrams((7,), ROUTE, (0,), (ONE + ONE,)), 2))

    assert (tally.frames, tally.messages, tally.truncated, tally.last_frame) == (7, 8, {USERSOCK: 1}, 7)
    assert tally.roles == {Role.NOTIFICATION: 4, Role.REQUEST: 2, Role.DUMP: 1}
    assert tally.protocols == {ROUTE: 6, USERSOCK: 1}


def test_repeats_are_counted_across_segments() -> None:
    """Per protocol, notifications that equal the one before them; what comes in between of another kind does not
    matter."""
    tally = Tally()
    for one in (
        segment(ONE, ONE, OTHER),
        segment(ONE, role=Role.REQUEST),
        segment(ONE, protocol=XFRM),
        segment(OTHER, ONE),
    ):
        tally.add(one)

    assert (tally.notifications, tally.repeats) == ({ROUTE: 5, XFRM: 1}, {ROUTE: 2, XFRM: 0})


@pytest.mark.parametrize(
    ("repeats", "others", "protocols", "copied"),
    [
        (6, 0, {ROUTE}, True),
        (5, 0, {ROUTE}, True),
        (4, 4, {ROUTE}, True),
        (4, 5, {ROUTE}, False),
        (3, 1, {ROUTE}, False),
        (6, 0, {NETFILTER}, False),
        (6, 20, {ROUTE, NETFILTER}, False),
        (6, 3, set(), False),
    ],
)
def test_a_third_of_repeats_suggests_several_listeners(
    repeats: int, others: int, protocols: set[int], copied: bool
) -> None:
    """Of ten notifications or more of the protocols that are asked about."""
    tally = Tally()
    for number_ in range(repeats):
        one = message(16, bytes(16), seq=number_)
        tally.add(segment(one, one))
    for number_ in range(others):
        tally.add(segment(message(20, bytes(8), seq=number_), protocol=max(protocols, default=ROUTE)))

    assert tally.copied(protocols) == copied
