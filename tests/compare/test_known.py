"""What an entry of the known differences allows, where it applies, and how long."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.compare.difference import Class, Difference
from nlmon.compare.known import KnownDifference, KnownDifferences, in_range, known_for, literal, place_of
from support.known import entry


def difference(cls: Class = Class.CONFLICT, message: str = "RTM_NEWLINK", field: str = "mtu") -> Difference:
    return Difference(cls, message, 1, 0, field, "IFLA_MTU", 16, "", "1500", "1400", "")


MISTAKES = [
    ({"code": "NLD999"}, "'NLD999' is no code of a difference; NLD102 is one"),
    ({"message": " "}, "message must not be empty"),
    ({"capture": ""}, "capture must not be empty"),
    ({"scenario": ""}, "scenario must not be empty"),
    ({"reference": ""}, "reference must not be empty"),
    ({"candidate": ""}, "candidate must not be empty"),
    ({"reason": "\n"}, "reason must not be empty"),
    ({"owner": ""}, "owner must not be empty"),
    ({"at_most": 0}, "at_most must be 1 or more"),
    (
        {"code": "NLD105", "message": "link", "field": ""},
        "field must not be empty for NLD105; it is a field or (missing), (extra), (gone), (appeared)",
    ),
    ({"kernel": "6.1"}, "'6.1' is no range of kernels; >=6.1,<6.13 is one"),
    ({"kernel": ">=6.1,"}, "'>=6.1,' is no range of kernels; >=6.1,<6.13 is one"),
    ({"kernel": "!=6.1"}, "'!=6.1' is no range of kernels; >=6.1,<6.13 is one"),
]


@pytest.mark.parametrize(("values", "why"), MISTAKES, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_an_entry_says_what_is_wrong_with_it(values: dict[str, str], why: str) -> None:
    """A code that does not exist, an empty text, or a range that is none is refused."""
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        entry(**values)


CAPTURES = [
    ("*", "dir/a.pcap", True),
    ("a.pcap", "a.pcap", True),
    ("a.pcap", "dir/a.pcap", True),
    ("a.pcap", "dir\\a.pcap", True),
    ("a.pcap", "ba.pcap", False),
    ("a.pcap", "a.pcap/b.pcap", False),
    ("dir/a.pcap", "over/dir/a.pcap", True),
    ("dir/a.pcap", "mydir/a.pcap", False),
    ("dir/a.pcap", "a.pcap", False),
    ("/dir/a.pcap", "/dir/a.pcap", True),
    ("/dir/a.pcap", "/over/dir/a.pcap", False),
    ("a*.pcap", "dir/abc.pcap", True),
    ("a*.pcap", "a/b.pcap", False),
    ("dir/*.pcap", "over/dir/a.pcap", True),
    ("dir/*.pcap", "dir/sub/a.pcap", False),
    ("A.pcap", "a.pcap", False),
    ("a[1].pcap", "a[1].pcap", False),
    ("a[[]1].pcap", "a[1].pcap", True),
    ("-", "-", True),
]


@pytest.mark.parametrize(("pattern", "path", "applies"), CAPTURES)
def test_a_pattern_fits_the_end_of_a_path(pattern: str, path: str, applies: bool) -> None:
    """It is held against as many last parts of the path as it has, one by one."""
    assert entry(capture=pattern).applies(path, "", "legacy", "libnl") == applies


@pytest.mark.parametrize(
    ("pattern", "one"),
    [("a.pcap", True), ("dir/a.pcap", True), ("a[[]1].pcap", True), ("*", False), ("a?", False), ("[ab]", False)],
)
def test_an_entry_knows_whether_it_names_its_capture(pattern: str, one: bool) -> None:
    """A pattern that fits many does not; one whose special characters all stand for themselves does."""
    assert entry(capture=pattern).names_one == one


SCENARIOS = [
    ("*", "", True),
    ("*", "route.basic", True),
    ("route.basic", "route.basic", True),
    ("route.basic", "route.basics", False),
    ("route.basic", "", False),
    ("route.*", "route.basic", True),
    ("route.*", "xfrm.basic", False),
    ("route.*", "", False),
]


@pytest.mark.parametrize(("pattern", "scenario", "applies"), SCENARIOS)
def test_a_pattern_fits_the_id_of_a_scenario(pattern: str, scenario: str, applies: bool) -> None:
    """An entry that names scenarios holds in them alone; ``*`` holds without a scenario, too."""
    one = entry(scenario=pattern)
    (known,) = known_for([(7, one)], "a.pcap", "", [("legacy", "libnl")], scenario=scenario)

    assert one.applies("a.pcap", "", "legacy", "libnl", scenario=scenario) == applies
    assert known.entries == (((7, one),) if applies else ())


@pytest.mark.parametrize(
    ("capture", "scenario", "one"),
    [("*", "route.basic", True), ("*", "route.*", False), ("a.pcap", "route.*", True)],
)
def test_an_entry_that_names_its_scenario_is_about_one(capture: str, scenario: str, one: bool) -> None:
    """A scenario has one recording, so either of the two names is enough."""
    assert entry(capture=capture, scenario=scenario).names_one == one


@given(st.text(st.characters(exclude_characters="/\\"), min_size=1).filter(str.strip), st.text())
def test_a_literal_pattern_fits_its_name_alone(name: str, other: str) -> None:
    """Whatever is in the name of a capture, an entry can name it and nothing else."""
    one = entry(capture=literal(name))

    assert (one.applies(name, "", "", ""), one.names_one) == (True, True)
    assert one.applies(other, "", "", "") == (name in {other, *other.replace("\\", "/").split("/")[-1:]})


@pytest.mark.parametrize(
    ("values", "applies"),
    [
        ({}, True),
        ({"reference": "legacy"}, True),
        ({"reference": "libnl"}, False),
        ({"candidate": "lib*"}, True),
        ({"reference": "legacy", "candidate": "legacy"}, False),
        ({"kernel": ">=6.1"}, True),
        ({"kernel": "<6.1"}, False),
    ],
    ids=str,
)
def test_an_entry_holds_in_its_direction_and_on_its_kernels(values: dict[str, str], applies: bool) -> None:
    """Reference and candidate name the direction; without them it holds in both."""
    assert entry(**values).applies("a.pcap", "Linux 6.12.9-amd64", "legacy", "libnl") == applies


RANGES = [
    ("Linux 6.12.9-amd64", ">=6.1,<6.13", True),
    ("Linux 6.13.0", ">=6.1,<6.13", False),
    ("6.1.5", "==6.1", True),
    ("6.1.5", "<=6.1", True),
    ("6.1.5", ">6.1", False),
    ("6.1.5", ">6.1.4", True),
    ("6.1.5", "<6.1", False),
    ("6.1.5", "<6", False),
    ("6.12", ">=6.12.0", True),
    ("6.12", "==6.12.0", True),
    ("6.2", ">6.12", False),
    ("6.12.9", " >= 6.12 , < 7 ", True),
    ("", ">=1", False),
    ("Linux", ">=1", False),
    ("Linux 6", ">=1", False),
    ("Linux " + "9" * 5000, ">=1", False),
    ("Linux " + "9" * 5000 + ".1", ">=1", True),
]


@pytest.mark.parametrize(("kernel", "wanted", "inside"), RANGES, ids=lambda value: str(value)[:20])
def test_a_kernel_is_in_a_range_or_not(kernel: str, wanted: str, inside: bool) -> None:
    """Numbers are compared one by one, as many as the bound has; a kernel that is not known is in no range."""
    assert in_range(kernel, wanted) == inside


@pytest.mark.parametrize(("day", "over"), [(30, False), (31, False), (1, True)])
def test_an_entry_holds_on_its_last_day(day: int, over: bool) -> None:
    """It is over on the day after."""
    month = 4 if day == 1 else 3

    assert entry(expires=dt.date(2027, 3, 31)).expired(dt.date(2027, month, day)) == over


def test_an_entry_without_a_last_day_is_never_over() -> None:
    """It holds until somebody removes it."""
    assert not entry().expired(dt.date.max)


def test_a_state_is_named_by_the_kind_of_its_object() -> None:
    """The object itself, which is another one in the next recording, is not part of the place."""
    assert place_of(difference(Class.STATE, "link 7 eth0")) == (Class.STATE, "link", "mtu")


ALLOWED = [
    ({}, True),
    ({"field": "*"}, True),
    ({"field": ""}, False),
    ({"field": "group"}, False),
    ({"message": "RTM_DELLINK"}, False),
    ({"code": "NLD101"}, False),
]


@pytest.mark.parametrize(("values", "allowed"), ALLOWED, ids=str)
def test_an_entry_allows_its_place_alone(values: dict[str, str], allowed: bool) -> None:
    """Class, message and field must be those of the difference; ``*`` is every field."""
    known = KnownDifferences([(3, entry(**values))])

    assert known.allow(difference()) == allowed
    assert (dict(known.counts), dict(known.first)) == (({3: 1}, {3: difference()}) if allowed else ({}, {}))


def test_the_first_entry_of_a_place_counts() -> None:
    """A second one that names the same place allows nothing, and is found to be stale."""
    known = KnownDifferences([(1, entry(field="*")), (2, entry())])
    done = [known.allow(difference()), known.allow(difference())]

    assert (done, dict(known.counts)) == ([True, True], {1: 2})


def test_an_entry_allows_no_more_than_it_says() -> None:
    """What exceeds is allowed by the next entry that names the place, or not at all."""
    known = KnownDifferences([(1, entry(at_most=2)), (2, entry(field="*", at_most=1))])

    assert [known.allow(difference()) for _ in range(5)] == [True, True, True, False, False]
    assert dict(known.counts) == {1: 2, 2: 1}


def test_losses_exceed_an_entry_in_part() -> None:
    """What is left of a count is a loss."""
    entries = [entry(code="NLD002", message="xfrm_state", field="", at_most=2)]
    entries += [entry(code="NLD002", message="xfrm_state", field="*", at_most=3)]
    known = KnownDifferences(list(enumerate(entries, 1)))

    assert known.split_losses(Counter({"xfrm_state": 9})) == (Counter({"xfrm_state": 4}), Counter({1: 2, 2: 3}))
    assert known.split_losses(Counter({"xfrm_state": 1})) == (Counter(), Counter({1: 1}))


def test_an_entry_for_a_state_allows_no_other_difference_of_that_kind() -> None:
    """Each field, and each thing that may be with the object as a whole, has an entry of its own."""
    fields = ["mtu", "group", "(missing)", "(extra)", "(gone)", "(appeared)"]
    found = [difference(Class.STATE, "link 7 eth0", field) for field in fields]
    allowed = {
        field: [
            one.field
            for one in found
            if KnownDifferences([(1, entry(code="NLD105", message="link", field=field))]).allow(one)
        ]
        for field in fields
    }

    assert allowed == {field: [field] for field in fields}


def test_nothing_is_allowed_without_entries() -> None:
    """The usual file is empty."""
    known = KnownDifferences()

    assert (known.allow(difference()), known.counts.total()) == (False, 0)


def test_losses_are_allowed_by_kind_and_field() -> None:
    """What no entry names is left; what one names is counted with it."""
    known = KnownDifferences(
        [(1, entry(code="NLD002", message="xfrm_state", field="")), (2, entry(code="NLD002", message="addr"))]
    )
    left, allowed = known.split_losses(Counter({"xfrm_state": 3, "addr.mtu": 4, "addr.flags": 5, "xfrm_policy": 6}))

    assert (dict(left), dict(allowed)) == ({"addr.flags": 5, "xfrm_policy": 6}, {1: 3, 2: 4})


@given(st.sampled_from(KnownDifference.__struct_fields__), st.sampled_from(["NLD101", "NLD103", ">=1", "other"]))
def test_the_scope_leaves_out_what_is_for_people(name: str, text: str) -> None:
    """Two entries with one scope allow the same, whatever reason, owner, issue and end they give."""
    try:
        values: dict[str, object] = {"expires": dt.date(2027, 1, 1), "at_most": 7}
        value = values.get(name, text)
        changed = entry(**{name: value})
    except ValueError:
        return

    assert (changed.scope == entry().scope) == (name in {"reason", "owner", "issue", "expires", "at_most"})
