"""Problems of one implementation alone: excused only where the contract lets the other not read what is wrong."""

from __future__ import annotations

import pytest

from nlmon.compare.evidence.locate import Span, field_of, locate, spans
from nlmon.compare.pair import pair_of
from nlmon.compare.problems import compare_problems
from nlmon.errors import AttributeFormatError, DecodeError, FramingError, HeaderError
from nlmon.testing.messages import message, wrong_length
from nlmon.wire import Datagram

NAMES = ("legacy", "libnl")
LINK = message(16, bytes(16))


def attribute(path: str) -> AttributeFormatError:
    return AttributeFormatError("NLM-D003", "short", frame=1, offset=0x20, path=path)


FRAMING = FramingError("NLM-D001", "cut", frame=1, offset=0)
HEADER = HeaderError("NLM-D002", "short", frame=1, offset=0)


@pytest.mark.parametrize(
    ("protocol", "data", "of", "error", "reported"),
    [
        (0, LINK, "legacy", attribute("IFLA_MTU"), True),
        (0, LINK, "libnl", attribute("IFLA_MTU"), True),
        (0, LINK, "libnl", attribute("IFLA_MASTER"), False),
        (0, LINK, "legacy", attribute("IFLA_MASTER"), True),
        (0, LINK, "libnl", FRAMING, True),
        (0, LINK, "libnl", HEADER, True),
        (0, message(36, bytes(20)), "libnl", HEADER, False),
    ],
)
def test_who_must_report_what(protocol: int, data: bytes, of: str, error: DecodeError, reported: bool) -> None:
    """The one that says nothing is excused if it does not read the attribute, or this kind of message."""
    found = ([error], []) if of == "legacy" else ([], [error])
    problems = list(compare_problems(pair_of(*NAMES), Datagram(1, 0, protocol, data), "little", found, []))

    assert [(p.reference != "", p.candidate != "") for p in problems] == [(of == "legacy", of == "libnl")] * reported


@pytest.mark.parametrize("order", ["little", "big"])
def test_messages_of_a_datagram(order: str) -> None:
    """Whole ones, up to the first that does not fit."""
    one, two = message(16, bytes(16), byteorder=order), message(20, bytes(9), byteorder=order)
    cut = wrong_length(message(24, bytes(12), byteorder=order), 999, byteorder=order)

    assert spans(one + two + cut, order) == [Span(0, 32, 16), Span(32, 57, 20)]


def test_a_field_behind_the_end_is_nowhere() -> None:
    """A header that is cut has no place for what it lacks."""
    short = message(16, bytes(6))

    assert field_of(short, 0, 22, "ifi_type", 16, "little") is not None
    assert field_of(short, 0, 22, "ifi_index", 16, "little") is None
    assert locate(short, 0, "(ifi_index)", "little").data == b""
