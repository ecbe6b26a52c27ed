"""The verdict on a canary, over fleets with and without a defect."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from canary.fleets import DEFECTS, SECONDS, facts, fleet
from nlmon.canary.expected import of_libnl_alone
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


@pytest.mark.long
def test_many_fleets_with_what_libnl_adds() -> None:
    """What it gives alone is no alarm in any of 200 clean fleets, and hides no defect."""
    found = []
    for share in (0.0, 0.1):
        fleets = (fleet(seed, "losses", share) for seed in range(200))
        found.append(Counter(verdict(old, having(new, "RTM_NEWNEXTHOP", 40)).verdict for old, new in fleets))

    assert (found[0]["roll back"] <= 5, found[1]["roll back"] >= 190) == (True, True), found


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
    more = [one._replace(types={**one.types, "RTM_NEWRULE": 500}) for one in canary]
    without, allowed = (verdict(control, more, Rules(allowed=one)) for one in (frozenset(), frozenset({"RTM_NEWRULE"})))

    assert (without.verdict, allowed.verdict) == ("roll back", "promote")
    assert {one.measure for one in allowed.findings if one.found} == {"RTM_NEWRULE"}
    assert "finds a difference but in what may differ (RTM_NEWRULE); " in allowed.reasons[0]


def having(hosts: list[Host], kind: str, number: int) -> list[Host]:
    """Hosts with so many events of a type more, or without any."""
    return [one._replace(types={**one.types, kind: number}) for one in hosts]


@pytest.mark.parametrize(
    ("kind", "old", "new", "expected", "result"),
    [
        pytest.param("RTM_NEWNEXTHOP", 0, 500, ("RTM_NEWNEXTHOP",), "promote", id="added by the contract"),
        pytest.param("AUDIT_SYSCALL", 0, 500, ("AUDIT_SYSCALL",), "promote", id="of audit"),
        pytest.param("RTM_NEWRULE", 0, 500, (), "roll back", id="added against the contract"),
        pytest.param("RTM_NEWNEXTHOP", 500, 0, (), "roll back", id="no longer there"),
        pytest.param("RTM_NEWNEXTHOP", 50, 5000, (), "roll back", id="both have it"),
    ],
)
def test_what_the_contract_gives_to_libnl_alone(
    kind: str, old: int, new: int, expected: tuple[str, ...], result: str
) -> None:
    """It may be added, and nothing else; where the control group has it, too, it is a type as any other."""
    control, canary = fleet(2)
    report = verdict(having(control, kind, old), having(canary, kind, new))

    assert (report.verdict, report.expected) == (result, expected)


def test_the_contract_may_be_allowed_in_both_directions() -> None:
    """Then hosts that go back to legacy may lack what it does not give, and other losses are found."""
    control, canary = fleet(2)
    control = having(control, "RTM_NEWNEXTHOP", 500)
    rules = Rules(allowed=of_libnl_alone())
    found = [verdict(control, group, rules).verdict for group in (canary, fleet(2, "no address that goes", 0.5)[1])]

    assert found == ["promote", "roll back"]


def test_types_of_libnl_alone_are_those_of_no_event_of_legacy() -> None:
    """None of them is one that both give."""
    both = {"RTM_NEWLINK", "RTM_NEWRULE", "SOCK_DIAG_BY_FAMILY", "IPCTNL_MSG_CT_NEW"}

    assert {"RTM_NEWNSID", "RTM_NEWNEXTHOP", "XFRM_MSG_NEWSA", "IPCTNL_MSG_EXP_NEW"} <= of_libnl_alone()
    assert of_libnl_alone() & both == set()


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
