"""The outcome of a comparison: verdict, counts, notes, as the values of a report.

Rules:
1. A regression outweighs damage and losses: what was found before it stands. A family that was asked for and that the
   recording does not name outweighs both, since the question was wrong.
2. A note says what a person must know to read the verdict; it never changes it.

Not here: the comparison itself (``replay``, ``live``), printing (``nlmon.report``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from nlmon.capture import CaptureReader
from nlmon.capture.tally import Tally, wrong_order
from nlmon.compare.difference import Class
from nlmon.engine.live import Live
from nlmon.engine.losses import Ledger
from nlmon.engine.replay import Replay
from nlmon.names import PROTOCOLS
from nlmon.report.model import CaptureReport, Damage, DifferenceGroup, Unannounced, Verdict, row
from nlmon.report.text import counted

__all__ = ["capture_report", "live_report"]


def capture_report(replay: Replay, reader: CaptureReader, path: str) -> CaptureReport:
    """The report on a replay that has come to its end."""
    damage = reader.damage
    verdict, reason = _verdict(replay, reader)
    return CaptureReport(
        path=path,
        format=reader.info.format,
        kernel=reader.info.metadata.get("kernel", ""),
        notes=_notes(replay, reader),
        damage=None if damage is None else Damage(damage.code, damage.what, damage.offset),
        verdict=verdict,
        reason=reason,
        **_found(replay, replay.feed.tally, replay.feed.protocols),
    )


def live_report(live: Live, path: str, *, kernel: str) -> CaptureReport:
    """The report on a comparison on the running kernel that is over; ``path`` says where that was."""
    verdict, reason = _live_verdict(live)
    return CaptureReport(
        path=path,
        format="live",
        kernel=kernel,
        notes=_live_notes(live),
        verdict=verdict,
        reason=reason,
        **_found(live, live.tally, set(live.tally.protocols)),
    )


def _found(comparison: Replay | Live, tally: Tally, protocols: Collection[int]) -> dict[str, Any]:
    """What every report says of two lanes and of what they were given; ``protocols``: those that were compared."""
    totals, lanes, labels = comparison.judge.totals(), comparison.lanes, _labels(comparison)
    state = comparison.states.unannounced()

    def per_lane(what: str) -> dict[str, int]:
        return {label: lane.counts[what] for label, lane in zip(labels, lanes, strict=True)}

    return {
        "byteorder": comparison.kernel.byteorder,
        "frames": tally.frames,
        "messages": tally.messages,
        "roles": {role.value: count for role, count in tally.roles.items()},
        "not_subscribed": dict(sorted(comparison.not_subscribed.items())),
        "not_covered": _not_covered(tally, protocols),
        "events": per_lane("events"),
        "answers": per_lane("seeds"),
        "errors": per_lane("errors"),
        "problems": {label: dict(sorted(lane.problems.items())) for label, lane in zip(labels, lanes, strict=True)},
        "lost": {label: lane.ledger.lost for label, lane in zip(labels, lanes, strict=True)},
        "unknown": {label: lane.unknown.total() for label, lane in zip(labels, lanes, strict=True)},
        "unknown_types": {label: dict(sorted(lane.unknown.items())) for label, lane in zip(labels, lanes, strict=True)},
        "differences": {cls.label: count for cls, count in totals.items()},
        "fields": dict(sorted((comparison.judge.enhancements + comparison.judge.services).items())),
        "groups": [
            DifferenceGroup(g.cls.label, g.cls.severity.value, g.message, g.field, g.count, row(g.first))
            for g in comparison.judge.groups
        ],
        "details": [row(difference) for difference in comparison.judge.details],
        "state": "differs" if totals.get(Class.STATE) else "same",
        "objects": comparison.states.objects(),
        "unannounced_counts": {f"{kind} {change}": n for (kind, change), n in sorted(state.unannounced_counts.items())},
        "unannounced": [
            Unannounced(found.kind, found.change, found.object, found.frame, found.reason, found.fields)
            for found in state.unannounced
        ],
    }


def _not_covered(tally: Tally, protocols: Collection[int]) -> dict[str, int]:
    """Frames of protocols that are not compared, by the name of the protocol."""
    found = {
        PROTOCOLS.get(protocol, str(protocol)): count
        for protocol, count in tally.protocols.items()
        if protocol not in protocols
    }
    return dict(sorted(found.items()))


def _labels(comparison: Replay | Live) -> list[str]:
    """What the two are called in a report: by their role, too, where both are the same implementation."""
    labels = [lane.name for lane in comparison.lanes]
    return labels if labels[0] != labels[1] else [f"{labels[0]} (reference)", f"{labels[1]} (candidate)"]


def _regression(comparison: Replay | Live) -> str:
    """The differences that turn the verdict."""
    counts = comparison.judge.counts
    return ", ".join(f"{counts[cls]} {cls.label}" for cls in counts if cls.severity in comparison.decisive)


def _verdict(replay: Replay, reader: CaptureReader) -> tuple[Verdict, str]:
    unresolved = sorted({name for lane in replay.lanes for name in lane.backend.unresolved()})
    if unresolved and replay.feed.generic:
        there = ", ".join(sorted(replay.feed.kernel.families)) or "none"
        return "error", f"Failed to resolve family {unresolved[0]!r}: families in this recording: {there}"
    if regression := _regression(replay):
        return "regression", regression
    if reader.damage is not None:
        agrees = "what could be read before the damage agrees" if replay.feed.tally.frames else "nothing could be read"
        return "error", f"the capture is damaged; {agrees}"
    if not any(lane.counts["events"] or lane.counts["seeds"] for lane in replay.lanes):
        if replay.feed.tally.unread:
            return "error", wrong_order(reader.info)
        return "error", "nothing to compare: no message of the protocols gives an event"
    return "equivalent", ""


def _notes(replay: Replay, reader: CaptureReader) -> list[str]:
    notes, tally = [note for lane in replay.lanes for note in lane.ledger.notes(lane.name)], replay.feed.tally
    notes += [
        f"the resync of {lane.name} after its last loss had not ended when the recording did"
        for lane in replay.lanes
        if replay.recovering(lane)
    ]
    notes += replay.lanes[1].factory.faults.notes(tally.last_frame)
    if not replay.compared and any(lane.counts["seeds"] for lane in replay.lanes):
        notes.append(f"{_why_answers_alone(replay)}; only recorded answers were compared")
    notes += _itself(replay)
    notes += _alone(replay, replay.feed.protocols)
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
    if tally.cut:
        are = counted(tally.cut, "packet is", "packets are")
        notes.append(f"{are} truncated (snap length); what was cut off is not compared")
    if reader.dropped:
        were = counted(reader.dropped, "message was", "messages were")
        notes.append(f"{were} lost while recording and cannot be compared")
    if reader.skipped:
        were = counted(reader.skipped, "packet of another link type was", "packets of other link types were")
        notes.append(f"{were} skipped")
    return notes


def _why_answers_alone(replay: Replay) -> str:
    """Why no notification was compared."""
    if not any(replay.feed.tally.notifications[protocol] for protocol in replay.feed.protocols):
        return "no notification of these protocols was recorded"
    if any(lane.lossy for lane in replay.lanes):
        return "every notification was lost"
    return "no notification is of a multicast group that is joined"


def _itself(comparison: Replay | Live) -> Iterator[str]:
    """A note where both are the same implementation."""
    reference, candidate = comparison.lanes
    if type(reference.backend) is type(candidate.backend):
        yield f"{candidate.name} is compared with itself; a mistake that it makes on both sides cannot show"


def _alone(comparison: Replay | Live, protocols: Iterable[int]) -> Iterator[str]:
    """Notes on protocols that one of the two reads alone."""
    for protocol in sorted(protocols):
        alone = [lane for lane in comparison.lanes if lane.supports(protocol)]
        status = alone[0].backend.status().protocols.get(protocol) if len(alone) == 1 else None
        if status is not None and (events := status.events):
            name = PROTOCOLS.get(protocol, str(protocol))
            its = "its one event is" if events == 1 else f"its {events:,} events are"
            checked = f"{its} checked against the bytes of the messages"
            yield f"only {alone[0].name} reads {name}: {checked}"


# -- on the running kernel -------------------------------------------------------------------------------------


def _live_verdict(live: Live) -> tuple[Verdict, str]:
    if regression := _regression(live):
        return "regression", regression
    labels = list(zip(_labels(live), live.lanes, strict=True))
    why = [f"{label} lost {_lost(lane.ledger)}" for label, lane in labels if lane.lossy]
    why += [f"{label} could read no more: {what}" for label, lane in labels for what in lane.failed.values()]
    given_up = sum(one.given_up for one in live.unpaired)
    if given_up:
        why.append(f"{given_up:,} datagrams waited for the other one for too long")
    if not live.compared:
        why.append("no notification came")
    return ("inconclusive", "; ".join(why)) if why else ("equivalent", "")


def _lost(ledger: Ledger) -> str:
    return counted(ledger.lost, "message") if ledger.lost else "an unknown number of messages"


def _live_notes(live: Live) -> list[str]:
    notes = [note for lane in live.lanes for note in lane.ledger.notes(lane.name)] + live.notes
    notes += _itself(live)
    notes += _alone(live, {protocol for lane in live.lanes for protocol in lane.backend.groups})
    outside = sum(one.outside for one in live.unpaired)
    if outside:
        are = counted(
            outside, "notification at the begin or the end reached", "notifications at the begin or the end reached"
        )
        notes.append(f"{are} one of them alone and {'is' if outside == 1 else 'are'} not judged")
    for why, count in sorted(live.uncompared.items()):
        notes.append(f"{counted(count, 'notification was', 'notifications were')} not compared: {why}")
    return notes
