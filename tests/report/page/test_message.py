"""Events side by side, and the bytes of a message."""

from __future__ import annotations

from typing import Any

import pytest

from nlmon.report.evidence import MessagePart
from nlmon.report.page.message import FieldRow, byte_lines, field_rows
from support.pages import conflict, example

EVENT = {"kind": "link", "netlink": {"mtu": 1500, "name": "eth0", "hops": [{"weight": 1}], "none": None}}
ROWS: list[tuple[dict[str, Any] | None, dict[str, Any] | None, str, list[FieldRow]]] = [
    ({"a": {"b": 1}}, {"a": {"b": 1}}, "", [FieldRow("a.b", "1", "1", "same")]),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, "", [FieldRow("a.b", "1", "2", "differs")]),
    ({"a": 1}, {"b": "x"}, "", [FieldRow("a", "1", None, "alone"), FieldRow("b", None, "x", "alone")]),
    ({"x": {"mtu": 1}}, {}, "mtu", [FieldRow("x.mtu", "1", None, "differs")]),
    ({"x": {"max_mtu": 1}}, {}, "mtu", [FieldRow("x.max_mtu", "1", None, "alone")]),
    ({"a": None}, None, "", [FieldRow("a", "null", None, "whole")]),
    (
        {"a": [{"b": 1}], "c": {}},
        None,
        "",
        [FieldRow("a", '[{"b": 1}]', None, "whole"), FieldRow("c", "{}", None, "whole")],
    ),
    (None, None, "", []),
]


@pytest.mark.parametrize(("reference", "candidate", "field", "expected"), ROWS, ids=range(len(ROWS)))
def test_fields_of_two_events(
    reference: dict[str, Any] | None, candidate: dict[str, Any] | None, field: str, expected: list[FieldRow]
) -> None:
    """The field that the difference is about differs even if one alone has it."""
    assert field_rows(reference, candidate, field) == expected


def lines(**changes: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """Lines of a message."""
    return list(byte_lines(example(conflict(), **changes)))


def test_bytes_that_differ_are_marked() -> None:
    """Sixteen stand on a line, with what is readable beside them."""
    assert lines(bytes="61" * 15 + "00" + "0102", at=(15, 2), attributes=()) == [
        (
            "00000000",
            [(" ".join(["61"] * 15), ""), (" ", ""), ("00", "differs"), (" ", ""), (" " + "a" * 15 + "·", "ascii")],
        ),
        ("00000010", [("01", "differs"), (" ", ""), ("02", ""), (" ", ""), (" " * 43 + "··", "ascii")]),
    ]


def test_every_byte_is_three_characters_wide() -> None:
    """Wherever marks begin and end, a byte is found by its number."""
    found = lines(bytes=bytes(range(40)).hex(), at=(3, 7), attributes=(MessagePart(0, "key", 12, 20, hidden=True),))
    texts = [f"{offset}  " + "".join(text for text, _ in pieces) for offset, pieces in found]

    assert [texts[byte // 16][10 + 3 * (byte % 16) :][:3] for byte in range(40)] == [
        f"{byte:02x} " for byte in range(40)
    ]
    assert {len(text) for text in texts} == {10 + 48 + 1 + 16, 10 + 48 + 1 + 8}


def test_keys_are_marked() -> None:
    """They are zeros, and said to be hidden."""
    found = lines(bytes="00" * 4, at=None, attributes=(MessagePart(0, "key", 1, 2, hidden=True),))

    assert [piece for piece in found[0][1] if piece[1] == "key"] == [("00 00", "key")]


@pytest.mark.parametrize("changes", [{"bytes": ""}, {"bytes": "00", "at": (5, 100)}, {"bytes": "00", "at": (0, 0)}])
def test_what_was_cut_has_no_marks(changes: dict[str, Any]) -> None:
    """A message may be shorter than what is said of it."""
    assert [kind for _, pieces in lines(**changes) for _, kind in pieces if kind == "differs"] == []
