"""What a replay found, as values: the one source of every report format.

Rules:
1. Writers (``pretty``, ``jsonout``) only print these values; they compute nothing.
2. Lists are bounded and every list has a count beside it, so a report says what it left out.

Not here: how the values come about (``nlmon.engine.replay``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:  # start-up: a report is made without the comparison, too
    from nlmon.compare.difference import Difference

__all__ = [
    "CaptureReport",
    "Damage",
    "DifferenceGroup",
    "DifferenceRow",
    "Report",
    "Unannounced",
    "Verdict",
    "row",
    "worst",
]

Verdict: TypeAlias = Literal["equivalent", "regression", "inconclusive", "error"]


class Damage(Struct, frozen=True):
    """Where a capture stopped being readable; ``offset`` in bytes of the decompressed file."""

    code: str
    what: str
    offset: int


class DifferenceRow(Struct, frozen=True):
    """One difference.

    ``code`` and ``class``: what kind of difference; ``message``: the type of the message, or of a state the object;
    ``frame``, ``offset``: the datagram in the capture and the message in the datagram, in bytes; ``attribute``:
    its path, or the field of a header in parentheses; ``attribute_offset``: in the datagram, -1 when the message does
    not carry it; ``hex``: its bytes; ``reference``, ``candidate``: the two values; ``answer``: the message is an answer
    that was recorded, and no notification."""

    code: str
    cls: str = field(name="class")
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
    answer: bool


class DifferenceGroup(Struct, frozen=True):
    """Differences of one class about one field of one kind of message: how many, and the first as an example."""

    cls: str = field(name="class")
    severity: str
    message: str
    field: str
    count: int
    first: DifferenceRow


class Unannounced(Struct, frozen=True):
    """One object that the kernel changed without a notification: found at ``frame``, ``reason`` says how; ``fields``:
    what changed."""

    kind: str
    change: str
    object: str
    frame: int
    reason: str
    fields: tuple[str, ...]


class CaptureReport(Struct, frozen=True):
    """The outcome for one capture.

    ``frames``, ``messages``: datagrams and messages in the file. ``roles``: datagrams by their part in the
    conversation. ``not_subscribed``: notifications of multicast groups that no implementation joins, by type.
    ``not_covered``: datagrams of protocols that were not replayed, by protocol. By implementation: ``events``;
    ``answers``, messages of recorded dumps and replies, which are decoded and compared and are no events; ``errors``
    and, by code and attribute, ``problems``; ``lost``, messages that an overrun took; ``unknown`` and, by type,
    ``unknown_types``, messages that give no event. ``differences``: how many, by class; ``groups``: warnings and
    regressions by message and field; ``details``: the first of each class. ``fields``: how often one implementation
    alone gave an event or a field that the contract gives to it alone. ``objects``: how many there are at the end, by
    kind. ``unannounced``: objects that changed without a notification, ``unannounced_counts`` by kind and change.
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
    answers: dict[str, int] = {}
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
    unannounced_counts: dict[str, int] = {}
    unannounced: list[Unannounced] = []
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
    """``regression`` over ``inconclusive`` over ``error`` over ``equivalent``: a difference that was found is not
    undone by what was lost or could not be read. Nothing at all is an error."""
    order: tuple[Verdict, ...] = ("regression", "inconclusive", "error", "equivalent")
    return min(verdicts, key=order.index, default="error")


def row(difference: Difference) -> DifferenceRow:
    """A difference as a row of a report."""
    names = [name for name in DifferenceRow.__struct_fields__ if name not in {"code", "cls", "severity", "answer"}]
    values = {name: getattr(difference, name) for name in names}
    cls = difference.cls
    return DifferenceRow(code=cls.code, cls=cls.label, severity=cls.severity.value, answer=difference.seed, **values)
