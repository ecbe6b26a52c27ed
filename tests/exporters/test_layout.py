"""A line holds the event, follows its schema, and is the same in every export."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema_rs import Draft202012Validator as Validator

from nlmon.eventjson.write import event_to_dict
from nlmon.exporters.layout import exported, exported_line, exported_schema, in_event_form
from nlmon.testing.messages import link, message
from support.decoding import event
from support.exported import ALL_CAPTURES, BASIC, received

VALIDATOR = Validator(exported_schema())
HOSTILE = "\x1b[2J\x85\u202e\ud83d\ude00ä"


def test_the_schema_is_one() -> None:
    """It follows the draft that it names."""
    Draft202012Validator.check_schema(exported_schema())


@pytest.mark.parametrize("implementation", ["legacy", "libnl"])
@pytest.mark.parametrize("capture", ALL_CAPTURES, ids=lambda path: path.name.partition(".")[0])
def test_every_line_follows_the_schema(capture: Path, implementation: str) -> None:
    """Whatever was recorded, and through either implementation; and a line is what the object says."""
    events = [event for event, _ in received(capture, implementation)][:400]
    lines = [exported_line(event) for event in events]
    wrong = [error.message for line in lines for error in VALIDATOR.iter_errors(json.loads(line))]

    assert wrong == []
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(exported(event))) for event in events]


def test_a_line_is_the_object_of_decode_without_places() -> None:
    """But for generic messages."""
    events = [event for event, _ in received()]
    plain = [
        {key: value for key, value in event_to_dict(event).items() if key not in {"frame", "offset"}}
        for event in events
    ]

    assert [exported(event) for event in events] == plain


@pytest.mark.parametrize(("implementation", "family"), [("libnl", "nl80211"), ("legacy", None)])
def test_a_generic_message_has_its_header_beside_the_others(implementation: str, family: str | None) -> None:
    """What is known of the family stands beside the payload, if the implementation knows it."""
    capture = BASIC.with_name("03-nl80211.pcap.zst")
    netlink = exported(received(capture, implementation)[0][0])["netlink"]

    assert (netlink["protocol"], netlink.get("genl_family_name"), "nl80211" in netlink) == (
        *("NETLINK_GENERIC", family, family is not None),
    )
    assert {"genl_cmd", "genl_version", "genl_family_id", "generic"} <= netlink.keys()
    assert netlink["generic"].keys() <= {"attributes", "vendor_id", "vendor_subcmd"}


def test_keys_are_sorted() -> None:
    """So that two lines can be compared as text."""
    for capture in ALL_CAPTURES:
        for one, _ in received(capture)[:20]:
            line = exported_line(one)

            assert json.dumps(json.loads(line), sort_keys=True) == json.dumps(json.loads(line))


def test_a_hostile_name_stays_text() -> None:
    """A line is one line, with nothing that a terminal obeys, and the name is in it."""
    line = exported_line(event("libnl", 0, message(16, link(7, "\n\x1b[2J\x7f\u0085"))))

    assert (line.count(b"\n"), line[-1:], line[:-1].decode().isprintable()) == (1, b"\n", True)
    assert json.loads(line)["interface"] == "\n\x1b[2J\x7f\u0085"


@pytest.mark.parametrize("implementation", ["legacy", "libnl"])
@pytest.mark.parametrize("capture", ALL_CAPTURES[2:6], ids=lambda path: path.name.partition(".")[0])
def test_a_line_is_read_into_the_form_of_an_event(capture: Path, implementation: str) -> None:
    """The same but for its place, and for what a generic message is not of, which no line says."""
    for one, _ in received(capture, implementation)[:400]:
        form = in_event_form(exported_line(one))
        expected = {**json.loads(json.dumps(event_to_dict(one))), "frame": 0, "offset": 0}
        if "generic" in expected["netlink"]:
            expected["netlink"]["generic"] = {"nl80211": None, "qca_vendor": None, **expected["netlink"]["generic"]}
        assert form == expected


def test_what_is_no_line_has_no_form() -> None:
    """It is said by msgspec."""
    for text in (b"", b"[]", b"{"):
        with pytest.raises(msgspec.MsgspecError):
            in_event_form(text)
