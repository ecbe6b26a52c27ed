"""The pytest plugin that runs claims: each test once for each implementation, and the outcomes as values.

Rules:
1. Tests that are no claim's are left alone.
2. What is not to hold is a strict xfail, what is not applicable is skipped, each with its reason: pytest's own words.
3. A claim's outcome is that of the assert; whatever else an implementation raises is an error.

Not here: which options pytest gets (``run``).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.conformance.claim import Claim, claim_of
from nlmon.conformance.monitor import MonitorUnderTest, Start, Subject
from nlmon.conformance.program import Program, in_place
from nlmon.conformance.results import ClaimReport, ClaimResult, Outcome
from nlmon.testing.transport import FakeKernel

__all__ = ["Conformance"]


class Conformance:
    """The plugin, for some implementations."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self._subjects = tuple(subjects)
        self._claims: dict[str, Claim] = {}
        self._results: dict[str, dict[str, ClaimResult]] = {}

    def claims(self) -> tuple[ClaimReport, ...]:
        """What came of each claim that was tested."""
        return tuple(
            ClaimReport(id_, self._claims[id_].statement, self._claims[id_].source, tuple(results.values()))
            for id_, results in self._results.items()
        )

    @pytest.fixture
    def start(self, subject: Subject) -> Iterator[Start]:
        """Starts the implementation under test; what was started is closed in the end."""
        started: list[MonitorUnderTest] = []

        def start(*protocols: int, kernel: FakeKernel | None = None, **options: Any) -> MonitorUnderTest:
            monitor = MonitorUnderTest(subject.make, kernel or FakeKernel(), BackendOptions(**options))
            started.append(monitor)
            for protocol in protocols:
                monitor.backend.enable(protocol)
            return monitor

        yield start
        for monitor in started:
            monitor.backend.close()

    @pytest.fixture
    def program(self, subject: Subject) -> Iterator[Program]:
        """A program that runs the implementation under test."""
        with in_place(subject) as program:
            yield program

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each implementation."""
        if claim_of(metafunc.function) is not None:
            metafunc.parametrize("subject", self._subjects, ids=[one.name for one in self._subjects])

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """The id can be selected with ``-k``; what is not to hold gets pytest's mark for it."""
        found = _claim_and_subject(item)
        if found is None:
            return
        claim, subject = found
        item.extra_keyword_matches.add(claim.id)
        expected = claim.expected(subject.like)
        if expected.outcome == "does not hold":
            item.add_marker(pytest.mark.xfail(raises=AssertionError, strict=True, reason=expected.reason))
        elif expected.outcome == "not applicable":
            item.add_marker(pytest.mark.skip(reason=expected.reason))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take note of the outcome."""
        report = yield
        found = _claim_and_subject(item)
        if found is not None and (call.when == "call" or call.excinfo is not None):
            self._note(*found, item, call.excinfo)
        return report

    def _note(self, claim: Claim, subject: Subject, item: pytest.Item, raised: Any) -> None:
        expected = claim.expected(subject.like)
        outcome: Outcome = "holds"
        if raised is not None:
            outcome = "does not hold" if raised.errisinstance(AssertionError) else "error"
            if raised.errisinstance(pytest.skip.Exception):
                outcome = "not applicable"
        result = ClaimResult(subject.name, expected.outcome, expected.reason, outcome)
        if not result.as_expected:
            text, place = ("it holds, and is declared not to", "") if raised is None else _explained(item, raised)
            result = ClaimResult(subject.name, expected.outcome, expected.reason, outcome, text, place)
        self._claims[claim.id] = claim
        self._results.setdefault(claim.id, {})[subject.name] = result


def _claim_and_subject(item: pytest.Item) -> tuple[Claim, Subject] | None:
    claim = claim_of(getattr(item, "function", None))
    subject = getattr(item, "callspec", None)
    return None if claim is None or subject is None else (claim, subject.params["subject"])


def _explained(item: pytest.Item, raised: Any) -> tuple[str, str]:
    """What was raised, as text, and the line of the test where."""
    text = str(raised.value) if raised.errisinstance(AssertionError) else raised.exconly()
    lines = [entry.lineno + 1 for entry in raised.traceback if str(entry.path) == str(item.path)]
    return text, f"{item.path.name}:{lines[-1]}" if lines else item.path.name
