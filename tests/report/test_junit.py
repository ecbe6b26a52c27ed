"""JUnit XML as pytest writes it, so that whatever reads the one reads the other."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from nlmon.report.junit import junit_text
from nlmon.report.outcome import CaseResult, Finding, Outcome
from support.runs import run

# What pytest's own schema for the family xunit2 allows, by element: attributes that must be there, others, children.
SHAPE: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time", "timestamp", "hostname"},
        {"testcase"},
    ),
    "testcase": ({"name"}, {"classname", "time"}, {"failure", "error", "skipped"}),
    "failure": (set(), {"message"}, set()),
    "error": (set(), {"message"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
}


def result(outcome: Outcome, reason: str = "", findings: tuple[Finding, ...] = (), code: str = "") -> CaseResult:
    """A case with an outcome."""
    return CaseResult(
        id=f"a.{outcome}[migrate]",
        scenario=f"a.{outcome}",
        title="A link.",
        where="a.yaml",
        direction="migrate",
        reference="legacy",
        candidate="libnl",
        outcome=outcome,
        reason=reason,
        code=code,
        findings=findings,
        seconds=0.25,
    )


RESULTS = [
    result("passed"),
    result("failed", "losses: expected 0", (Finding("losses: expected 0", "a.yaml:3:1", ("of 3",)),)),
    result("errored", "there is no capture", code="NLM-S022"),
    result("skipped", "no veth"),
    result("xfailed", "state: a route"),
]


def tree(results: list[CaseResult]) -> ET.Element:
    """The document as it is read."""
    return ET.fromstring(junit_text(run(results)))


def test_counts_stand_at_the_suite() -> None:
    """What is xfailed counts as skipped, as it does for pytest."""
    suite = tree(RESULTS)[0]

    assert dict(suite.attrib) == {
        "name": "nlmon",
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "2",
        "time": "1.500",
        "timestamp": "2026-01-01T00:00:00+00:00",
        "hostname": "here",
    }


def test_each_case_says_what_became_of_it() -> None:
    """One that passed says nothing."""
    cases = [
        (case.get("classname"), case.get("name"), [(one.tag, one.get("message")) for one in case])
        for case in tree(RESULTS)[0]
    ]

    assert cases == [
        ("a.passed", "migrate", []),
        ("a.failed", "migrate", [("failure", "losses: expected 0")]),
        ("a.errored", "migrate", [("error", "NLM-S022: there is no capture")]),
        ("a.skipped", "migrate", [("skipped", "no veth")]),
        ("a.xfailed", "migrate", [("skipped", "state: a route")]),
    ]


def test_a_failure_has_its_evidence() -> None:
    """As it is printed for people."""
    (failure,) = tree(RESULTS[1:2]).iter("failure")

    assert failure.text == "A link.\na.yaml:3:1: losses: expected 0\n    of 3"


def test_nothing_is_there_that_the_schema_does_not_know() -> None:
    """Neither an element nor an attribute."""
    wrong = [
        (one.tag, dict(one.attrib))
        for one in tree(RESULTS).iter()
        if not SHAPE[one.tag][0] <= set(one.attrib) <= SHAPE[one.tag][0] | SHAPE[one.tag][1]
        or not {child.tag for child in one} <= SHAPE[one.tag][2]
    ]

    assert wrong == []


def test_what_xml_does_not_allow_is_escaped() -> None:
    """A name of an interface may hold any byte but two."""
    (failure,) = tree([result("failed", "a\x00b\x1bc\ufffe")]).iter("failure")

    assert failure.get("message") == "a\\x00b\\x1bc\\ufffe"
