"""Messages that readers may take in several ways: whatever the good implementations make of them is no regression.

No kernel sends them. Each was once contradicted, or missed in one of the two.

Not here: damaged bytes that both read alike (``tests/backends/test_agreement.py``), and that a mistake is still found
(``tests/testing/test_zoo.py``).
"""

from __future__ import annotations

import random
from ipaddress import ip_address

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture import Frame
from nlmon.compare.difference import Class
from nlmon.engine.replay import Replay
from nlmon.engine.segments import Select
from nlmon.events import Decoded, GenericInfo
from nlmon.testing.messages import addr, attr, family, generic, link, message, nested, new_family, number, route
from nlmon.wire import Datagram
from support.agreement import recorded
from support.damage import MODES, accusations, damaged
from support.flows import netfilter, tuple_
from support.layouts import RECORDED
from support.verdicts import legacy, libnl
from support.xfrm import acquire, state

SEED = 20261129
DATAGRAMS = 300
V4, V6 = ip_address("192.0.2.1").packed, ip_address("2001:db8::1").packed
QDISC = message(36, number("BxxxiIII", 0, 1, 0, 0, 0) + attr(1, b"noqueue\0"))
ONE, ONE_ALL = family(30, "one"), family(30, "one", {"all": 7})
LONG = attr(1, b"hmac(sha1)".ljust(64, b"\0") + number("I", 160) + bytes(24))


def _of_family(kind: int, body: bytes, family_: int, at: int) -> bytes:
    """A message whose structure has another family at an offset."""
    return message(kind, body[:at] + number("H", family_) + body[at + 2 :])


# A protocol and its datagrams, in order.
CASES: dict[str, tuple[int, list[bytes]]] = {
    "a broadcast address in RTNL_FAMILY_IPMR": (0, [message(20, b"\x80" + addr(1, "192.0.2.1")[1:] + attr(4, V4))]),
    "an anycast address in RTNL_FAMILY_IP6MR": (0, [message(20, b"\x81" + addr(1, "2001:db8::1")[1:] + attr(5, V6))]),
    "a gateway in RTNL_FAMILY_IPMR": (0, [message(104, b"\x80" + bytes(7) + attr(1, number("I", 1)) + attr(6, V4))]),
    "a state in RTNL_FAMILY_IPMR": (6, [_of_family(16, state(2, "little"), 128, 212)]),
    "a selector in RTNL_FAMILY_IPMR": (6, [_of_family(23, acquire(2, "little"), 128, 136)]),
    "an acquire without a family": (6, [_of_family(23, acquire(2, "little"), 0, 136)]),
    "an authentication with four bytes behind its key": (6, [message(16, state(2, "little") + LONG)]),
    "two addresses in a tuple": (
        12,
        [netfilter(0, tuple_(1, 0, 1), tuple_(2, 1, 0, 6, 1, 2, nested(1, attr(1, bytes((10, 9, 9, 9))))))],
    ),
    "two families in a tuple": (
        12,
        [netfilter(0, tuple_(1, 0, 1), nested(2, nested(1, attr(3, V6), attr(1, V4)), nested(2, attr(1, b"\6"))))],
    ),
    "a family with two names in one message": (16, [new_family(30, "one", attr(2, b"two\0")), generic(30, 1)]),
    "a family that is named in the same datagram": (16, [generic(30, 1) + family(30, "one") + generic(30, 1)]),
    "a number whose family has another one now": (16, [family(30, "one"), family(31, "one"), generic(30, 1)]),
    "a group of another family with the number": (16, [ONE, family(30, "two", {"all": 7}, command=7), generic(30, 1)]),
    "another family with the number goes": (16, [ONE_ALL, family(30, "two", command=2), generic(30, 1)]),
    "a family goes by another number": (16, [ONE_ALL, family(31, "one", command=2), generic(30, 1)]),
    "a family with another header, before what is no message": (
        16,
        [new_family(30, "one", attr(4, number("I", 8))), ONE + bytes((7, *bytes(15))), generic(30, 1, attr(1, V6))],
    ),
    "a message of a group on request before a common one": (0, [QDISC + message(16, link(1, "lo"))]),
    "a message of a group on request behind a common one": (0, [message(16, link(1, "lo")) + QDISC]),
}  # fmt: skip


@pytest.mark.parametrize(("select", "extra_groups"), MODES)
@pytest.mark.parametrize(("protocol", "datagrams"), CASES.values(), ids=CASES)
def test_nobody_is_accused(protocol: int, datagrams: list[bytes], select: Select, extra_groups: bool) -> None:
    """Whichever groups are joined."""
    assert accusations(datagrams, protocol, select, extra_groups=extra_groups) == []


class _Invents(LibnlBackend):
    """Gives an attribute of family 30 that no message has."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        for place, event in enumerate(found.events):
            if event.msg_type == 30 and isinstance(event.payload, GenericInfo):
                payload = structs.replace(event.payload, attributes=((9, "ff"),))
                found.events[place] = structs.replace(event, payload=payload)
        return found


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        generic(31, 1, b"\x40\0\1\0abcd"),
        generic(31, 1) + bytes((7, *bytes(15))),
        ONE + generic(31, 1, b"\x40\0\1\0"),
    ],
    ids=("nothing", "an attribute of another family", "no message behind another family", "the family itself"),
)
def test_what_is_malformed_excuses_nobody_else(malformed: bytes) -> None:
    """An invented attribute is found though another family's message was malformed; beside one of nlctrl about the same
    family it may be one behind another header."""
    datagrams = [family(31, "two"), ONE, *([malformed] if malformed else []), generic(30, 1, attr(1, b"abcd"))]
    replay = Replay(legacy, _Invents, byteorder="little", select="all")
    replay.play(Frame(number, number, 16, data) for number, data in enumerate(datagrams, 1))
    replay.finish()

    assert replay.judge.counts[Class.CONTRADICTED] == (not malformed.startswith(ONE))


ETH1, ROUTE, ADDR = message(16, link(1, "eth1")), message(24, route("10.9.0.0/24", 1)), message(20, addr(1, "10.0.0.3"))


@pytest.mark.parametrize(
    "datagram",
    [ROUTE + message(16, link(1, "x")), message(16, link(1, "x")) + ADDR, message(17, link(1, "eth1")) + ADDR],
    ids=("a rename behind a route", "a rename before an address", "a deletion before an address"),
)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_name_that_changes_within_a_datagram(datagram: bytes, swapped: bool) -> None:
    """A cache follows message by message, and who asks the kernel gets what holds now: neither is accused."""
    order = (libnl, legacy) if swapped else (legacy, libnl)
    replay = Replay(*order, byteorder="little", options=BackendOptions(caches=("link",)))
    replay.play([Frame(1, 1, 0, ETH1), Frame(2, 2, 0, datagram)])
    replay.finish()

    assert dict(replay.judge.counts) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("select", "extra_groups"), MODES)
@pytest.mark.parametrize("protocol", RECORDED)
def test_nobody_is_accused_of_damage(protocol: int, select: Select, extra_groups: bool) -> None:
    """Of the same damaged datagrams every time; ``tox -e fuzz`` tries others."""
    stream = damaged(recorded(protocol, *RECORDED[protocol]), protocol, random.Random(SEED))

    assert accusations([next(stream) for _ in range(DATAGRAMS)], protocol, select, extra_groups=extra_groups) == []
