"""The configuration of a lane rewritten in the middle of a scenario, as ``nlmon migrate`` and ``nlmon rollback`` do it.

Rules:
1. The text in force is rewritten for the other implementation, with the changes that the move needs and no others.
2. With an error nothing is written, as without ``--force``, and the monitor goes on as it was. What the command would
   exit with is reported.

Not here: rewriting (``nlmon.migrate``), and playing what comes of it (``lanes``).
"""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from nlmon.config import Problem
from nlmon.errors import ExitCode
from nlmon.migrate import rewrite
from nlmon.migrate.model import Change, Finding, Implementation
from nlmon.monitor.filterfields import provides
from nlmon.scenario.model import ConfigurationLane

__all__ = ["Rewritten", "rewritten"]


class Rewritten(Struct, frozen=True):
    """What came of it. ``text``: None where it was refused; ``exit``: what the command with ``--apply`` exits with;
    ``changes``: of the text, ``findings``: what only a person can decide, with a code, a line and a key each."""

    text: str | None
    exit: int
    changes: tuple[Problem, ...] = ()
    findings: tuple[Problem, ...] = ()


def rewritten(lane: ConfigurationLane, text: str, to: Implementation) -> Rewritten:
    """The text of a lane rewritten for an implementation."""
    contract = load_contract()
    done = rewrite(
        text.encode(),
        "configuration",
        to,
        environ=lane.environment,
        provided=partial(provides, statement_of(to)),
        contract=contract,
        propose=False,
    )
    errors = [one for one in done.problems if one.severity == "error"]
    if done.data is None or errors or done.errors:
        code = ExitCode.INPUT if errors else ExitCode.FAILED
        return Rewritten(None, code, (), (*errors, *map(_of_finding, done.findings)))
    changes, findings = map(_of_change, done.changes), map(_of_finding, done.findings)
    return Rewritten(done.data.decode(), ExitCode.OK, tuple(changes), tuple(findings))


def _of_change(one: Change) -> Problem:
    what = f"{one.key}: {one.before or 'nothing'} becomes {one.after or 'nothing'}, since {one.reason}"
    return Problem(one.code, "notice", what, f"{one.file}:{one.line}", line=one.line, key=one.key)


def _of_finding(one: Finding) -> Problem:
    where = f"{one.file}:{one.line}"
    return Problem(one.code, one.severity, one.what, where, line=one.line, key=one.key, hint=one.hint)
