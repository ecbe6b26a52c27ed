"""Which line of a log belongs to which message, when no line says which bytes it is of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from nlmon.compare.sequences import Aligned, align_log
from nlmon.events import AddrInfo, Event, LinkInfo

LINK = LinkInfo(*[UNSET] * len(LinkInfo.__struct_fields__))
ADDR = AddrInfo(*[UNSET] * len(AddrInfo.__struct_fields__))


def link(ifindex: int, mtu: int = 1500, up: bool = True) -> Event:
    """A link that was announced."""
    payload = structs.replace(LINK, ifindex=ifindex, mtu=mtu, operstate=6 if up else 2, ifname=f"d{ifindex}")
    return Event(0, 0, 16, 0, 0, 0, 0, 0, None, payload)


def addr(ifindex: int) -> Event:
    """An address that was announced."""
    return Event(0, 0, 20, 0, 0, 0, 0, 0, None, structs.replace(ADDR, ifindex=ifindex, addr="10.0.0.1"))


ROW = [link(1), addr(1), link(1, up=False), link(2), link(1), link(2, 9000), link(1, up=False)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (ROW, Aligned([[0], [1], [2], [3], [4], [5], [6]], [], None)),
        (ROW[:2] + ROW[3:], Aligned([[0], [1], [], [2], [3], [4], [5]], [], None)),
        (ROW[:3] + ROW[2:], Aligned([[0], [1], [2, 3], [4], [5], [6], [7]], [], None)),
        ([*ROW[:3], link(3), *ROW[3:]], Aligned([[0], [1], [2], [4], [5], [6], [7]], [3], None)),
        ([*ROW[:3], link(2, 1499), *ROW[4:]], Aligned([[0], [1], [2], [3], [4], [5], [6]], [], None)),
        ([ROW[1], ROW[0], *ROW[2:]], Aligned([[1], [0], [2], [3], [4], [5], [6]], [], (0, 1))),
        ([], Aligned([[]] * 7, [], None)),
        # One is lost and the others have a value that is always wrong: the most alike belong together.
        ([link(1, 7), link(2, 7)], Aligned([[0], [], [], [1], [], [], []], [], None)),
    ],
    ids=["all", "lost", "repeated", "made up", "another value", "swapped", "none", "always wrong"],
)
def test_lines_are_of_messages(lines: Sequence[Event], expected: Aligned) -> None:
    """What is said of objects, in which order, finds the message."""
    assert align_log(ROW, lines) == expected


def test_what_repeats_for_hours_is_aligned() -> None:
    """Of a link that goes up and down some lines are lost: all others have their message, and the last has the last."""
    messages = [link(1), link(1, up=False)] * 1000
    lines = [message for number, message in enumerate(messages) if number % 10]
    found = align_log(messages, lines)
    said = [(messages[place], lines[numbers[0]]) for place, numbers in enumerate(found.lines) if numbers]

    assert (found.left, found.swapped, found.lines[-1]) == ([], None, [len(lines) - 1])
    assert [line for message, line in said if message == line] == lines


MESSAGES = st.lists(st.builds(link, st.integers(1, 3), st.integers(1, 2), st.booleans()), max_size=12)


@given(MESSAGES, st.data())
def test_a_part_in_order_is_a_part_in_order(messages: list[Event], data: st.DataObject) -> None:
    """However often messages repeat: of a log that only lacks lines every line says what its message says, and nothing
    is swapped, left over or repeated."""
    kept = data.draw(st.lists(st.booleans(), min_size=len(messages), max_size=len(messages)))
    lines = [message for message, keep in zip(messages, kept, strict=True) if keep]
    found = align_log(messages, lines)

    assert (found.left, found.swapped) == ([], None)
    assert [number for numbers in found.lines for number in numbers] == list(range(len(lines)))
    assert [lines[number] for numbers in found.lines for number in numbers] == lines


@given(MESSAGES, MESSAGES)
def test_every_line_has_one_place(messages: list[Event], lines: list[Event]) -> None:
    """Whatever the lines are, each is of one message about its object, or of none."""
    found = align_log(messages, lines)
    places = [number for numbers in found.lines for number in numbers]

    assert sorted(places + found.left) == list(range(len(lines)))
    for message, numbers in zip(messages, found.lines, strict=True):
        assert {lines[number].payload.ifindex for number in numbers} <= {message.payload.ifindex}  # type: ignore[union-attr]
