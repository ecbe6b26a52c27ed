"""What both implementations make of a recording with the options of a configuration, whatever is exported of it: the
comparison of ``nlmon replay``.

Exports show events. They do not show what could not be read, what is counted, and what an implementation raises when it
is closed; and of a malformed attribute a line does not say whether its value is one. This comparison knows all of
that.

Rules:
1. Recorded answers are compared, too; what differs in them alone is counted apart, since no monitor exports it.
2. What could not be read is kept by its kind, with the first one as an example.

Not here: what is exported (``dynamic``), and what comes of it (``judging``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct

from nlmon.aside import prints_aside
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.capture import CaptureReader
from nlmon.capture.base import Batch
from nlmon.compare.difference import Difference
from nlmon.compare.known import KnownDifferences
from nlmon.compare.side import Side
from nlmon.engine.notes import lost_while_recording, too_large, truncated
from nlmon.engine.replay import Replay
from nlmon.engine.summary import capture_reports
from nlmon.errors import DecodeError, NlmonError
from nlmon.events import OVERRUN
from nlmon.limits import OTHERS
from nlmon.monitor.plan import Listening
from nlmon.monitor.recorded import shared_options
from nlmon.names.foreign import without_data
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.scenario.configured.lanes import in_lane
from nlmon.transport.base import TransportFactory

__all__ = ["Decoded", "Differing", "Unread", "decode_both"]

# Kinds of what could not be read that are kept of each side.
KINDS_KEPT = 100
# Code and attribute path.
Kind: TypeAlias = tuple[str, str]
# Class, message and field of a difference.
Differing: TypeAlias = tuple[str, str, str]


class Unread(Struct, frozen=True):
    """What could not be read, of one kind: who says so, how often, and the first one in a sentence with its frame."""

    names: tuple[str, ...]
    count: int
    first: str


class Decoded(Struct, frozen=True):
    """What came of a recording: the reports of the move and of the way back, what could not be read, and what the
    recording itself lacks, in sentences; ``types``: protocols and types of messages that gave events,
    ``in_answers``: class, message and field of what differs in recorded answers alone, and ``unresolved``: generic
    families that the configuration asks for and the recording does not name."""

    reports: tuple[CaptureReport, ...]
    unread: tuple[Unread, ...]
    lacking: tuple[str, ...]
    types: frozenset[tuple[int, int]]
    in_answers: frozenset[Differing]
    unresolved: frozenset[str]


class _Given:
    """Counts what each of two sides could not read, by its kind. ``types``: protocols and types of messages that gave
    events; what differs, in recorded ``answers`` and in ``others``."""

    def __init__(self) -> None:
        self.answers: set[Differing] = set()
        self.others: set[Differing] = set()
        self.types: set[tuple[int, int]] = set()
        self.counts: tuple[dict[Kind, int], dict[Kind, int]] = {}, {}
        self.first: dict[Kind, str] = {}

    def differs(self, found: Difference) -> None:
        """Note in what a difference is."""
        (self.answers if found.answer else self.others).add((found.cls.label, found.message, found.field))

    def take(self, number: int, side: Side) -> None:
        """Note what a side gave of a datagram, and count what it could not read."""
        self.types.update((event.protocol, event.msg_type) for event in side.events if event.type != OVERRUN)
        for error in side.errors:
            kind = _kind(error)
            counts = self.counts[number]
            if kind not in self.first:
                if len(self.first) >= KINDS_KEPT:
                    kind = OTHERS, ""
                self.first.setdefault(kind, without_data(str(error)))
            counts[kind] = counts.get(kind, 0) + 1

    def unread(self, names: Sequence[str]) -> Iterator[Unread]:
        """What was counted, in the order in which it came."""
        for kind, first in self.first.items():
            before, after = (counts.get(kind, 0) for counts in self.counts)
            if both := min(before, after):
                yield Unread(tuple(names), both, first)
            if before != after:
                yield Unread((names[before < after],), abs(before - after), first)


def decode_both(
    reader: CaptureReader, batches: Iterable[Batch], path: str, listening: tuple[Listening, Listening]
) -> Decoded:
    """What both sides make of the batches of an open recording, each with what its monitor would listen to. ``path``:
    as the reports name it. Raises ``PlatformError`` where an implementation cannot be made."""
    found = _Given()
    with prints_aside():
        replay = Replay(
            *(partial(_made, one) for one in listening),
            byteorder=reader.info.byteorder,
            protocols=listening[0].protocols,
            options=shared_options([one.options for one in listening]),
            known=(KnownDifferences(), KnownDifferences()),
            on_side=found.take,
            on_difference=found.differs,
            on_reverse=found.differs,
        )
        for batch in batches:
            replay.add(batch)
        replay.finish()
        reports = capture_reports(replay, reader, path, Policy(min_events=1))
    cut = sum(replay.feed.tally.truncated[protocol] for protocol in replay.feed.protocols)
    lacking = {lost_while_recording: reader.dropped, truncated: cut, too_large: reader.too_large}
    return Decoded(
        reports,
        tuple(found.unread([one.implementation for one in listening])),
        tuple(text(count) for text, count in lacking.items() if count),
        frozenset(found.types),
        frozenset(found.answers - found.others),
        frozenset(name for lane in replay.lanes for name in lane.guarded.unresolved),
    )


def _made(listening: Listening, factory: TransportFactory, _: BackendOptions) -> Backend:
    """An implementation with its own options, and not those that the recording is played for."""
    name = listening.implementation
    return in_lane(name, name, name, factory, listening.options)


def _kind(error: NlmonError) -> Kind:
    return error.code, error.path if isinstance(error, DecodeError) else ""
