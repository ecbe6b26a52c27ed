"""What a program says of itself hides nothing: promises, declared absent values, errors and names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from msgspec import UNSET

from nlmon.cli.main import group
from nlmon.cli.schema import SCHEMAS
from nlmon.events import NextHop
from nlmon.matrix.values import agrees
from nlmon.testing import messages as made
from support.captures import route_capture
from support.programs import program

UP = made.message(16, made.link(7, "eth7", mtu=1400))
SHORT = made.message(16, made.number("BxHiII", 0, 1, 7, 1, 0) + made.attr(4, b"\x01\x02"))
LONG_ADDRESS = made.message(16, made.number("BxHiII", 0, 1, 7, 1, 0) + made.attr(1, bytes(33)))
# A route with a next hop whose RTA_VIA is of an address family that nobody reads here.
UNCLEAR = made.message(
    24,
    made.number("BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)
    + made.attr(9, made.number("HBBi", 16, 0, 0, 3) + made.attr(18, b"\x63\x00\x01\x02")),
)
# And one whose gateway has one byte.
UNREADABLE = made.message(
    24,
    made.number("BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)
    + made.attr(9, made.number("HBBi", 16, 0, 0, 3) + made.attr(5, b"\x01")),
)
LINK = '{"offset": 0, "type": 16, "kind": "link", "fields": {"family": 0, "ifindex": 7, "flags": 1, %s}%s}'
ERROR = ', "error": {"code": "NLM-D003", "at": 44, "path": "%s"}'


def answering(events: str, before: str = "") -> str:
    """The code of a program that gives the same events for every datagram."""
    return f"null = None\n{before}\ndef answer(n):\n    return [{events}]\n"


def run(path: str, *names: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the report as JSON, which keeps to its schema."""
    words = [word for name in names for word in ("-i", name)]
    outcome = CliRunner().invoke(group, ["matrix", path, *words, "--format", "json"])
    report = json.loads(outcome.stdout)
    jsonschema.validate(report, SCHEMAS["matrix"]())
    return outcome.exit_code, report


def pretty(path: str, *words: str) -> Result:
    return CliRunner().invoke(group, ["matrix", path, *words])


PROMISES = [
    ('{"link": ["ifindex", "mtu"]}', UP, ["link.mtu"]),
    ('{"link": ["ifindex", "master"]}', UP, []),
    ('{"link": ["ifindex", "mtu"]}', SHORT, []),
    ("None", UP, []),
]


@pytest.mark.parametrize(("provides", "message", "wrong"), PROMISES, ids=["there", "not there", "unreadable", "none"])
def test_a_promise_is_kept(tmp_path: Path, provides: str, message: bytes, wrong: list[str]) -> None:
    """A field that is listed in hello, in the message, and not given is lost."""
    tiny = program(tmp_path, answering(LINK % ("", ""), f'hello["provides"] = {provides}'))
    code, report = run(route_capture(tmp_path, message), "libnl", tiny)
    said = [row["examples"][0]["said"]["tiny"] for row in report["rows"]]

    assert (code, [f"{row['kind']}.{row['field']}" for row in report["rows"]]) == (int(bool(wrong)), wrong)
    assert said == ["(not provided), though its statement promises it"] * len(wrong)


@pytest.mark.parametrize(("promised", "agreed"), [((), True), (("weight",), True), (("gateway",), False)])
def test_a_part_of_a_value_that_is_promised_is_there(promised: tuple[str, ...], agreed: bool) -> None:
    """A next hop without its gateway agrees, unless its gateway is promised."""
    expected, given = NextHop(3, 1, 0, "10.0.0.1", None, None, None), NextHop(3, 1, 0, UNSET, UNSET, UNSET, UNSET)

    assert agrees((expected,), (given,), lambda kind, field: kind == "hop" and field in promised) is agreed


ERRORS = [
    (UP, '"mtu": 9', "IFLA_MTU", 1),
    (UP, '"mtu": null', "IFLA_MTU", 1),
    (SHORT, '"mtu": null', "IFLA_MTU", 0),
    (SHORT, '"mtu": 513', "IFLA_MTU", 0),
]


@pytest.mark.parametrize(("message", "field", "path", "code"), ERRORS)
def test_an_error_excuses_what_cannot_be_read(tmp_path: Path, message: bytes, field: str, path: str, code: int) -> None:
    """And no value of a message whose bytes are whole."""
    tiny = program(tmp_path, answering(LINK % (field, ERROR % path)))
    exit_code, report = run(route_capture(tmp_path, message), "libnl", tiny)

    assert (exit_code, [row["field"] for row in report["rows"]]) == (code, ["mtu"] * code)


def test_an_address_of_a_device_has_at_most_32_bytes(tmp_path: Path) -> None:
    """MAX_ADDR_LEN of linux/netdevice.h: ours say that it cannot be read, and are not wrong."""
    code, report = run(route_capture(tmp_path, LONG_ADDRESS), "legacy", "libnl")

    assert (code, report["rows"], report["malformed"]) == (0, [], [])


def test_what_stands_for_none_disagrees_with_a_value(tmp_path: Path) -> None:
    """Also where the bytes do not decide, one that declares an empty list says that there are no hops."""
    route = '{"offset": 0, "type": 24, "kind": "route", "fields": {"family": 2, "multipath": %s}}'
    none = program(tmp_path, answering(route % "[]", 'hello["absent"] = {"route.multipath": []}'), "none")
    some = program(tmp_path, answering(route % '[{"ifindex": 3}]'), "some")
    code, report = run(route_capture(tmp_path, UNCLEAR), none, some)

    assert (code, [(row["field"], row["said"]["tiny"]["open"]) for row in report["open"]]) == (0, [("multipath", 1)])


def test_a_next_hop_that_cannot_be_read_excuses_who_refuses_it(tmp_path: Path) -> None:
    """And leaves nothing open between those who read the rest of it."""
    refused = '{"offset": 0, "type": 24, "error": {"code": "refused"}}'
    code, report = run(route_capture(tmp_path, UNREADABLE), "legacy", "libnl", program(tmp_path, answering(refused)))

    assert (code, report["open"], report["rows"]) == (0, [], [])
    assert [(row["count"], row["excused"]) for row in report["whole"]] == [(0, 1)]


def test_no_two_have_one_name(tmp_path: Path) -> None:
    """A program that calls itself as another one is called hides nothing of that one."""
    second = program(tmp_path, answering(LINK % ('"mtu": 9', ""), 'hello["name"] = "tiny (2)"'), "second")
    tiny = program(tmp_path, answering(LINK % ('"mtu": 1400', "")))
    long = program(tmp_path, answering(LINK % ("", ""), 'hello["name"] = "n" * 1000'), "long")
    _, report = run(route_capture(tmp_path, UP), second, tiny, tiny, long, "legacy", "legacy")
    names = [one["name"] for one in report["implementations"]]

    assert names == ["tiny (2)", "tiny", "tiny (3)", "n" * 79 + "…", "legacy", "legacy (2)"]
    assert [row["wrong"] for row in report["rows"]] == [["tiny (2)"]]


def test_failures_that_differ_in_numbers_are_one(tmp_path: Path) -> None:
    """A program that gives another number at each crash fills no page."""
    event = '{"offset": 0, "type": 16, "error": {"code": "crash", "text": "index %d, at 0x%x" % (n, n)}}'
    code, report = run(route_capture(tmp_path, UP, UP), "libnl", program(tmp_path, answering(event)))

    assert (code, [(one["count"], one["frame"]) for one in report["failures"]]) == (1, [(2, 1)])


def test_who_cannot_be_started_is_said_to_be(tmp_path: Path) -> None:
    """And not to have failed at a datagram."""
    lines = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", program(tmp_path, "raise SystemExit\n")).stdout

    assert ": not started for 1 capture, first " in lines.splitlines()[0]


def test_fields_that_no_event_has_are_named(tmp_path: Path) -> None:
    """A name that is misspelt is compared with nothing, which is said; names that begin with x- are the program's."""
    tiny = program(tmp_path, answering(LINK % ('"mtuu": 9, "x-mtu": 9', "")))
    outcome = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny)

    assert outcome.stdout.splitlines()[0] == "unknown: tiny gave 1 field that no event has: link.mtuu"


def test_how_many_fields_each_gives(tmp_path: Path) -> None:
    """By kind of event, in the report and on the page."""
    tiny = program(tmp_path, answering(LINK % ('"mtu": 1400', "")))
    _, report = run(route_capture(tmp_path, UP), "libnl", tiny)
    page = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny, "--format", "markdown").stdout

    assert [one["fields"] for one in report["implementations"]] == [{"link": 25}, {"link": 4}]
    assert "| `link` | 25 | 4 |" in page.splitlines()


def test_nothing_that_a_program_says_is_markdown(tmp_path: Path) -> None:
    """Its version and its language stand in code, as all else, whatever is in it."""
    before = 'hello |= {"name": "a``|b", "version": "<b>|1", "language": "*C*"}'
    tiny = program(tmp_path, answering(LINK % ('"mtu": 1400', ""), before))
    page = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny, "--format", "markdown").stdout

    assert r"| ``` a``\|b ``` | `<b>\|1` | `*C*` | 1 | 0 | 0 |" in page.splitlines()


def test_an_interrupted_run_says_what_was_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its report, too."""

    @contextmanager
    def pressed() -> Iterator[Any]:
        yield lambda: True

    monkeypatch.setattr("nlmon.cli.matrix.interruption", pressed)
    path = route_capture(tmp_path, UP)
    outcome = CliRunner().invoke(group, ["matrix", path, path, "--format", "json"])

    assert outcome.exit_code == 130
    assert [(one["path"], one["code"]) for one in json.loads(outcome.stdout)["unread"]] == [(path, "NLM-L003")] * 2
