"""Layouts: what repeats itself is read by a function of its own, which gives exactly what the policy gives."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.decode.network import NetworkDecoder
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.backends.libnl.layouts import cache
from nlmon.backends.libnl.layouts.budget import EARNED_EVERY, PER_HIT, PER_WALK, START
from nlmon.backends.libnl.layouts.cache import (
    LARGEST_SAMPLE,
    LAYOUTS_PER_KEY,
    MADE_AT,
    MISSES_ALLOWED,
    REMAKE_AFTER,
    RETRY_AFTER,
)
from nlmon.backends.libnl.layouts.memo import texts
from nlmon.backends.libnl.layouts.source import SHORT
from nlmon.backends.libnl.policies import Attr
from nlmon.backends.libnl.policies.addresses import KEPT, addresses
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.backends.status import LayoutStatus
from nlmon.capture import ByteOrder
from nlmon.errors import UsageError
from nlmon.events import AddrInfo, Decoded, LinkInfo
from nlmon.testing.messages import attr, message, number
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.agreement import recorded
from support.examples import examples
from support.layouts import RECORDED, Pair, differences

SEED = 20261125
DATAGRAMS = 4000
ORDERS: tuple[ByteOrder, ...] = ("little", "big")


@pytest.fixture(autouse=True)
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout is made of the second message already, so that few are enough."""
    monkeypatch.setattr(cache, "MADE_AT", 2)


def backend(layouts: int = 1024, kind: type[LibnlBackend] = LibnlBackend) -> LibnlBackend:
    return kind(RecordedFactory(), BackendOptions(layouts=layouts))


def status(one: LibnlBackend) -> LayoutStatus:
    found = one.status().layouts
    assert found is not None
    return found


def feed(one: LibnlBackend, *datagrams: bytes, protocol: int = 0) -> list[Any]:
    """Payloads of all events."""
    return [event.payload for data in datagrams for event in one.decode(Datagram(1, 0, protocol, data)).events]


def addr(last: int, label: bytes = b"lan0") -> bytes:
    """RTM_NEWADDR of 10.0.0.LAST on interface 3."""
    body = number("BBBBI", 2, 24, 0x80, 0, 3) + attr(1, bytes((10, 0, 0, last))) + attr(2, bytes((10, 0, 0, last)))
    return message(20, body + attr(3, label + b"\0"))


def link(name: bytes, mtu: int = 1500, blob: int = SHORT) -> bytes:
    """RTM_NEWLINK of interface 3, with an attribute of ``blob`` bytes that nobody reads."""
    body = number("BxHiII", 0, 1, 3, 1, 0) + attr(3, name + b"\0") + attr(4, number("I", mtu))
    return message(16, body + attr(23, bytes(blob)) + attr(13, number("I", 1000)))


# -- the law -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [1024, pytest.param(8, marks=pytest.mark.long), 1])
@pytest.mark.parametrize("protocol", RECORDED)
def test_damaged_recordings_are_read_alike(protocol: int, size: int) -> None:
    """Whole and damaged datagrams of real kernels, from a fixed seed: the same events and errors with a large, a small
    and a tiny cache as without one."""
    used: Counter[str] = Counter()
    random_ = random.Random(SEED + protocol)

    found = differences(protocol, recorded(protocol, *RECORDED[protocol]), size, DATAGRAMS, random_, used)
    assert list(found) == []
    assert (used["hits"] > 0) == (protocol != 9)  # audit records have no attributes


attributes = st.lists(st.tuples(st.integers(0, 62), st.binary(max_size=40)), max_size=8)


@examples(150)
@given(
    st.sampled_from([16, 17, 20, 21, 24, 25, 28, 29, 32, 33, 36, 80, 84, 88, 92, 104]),
    st.sampled_from([0, 2, 7, 10, 28, 128]),
    st.binary(min_size=40, max_size=40),
    attributes,
    st.lists(st.tuples(st.integers(16, 400), st.integers(0, 255)), max_size=12),
    st.sampled_from(ORDERS),
)
def test_any_attributes_are_read_alike(
    kind: int,
    family: int,
    rest: bytes,
    pairs: list[tuple[int, bytes]],
    changes: list[tuple[int, int]],
    order: ByteOrder,
) -> None:
    """A message with any attributes, again and again, with other values each time, and several in one datagram."""
    size = {4: 16, 5: 8, 9: 20, 20: 4, 21: 8, 22: 4, 26: 8}.get(kind // 4, 12)
    body = (bytes([family]) + rest)[:size] + b"".join(attr(n, payload, order) for n, payload in pairs)
    data = message(kind, body, byteorder=order)
    pair = Pair(byteorder=order, extra=("tc", "netconf", "mdb", "nsid", "stats", "nexthop"))
    datagrams = [data, data, data, data + data]
    for at, value in changes:
        one = bytearray(datagrams[-1])
        one[min(at, len(one) - 1)] = value
        datagrams.append(bytes(one))

    assert [found for one in datagrams for found in pair.differences(0, one)] == []


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", [2, 10])
def test_both_byte_orders_have_layouts(family: int, order: ByteOrder) -> None:
    """A route of either byte order is read by a layout from the third time on, and means the same."""
    size = {2: 4, 10: 16}[family]
    body = number("BBBBBBBBI", family, 24, 0, 0, 254, 3, 0, 1, 0, byteorder=order) + attr(1, bytes(size), order)
    body += attr(4, number("I", 7, byteorder=order), order) + attr(30, number("I", 9, byteorder=order), order)
    one = create("libnl", RecordedFactory(RecordedKernel(order)))
    found = [one.decode(Datagram(1, 0, 0, message(24, body, byteorder=order))).events for _ in range(3)]

    assert found[0] == found[1] == found[2]
    assert one.status().layouts == LayoutStatus(entries=1, hits=1, misses=2, compiled=1, recompiled=0, evicted=0)


def test_a_name_from_another_namespace_is_not_looked_up() -> None:
    """A layout asks for the interface's name only where the walk would."""
    pair = Pair()
    datagrams = [link(b"lan0"), addr(1), addr(1), addr(1)]

    assert [d for data in datagrams for nsid in (None, 4) for d in pair.differences(0, data, nsid)] == []
    assert status_of(pair).hits > 0


def status_of(pair: Pair) -> LayoutStatus:
    found = pair.fast.backend.status().layouts
    assert found is not None
    return found


def test_a_truncated_datagram_is_reported_all_the_same() -> None:
    """A layout does not hide that a recording lost the end of a datagram."""
    one = backend()
    feed(one, addr(1), addr(1), addr(1))
    decoded = one.decode(Datagram(1, 0, 0, addr(1), truncated=9))

    assert [event.payload for event in decoded.events] == feed(one, addr(1))
    assert [error.code for error in decoded.errors] == ["NLM-D001"]


# -- what a layout must look at -------------------------------------------------------------------------------------

NEIGH = number("BxxxiHBB", 7, -5, 2, 0, 1)
NETCONF = number("Bxxx", 2)
LAST_WINS = (
    (20, number("BBBBI", 2, 24, 0, 0, 3) + attr(9, number("I", 7)) + attr(1, bytes(4)) + attr(9, number("I", 8))),
    (80, NETCONF + attr(2, number("i", 1)) + attr(2, number("i", -1))),
)


def alike(*datagrams: bytes, protocol: int = 0, extra: tuple[str, ...] = ()) -> LayoutStatus:
    """Counters after datagrams that were read alike with layouts and without."""
    pair = Pair(extra=extra)
    assert [found for data in datagrams for found in pair.differences(protocol, data)] == []
    return status_of(pair)


@pytest.mark.parametrize("kind", [20, 80])
def test_what_is_behind_the_last_attribute_must_be_zero(kind: int) -> None:
    """A message with three bytes of rest has a layout, which does not fit when something stands in them."""
    body = number("BBBBI", 2, 24, 0, 0, 3) if kind == 20 else NETCONF
    rests = [message(kind, body + attr(1, bytes((3, 0, 0, 0))) + rest) for rest in [bytes(3)] * 4 + [b"\0\0\1"]]

    assert alike(*rests, extra=("netconf",)).hits == 2


def test_a_text_that_is_too_long_is_reported_all_the_same() -> None:
    """A name of 15 bytes and its NUL is well, one that fills the same space without a NUL is reported."""
    texts_ = [bytes([97 + n]) * 15 + b"\0" for n in range(4)] + [b"z" * 16]
    named = [message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(3, text)) for text in texts_]

    assert alike(*named).hits == 3
    codes = [error.code for data in named * 2 for error in backend().decode(Datagram(1, 0, 0, data)).errors]
    assert codes == ["NLM-D003"] * 2


@pytest.mark.parametrize("data", recorded(6, "06-xfrm")[:200:5], ids=lambda data: f"{data[4]}-{len(data)}")
def test_values_that_depend_on_their_place_are_read_each_time(data: bytes) -> None:
    """IPsec's structures are no constants, wherever in a datagram their message stands."""
    alike(*[data] * 4, data + data, bytes(data), protocol=6)


@pytest.mark.parametrize(("kind", "body"), LAST_WINS)
def test_the_last_of_several_attributes_wins(kind: int, body: bytes) -> None:
    """Of two attributes of one number the second is the value, in a layout, too."""
    assert alike(*[message(kind, body)] * 4, extra=("netconf",)).hits == 2


def test_a_signed_number_beside_big_endian_ones_keeps_its_sign() -> None:
    """The index of an entry whose only attribute is a port, which is big-endian."""
    ports = [message(28, NEIGH + attr(6, bytes((18, port)))) for port in range(4)]
    negative = [
        message(28, NEIGH[:4] + number("i", -port) + NEIGH[8:] + attr(6, bytes((18, port)))) for port in range(9)
    ]

    assert alike(*ports, *negative).hits > 4


class Overlapping(LibnlBackend, layouts=True):
    """Fields that are read from the same bytes of one attribute."""

    class Mine(RouteDecoder, layouts=True):
        addr_policy = (
            RouteDecoder.addr_policy.replacing(Attr("protocol", "IFA_CACHEINFO", "hex"))
            .replacing(Attr("label", "IFA_CACHEINFO", "u16", begin=2))
            .replacing(Attr("route_priority", "IFA_CACHEINFO", "u32_pair"))
        )

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


def test_fields_may_share_their_bytes() -> None:
    """Each of several fields of one attribute is what its row says."""
    head, random_ = number("BBBBI", 2, 24, 0, 0, 3), random.Random(SEED)
    datagrams = [message(20, head + attr(6, random_.randbytes(16))) for _ in range(8)]
    kept, plain = (backend(layouts, Overlapping) for layouts in (1024, 0))

    assert feed(kept, *datagrams) == feed(plain, *datagrams)
    assert status(kept).hits > 3


# -- when layouts are made -----------------------------------------------------------------------------------------


def test_a_message_that_comes_often_enough_has_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made for messages that come a few times; the one at which a layout is made is still walked."""
    monkeypatch.setattr(cache, "MADE_AT", MADE_AT)
    one = backend()

    assert [(feed(one, addr(1)), status(one).compiled)[1] for _ in range(MADE_AT)] == [0] * (MADE_AT - 1) + [1]
    assert (feed(one, addr(1), addr(1)), status(one).hits)[1] == 2


def test_the_second_sighting_makes_a_layout() -> None:
    """The first message of a layout is walked, the second, too, and from then on its function reads it."""
    one = backend()

    assert [(feed(one, addr(last)), status(one).hits)[1] for last in (1, 2, 3, 4)] == [0, 0, 1, 2]
    assert status(one) == LayoutStatus(entries=1, hits=2, misses=2, compiled=1, recompiled=0, evicted=0)


def test_layouts_can_be_turned_off() -> None:
    """Without layouts every message is walked, and there is nothing to count."""
    one = backend(0)

    assert len(feed(one, *[addr(1)] * 5)) == 5
    assert one.status().layouts is None


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_a_number_of_layouts_must_mean_something(name: str) -> None:
    """A negative number is refused for either implementation."""
    with pytest.raises(UsageError, match="the option layouts cannot be -1"):
        create(name, RecordedFactory(), BackendOptions(layouts=-1))


def test_a_long_layout_widens_what_changes() -> None:
    """Values that never changed are constants of a long layout; a few messages that differ in them make it anew, once,
    and it gives every new value from then on."""
    one = backend()
    same = [link(b"lan0")] * 4
    changed = [link(b"wan%d" % n, 1400 + n) for n in range(REMAKE_AFTER + 3)]

    assert [(p.ifname, p.mtu) for p in feed(one, *same)] == [("lan0", 1500)] * 4
    assert [(p.ifname, p.mtu) for p in feed(one, *changed)] == [(f"wan{n}", 1400 + n) for n in range(REMAKE_AFTER + 3)]
    assert status(one) == LayoutStatus(
        entries=1, hits=2 + 3, misses=2 + REMAKE_AFTER, compiled=2, recompiled=1, evicted=0
    )


def test_the_oldest_key_goes_first() -> None:
    """There are never more keys than allowed; a message whose layout went is walked."""
    one = backend(2)
    labels = (b"a", b"bbbb", b"cccccccc")
    for label in labels:
        feed(one, *[addr(1, label)] * 3)

    assert status(one) == LayoutStatus(entries=2, hits=3, misses=6, compiled=3, recompiled=0, evicted=1)
    assert [payload.label for label in labels for payload in feed(one, addr(2, label))] == ["a", "bbbb", "cccccccc"]


def test_one_key_has_a_few_layouts() -> None:
    """Messages of one length, type and flags whose attributes stand in other orders have a layout each, up to a
    number; which of them is used makes no difference."""
    parts = [attr(1, bytes((10, 0, 0, 1))), attr(2, bytes((10, 0, 0, 1))), attr(3, b"a\0"), attr(8, number("I", 0x80))]
    head = number("BBBBI", 2, 24, 0x80, 0, 3)
    orders = [message(20, head + b"".join(parts[n:] + parts[:n])) for n in range(4)]
    one = backend()
    payloads = feed(one, *orders * 4)

    assert set(payloads) == {
        AddrInfo(2, 3, 24, 0, "10.0.0.1", None, "a", None, 0x80, None, None, None, None, None, None)
    }
    assert status(one).entries == LAYOUTS_PER_KEY


def test_a_key_that_never_fits_is_given_up() -> None:
    """Where each message of a key has another layout, none is made any more."""
    one, random_ = backend(), random.Random(SEED)
    kinds = [[random_.randrange(40, 60) for _ in range(6)] for _ in range(4 * MISSES_ALLOWED)]
    feed(one, *(message(28, number("BxxxiHBB", 2, 3, 2, 0, 1) + b"".join(attr(k, b"") for k in row)) for row in kinds))

    assert (status(one).entries, status(one).hits, status(one).evicted) == (0, 0, 1)
    assert status(one).compiled < MISSES_ALLOWED + 8


def test_what_was_given_up_is_tried_again() -> None:
    """A key that was given up while its messages had other layouts each has one when they have one again."""
    one, random_ = backend(), random.Random(SEED)
    head = number("BxxxiHBB", 2, 3, 2, 0, 1)
    kinds = [[random_.randrange(40, 60) for _ in range(6)] for _ in range(4 * MISSES_ALLOWED)]
    feed(one, *(message(28, head + b"".join(attr(k, b"") for k in row)) for row in kinds))
    same = message(28, head + attr(40, b"") * 6)
    feed(one, *[same] * (RETRY_AFTER + 10))

    assert (status(one).evicted, status(one).hits > 0) == (1, True)


def test_functions_must_be_earned() -> None:
    """Who sends two messages of each of thousands of layouts gets a start and then one function for many messages."""
    one = backend()
    for size in range(1, 1000):
        feed(one, *[message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(60, bytes(4 * size)))] * 2)

    assert START <= status(one).compiled <= START + status(one).misses * PER_WALK + 1
    assert status(one).hits == 0


def test_what_layouts_save_pays_for_new_ones() -> None:
    """After the start is used up, messages that layouts read earn functions much faster than others do."""
    one = backend()
    for size in range(1, 200):
        feed(one, *[message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(60, bytes(4 * size)))] * 2)
    start = status(one).compiled
    feed(one, *[message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(60, bytes(4)))] * int(20 / PER_HIT))
    for size in range(1000, 1000 + 2 * EARNED_EVERY):
        feed(one, *[message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(60, bytes(4 * size)))] * 2)

    assert status(one).hits == int(20 / PER_HIT)
    assert start + 20 <= status(one).compiled <= start + 23


def test_a_very_large_message_has_no_layout() -> None:
    """Memory does not grow with what a sender makes large."""
    one = backend()
    feed(one, *[link(b"lan0", blob=LARGEST_SAMPLE)] * 4)

    assert status(one).entries == 0


def test_large_layouts_push_out_old_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages that layouts are made from are bounded together, too."""
    monkeypatch.setattr("nlmon.backends.libnl.layouts.cache.LARGEST_TOTAL", 10_000)
    one = backend()
    for size in (4000, 4004, 4008, 4012):
        feed(one, *[link(b"lan0", blob=size)] * 3)

    assert status(one) == LayoutStatus(entries=2, hits=4, misses=8, compiled=4, recompiled=0, evicted=2)


def test_memos_are_bounded() -> None:
    """Texts of addresses and names are forgotten when there are too many."""
    for number_ in range(KEPT + 10):
        assert (addresses[number_.to_bytes(4, "big")].count("."), texts[b"n%d\0" % number_]) == (3, f"n{number_}")

    assert (len(addresses) <= KEPT, len(texts) <= KEPT) == (True, True)
    assert (addresses[bytes((10, 1, 2, 3))], texts[b"lan\xff\0x"]) == ("10.1.2.3", "lan\\xff")


# -- what was made ------------------------------------------------------------------------------------------------


def test_functions_are_listed_with_their_hits() -> None:
    """Each function that is kept, by type and length, with the messages that it read, whichever came first."""
    one = backend()
    wan = number("BBBBI", 2, 24, 0x80, 0, 3) + attr(3, b"wan0\0") + attr(1, bytes((10, 0, 0, 1))) + attr(2, bytes(4))
    feed(one, *[addr(1)] * 5, *[message(20, wan)] * 4, *[addr(1)] * 3, *[link(b"lan0")] * 3)
    assert one.layouts is not None
    listed = [(found.protocol, found.msg_type, found.length, found.hits) for found in one.layouts.functions()]

    assert listed == [(0, 20, len(addr(1)), 6), (0, 20, len(addr(1)), 3), (0, 16, len(link(b"lan0")), 1)]
    assert sum(hits for *_, hits in listed) == status(one).hits


def test_a_listed_function_is_the_one_in_use() -> None:
    """Its text, written again, reads what the function reads; its constants are those of the message."""
    one = backend()
    (expected,) = [feed(one, addr(9)) for _ in range(3)][-1]
    assert one.layouts is not None
    (found,) = one.layouts.functions()
    event = found.program.function()(addr(9), addr(9), 0, 0, 1, b"", [], lambda _: "lan0")

    assert (event.payload, event.interface) == (expected, "lan0")
    assert (found.program.constants["label"], found.program.constants["anycast"]) == ("lan0", None)


# -- what layouts leave alone --------------------------------------------------------------------------------------


class Handler(LibnlBackend):
    """Replaces a handler by a method of its own."""

    handlers: ClassVar = {**LibnlBackend.handlers, 0: {**LibnlBackend.handlers[0], 20: ("mine", 8)}}

    def mine(self, m: Any, start: int, end: int) -> Any:
        info, *rest = RouteDecoder(self.byteorder).addr(m, start, end)
        return structs.replace(info, label="mine"), *rest


class Method(LibnlBackend):
    """Replaces a method of a decoder."""

    class Mine(RouteDecoder):
        def addr(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().addr(m, start, end)
            return structs.replace(info, label="mine"), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class Walk(LibnlBackend):
    """Replaces the walk."""

    class Mine(RouteDecoder):
        def fill(self, m: Any, table: Any, at: int, end: int, values: list[Any], path: str) -> None:
            super().fill(m, table, at, end, values, path)
            values[2] = "mine"

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class LabelReader(LibnlBackend, layouts=True):
    """Replaces a reader, and declares layouts, which call it."""

    class Mine(RouteDecoder, layouts=True):
        def reader(self, row: Attr, family: int) -> Any:
            return (0, lambda *_: "mine") if row.field == "label" else super().reader(row, family)

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class Rigid(NamedTuple):
    """A reader that nobody can refer to weakly."""

    text: str

    def __call__(self, *_: object) -> str:
        return self.text


class RigidReader(LibnlBackend, layouts=True):
    """Replaces a reader by no function, and declares layouts."""

    class Mine(RouteDecoder, layouts=True):
        def reader(self, row: Attr, family: int) -> Any:
            return (0, Rigid("mine")) if row.field == "label" else super().reader(row, family)

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class Instance(LibnlBackend):
    """Replaces a method of one decoder, and not of its class."""

    class Mine(RouteDecoder):
        def __init__(self, byteorder: str) -> None:
            super().__init__(byteorder)
            addr = self.addr

            def mine(m: Any, start: int, end: int) -> Any:
                info, *rest = addr(m, start, end)
                return structs.replace(info, label="mine"), *rest

            self.addr = mine  # type: ignore[method-assign]

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class Messages(LibnlBackend):
    """Replaces the walk over the messages of a datagram."""

    def _walk(self, datagram: Datagram) -> Decoded:
        decoded = super()._walk(datagram)
        events = [structs.replace(e, payload=structs.replace(e.payload, label="mine")) for e in decoded.events]
        return structs.replace(decoded, events=events)


class Row(LibnlBackend, layouts=True):
    """Replaces a row of a policy, and declares layouts, which follow it."""

    class Mine(RouteDecoder, layouts=True):
        addr_policy = RouteDecoder.addr_policy.replacing(Attr("label", "IFA_LABEL", "hex"))

    decoders: ClassVar = {**LibnlBackend.decoders, 0: (Mine, NetworkDecoder)}


class Declared(LibnlBackend, layouts=True):
    """Replaces a handler, and declares layouts, which are those of the other handlers."""

    handlers: ClassVar = Handler.handlers
    mine = Handler.mine


@pytest.mark.parametrize(
    ("kind", "label", "hits"),
    [
        (Handler, "mine", 0),
        (Method, "mine", 0),
        (Walk, "mine", 0),
        (LabelReader, "mine", 8),
        (RigidReader, "mine", 8),
        (Row, b"lan0\0".hex(), 8),
        (Instance, "mine", 0),
        (Messages, "mine", 0),
        (Declared, "mine", 0),
    ],
)
def test_what_a_subclass_replaces_stays_replaced(kind: type[LibnlBackend], label: str, hits: int) -> None:
    """However often a message comes, a replaced handler, method, walk, reader or row is what reads it; a class that
    does not declare layouts has none for its messages."""
    bare = message(20, number("BBBBI", 2, 24, 0, 0, 3) + attr(1, bytes((10, 0, 0, 9))) + attr(3, b"lan0\0"))
    one = backend(kind=kind)
    payloads = feed(one, *[addr(1)] * 6, *[bare] * 6)

    assert [payload.label for payload in payloads] == [label] * 12
    assert [payload.addr for payload in payloads] == ["10.0.0.1"] * 6 + ["10.0.0.9"] * 6
    assert status(one).hits == hits


def test_a_replaced_handler_leaves_the_others_their_layouts() -> None:
    """A class that declares layouts has them for what it did not replace."""
    one = backend(kind=Declared)
    feed(one, *[link(b"lan0")] * 4)

    assert status(one).hits == 2


def test_a_declaration_is_not_inherited() -> None:
    """Neither by a backend nor by a decoder."""

    class Heir(LibnlBackend):
        pass

    class DecoderHeir(RouteDecoder):
        pass

    assert [one.uses_layouts for one in (LibnlBackend, RouteDecoder, Heir, DecoderHeir)] == [True, True, False, False]


def test_a_text_of_a_message_is_no_code() -> None:
    """Names that look like code are names."""
    names = [b"');1/0;('", b"{v0}\n", b'"""', b"\\x27"]
    payloads = [payload for name in names for payload in feed(backend(), *[link(name)] * 4)]

    assert [p.ifname for p in payloads if isinstance(p, LinkInfo)] == [n.decode() for n in names for _ in range(4)]
