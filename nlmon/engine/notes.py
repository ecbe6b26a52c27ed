"""Notes of a report: what a person must know to read a verdict, and does not change it.

Rules:
1. A note is one line. Where it is also why there is no verdict, both have the same words.

Not here: the verdict (``verdict``), the values of a report (``summary``), printing (``nlmon.report``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nlmon.capture import CaptureReader
from nlmon.capture.segment import Role
from nlmon.compare.directions import BothDirections
from nlmon.engine.coverage.rows import unseen_notes
from nlmon.engine.recorded import RecordedLane
from nlmon.engine.replay import Replay
from nlmon.engine.verdict import not_known
from nlmon.names import PROTOCOLS
from nlmon.objects.keys import IDENTIFYING
from nlmon.report.model import labels
from nlmon.report.text import counted

if TYPE_CHECKING:  # a replay does without them
    from nlmon.engine.live import Live
    from nlmon.engine.live_lane import LiveLane

__all__ = [
    "is_control",
    "live_notes",
    "lost_while_recording",
    "not_compared",
    "replay_notes",
    "too_large",
    "truncated",
    "why_nothing",
]


def replay_notes(replay: Replay, reader: CaptureReader) -> list[str]:
    """What is said of a replay beside its verdict."""
    notes, tally = [*_where(replay), *reader.notes], replay.feed.tally
    notes += [note for lane in replay.lanes for note in lane.ledger.notes(lane.name)]
    notes += [
        f"the resync of {lane.name} after its last loss had not ended when the recording did"
        for lane in replay.lanes
        if replay.recovering(lane)
    ]
    notes += [note for lane in replay.lanes for note in _lost_sockets(lane)]
    notes += _damaged_by_kernel(replay)
    notes += replay.feed.fault_notes()
    if not replay.compared.total() and any(lane.counts["answers"] for lane in replay.lanes):
        notes.append(f"{why_nothing(replay)}; only recorded answers were compared")
    notes += _unseen(replay)
    notes += _without_bytes(replay)
    notes += _read_by_one(replay, replay.feed.protocols)
    notes += _unanswered(replay)
    notes += _absent(replay)
    notes += _without_state(replay)
    notes += [note for lane in replay.lanes for note in lane.guarded.notes]
    if tally.copied(replay.feed.protocols):
        repeats, notifications = (
            sum(counts[protocol] for protocol in replay.feed.protocols)
            for counts in (tally.repeats, tally.notifications)
        )
        notes.append(
            f"{repeats:,} of {notifications:,} notifications repeat the one before them; "
            "an nlmon device records a notification once per socket that receives it"
        )
    if replay.dumps.interrupted:
        were = counted(replay.dumps.interrupted, "recorded dump was", "recorded dumps were")
        do = "does" if replay.dumps.interrupted == 1 else "do"
        notes.append(f"{were} interrupted or incomplete, and {do} not check the state")
    if tally.truncated:
        notes.append(f"{truncated(tally.truncated.total())}; what is missing of them is not compared")
    if reader.dropped:
        notes.append(f"{lost_while_recording(reader.dropped)} and cannot be compared")
    notes += not_known(replay.kernel)
    if reader.skipped:
        were = counted(reader.skipped, "packet that is no netlink was", "packets that are no netlink were")
        notes.append(f"{were} skipped")
    return notes


def live_notes(live: Live) -> list[str]:
    """What is said of a comparison on the running kernel beside its verdict."""
    notes = [note for lane in live.lanes for note in lane.ledger.notes(lane.name)] + live.notes
    notes += [note for lane in live.lanes for note in _lost_sockets(lane)]
    notes += _damaged_by_kernel(live)
    notes += not_known(live.kernel)
    notes += _unseen(live)
    notes += _read_by_one(live, {protocol for lane in live.lanes for protocol in lane.guarded.protocols})
    notes += _unanswered(live)
    notes += _absent(live)
    notes += _without_state(live)
    if live.programs:
        notes.append("answers to dumps are not compared: a program that runs beside is given others")
    notes += [note for lane in live.lanes for note in lane.guarded.notes]
    outside = sum(one.outside for one in live.unmatched.unpaired)
    if outside:
        are = counted(
            outside, "notification at the begin or the end reached", "notifications at the begin or the end reached"
        )
        notes.append(f"{are} one of them alone and {'is' if outside == 1 else 'are'} not judged")
    uncompared = {**live.unmatched.uncompared, **live.unmatched.unread}
    return notes + [not_compared(why, count) for why, count in sorted(uncompared.items())]


def _where(replay: Replay) -> Iterator[str]:
    """Notes on the filter of a replay."""
    if replay.where is not None:
        left, right = replay.lanes
        yield from replay.where.notes(labels((left.name, right.name)))


def _without_bytes(replay: Replay) -> Iterator[str]:
    """Notes on what a log says nothing of."""
    roles = replay.feed.tally.roles
    if not replay.feed.answers and (roles[Role.DUMP] or roles[Role.REPLY]):
        yield "recorded answers are not compared: a log says nothing of them"


def _lost_sockets(lane: RecordedLane | LiveLane) -> Iterator[str]:
    """Notes on the protocols that a lane reads no more, since a fault took its sockets."""
    for frame in sorted(set(lane.lost_sockets.values())):
        protocols = sorted(protocol for protocol, lost in lane.lost_sockets.items() if lost == frame)
        names = ", ".join(PROTOCOLS.get(protocol, str(protocol)) for protocol in protocols)
        yield f"{lane.name} lost its {'socket' if len(protocols) == 1 else 'sockets'} of {names} at frame {frame}"


def _unanswered(comparison: Replay | Live) -> Iterator[str]:
    """Notes on datagrams of which a program that failed said nothing."""
    for lane in comparison.lanes:
        if count := lane.counts["unanswered"]:
            yield f"{lane.name} left {counted(count, 'datagram')} without an answer; they are not compared"


def _damaged_by_kernel(comparison: Replay | Live) -> Iterator[str]:
    """A note on messages in which a list is longer than the kernel can say."""
    problems = next((lane.problems for lane in comparison.lanes if lane.problems.wrapped is not None), None)
    if problems is not None and problems.wrapped is not None:
        first = problems.wrapped
        count = sum(number for kind, number in problems.items() if kind.startswith(first.code))
        were = counted(count, "message was", "messages were")
        yield (
            f"{were} damaged by the kernel, which counts the bytes of a list in 16 bits: first {first.path} at "
            f"offset {first.offset:#x} of frame {first.frame} [{first.code}]"
        )


def _unseen(comparison: Replay | Live) -> Iterator[str]:
    """Notes on what cannot be seen: where both are the same implementation, and in messages themselves."""
    if is_control(comparison):
        yield f"{comparison.lanes[1].name} is compared with itself; a mistake that it makes on both sides cannot show"
    yield from unseen_notes(comparison.blind.coverage)


def _read_by_one(comparison: Replay | Live, protocols: Iterable[int]) -> Iterator[str]:
    """Notes on protocols that one of the two reads alone."""
    for protocol in sorted(protocols):
        readers = [lane for lane in comparison.lanes if lane.supports(protocol)]
        events = readers[0].heard.events[protocol] if len(readers) == 1 else 0
        if events:
            name = PROTOCOLS.get(protocol, str(protocol))
            its = "its one event is" if events == 1 else f"its {events:,} events are"
            checked = f"{its} checked against the bytes of the messages"
            yield f"only {readers[0].name} reads {name}: {checked}"


def is_control(comparison: Replay | Live) -> bool:
    """Whether an implementation is compared with itself."""
    reference, candidate = comparison.lanes
    return reference.guarded.identity == candidate.guarded.identity


def why_nothing(replay: Replay) -> str:
    """Why no notification was compared."""
    if not any(replay.feed.tally.notifications[protocol] for protocol in replay.feed.protocols):
        return "no notification of these protocols was recorded"
    if any(lane.lossy for lane in replay.lanes):
        return "every notification was lost"
    if replay.where is not None and any(lane.counts["events"] for lane in replay.lanes):
        return "the filter matches no event of a notification"
    if not replay.not_subscribed and not any(lane.unknown for lane in replay.lanes):
        cut = any(replay.feed.tally.truncated[protocol] for protocol in replay.feed.protocols)
        if cut or any(lane.counts["errors"] for lane in replay.lanes):
            return "no notification could be read"
    if not replay.not_subscribed:
        return "no notification is of a type that is read"
    return "no notification is of a multicast group that is joined"


def too_large(count: int) -> str:
    """How many datagrams are too large, for people."""
    return f"{counted(count, 'datagram is', 'datagrams are')} too large and not read"


def truncated(count: int) -> str:
    """How many packets are truncated, for people."""
    return f"{counted(count, 'packet is', 'packets are')} truncated (snap length)"


def lost_while_recording(count: int) -> str:
    """How many messages a recording lost, for people."""
    return f"{counted(count, 'message was', 'messages were')} lost while recording"


def not_compared(why: str, count: int) -> str:
    """How many notifications were not compared, and why, for people."""
    return f"{counted(count, 'notification was', 'notifications were')} not compared: {why}"


def _without_state(comparison: Replay | Live) -> Iterator[str]:
    """Objects of which one of the two gives events, and not all that tells them apart."""
    found = [(lane.name, lane.guarded.statement.cannot_identify()) for lane in comparison.lanes]
    for kind in IDENTIFYING:
        for name, kinds in found:
            if kind in kinds:
                lacking = ", ".join(kinds[kind]) or "all of a next hop"
                yield f"no state of objects of the kind {kind} was compared: {name} does not provide {lacking}"


def _absent(comparison: Replay | Live) -> Iterator[str]:
    """What stands for "not in the message" because an implementation says so, by kind and field."""
    judge = comparison.judge
    found = judge.forward.absent if isinstance(judge, BothDirections) else judge.absent
    who = " and ".join(lane.name for lane in comparison.lanes if lane.guarded.statement.absent)
    if found:
        counts = ", ".join(f"{place} {count:,}" for place, count in sorted(found.items()))
        yield f"{who} gives declared values for what is not in the message: {counts}"
