"""The verdict on a canary, over fleets with and without a defect."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from canary.fleets import DEFECTS, SECONDS, facts, fleet
from nlmon.canary.judging import CanaryReport, GroupFacts, Host, Rules, judge
from support.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-to" / "run-a-canary.md"


def verdict(control: list[Host], canary: list[Host], rules: Rules | None = None) -> CanaryReport:
    """The report on two groups."""
    return judge(control, canary, rules or Rules(), facts=(facts(control), facts(canary)), seconds=SECONDS)


def verdicts(fleets: range, defect: str, share: float) -> Counter[str]:
    """Of so many fleets."""
    return Counter(verdict(*fleet(seed, defect, share)).verdict for seed in fleets)


@pytest.mark.parametrize(
    ("defect", "share", "expected"),
    [
        ("losses", 0.0, {"promote": 5}),
        ("losses", 0.1, {"roll back": 5}),
        ("link events sixteen times", 0.1, {"roll back": 5}),
        ("no address that goes", 0.1, {"roll back": 5}),
    ],
)
def test_a_few_fleets(defect: str, share: float, expected: dict[str, int]) -> None:
    """A clean fleet is promoted, and a defect of one host in ten is found."""
    assert verdicts(range(5), defect, share) == expected


@pytest.mark.long
@pytest.mark.parametrize("defect", [one for one in DEFECTS if one != "link events twice"])
def test_many_fleets(defect: str) -> None:
    """At most 5 of 200 clean fleets are rolled back, and at least 95 of 100 with a defect on one host in ten."""
    clean, bad = verdicts(range(200), defect, 0.0), verdicts(range(200), defect, 0.1)

    assert (clean["roll back"] <= 5, bad["roll back"] >= 190) == (True, True), (clean, bad)
    row = re.search(rf"^\| {defect} \|.* (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    assert int(row[1]) == bad["roll back"]


def test_a_defect_is_named_with_its_hosts() -> None:
    """The reason says the measure, how many hosts stand out, and some of them."""
    report = verdict(*fleet(1, "no address that goes", 0.1))

    assert report.verdict == "roll back"
    assert [reason.split(" (")[0] for reason in report.reasons] == [
        "RTM_DELADDR: 21 of 200 hosts are below the control group"
    ]
    assert {"new0", "new1"} <= {name for one in report.findings if one.found for name in one.named}


def test_what_may_differ_is_no_reason() -> None:
    """It is found, and said to be allowed; others are compared without it."""
    control, canary = fleet(2)
    more = [one._replace(types={**one.types, "RTM_NEWNSID": 500}) for one in canary]
    without, allowed = (verdict(control, more, Rules(allowed=one)) for one in (frozenset(), frozenset({"RTM_NEWNSID"})))

    assert (without.verdict, allowed.verdict) == ("roll back", "promote")
    assert {one.measure for one in allowed.findings if one.found} == {"RTM_NEWNSID"}


def test_fewer_losses_are_no_defect() -> None:
    """A canary that loses nothing where the control group does is promoted."""
    canary, control = fleet(3, "losses", 0.5)

    assert verdict(control, canary).verdict == "promote"


@pytest.mark.parametrize(
    ("hosts", "share", "expected"),
    [
        (200, 0.25, "promote"),
        (200, 0.05, "hold"),
        (20, 0.25, "hold"),
        (3, 1.0, "hold"),
    ],
)
def test_a_small_sample_holds(hosts: int, share: float, expected: str) -> None:
    """Nothing found is no reason to promote where nothing could have been found."""
    assert verdict(*fleet(4, hosts=hosts), Rules(share=share)).verdict == expected


@pytest.mark.parametrize(
    ("control", "canary", "reason"),
    [
        ([], [Host("a", {"RTM_NEWLINK": 1}, {}, 1.0)], "the control group has no host"),
        ([Host("a", {"RTM_NEWLINK": 1}, {}, 1.0)], [Host("b", {}, {}, 1.0)], "the canary has no event in the time"),
    ],
)
def test_without_evidence_it_holds(control: list[Host], canary: list[Host], reason: str) -> None:
    """A group that shows nothing is said."""
    report = verdict(control, canary)

    assert (report.verdict, report.reasons[0].startswith(reason)) == ("hold", True)


def test_what_is_rare_is_left_out() -> None:
    """A type that only two hosts have ever seen is no test, and is said."""
    control, canary = fleet(5)
    canary[:2] = [one._replace(types={**one.types, "RTM_NEWRULE": 900}) for one in canary[:2]]
    report = verdict(control, canary)

    tested = {one.measure for one in report.findings}

    assert ("RTM_NEWRULE" in report.rare, "RTM_NEWRULE" in tested) == (True, False)


def test_facts_of_a_group() -> None:
    """They are in the report as they were given."""
    report = verdict(*fleet(6))

    assert report.control == GroupFacts(200, 200, report.control.events, 0, 0)
