"""The walk over attributes with a policy that no message has: what must hold for policies to come."""

from __future__ import annotations

import itertools

import pytest

from nlmon.backends.libnl.decode.attributes import Decoder
from nlmon.backends.libnl.policies import Attr, Policy
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.testing.messages import attr, number

ROWS = (Attr("low", "X", "u16", begin=0), Attr("middle", "X", "u32", begin=4), Attr("high", "X", "u8", begin=12))


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_the_order_of_rows_is_free(rows: tuple[Attr, ...]) -> None:
    """An attribute that fills several fields must hold all of them, whichever row comes first."""
    policy, values = Policy("", rows, {"X": 1}), {"low": 0x0102, "middle": 0x03040506, "high": 7}
    payload = number("HxxIxxxxB", 0x0102, 0x03040506, 7)
    for size in range(len(payload) + 1):
        errors: list[object] = []
        data = attr(1, payload[:size])
        found = Decoder("little").values(DecodeContext(data, 1, errors), policy, 0, 0, len(data))  # type: ignore[arg-type]
        whole = size == len(payload)
        assert (found, len(errors)) == ([values[row.field] if whole else None for row in rows], int(not whole))
