"""What an assessment found, as values: the one source of every format.

Not here: how the values come about (``assessing``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.config.problems import Problem
from nlmon.errors import ExitCode
from nlmon.migrate.model import Change, Implementation
from nlmon.migrate.options import Treatment
from nlmon.report.model import CaptureReport, Direction

__all__ = ["Assessment", "Item", "ItemState", "Option", "Reason", "Result", "Stage", "Weight", "exit_code", "result_of"]

Result: TypeAlias = Literal["go", "go with notes", "no go", "undecided"]
# What a reason comes to, the worst first.
Weight: TypeAlias = Literal["no go", "undecided", "note"]
WORST_FIRST: tuple[Weight, ...] = ("no go", "undecided", "note")
Stage: TypeAlias = Literal["pre-migration", "testing", "deployment", "post-migration"]
# ``open``: only a person can decide it, or nothing was seen that would.
ItemState: TypeAlias = Literal["done", "failed", "open"]


class Reason(Struct, frozen=True):
    """One reason for a result. ``code``: of its rule; ``direction``: of the move that it is about; ``where``:
    ``FILE:LINE`` of a configuration, or a recording with the number of a frame, empty if it is about neither;
    ``field``: of an event; ``count``: how often; ``evidence``: lines that show it."""

    code: str
    weight: Weight
    direction: Direction
    what: str
    where: str = ""
    hint: str = ""
    field: str = ""
    count: int = 1
    evidence: tuple[str, ...] = ()


class Option(Struct, frozen=True):
    """A key that the configuration gives, and what becomes of it in the two directions. ``rule``: the code of the
    rule; ``origin``: where its value is from; ``reason``: empty where it means the same."""

    key: str
    to_libnl: Treatment
    to_legacy: Treatment
    rule: str
    origin: str
    reason: str = ""


class Item(Struct, frozen=True):
    """An item of the checklist, and by what it is decided, or why it is open."""

    stage: Stage
    what: str
    state: ItemState
    why: str


class Assessment(Struct, frozen=True):
    """The report on a move from ``source`` to ``to`` with the configuration ``file``. ``result``: of the move,
    ``back``: of the way back; ``reasons``: of both, the worst first; ``changes``: what the move would write;
    ``compared``: events that both sides have exported, by protocol; ``heard``: those that came before the filters,
    of the side that gave more; ``reports``: the comparisons of what is exported, of each recording one in each
    direction, and ``decoded``: of what the implementations make of it; ``problems``: why the configuration itself is
    refused, and notices about it; ``live``: the recording was made of the running host for this."""

    file: str
    source: Implementation
    to: Implementation
    result: Result
    back: Result
    reasons: tuple[Reason, ...] = ()
    options: tuple[Option, ...] = ()
    changes: tuple[Change, ...] = ()
    compared: dict[str, int] = {}
    heard: dict[str, int] = {}
    checklist: tuple[Item, ...] = ()
    reports: tuple[CaptureReport, ...] = ()
    decoded: tuple[CaptureReport, ...] = ()
    problems: tuple[Problem, ...] = ()
    live: bool = False

    def reasons_of(self, direction: Direction) -> tuple[Reason, ...]:
        """The reasons of one direction."""
        return tuple(one for one in self.reasons if one.direction == direction)


def result_of(reasons: Iterable[Reason]) -> Result:
    """What reasons of one direction come to."""
    weights = {one.weight for one in reasons}
    worst = next((one for one in WORST_FIRST if one in weights), None)
    return "go" if worst is None else "go with notes" if worst == "note" else worst


def exit_code(result: Result) -> ExitCode:
    """The exit code of a result."""
    codes: dict[Result, ExitCode] = {"no go": ExitCode.FAILED, "undecided": ExitCode.INPUT}
    return codes.get(result, ExitCode.OK)
