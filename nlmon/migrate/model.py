"""What comes of rewriting a configuration, as values.

Not here: rewriting (``rewrite``).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.config.problems import Problem, Severity

__all__ = ["Change", "Finding", "Implementation", "Rewriting", "Weight"]

# The implementation that a configuration is rewritten for.
Implementation: TypeAlias = Literal["legacy", "libnl"]
# ``needed``: the move needs it; ``proposed``: it is of use, and the move works without.
Weight: TypeAlias = Literal["needed", "proposed"]


class Change(Struct, frozen=True):
    """One change of a text. ``code``: of its rule; ``line``: where it is in the text as it was; ``before`` and
    ``after``: the value, empty where there is none."""

    code: str
    weight: Weight
    file: str
    line: int
    key: str
    before: str
    after: str
    reason: str


class Finding(Struct, frozen=True):
    """Something that only a person can decide. ``severity``: an ``error`` keeps a configuration from being
    written, a ``notice`` does not; ``field``: of an event, if it is about one; ``line``: 0 if it is not about one."""

    code: str
    severity: Severity
    file: str
    line: int
    key: str
    field: str
    what: str
    hint: str


class Rewriting(Struct, frozen=True):
    """What came of a configuration. ``data``: its bytes as they would be written; None if there are none to write,
    since ``problems`` has an error or the text could not be changed where it stands."""

    to: Implementation
    file: str
    data: bytes | None
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep it from being written."""
        return tuple(one for one in self.findings if one.severity == "error")
