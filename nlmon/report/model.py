"""What a replay found, as values: the one source of every report format.

Rules:
1. Writers (``pretty``, ``jsonout``) only print these values; they compute nothing.
2. Lists are bounded and every list has a count beside it, so a report says what it left out.

Not here: how the values come about (``nlmon.engine.replay``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field

from nlmon.errors import CaptureError, NlmonError
from nlmon.report.evidence import Example, Timeline
from nlmon.report.policy import Policy

if TYPE_CHECKING:  # start-up: a report is made without the comparison, too
    from nlmon.compare.difference import Difference

__all__ = [
    "UNDECIDED",
    "BlindChange",
    "BlindSpot",
    "CaptureReport",
    "Damage",
    "DifferenceGroup",
    "DifferenceRow",
    "Direction",
    "KnownUse",
    "Report",
    "Stop",
    "Unannounced",
    "Verdict",
    "by_direction",
    "directions",
    "in_direction",
    "labels",
    "row",
    "unreadable",
    "worst",
]

Verdict: TypeAlias = Literal["equivalent", "lossy", "regression", "inconclusive", "error"]
# From the reference to the candidate, and back.
Direction: TypeAlias = Literal["migrate", "rollback"]
# Too little was seen to say anything about the move.
UNDECIDED: frozenset[Verdict] = frozenset({"inconclusive", "error"})
# The worst first: a difference that was found is not undone by what was lost or could not be read.
WORST_FIRST: tuple[Verdict, ...] = ("regression", "error", "inconclusive", "lossy", "equivalent")


class Damage(Struct, frozen=True):
    """Where a capture stopped being readable; ``offset`` in bytes of the decompressed file."""

    code: str
    what: str
    offset: int


class Stop(Struct, frozen=True):
    """What ended a run before its recording ended: a code, what, and the last frame that was read."""

    code: str
    what: str
    frame: int

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it, and no bound."""
        return self.code == "NLM-L003"


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


class BlindSpot(Struct, frozen=True):
    """Something in the compared messages that not both implementations read. ``message``: the kind of the messages, or
    of those that give no event their type; ``attribute``: its path, empty for the messages as a whole; ``read_by``: who
    reads it alone, empty if neither does; ``messages``: how many hold it; ``kinds``: how many of which kind, as the
    attribute beside it says, or of which command."""

    message: str
    attribute: str
    read_by: str
    messages: int
    kinds: dict[str, int] = {}


class BlindChange(Struct, frozen=True):
    """Events that repeat the one before them, about the same object and in both implementations, while their messages
    differ in what neither reads: in which attributes, how many there are, and the frame of the first."""

    message: str
    attributes: tuple[str, ...]
    count: int
    frame: int


class KnownUse(Struct, frozen=True):
    """What an entry of the known differences allowed: its number in the file from 1, what it says, how many
    differences it allowed, how many it allows at most (none: any number), and the first of them (none of a loss of
    service, which is only counted)."""

    entry: int
    code: str
    message: str
    field: str
    reason: str
    owner: str
    issue: str
    expires: str
    count: int
    at_most: int | None = None
    first: DifferenceRow | None = None


class CaptureReport(Struct, frozen=True):
    """The outcome for one capture, in one direction.

    ``scenario``: the id of the scenario that was run, empty if there is none. ``direction``: from the reference of the
    report to its candidate, or back. ``fails``: why it fails the run, empty
    if it does not. ``state``: whether the two believe in the same objects in the end, null where nothing was read.
    ``compared``: events of notifications that were compared, by protocol; ``dropped``: messages that
    the recording lost. ``losses``: how often an event or a field is lost that the contract gives to the one that is
    left alone, by kind and field; ``lost_events``: of these whole events of notifications. ``known``: what the known
    differences allow, which ``differences``, ``losses`` and ``groups`` do not count; but a known loss is one of its
    class in ``differences``.
    ``frames``, ``messages``: datagrams and messages in the file. ``roles``: datagrams by their part in the
    conversation. ``not_subscribed``: notifications of multicast groups that no implementation joins, by type,
    with the group where the type does not say it.
    ``not_covered``: datagrams of protocols that were not replayed, by protocol. By implementation: ``events``;
    ``answers``, messages of recorded dumps and replies, which are decoded and compared and are no events; ``errors``
    and, by code and attribute, ``problems``; ``lost``, messages that an overrun took; ``unknown`` and, by type,
    ``unknown_types``, messages that give no event. ``differences``: how many, by class; ``groups``: warnings and
    regressions by message and field; ``details``: the first of each class. ``enhancements``: how often the candidate
    alone gave an event or a field that the contract gives to it alone, by kind and field; ``services``: the same of the
    reference, of which ``losses`` is what no known difference allows. ``objects``: how many there are at the end, by
    kind. ``blind``: what of the compared messages is not read by both; ``blind_left_out``: how often something found no
    place in it; ``blind_changes``: changes that show in what neither reads alone. ``unannounced``: objects that changed
    without a notification, ``unannounced_counts`` by kind and change; ``missed``, ``missed_counts``: those of which a
    fault took the notification.
    ``stop``: what ended the replay before the capture ended. ``examples``: of the groups, in their order, the first
    difference with its message and both events; ``timeline``: when there was what. ``time``: of the first and of the
    last datagram, in nanoseconds since 1970-01-01 UTC. ``host``: where it was recorded or listened, as far as that is
    said; ``digest``: SHA-256 of the file of the capture, empty where there is no file.
    """

    path: str
    verdict: Verdict
    reason: str
    scenario: str = ""
    direction: Direction = "migrate"
    fails: str = ""
    state: Literal["same", "differs"] | None = None
    format: str = ""
    byteorder: str = ""
    kernel: str = ""
    frames: int = 0
    messages: int = 0
    roles: dict[str, int] = {}
    not_subscribed: dict[str, int] = {}
    not_covered: dict[str, int] = {}
    compared: dict[str, int] = {}
    dropped: int = 0
    events: dict[str, int] = {}
    answers: dict[str, int] = {}
    errors: dict[str, int] = {}
    problems: dict[str, dict[str, int]] = {}
    lost: dict[str, int] = {}
    unknown: dict[str, int] = {}
    unknown_types: dict[str, dict[str, int]] = {}
    differences: dict[str, int] = {}
    enhancements: dict[str, int] = {}
    services: dict[str, int] = {}
    losses: dict[str, int] = {}
    lost_events: dict[str, int] = {}
    known: list[KnownUse] = []
    groups: list[DifferenceGroup] = []
    details: list[DifferenceRow] = []
    objects: dict[str, int] = {}
    blind: list[BlindSpot] = []
    blind_left_out: int = 0
    blind_changes: list[BlindChange] = []
    unannounced_counts: dict[str, int] = {}
    unannounced: list[Unannounced] = []
    missed_counts: dict[str, int] = {}
    missed: list[Unannounced] = []
    notes: list[str] = []
    damage: Damage | None = None
    stop: Stop | None = None
    examples: list[Example] = []
    timeline: Timeline | None = None
    time: tuple[int, int] | None = None
    host: str = ""
    digest: str = ""


class Report(Struct, frozen=True):
    """The outcome of one run. ``captures``: one entry for each capture, or one for each direction; ``blind``: what not
    both read in them, added up; ``verdict``: the worst; ``verdicts``: the worst of each direction; ``policy``: what the
    run had to show, and where that is said; ``stale``: numbers of entries of the known differences that allowed
    nothing, ``expired``: of those whose time is over; ``known_digest``: SHA-256 of the file that these numbers are of,
    empty if there was none. ``source``: ``recorded`` or ``live``. ``arguments``: words of the command line that decide
    what a replay finds, without the captures; null where no command finds it again; ``program``: the words that call
    the program that does so, if that is not nlmon. ``host``, ``started``: where and when (UTC, RFC 3339) a live
    comparison began; empty of a replay, whose report depends on the recordings alone."""

    tool: str
    version: str
    reference: str
    candidate: str
    select: str
    captures: list[CaptureReport]
    verdict: Verdict
    verdicts: dict[Direction, Verdict] = {}
    policy: Policy = Policy()
    stale: list[int] = []
    expired: list[int] = []
    known_digest: str = ""
    blind: list[BlindSpot] = []
    source: Literal["recorded", "live"] = "recorded"
    arguments: list[str] | None = None
    program: list[str] = []
    host: str = ""
    started: str = ""


def directions(*, both_ways: bool) -> tuple[Direction, ...]:
    """The directions that are judged, in the order of their reports."""
    return ("migrate", "rollback") if both_ways else ("migrate",)


def in_direction(direction: Direction, names: tuple[str, str]) -> tuple[str, str]:
    """Reference and candidate of a direction; ``names``: those of the move."""
    return names if direction == "migrate" else names[::-1]


def labels(names: tuple[str, str]) -> tuple[str, str]:
    """What reference and candidate are called: by their role, too, where both are the same implementation."""
    return names if names[0] != names[1] else (f"{names[0]} (reference)", f"{names[1]} (candidate)")


def unreadable(
    path: str, error: NlmonError, reason: str, *, both_ways: bool, fails: str = ""
) -> tuple[CaptureReport, ...]:
    """The reports on a capture that could not be read at all, or whose worker was lost, of each direction."""
    damage = Damage(error.code, error.what, error.offset) if isinstance(error, CaptureError) else None
    return tuple(
        CaptureReport(path=path, verdict="error", reason=reason, direction=direction, fails=fails, damage=damage)
        for direction in directions(both_ways=both_ways)
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; of none at all, an error."""
    return min(verdicts, key=WORST_FIRST.index, default="error")


def by_direction(captures: Sequence[CaptureReport]) -> dict[Direction, Verdict]:
    """The worst verdict of each direction that was judged."""
    found: dict[Direction, list[Verdict]] = {}
    for capture in captures:
        found.setdefault(capture.direction, []).append(capture.verdict)
    return {direction: worst(verdicts) for direction, verdicts in found.items()}


def row(difference: Difference) -> DifferenceRow:
    """A difference as a row of a report."""
    names = [name for name in DifferenceRow.__struct_fields__ if name not in {"code", "cls", "severity", "answer"}]
    values = {name: getattr(difference, name) for name in names}
    cls = difference.cls
    return DifferenceRow(code=cls.code, cls=cls.label, severity=cls.severity.value, answer=difference.answer, **values)
