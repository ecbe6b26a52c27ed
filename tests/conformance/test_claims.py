"""The claims: what is declared of them, and that both implementations keep them."""

from __future__ import annotations

import re
from collections import Counter

import msgspec
import pytest
from jsonschema import Draft202012Validator

from nlmon.backends.registry import BACKENDS
from nlmon.cli.schema import SCHEMAS
from nlmon.conformance.claim import all_claims, by_design, claim, claim_of, not_applicable
from nlmon.conformance.monitor import MonitorUnderTest, Subject, registered
from nlmon.conformance.results import VERSION, ClaimReport, ClaimResult, ConformanceReport, read_report, untested
from nlmon.conformance.run import conform
from nlmon.errors import InputError, UsageError
from nlmon.report.jsonout import report_bytes
from support.paths import REPOSITORY

# What only the kernel, a manual page or an RFC says has no section.
SOURCE = re.compile(r"guide#[a-z0-9-]+|decision \d+|[a-z-]+\(\d\)|(linux|net|include)/[\w./-]+\.[ch]( \w+)?")


@pytest.mark.slow
def test_both_implementations_keep_every_claim() -> None:
    """Each holds where it is declared to, and nowhere else."""
    found = conform(registered())

    assert [(claim.id, result) for claim, result in found.unexpected()] == []
    assert [claim.id for claim in found.claims] == [claim.id for claim in all_claims()]
    assert len(found.claims) > 100


def test_a_claim_is_a_statement_with_an_id_and_a_source() -> None:
    """No two have the same id or say the same."""
    claims = all_claims()

    assert {one for one, count in Counter(claim.id for claim in claims).items() if count > 1} == set()
    assert {one for one, count in Counter(claim.statement for claim in claims).items() if count > 1} == set()
    assert [claim.id for claim in claims if not re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", claim.id)] == []
    assert [claim.id for claim in claims if not re.fullmatch(r"[A-Z].*[A-Za-z0-9)]\.", claim.statement)] == []
    assert [(claim.id, one) for claim in claims for one in claim.source.split("; ") if not SOURCE.fullmatch(one)] == []


def test_decisions_that_claims_name_are_there() -> None:
    """By their number."""
    there = {int(path.name[:4]) for path in (REPOSITORY / "docs" / "decisions").glob("[0-9]*.md")}
    named = {int(one) for claim in all_claims() for one in re.findall(r"decision (\d+)", claim.source)}

    assert named - there == set()
    assert named != set()


def test_an_exception_has_an_implementation_and_a_reason() -> None:
    """A claim that holds for none says nothing of them."""
    claims = all_claims()
    exceptions = [(claim, name, one) for claim in claims for name, one in claim.exceptions.items()]

    assert {name for _, name, _ in exceptions} - BACKENDS.keys() == set()
    assert [claim.id for claim, _, one in exceptions if not re.fullmatch(r"[a-z][^.]*", one.reason)] == []
    assert [claim.id for claim in claims if not any(claim.expected(name).outcome == "holds" for name in BACKENDS)] == []


def test_a_declared_claim_is_expected_to_hold_unless_it_says_otherwise() -> None:
    """Of an implementation that it does not name, too."""

    @claim("a.b", "It is.", source="netlink(7)", legacy=by_design("old"), other=not_applicable("none"))
    def test() -> None: ...

    declared = claim_of(test)

    assert declared is not None
    assert [declared.expected(name).outcome for name in ("legacy", "other", "libnl", "new")] == [
        *("does not hold", "not applicable", "holds", "holds"),
    ]
    assert claim_of(claim_of) is None


@pytest.mark.slow
def test_some_claims_can_be_selected() -> None:
    """By id, by words of pytest, or by implementation; what selects nothing gives an empty report."""
    found = conform(registered("libnl"), select="pool.oldest or cache.age")

    assert [(claim.id, [one.implementation for one in claim.results]) for claim in found.claims] == [
        ("cache.age", ["libnl"]),
        ("pool.oldest", ["libnl"]),
    ]
    assert conform(registered("libnl"), select="nosuch").claims == ()
    with pytest.raises(UsageError, match="pytest does not understand -k 'a b'"):
        conform(registered("libnl"), select="a b")


@pytest.mark.slow
def test_settings_of_others_have_no_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither options nor plugins of the environment, which is afterwards as it was."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    found = conform(registered("legacy"), select="pool.wait")

    assert [claim.id for claim in found.claims] == ["pool.wait"]


@pytest.mark.slow
def test_what_is_raised_is_reported_with_its_place() -> None:
    """It is an error, whatever was declared."""

    def broken(*_: object) -> MonitorUnderTest:
        raise OSError("no such thing")

    ((claim, result),) = conform([Subject("broken", broken, "legacy")], select="pool.oldest").unexpected()

    assert (claim.id, result.outcome, result.expected, result.grade) == ("pool.oldest", "error", "does not hold", 3)
    assert result.explanation == "OSError: no such thing"
    assert re.fullmatch(r"test_caches\.py:\d+", result.place)


def results(*pairs: tuple[str, str]) -> ConformanceReport:
    """A report of one implementation with claims that are expected to hold or not, and what came of them."""
    rows = [
        ClaimReport(f"c.{place}", "It is.", "netlink(7)", (ClaimResult("one", expected, "", outcome),))  # type: ignore[arg-type]
        for place, (expected, outcome) in enumerate(pairs)
    ]
    return ConformanceReport("1", ("one",), 0.5, tuple(rows))


def test_the_worst_comes_first() -> None:
    """What was raised, what does not hold, what holds and should not."""
    found = results(
        ("does not hold", "holds"), ("holds", "holds"), ("holds", "does not hold"), ("holds", "error")
    ).unexpected()

    assert [claim.id for claim, _ in found] == ["c.3", "c.2", "c.0"]


def test_a_report_is_read_as_it_was_written() -> None:
    """It follows the published schema, tested or not."""
    validator = Draft202012Validator(SCHEMAS["claims"]())
    for report in (results(("holds", "holds"), ("holds", "error")), untested(all_claims(), tuple(BACKENDS))):
        data = report_bytes(report)
        assert read_report(data, "a.json") == report
        assert list(validator.iter_errors(msgspec.json.decode(data))) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "NLM-F003"),
        (b"[]", "NLM-F003"),
        (b'{"version": 1}', "NLM-F003"),
        (b'{"captures": []}', "NLM-F003"),
        (b'{"version": %d, "more": 1}' % (VERSION + 1), "NLM-F004"),
    ],
)
def test_what_is_no_report_is_refused(data: bytes, code: str) -> None:
    """With the file; a newer version has a code of its own."""
    with pytest.raises(InputError, match=r"a\.json") as caught:
        read_report(data, "a.json")

    assert caught.value.code == code
