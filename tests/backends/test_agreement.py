"""Two implementations that share no decoding code agree on any bytes, and neither ever raises."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder
from nlmon.errors import DecodeError
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.agreement import FIXTURES, disagreements, mutated, recorded
from support.examples import examples

ORDERS: tuple[ByteOrder, ...] = ("little", "big")
SEED = 20261123
MUTATIONS = 4000


def vectors() -> dict[str, bytes]:
    """The crafted NETLINK_ROUTE datagrams by name."""
    rows = [line.split() for line in (FIXTURES / "vectors" / "replay-cases.txt").read_text().splitlines()]
    return {r[0]: bytes.fromhex(r[2]) for r in rows if r[0] != "#" and r[1] == "0" and not r[2].startswith("errno")}


def datagrams() -> tuple[bytes, ...]:
    """Distinct datagrams of real kernels."""
    return recorded(0, "01-route-basic", "02-route-topology")


@pytest.mark.parametrize(("name", "data"), vectors().items(), ids=vectors().keys())
def test_crafted_datagrams_agree(name: str, data: bytes) -> None:
    """Every crafted datagram gives equal events and equal errors in both implementations."""
    assert (name, disagreements([data])) == (name, [])


@pytest.mark.slow
def test_damaged_recordings_agree() -> None:
    """Thousands of damaged real datagrams, from a fixed seed: no exception and no disagreement."""
    random_ = random.Random(SEED)
    damaged = [mutated(random_.choice(datagrams()), datagrams(), random_) for _ in range(MUTATIONS)]

    assert disagreements(damaged) == []


@examples(150)
@given(st.binary(max_size=256), st.sampled_from(ORDERS))
def test_any_bytes_agree(data: bytes, byteorder: ByteOrder) -> None:
    """Bytes from nowhere give the same values in both."""
    assert disagreements([data], byteorder) == []


attributes = st.lists(st.tuples(st.integers(0, 70), st.binary(max_size=24)), max_size=6)
# RTNL_FAMILY_IPMR (128) and RTNL_FAMILY_IP6MR (129) are those of multicast routes and rules alone (net/ipv4/ipmr.c).
FAMILIES = (0, 2, 7, 10, 28, 128, 129, 255)
TYPES = (*range(16, 23), *range(24, 27), *range(28, 31), *range(32, 35))
KINDS = tuple((kind, family) for kind in TYPES for family in FAMILIES)


@pytest.mark.slow
@examples(250)
@given(st.sampled_from(KINDS), st.binary(min_size=15, max_size=15), attributes, st.sampled_from(ORDERS))
@example(kind=(20, 128), rest=bytes(15), pairs=[(4, bytes(4))], byteorder="little")
def test_any_attributes_agree(
    kind: tuple[int, int], rest: bytes, pairs: list[tuple[int, bytes]], byteorder: ByteOrder
) -> None:
    """Messages that are well framed, with any attributes of any length, give the same values in both."""
    msg_type, family = kind
    size = {4: 16, 5: 8}.get(msg_type // 4, 12)
    body = (bytes([family]) + rest)[:size]
    body += b"".join(attr(number_, payload, byteorder) for number_, payload in pairs)

    assert disagreements([message(msg_type, body, byteorder=byteorder)], byteorder) == []


@pytest.mark.parametrize("name", ["legacy", "libnl"])
@pytest.mark.parametrize("byteorder", ORDERS)
def test_a_split_loses_nothing(name: str, byteorder: ByteOrder) -> None:
    """Messages in one datagram, or each in its own, are the same events."""
    backend = create(name, RecordedFactory(RecordedKernel(byteorder)))
    body = number("BxHiII", 0, 1, 7, 1, 0, byteorder=byteorder) + attr(3, b"eth7\0", byteorder)
    one = message(16, body, byteorder=byteorder)

    together = backend.decode(Datagram(1, 0, 0, one * 3)).events
    apart = [event for _ in range(3) for event in backend.decode(Datagram(1, 0, 0, one)).events]
    assert [event.payload for event in together] == [event.payload for event in apart]
    assert [event.offset for event in together] == [0, len(one), 2 * len(one)]


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_every_truncation_is_a_value(name: str) -> None:
    """Cut at every byte, a real link message gives its events or a typed error with its place."""
    backend = create(name, RecordedFactory())
    data = next(d for d in datagrams() if d[4] == 16 and 1000 < len(d) < 1500)
    for size in range(1, len(data)):
        decoded = backend.decode(Datagram(9, 0, 0, data[:size]))
        assert decoded.events == []
        assert [(type(e).__mro__[1], e.frame, e.offset) for e in decoded.errors if isinstance(e, DecodeError)] in (
            [(DecodeError, 9, 0)],
            [],
        )
        assert decoded.errors or not any(data[:size])
