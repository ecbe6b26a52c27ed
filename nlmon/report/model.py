"""What a replay found, as values: the one source of every report format.

Rules:
1. Writers (``pretty``, ``jsonout``) only print these values; they compute nothing.
2. Lists are bounded and every list has a count beside it, so a report says what it left out.

Not here: how the values come about (``nlmon.engine.replay``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:  # start-up: a report is made without the comparison, too
    from nlmon.compare.difference import Difference

__all__ = ["CaptureReport", "Damage", "DifferenceGroup", "DifferenceRow", "Report", "Silent", "Verdict", "row", "worst"]

Verdict: TypeAlias = Literal["equivalent", "regression", "error"]


class Damage(Struct, frozen=True):
    """Where a capture stopped being readable; ``offset`` in bytes of the decompressed file."""

    code: str
    what: str
    offset: int


class DifferenceRow(Struct, frozen=True):
    """One difference, ready to print; the fields are those of ``nlmon.compare.difference.Difference``."""

    code: str
    cls: str
    severity: str
    message: str
    frame: int
    offset: int
    field: str
    attribute: str
    attribute_offset: int
    hex: str
    reference: str
    candidate: str
    reason: str
    seed: bool


class DifferenceGroup(Struct, frozen=True):
    """Differences that are alike, see ``nlmon.compare.difference.Group``: how many, and the first as an example."""

    cls: str
    severity: str
    message: str
    field: str
    count: int
    first: DifferenceRow


class Silent(Struct, frozen=True):
    """One object that the kernel changed without announcing it, see ``nlmon.state.tables.Unannounced``."""

    kind: str
    change: str
    object: str
    frame: int
    reason: str
    fields: tuple[str, ...]


class CaptureReport(Struct, frozen=True):
    """The outcome for one capture.

    ``messages``: all messages in the file. ``roles``: datagrams by role. ``not_subscribed``: notifications by type that
    no monitor's socket receives, since it does not join their group. ``not_covered``: datagrams of protocols that were
    not replayed, by protocol. ``events``, ``seeds``, ``errors``, ``lost``, ``unknown``: per implementation,
    ``unknown_types`` by name of the type and ``problems`` by code and attribute; seeds are messages of recorded
    answers, decoded and compared but not counted as events, ``lost`` are messages that an overrun took.
    ``differences``: count by class, ``groups`` of those that weigh more than information by message and field,
    ``details`` the first of each class. ``fields``: how often an implementation alone gave
    an event or filled a field that the contract gives to it alone. ``objects``: final state by kind.
    """

    path: str
    verdict: Verdict
    reason: str
    state: Literal["same", "differs"] = "same"
    format: str = ""
    byteorder: str = ""
    kernel: str = ""
    frames: int = 0
    messages: int = 0
    roles: dict[str, int] = {}
    not_subscribed: dict[str, int] = {}
    not_covered: dict[str, int] = {}
    events: dict[str, int] = {}
    seeds: dict[str, int] = {}
    errors: dict[str, int] = {}
    problems: dict[str, dict[str, int]] = {}
    lost: dict[str, int] = {}
    unknown: dict[str, int] = {}
    unknown_types: dict[str, dict[str, int]] = {}
    differences: dict[str, int] = {}
    fields: dict[str, int] = {}
    groups: list[DifferenceGroup] = []
    details: list[DifferenceRow] = []
    objects: dict[str, int] = {}
    silent_counts: dict[str, int] = {}
    silent: list[Silent] = []
    notes: list[str] = []
    damage: Damage | None = None


class Report(Struct, frozen=True):
    """The outcome of one run."""

    tool: str
    version: str
    reference: str
    candidate: str
    select: str
    captures: list[CaptureReport]
    verdict: Verdict


def worst(verdicts: list[Verdict]) -> Verdict:
    """``regression`` over ``error`` over ``equivalent``: a difference that was found is not undone by a file that
    could not be read. Nothing at all is an error."""
    if "regression" in verdicts:
        return "regression"
    return "error" if not verdicts or "error" in verdicts else "equivalent"


def row(difference: Difference) -> DifferenceRow:
    """A difference as a row of a report."""
    values = {name: getattr(difference, name) for name in difference.__struct_fields__ if name != "cls"}
    cls = difference.cls
    return DifferenceRow(code=cls.code, cls=cls.label, severity=cls.severity.value, **values)
