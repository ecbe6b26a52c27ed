"""What a difference rests on, as it is kept: the message without keys, its parts, both events, all of it bounded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import structs

from nlmon.compare.difference import Class, Difference
from nlmon.compare.evidence.sample import (
    ITEMS_KEPT,
    MESSAGE_KEPT,
    PARTS_KEPT,
    TEXT_KEPT,
    Sample,
    of_message,
    of_objects,
)
from nlmon.compare.findings import SAMPLES_KEPT, SAMPLES_SIZE_KEPT, Findings
from nlmon.events import Event, LinkInfo, QcaVendorInfo
from nlmon.testing.messages import attr, generic, link, message
from nlmon.wire import Datagram
from support.decoding import decode

KEY = b"do not show it!!"
LINK = message(16, link(7, "eth0"))
FIRST = message(16, link(1, "lo"))
DATAGRAM = Datagram(3, 0, 0, FIRST + LINK)


def difference(offset: int = 0, attribute: str = "", field: str = "") -> Difference:
    """A difference about a message."""
    there = offset if attribute else -1
    return Difference(Class.CONFLICT, "RTM_NEWLINK", 3, offset, field, attribute, there, "", "a", "b", "")


def sample(data: bytes, *, protocol: int = 0, events: tuple[Event | None, Event | None] = (None, None)) -> Sample:
    """That of a difference about the first message of a datagram."""
    return of_message(difference(), Datagram(1, 0, protocol, data), events, "little", lambda _: ["wireguard"])


def test_a_sample_is_of_its_message_alone() -> None:
    """Its bytes, its parts and the place of what differs count from where it begins."""
    found = of_message(difference(len(FIRST), "IFLA_MTU"), DATAGRAM, (None, None), "little", lambda _: ())

    assert (found.protocol, found.length, bytes.fromhex(found.data)) == ("NETLINK_ROUTE", len(LINK), LINK)
    assert found.at is not None
    assert LINK[found.at[0] :][: found.at[1]] == attr(4, (1500).to_bytes(4, "little"))
    assert [part.name for part in found.parts if part.offset == found.at[0]] == ["IFLA_MTU"]


def test_what_the_message_does_not_carry_has_no_place() -> None:
    """And a difference about the whole event has none either."""
    assert of_message(difference(len(FIRST)), DATAGRAM, (None, None), "little", lambda _: ()).at is None


def test_events_are_as_they_are_decoded() -> None:
    """In the JSON form that is printed of them."""
    (event,) = decode("libnl", 0, LINK).events
    found = sample(LINK, events=(event, None))

    assert found.candidate is None
    assert found.reference is not None
    assert found.reference["netlink"]["link"]["ifname"] == "eth0"
    assert found.reference["netlink"]["link"]["mtu"] == 1500


def test_keys_are_zeros() -> None:
    """In the bytes; the part says how long they are, and an event says nothing else."""
    data = generic(30, 1, attr(1, b"\7\0\0\0"), attr(3, KEY))
    (event,) = decode("libnl", 16, data, families={30: "wireguard"}).events
    found = sample(data, protocol=16, events=(event, event))

    assert bytes.fromhex(found.data) == data[:32] + bytes(len(KEY))
    assert [(part.name, part.length, part.hidden) for part in found.parts[-2:]] == [
        ("WGDEVICE_A_IFINDEX", 8, False),
        ("WGDEVICE_A_PRIVATE_KEY", 20, True),
    ]
    assert KEY.hex() not in str(found)
    assert "(16 bytes)" in str(found.reference)


@pytest.mark.parametrize(
    "changes",
    [
        {"genl_family_name": "nonsense"},
        {"genl_family_name": None},
        {"genl_family_id": 16},
        {"attributes": KEY.hex()},
        {"attributes": ((3, KEY.hex(), 1),)},
        {"genl_family_name": "nonsense", "qca_vendor": QcaVendorInfo(0x1374, 1, KEY.hex())},
    ],
    ids=str,
)
def test_keys_are_hidden_whatever_an_implementation_makes_of_the_message(changes: dict[str, Any]) -> None:
    """The recording says which family it is, and so which attributes hold keys."""
    data = generic(30, 1, attr(1, b"\7\0\0\0"), attr(3, KEY))
    (event,) = decode("libnl", 16, data, families={30: "wireguard"}).events
    wrong = structs.replace(event, payload=structs.replace(event.payload, **changes))
    found = sample(data, protocol=16, events=(event, wrong))

    assert KEY.hex() not in str(found)
    assert "bytes)" in str(found.reference)
    assert found.candidate is not None


def test_a_sample_is_bounded() -> None:
    """A message with more bytes and attributes than are kept, and an event with long texts and lists."""
    data = message(16, link(1, "lo") + attr(99, b"x") * 8000)
    (event,) = decode("libnl", 0, LINK).events
    names = tuple(f"name{n}" for n in range(ITEMS_KEPT + 7))
    long = structs.replace(event, payload=structs.replace(event.payload, ifalias="x" * 70_000, altnames=names))
    found = sample(data, events=(long, long))

    assert (found.length, len(found.data)) == (len(data), 2 * MESSAGE_KEPT)
    assert len(found.parts) == PARTS_KEPT
    assert len(found.parts) + found.parts_left_out > 8000
    assert found.candidate is not None
    written = found.candidate["netlink"]["link"]
    assert written["ifalias"] == "x" * TEXT_KEPT + " …"
    assert (written["altnames"][-1], len(written["altnames"])) == ("… 7 more", ITEMS_KEPT + 1)
    assert found.size < 100_000


def test_an_event_that_cannot_be_written_is_said_to_be_so() -> None:
    """A value of another type than its field has is a difference, and no reason to end."""
    (event,) = decode("libnl", 0, LINK).events
    wrong = structs.replace(event, payload=structs.replace(event.payload, flags="up", change=(1,)))

    assert msgspec.json.encode(sample(LINK, events=(wrong, event)).reference)


def test_a_state_has_both_objects() -> None:
    """Or none where one lacks it."""
    (event,) = decode("libnl", 0, LINK).events
    assert isinstance(event.payload, LinkInfo)
    found = of_objects(event.payload, None)

    assert (found.data, found.candidate) == ("", None)
    assert found.reference is not None
    assert found.reference["ifindex"] == 7


def test_samples_are_bounded_in_all() -> None:
    """In number, and in what they take; a group without one has its first difference all the same."""
    found, large = Findings(), Findings()
    for n in range(SAMPLES_KEPT + 50):
        one = structs.replace(difference(), field=f"field{n}")
        found.add(one, lambda: sample(LINK))
        large.add(one, lambda: structs.replace(sample(LINK), size=SAMPLES_SIZE_KEPT // 10))

    assert [sum(group.sample is not None for group in one.groups) for one in (found, large)] == [SAMPLES_KEPT, 10]
    assert {len(one.groups) for one in (found, large)} == {SAMPLES_KEPT + 50}


def test_a_sample_is_made_of_the_first_of_a_group_alone() -> None:
    """What comes later costs nothing."""
    made = []

    def make() -> Sample:
        made.append(1)
        return sample(LINK)

    found = Findings()
    for _ in range(5):
        found.add(difference(), make)

    assert (len(made), found.groups[0].count) == (1, 5)
