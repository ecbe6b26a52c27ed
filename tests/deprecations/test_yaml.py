"""What is old in configurations and scenarios, and where."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.deprecations.found import Found
from nlmon.deprecations.yaml import find
from nlmon.errors import SourceError
from support.guide import GUIDE
from support.paths import REPOSITORY

LEGACY = "netlink.use_libnl: false"


def found(text: str) -> list[tuple[str, int, int]]:
    """What is found in a text, with line and column; of an error its code."""
    return [
        (one.row.name, *one.place) if isinstance(one, Found) else (one.code, one.line, one.column)
        for one in find(text.encode(), "a.yaml")
    ]


# By the line of the guide that a snippet begins behind; all others have nothing.
SNIPPETS = {
    "0030": [(LEGACY, 2, 14)],
    "0163": [(LEGACY, 2, 14)],
    "0417": [(LEGACY, 2, 14)],
    "0857": [(LEGACY, 2, 14)],
    "0962": [(LEGACY, 3, 14)],
    # It holds one key twice, since it is two files: see below.
    "0639": [("NLM-H003", 5, 1)],
}


@pytest.mark.parametrize("path", sorted(GUIDE.glob("*.yaml")), ids=lambda path: path.stem)
def test_snippets_of_the_guide(path: object) -> None:
    """Those that choose legacy, and no others."""
    text = (GUIDE / str(path)).read_text(encoding="utf-8")

    assert found(text) == SNIPPETS.get((GUIDE / str(path)).stem[:4], [])


def test_the_old_and_the_new_filter_of_the_guide() -> None:
    """The first half of the snippet has an old field, and the second none."""
    old, new = (GUIDE / "0639-guide.yaml").read_text(encoding="utf-8").split("# New filter\n")

    assert found(old) == [("protocol", 2, 10)]
    assert found(new) == []


CHOICES = {
    "false": [(LEGACY, 1, 23)],
    "no": [(LEGACY, 1, 23)],
    '"Off"': [(LEGACY, 1, 23)],
    "true": [],
    "perhaps": [],
    '"${NLMON_USE_LIBNL:-true}"': [],
    '"${NLMON_USE_LIBNL:-false}"': [(LEGACY, 1, 23)],
    '"${NLMON_USE_LIBNL}"': [],
}


@pytest.mark.parametrize("written", CHOICES)
def test_the_implementation(written: str) -> None:
    """Legacy is chosen, whatever the variables are, or when none is set."""
    assert found(f"netlink: {{ use_libnl: {written} }}") == CHOICES[written]


FILTERS = {
    "plain": ("filter: protocol == 0", [("protocol", 1, 9)]),
    "quoted": ("filter: 'a == 1 AND msg_type == 16'", [("msg_type", 1, 21)]),
    "in any case": ("filter: Protocol == 0", [("protocol", 1, 9)]),
    "on the right": ("filter: 0 == protocol", [("protocol", 1, 14)]),
    "all": (
        "filter: message_type == 1 OR event_type == 1 OR type == 1 OR namespace == 1 OR sequence == 1 OR state == 1 "
        "OR event.flags == 1",
        [
            ("message_type", 1, 9),
            ("event_type", 1, 30),
            ("type", 1, 49),
            ("namespace", 1, 62),
            ("sequence", 1, 80),
            ("state", 1, 97),
            ("event.flags", 1, 111),
        ],
    ),
    "a text": ('filter: interface == "protocol"', []),
    "a new field": ("filter: netlink.protocol == 0 AND netlink.ct.protocol == 6", []),
    "an unknown field": ("filter: nothing == 1 AND state == 1", [("state", 1, 26)]),
    "a rule": ("filters:\n- name: a\n  expression: state == 1\n", [("state", 3, 15)]),
    "an alert": ("alerts:\n- {name: a, condition: state == 1}\n", [("state", 2, 24)]),
    "an alert in another language": ("alerts:\n- {name: a, condition: rate(5m) > 3}\n", []),
    "below the wrapper": ("nlmon:\n  filter: state == 1\n", [("state", 2, 11)]),
    "beside a comment": ("filter: state == 1  # protocol\n", [("state", 1, 9)]),
    "many lines": ("filter: |\n    interface == 1\n      AND state == 1\n", [("state", 3, 11)]),
    "many lines with an end": ("filter: |-\n  state == 1\n", [("state", 2, 3)]),
    "folded": ("core: {}\nfilter: >\n  a == 1\n  AND state == 1\n", [("state", 2, 9)]),
    "escaped": ('filter: "interface == \\"a\\" AND state == 1"', [("state", 1, 9)]),
    "no filter": ("filter: protocol = 0", [("NLM-H005", 1, 18)]),
    "a variable": ("filter: ${NLMON_TEST_FILTER}", []),
    "a variable with a default": ("filter: ${NLMON_TEST_FILTER:-state == 1}", [("state", 1, 9)]),
    "too long a filter": (f"filter: {'a' * 9000}", [("NLM-H005", 1, 8201)]),
    "no text": ("filter: [state]", []),
    "empty": ("filter:", []),
    "another file": ("services: {a: 1}\nfilter: state == 1", []),
    "a list": ("- filter: state == 1", []),
    "nothing": ("", []),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(name: str) -> None:
    """Each old field at its name, or where its text is not in the file as it is, at the filter."""
    text, expected = FILTERS[name]

    assert found(text) == expected


SCENARIO = """\
scenario: 1
configuration:
  legacy: |
    netlink:
      use_libnl: false
    filter: "state == 1"
  libnl: "filter: state == 1"
reloads:
- frame: 3
  configuration: |
    # a comment

    filter: type == 16
expect:
  events:
  - {where: protocol == 0}
  - {where: netlink.protocol == 0, msg_type: RTM_NEWLINK}
"""


def test_a_scenario() -> None:
    """Its configurations, now and from a frame on, and what is asked of events; a pattern's own keys are none."""
    assert found(SCENARIO) == [
        (LEGACY, 5, 18),
        ("state", 6, 14),
        ("state", 7, 10),
        ("type", 13, 13),
        ("protocol", 16, 13),
    ]


def test_a_broken_configuration_in_a_scenario() -> None:
    """The rest of the scenario is searched."""
    text = "scenario: 1\nconfiguration: |\n  a: [\nexpect: {events: [{where: state == 1}]}\n"

    assert found(text) == [("NLM-H003", 2, 16), ("state", 4, 27)]


def test_our_own_scenarios() -> None:
    """Old fields are where a scenario is about them."""
    paths = sorted((REPOSITORY / "scenarios" / "configuration").glob("*old*.yaml"))

    assert {name for path in paths for name, *_ in found(path.read_text(encoding="utf-8"))} >= {"protocol", "msg_type"}


PIECES = [
    *("netlink:", " use_libnl: false", "filter: ", "state == 1", "filters:", "expression: "),
    *("scenario: 1", "configuration: ", "expect: ", "where: ", "- ", "|", ">", "\n", "  ", "\t", '"'),
]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode)))
def test_any_bytes_give_uses_and_errors(data: bytes) -> None:
    """With places that are in the file."""
    lines = len(re.split(rb"\r\n|[\r\n]", data)) + data.count(b"\xe2\x80") + data.count(b"\xc2\x85") + 1
    for one in find(data, "a.yaml"):
        line = one.place.line if isinstance(one, Found) else one.line
        assert isinstance(one, Found | SourceError)
        assert 0 <= line <= lines
