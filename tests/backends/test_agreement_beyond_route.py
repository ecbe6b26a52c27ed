"""Beyond NETLINK_ROUTE, too, the two implementations agree on any bytes and neither raises.

What only one of them reads, by the contract, is no disagreement: attributes of libnl's own fields, expectations,
IPsec, audit records, rtnetlink's neighbouring groups. There the test is that nothing is raised.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.testing.messages import attr, generic, message, nested, new_family, number
from nlmon.wire import Datagram
from support.agreement import disagreements, mutated, recorded
from support.decoding import BACKENDS, ORDERS, backend, findings
from support.examples import examples
from support.flows import flow, netfilter, tuple_
from support.sockets import by_family, inet_msg, inet_request, unix_msg
from support.xfrm import aead, policy, state, template

pytestmark = pytest.mark.slow

SEED = 20261125
MUTATIONS = 3000
FAMILIES = {28: "nl80211", 21: "ethtool"}


class Case(NamedTuple):
    """A protocol, the recordings that hold it, what else is damaged (a recording may have few of a kind), types
    of messages with the size of their fixed header, and numbers of attributes that are read."""

    protocol: int
    captures: tuple[str, ...]
    more: tuple[bytes, ...]
    types: tuple[tuple[int, int], ...]
    numbers: tuple[int, ...]


def _flow(**named: Any) -> bytes:
    return netfilter(0, *flow("little"), **named)


CASES = {
    "generic": Case(
        *(16, ("03-nl80211", "06-generic")),
        (generic(28, 103, attr(195, number("I", 0x1374)), attr(196, number("I", 334)), attr(197, b"\1\2\3\4")),),
        *(((28, 4), (21, 4), (16, 4), (99, 4)), (1, 2, 3, 4, 5, 6, 38, 39, 52, 195, 196, 197)),
    ),
    "sock_diag": Case(
        *(4, ("05-sock_diag",)),
        (by_family(inet_msg(2), attr(10, b"\x11")), by_family(unix_msg(), attr(4, number("II", 1, 2)))),
        *(((20, 72), (20, 16), (20, 4), (21, 72)), (0, 2, 4, 6, 7, 8, 10, 15, 21)),
    ),
    "netfilter": Case(
        *(12, ("04-conntrack",)),
        (_flow(), _flow(family=10), netfilter(0, tuple_(1, 0, 1), tuple_(2, 0, 2), tuple_(3, 1, 1), subsystem=2)),
        *(((0x100, 4), (0x102, 4), (0x200, 4), (0x400, 4), (0xA00, 4)), (1, 2, 3, 4, 8, 9, 10, 18)),
    ),
    "xfrm": Case(
        *(6, ("06-xfrm",)),
        (message(16, state(2, "little") + attr(18, aead(b"rfc4106(gcm(aes))", "little"))),),
        *(
            ((16, 224), (17, 24), (19, 168), (20, 64), (23, 280), (24, 232), (27, 176), (28, 1), (29, 0), (30, 48)),
            (1, 2, 4, 5, 6, 7, 9, 16, 18, 20, 21, 31),
        ),
    ),
    "audit": Case(9, ("09-untapped-audit-uevent-connector",), (), ((1300, 0), (16, 0)), (1,)),
    "neighbouring": Case(
        *(0, ("08-tc",)),
        (
            message(84, bytes(8) + nested(1, nested(1, attr(1, bytes(28))))),
            message(92, bytes(12) + attr(1, bytes(64))),
            message(104, bytes(8) + attr(1, number("I", 7)) + attr(2, number("IBBH", 3, 1, 0, 0))),
            message(80, bytes(4) + attr(1, number("i", -1)) + attr(2, number("i", 1))),
            message(88, bytes(4) + attr(1, number("i", 5))),
            message(52, bytes([10]) + bytes(11) + attr(1, bytes(16)) + attr(2, number("II", 1, 2))),
        ),
        *(((36, 20), (44, 20), (52, 12), (80, 4), (84, 8), (88, 4), (92, 12), (104, 8)), (1, 2, 3, 5, 6, 7, 11)),
    ),
}
every_case = pytest.mark.parametrize("name", CASES)
SETUP = {"generic": [new_family(number_, text) for number_, text in FAMILIES.items()]}


@cache
def pool(name: str) -> tuple[bytes, ...]:
    """Real datagrams, and for every ten of them each of those made by hand."""
    case = CASES[name]
    real = recorded(case.protocol, *case.captures)
    return real + case.more * (len(real) // 10)


@every_case
def test_recordings_hold_the_protocol(name: str) -> None:
    """There is something to damage; undamaged the two agree on it and find nothing but what kernels refused."""
    assert len(pool(name)) > 200
    for implementation in BACKENDS:
        decoder = DECODERS[implementation, "little"]
        found = [decoder.decode(Datagram(7, 0, CASES[name].protocol, data)) for data in pool(name)]
        assert {kind for one in found for kind, _, _ in findings(one)} <= {"KernelError"}
    assert disagreements(pool(name), protocol=CASES[name].protocol, before=SETUP.get(name, ())) == []


@every_case
def test_damaged_recordings_agree(name: str) -> None:
    """Thousands of damaged real datagrams, from a fixed seed: no exception and no disagreement."""
    random_ = random.Random(SEED)
    damaged = [mutated(random_.choice(pool(name)), pool(name), random_) for _ in range(MUTATIONS)]
    assert disagreements(damaged, protocol=CASES[name].protocol, before=SETUP.get(name, ())) == []


@every_case
def test_damage_reaches_the_attributes(name: str) -> None:
    """Of the damaged datagrams many still give events, and many give malformed attributes."""
    random_ = random.Random(SEED)
    decoder, found = backend("libnl", families=FAMILIES), Counter[str]()
    for _ in range(MUTATIONS):
        data = mutated(random_.choice(pool(name)), pool(name), random_)
        decoded = decoder.decode(Datagram(7, 0, CASES[name].protocol, data))
        found["event"] += bool(decoded.events)
        found.update({kind for kind, _, _ in findings(decoded)})
    assert (found["event"] > 300, found["FramingError"] > 300) == (True, True)
    assert name == "audit" or found["AttributeFormatError"] > 300


trees = st.recursive(
    st.binary(max_size=20), lambda inner: st.lists(st.tuples(st.integers(0, 40), inner), max_size=4), max_leaves=12
)


def _packed(tree: Any, order: str) -> bytes:
    """A tree of attributes as bytes."""
    if isinstance(tree, bytes):
        return tree
    return b"".join(attr(kind, _packed(inner, order), order) for kind, inner in tree)


@st.composite
def messages(draw: st.DrawFn, name: str) -> tuple[bytes, str]:
    """A well-framed message with any attributes, of which most are read, and its byte order."""
    case, order = CASES[name], draw(st.sampled_from(ORDERS))
    kind, size = draw(st.sampled_from(case.types))
    family = draw(st.sampled_from([0, 1, 2, 7, 10, 103]))
    head = (bytes([family]) + draw(st.binary(min_size=32, max_size=32)) * 9)[:size]
    rows = draw(st.lists(st.tuples(st.sampled_from(case.numbers), trees), max_size=6))
    body = head + b"".join(attr(number_, _packed(tree, order), order) for number_, tree in rows)
    return message(kind, body, flags=draw(st.sampled_from([0, 0, 1, 2, 0x600])), byteorder=order), order


@every_case
@examples(40)
@given(st.data())
def test_any_attributes_agree(name: str, data: st.DataObject) -> None:
    """Messages that are well framed, with any attributes in any nests, give the same values in both."""
    found, order = data.draw(messages(name))
    before = [new_family(n, text, byteorder=order) for n, text in FAMILIES.items()] if name == "generic" else []
    assert disagreements([found], order, CASES[name].protocol, before) == []  # type: ignore[arg-type]


@every_case
@examples(30)
@given(st.binary(max_size=300), st.sampled_from(ORDERS), st.binary(max_size=100))
def test_any_bytes_are_values(name: str, data: bytes, order: str, request: bytes) -> None:
    """Bytes from nowhere, with any request that they answer: events or typed errors, nothing raised, in both."""
    for implementation in BACKENDS:
        decoded = DECODERS[implementation, order].decode(Datagram(7, 0, CASES[name].protocol, data, request=request))
        assert all(0 <= offset < max(1, len(data)) for _, offset, _ in findings(decoded))
    assert disagreements([data], order, CASES[name].protocol) == []  # type: ignore[arg-type]


@examples(250)
@given(st.integers(0, 31), st.sampled_from(ORDERS), st.integers(0, 65535), st.binary(max_size=64))
def test_any_protocol_is_a_value(protocol: int, order: str, kind: int, body: bytes) -> None:
    """Of every protocol a whole message is an event, counted, or a typed error, in both."""
    for implementation in BACKENDS:
        decoded = DECODERS[implementation, order].decode(Datagram(7, 0, protocol, message(kind, body, byteorder=order)))
        found = len(decoded.events) + len(decoded.unknown) + decoded.control
        refused = [one for one, _, _ in findings(decoded) if one != "AttributeFormatError"]
        assert found + len(refused) == 1


DECODERS = {(name, order): backend(name, order, FAMILIES) for name in BACKENDS for order in ORDERS}


@st.composite
def valid(draw: st.DrawFn) -> tuple[int, bytes, str]:
    """Valid datagrams of one to three messages, in either byte order."""
    order = draw(st.sampled_from(ORDERS))
    rows = [attr(18, aead(b"rfc4106(gcm(aes))", order), order), attr(5, template(10, order) * 2, order)]
    made = {
        16: [generic(28, 103, attr(195, number("I", 0x1374, byteorder=order), order), byteorder=order)],
        4: [by_family(inet_msg(10, byteorder=order), attr(10, b"\x11", order), byteorder=order)],
        12: [
            netfilter(0, *flow(order), byteorder=order),
            netfilter(2, tuple_(2, 0, 1, byteorder=order), subsystem=2, byteorder=order),
        ],
        6: [
            message(16, state(2, order) + rows[0], byteorder=order),
            message(19, policy(10, order) + rows[1], byteorder=order),
        ],
        9: [message(1300, b"audit(1700000000.123:456): arch=c000003e", byteorder=order)],
    }
    made[4].append(by_family(unix_msg(byteorder=order), attr(0, b"/run/x\0", order), byteorder=order))
    protocol = draw(st.sampled_from(sorted(made)))
    parts = draw(st.lists(st.sampled_from(made[protocol]), min_size=1, max_size=3))
    return protocol, b"".join(parts), order


@pytest.mark.parametrize("implementation", BACKENDS)
@examples(150)
@given(valid(), st.data())
def test_any_truncation_is_a_value(implementation: str, case: tuple[int, bytes, str], data: st.DataObject) -> None:
    """A cut gives the events of the whole messages before it, and one framing error where the cut one begins."""
    protocol, whole, order = case
    decoder = DECODERS[implementation, order]
    cut = data.draw(st.integers(0, len(whole)))
    request = data.draw(st.sampled_from([b"", inet_request(10, 17, byteorder=order)]))
    intact = decoder.decode(Datagram(7, 0, protocol, whole, request=request))
    assert intact.errors == []
    decoded = decoder.decode(Datagram(7, 0, protocol, whole[:cut], request=request))
    start = 0
    while start < cut:
        length = int.from_bytes(whole[start : start + 4], "little" if order == "little" else "big")
        if start + length > cut:
            break
        start += (length + 3) // 4 * 4
    assert decoded.events == [one for one in intact.events if one.offset < start]
    # Zero bytes behind the last message are padding, such as that of requests of iproute2.
    assert findings(decoded) == ([("FramingError", start, "")] if any(whole[start:cut]) else [])
