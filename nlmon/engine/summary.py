"""The outcome of a replay: verdict, counts, notes, as the values of a report.

Rules:
1. A regression outweighs damage: what was found before it stands. A family that was asked for and that the recording
   does not name outweighs both, since the question was wrong.
2. A note says what a person must know to read the verdict; it never changes it.

Not here: the replay itself (``replay``), printing (``nlmon.report``).
"""

from __future__ import annotations

from nlmon.capture import CaptureReader
from nlmon.compare.difference import Class
from nlmon.engine.replay import Replay
from nlmon.names import PROTOCOLS
from nlmon.report.model import CaptureReport, Damage, DifferenceGroup, Unannounced, Verdict, row

__all__ = ["capture_report"]


def capture_report(replay: Replay, reader: CaptureReader, path: str) -> CaptureReport:
    """The report on a replay that has come to its end."""
    totals = replay.judge.totals()
    damage = reader.damage
    verdict, reason = _verdict(replay, damaged=damage is not None)
    labels = [lane.name for lane in replay.lanes]
    if labels[0] == labels[1]:
        labels = [f"{labels[0]} (reference)", f"{labels[1]} (candidate)"]

    def per_lane(what: str) -> dict[str, int]:
        return {label: lane.counts[what] for label, lane in zip(labels, replay.lanes, strict=True)}

    tally, state = replay.feed.tally, replay.states.unannounced()
    return CaptureReport(
        path=path,
        format=reader.info.format,
        byteorder=replay.feed.byteorder,
        kernel=reader.info.metadata.get("kernel", ""),
        frames=tally.frames,
        messages=tally.messages,
        roles={role.word: count for role, count in tally.roles.items()},
        not_subscribed=dict(sorted(replay.not_subscribed.items())),
        not_covered=_not_covered(replay),
        events=per_lane("events"),
        answers=per_lane("seeds"),
        errors=per_lane("errors"),
        problems={label: dict(sorted(lane.problems.items())) for label, lane in zip(labels, replay.lanes, strict=True)},
        lost={label: lane.ledger.lost for label, lane in zip(labels, replay.lanes, strict=True)},
        unknown={label: lane.unknown.total() for label, lane in zip(labels, replay.lanes, strict=True)},
        unknown_types={
            label: dict(sorted(lane.unknown.items())) for label, lane in zip(labels, replay.lanes, strict=True)
        },
        differences={cls.label: count for cls, count in totals.items()},
        fields=dict(sorted((replay.judge.enhancements + replay.judge.services).items())),
        groups=[
            DifferenceGroup(g.cls.label, g.cls.severity.value, g.message, g.field, g.count, row(g.first))
            for g in replay.judge.groups
        ],
        details=[row(difference) for difference in replay.judge.details],
        state="differs" if totals.get(Class.STATE) else "same",
        objects=replay.states.objects(),
        unannounced_counts={f"{kind} {change}": n for (kind, change), n in sorted(state.unannounced_counts.items())},
        unannounced=[
            Unannounced(found.kind, found.change, found.object, found.frame, found.reason, found.fields)
            for found in state.unannounced
        ],
        notes=_notes(replay, reader),
        damage=None if damage is None else Damage(damage.code, damage.what, damage.offset),
        verdict=verdict,
        reason=reason,
    )


def _verdict(replay: Replay, *, damaged: bool) -> tuple[Verdict, str]:
    unresolved = sorted({name for lane in replay.lanes for name in lane.backend.unresolved()})
    if unresolved and replay.feed.generic:
        there = ", ".join(sorted(replay.feed.kernel.families)) or "none"
        return "error", f"Failed to resolve family {unresolved[0]!r}: families in this recording: {there}"
    bad = [cls for cls in replay.judge.counts if cls.severity in replay.grave]
    if bad:
        return "regression", ", ".join(f"{replay.judge.counts[cls]} {cls.label}" for cls in bad)
    if damaged:
        agrees = "what could be read before the damage agrees" if replay.feed.tally.frames else "nothing could be read"
        return "error", f"the capture is damaged; {agrees}"
    if not any(lane.counts["events"] or lane.counts["seeds"] for lane in replay.lanes):
        return "error", "nothing to compare: no message of the protocols gives an event"
    return "equivalent", ""


def _notes(replay: Replay, reader: CaptureReader) -> list[str]:
    notes, tally = [note for lane in replay.lanes for note in lane.ledger.notes(lane.name)], replay.feed.tally
    notes += [
        f"the resync of {lane.name} after its last loss had not ended when the recording did"
        for lane in replay.lanes
        if replay.recovering(lane)
    ]
    notes += [f"the fault {fault} lost no message" for fault in replay.lanes[1].factory.faults.untouched]
    if not replay.compared:
        notes.append("no notification is of a multicast group that is joined; only recorded answers were compared")
    for protocol in sorted(replay.feed.protocols):
        alone = [lane for lane in replay.lanes if lane.supports(protocol)]
        status = alone[0].backend.status().protocols.get(protocol) if len(alone) == 1 else None
        if status is not None and (events := status.events):
            name = PROTOCOLS.get(protocol, str(protocol))
            notes.append(
                f"only {alone[0].name} reads {name}: its {events:,} events are checked against the bytes of the "
                "messages"
            )
    if tally.copied(replay.feed.protocols):
        repeats, notifications = (
            sum(counts[protocol] for protocol in replay.feed.protocols)
            for counts in (tally.repeats, tally.notifications)
        )
        notes.append(
            f"{repeats} of {notifications} notifications repeat the one before them; "
            "an nlmon device records a notification once per socket that receives it"
        )
    if replay.dumps.interrupted:
        notes.append(
            f"{replay.dumps.interrupted} recorded dumps were interrupted or incomplete, and do not check the state"
        )
    if tally.cut:
        notes.append(f"{tally.cut} packets are truncated (snap length); what was cut off is not compared")
    if reader.dropped:
        notes.append(f"{reader.dropped:,} messages were lost while recording and cannot be compared")
    if reader.skipped:
        notes.append(f"{reader.skipped} packets of other link types were skipped")
    return notes


def _not_covered(replay: Replay) -> dict[str, int]:
    """Frames of protocols that are not compared, by the name of the protocol."""
    found = {
        PROTOCOLS.get(protocol, str(protocol)): count
        for protocol, count in replay.feed.tally.protocols.items()
        if protocol not in replay.feed.protocols
    }
    return dict(sorted(found.items()))
