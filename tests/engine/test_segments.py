"""Parts of a segment within which no interface changes its name.

Not here: segments themselves (``tests/capture/test_segments.py``).
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlmon.engine.segments import split_by_names
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.wire import Datagrams

NEWLINK, DELLINK = 16, 17
BRIDGE = 7
ADDR = message(20, number("BBBBI", 2, 24, 0, 0, 3))


def link(index: int, name: bytes, family: int = 0, kind: int = NEWLINK, mtu: int = 1500) -> bytes:
    """A link message with a name and an MTU."""
    head = number("BxHiII", family, 1, index, 1, 0)
    return message(kind, head + attr(3, name + b"\0") + attr(4, number("I", mtu)))


def datagrams(*data: bytes, protocol: int = 0) -> Datagrams:
    """Datagrams that are numbered from 1."""
    numbers = range(1, 1 + len(data))
    return Datagrams(numbers, protocol, numbers, data)


def parts(given_: Datagrams, *before: bytes) -> list[list[int]]:
    """The frames of each part, for a kernel that learned of ``before`` and learns of each part in its turn."""
    kernel, found = RecordedKernel("little"), []
    if before:
        kernel.learn(datagrams(*before))
    for part in split_by_names(given_, kernel):
        found.append(list(part.frames))
        kernel.learn(part)
    return found


LAN, LARGER = link(3, b"lan"), link(3, b"lan", mtu=9000)
CASES: dict[str, tuple[Datagrams, list[list[int]]]] = {
    "no links": (datagrams(ADDR, ADDR), [[1, 2]]),
    "a new link": (datagrams(ADDR, ADDR, LAN, ADDR), [[1, 2], [3], [4]]),
    "a link that changes": (datagrams(LAN, ADDR, LARGER, ADDR), [[1], [2, 3, 4]]),
    "a link that is renamed": (datagrams(LAN, link(3, b"wan"), link(3, b"wan", mtu=9000)), [[1], [2], [3]]),
    "a link that goes and comes back": (datagrams(LAN, link(3, b"lan", kind=DELLINK), LAN), [[1], [2], [3]]),
    "two links that swap names": (
        datagrams(LAN, link(4, b"wan"), link(3, b"x"), link(4, b"lan"), link(3, b"wan"), ADDR),
        [[1], [2], [3], [4], [5], [6]],
    ),
    "the port of a bridge": (datagrams(LAN, link(3, b"lan", BRIDGE), ADDR), [[1], [2], [3]]),
    "a link without a name": (datagrams(LAN, message(NEWLINK, number("BxHiII", 0, 1, 3, 1, 0)), ADDR), [[1], [2], [3]]),
    "a link that is cut": (datagrams(ADDR, message(NEWLINK, bytes(4)), ADDR), [[1], [2], [3]]),
    "another protocol": (datagrams(LAN, LAN, protocol=12), [[1, 2]]),
    "one": (datagrams(LAN), [[1]]),
    "none": (datagrams(), []),
}


@pytest.mark.parametrize(("given_", "expected"), CASES.values(), ids=CASES.keys())
def test_where_a_segment_is_split(given_: Datagrams, expected: list[list[int]]) -> None:
    """What may change a name is a part of its own; what stands between two of these is one part."""
    assert parts(given_) == expected


def test_what_the_kernel_knew_before_counts() -> None:
    """A link that keeps the name that it had before the segment does not split it."""
    assert parts(datagrams(ADDR, LARGER, ADDR), LAN) == [[1, 2, 3]]
    assert parts(datagrams(ADDR, LARGER, ADDR), link(3, b"wan")) == [[1], [2], [3]]


LINKS = st.builds(
    link,
    st.integers(1, 3),
    st.sampled_from((b"a", b"b")),
    st.sampled_from((0, 0, 0, BRIDGE)),
    st.sampled_from((NEWLINK, NEWLINK, NEWLINK, DELLINK)),
    st.sampled_from((1500, 9000)),
)


@settings(deadline=None)
@given(st.lists(st.one_of(LINKS, st.just(ADDR)), max_size=20))
def test_within_a_part_no_name_changes(data: list[bytes]) -> None:
    """Whenever one of many is decoded, the names are those of its own time; and every datagram is in one part."""
    whole, kernel, one_by_one = datagrams(*data), RecordedKernel("little"), RecordedKernel("little")
    found: list[int] = []
    for part in split_by_names(whole, kernel):
        kernel.learn(part)
        for datagram in part:
            one_by_one.learn(Datagrams.of(datagram))
            assert one_by_one.names == kernel.names
        found += part.frames

    assert found == list(whole.frames)
    assert (kernel.names, kernel.links, kernel.time) == (one_by_one.names, one_by_one.links, one_by_one.time)
