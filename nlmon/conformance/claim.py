"""A claim: a sentence about implementations that is true or not, who says so, and of whom it is to be true.

    @claim(
        "pool.oldest",
        "A full pool drops the oldest datagram.",
        source="guide#scenario-3-high-traffic-production-environment; decision 19",
        legacy=by_design("it has no message pool"),
    )
    def test_oldest(start: Start) -> None: ...

Rules:
1. An id is given once and never means something else later; it is words joined by dots, the first is the subject.
2. A claim is expected to hold, unless its declaration says otherwise for an implementation, with the reason.
3. A claim that does not hold by design is tested all the same: once it holds, the declaration is wrong.
4. No pytest is imported, so that claims can be listed without it.

Sources: ``guide#SECTION`` is the migration guide, ``decision N`` is ``docs/decisions``, and else a manual page or a
header of Linux; several are separated by ``; ``.

Not here: running tests (``plugin``) and what came of it (``results``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal, TypeAlias, TypeVar

__all__ = ["Claim", "Expectation", "Expected", "all_claims", "by_design", "claim", "claim_of", "not_applicable"]

Expected: TypeAlias = Literal["holds", "does not hold", "not applicable"]
Test = TypeVar("Test", bound=Callable[..., Any])

_ATTRIBUTE = "nlmon_claim"


@dataclass(frozen=True)
class Expectation:
    """What a claim is expected to do for an implementation, and why, unless it holds."""

    outcome: Expected
    reason: str = ""


HOLDS = Expectation("holds")


def by_design(reason: str) -> Expectation:
    """The claim does not hold, and is not meant to."""
    return Expectation("does not hold", reason)


def not_applicable(reason: str) -> Expectation:
    """The implementation has nothing that the claim speaks of, so it is not tested."""
    return Expectation("not applicable", reason)


@dataclass(frozen=True)
class Claim:
    """``exceptions``: by the name of an implementation, where the claim is not expected to hold."""

    id: str
    statement: str
    source: str
    exceptions: Mapping[str, Expectation] = field(default_factory=dict)

    def expected(self, implementation: str) -> Expectation:
        """What is expected of an implementation."""
        return self.exceptions.get(implementation, HOLDS)


def claim(id_: str, statement: str, *, source: str, **exceptions: Expectation) -> Callable[[Test], Test]:
    """Declare that a test is the test of a claim; see the module."""

    def declare(test: Test) -> Test:
        setattr(test, _ATTRIBUTE, Claim(id_, statement, source, exceptions))
        return test

    return declare


def claim_of(test: object) -> Claim | None:
    """The claim of a test function, None if it has none."""
    found = getattr(test, _ATTRIBUTE, None)
    return found if isinstance(found, Claim) else None


def all_claims() -> list[Claim]:
    """Every claim of this package, in the order in which they are tested."""
    package = import_module("nlmon.conformance")
    names = sorted(module.name for module in iter_modules(package.__path__) if module.name.startswith("test_"))
    members = [one for name in names for one in vars(import_module(f"nlmon.conformance.{name}")).values()]
    return [found for one in members if (found := claim_of(one)) is not None]
