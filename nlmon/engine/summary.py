"""The outcome of a comparison: verdict, counts, notes, as the values of a report.

Rules:
1. One report for each direction that was judged; all that does not depend on the direction is the same in both.
2. A note says what a person must know to read the verdict; it never changes it.

Not here: the comparison itself (``replay``, ``live``), the verdict (``verdict``), notes (``notes``), printing
(``nlmon.report``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nlmon.capture import CaptureReader
from nlmon.capture.segment import Role
from nlmon.capture.tally import FURTHER, Tally, why_unread
from nlmon.compare.difference import Class
from nlmon.compare.directions import BothDirections
from nlmon.compare.judge import Judge
from nlmon.engine.coverage.rows import blind_rows
from nlmon.engine.lane import Lane
from nlmon.engine.losses import Ledger
from nlmon.engine.notes import (
    is_control,
    live_notes,
    lost_while_recording,
    not_compared,
    replay_notes,
    too_large,
    truncated,
    why_nothing,
)
from nlmon.engine.replay import Replay
from nlmon.engine.verdict import compared_by_name, cut_short, give_verdict, losses_of, not_known, thin_evidence
from nlmon.limits import OTHERS
from nlmon.names import PROTOCOLS
from nlmon.report.evidence import examples_of
from nlmon.report.model import (
    CaptureReport,
    Damage,
    DifferenceGroup,
    Direction,
    KnownUse,
    Stop,
    Unannounced,
    labels,
    row,
)
from nlmon.report.policy import Policy
from nlmon.report.text import counted
from nlmon.state.tables import State
from nlmon.uapi import NETLINK_GENERIC

if TYPE_CHECKING:  # a replay does without them
    from nlmon.engine.live import Live
    from nlmon.engine.live_lane import LiveLane

__all__ = ["capture_reports", "live_reports"]


# Families that are named where the one that was asked for is not there.
FAMILIES_SHOWN = 50


class _View(NamedTuple):
    """A comparison seen in one direction; ``lanes``: the reference first."""

    direction: Direction
    judge: Judge
    lanes: tuple[Lane, Lane]


def _views(comparison: Replay | Live) -> Iterator[_View]:
    """The directions that a comparison was judged in."""
    reference, candidate = comparison.lanes
    judge = comparison.judge
    if isinstance(judge, BothDirections):
        yield _View("migrate", judge.forward, (reference, candidate))
        yield _View("rollback", judge.back, (candidate, reference))
    else:
        yield _View("migrate", judge, (reference, candidate))


def capture_reports(
    replay: Replay,
    reader: CaptureReader,
    path: str,
    policy: Policy | None = None,
    *,
    control: bool = False,
    stop: Stop | None = None,
) -> tuple[CaptureReport, ...]:
    """The reports on a replay that has come to its end, one for each direction. ``control``: an implementation is
    compared with itself on purpose; ``stop``: what ended the replay before the capture ended."""
    policy = policy or Policy()
    damage, dropped = reader.damage, reader.dropped
    cut = sum(replay.feed.tally.truncated[protocol] for protocol in replay.feed.protocols)
    large = reader.too_large
    uncompared = {lost_while_recording(dropped): dropped, truncated(cut): cut, too_large(large): large}
    thin = [
        *cut_short(stop),
        *not_known(replay.kernel, replay.lanes),
        *_no_move(replay, control),
        *_kernel_unknown(replay, reader),
        *(f"the fault {fault} took nothing" for fault in replay.feed.untouched),
        *thin_evidence(replay.compared, why_nothing(replay), uncompared, policy),
    ]
    unread = ""
    if damage is not None:
        agrees = "what could be read before the damage agrees" if replay.feed.tally.frames else "nothing could be read"
        unread = f"the capture is damaged; {agrees}"
    elif not any(lane.counts["events"] or lane.counts["answers"] for lane in replay.lanes):
        unread = why_unread(reader.info, replay.feed.tally)
    wrong, notes = _unresolved(replay), replay_notes(replay, reader)
    digest = reader.digest() if stop is None else ""
    return tuple(
        CaptureReport(
            path=path,
            format=reader.info.format,
            kernel=reader.kernel,
            dropped=dropped,
            notes=notes,
            damage=None if damage is None else Damage(damage.code, damage.what, damage.offset),
            stop=stop,
            host=reader.host,
            digest=digest,
            **_judged(view, policy, failed=_failed(replay.lanes), wrong=wrong, unread=unread, thin=thin),
            **_found(replay, view, replay.feed.tally, replay.feed.protocols),
        )
        for view in _views(replay)
    )


def live_reports(
    live: Live, path: str, *, kernel: str, host: str = "", policy: Policy | None = None, control: bool = False
) -> tuple[CaptureReport, ...]:
    """The reports on a comparison on the running kernel that is over, one for each direction; ``path``, ``kernel`` and
    ``host`` say where that was. ``control``: an implementation is compared with itself on purpose."""
    policy = policy or Policy()
    none = (
        "no notification was of a type that is read" if live.tally.roles[Role.NOTIFICATION] else "no notification came"
    )
    thin = [*_no_move(live, control), *_unread(live, policy)]
    thin += thin_evidence(live.compared, none, _uncompared(live), policy)
    notes = live_notes(live)
    return tuple(
        CaptureReport(
            path=path,
            format="live",
            kernel=kernel,
            host=host,
            notes=notes,
            **_judged(view, policy, failed=_failed(live.lanes), wrong="", unread="", thin=thin),
            **_found(live, view, live.tally, set(live.tally.protocols)),
        )
        for view in _views(live)
    )


def _failed(lanes: Iterable[Lane]) -> str:
    """How programs failed that stand for implementations; each is named once."""
    return "; ".join(dict.fromkeys(str(one.problems.failure) for one in lanes if one.problems.failure is not None))


def _judged(view: _View, policy: Policy, *, failed: str, wrong: str, unread: str, thin: list[str]) -> dict[str, Any]:
    """The verdict of one direction, and what it rests on."""
    known, losses = view.judge.known, losses_of(view.judge)
    verdict, reason, fails = give_verdict(
        view.judge, losses, policy, failed=failed, wrong=wrong, unread=unread, thin=thin
    )
    counts = known.counts + losses.allowed
    return {
        "direction": view.direction,
        "verdict": verdict,
        "reason": reason,
        "fails": fails,
        "losses": dict(sorted(losses.all.items())),
        "lost_events": dict(sorted(losses.events.items())),
        "known": [
            KnownUse(
                entry=number,
                code=entry.code,
                message=entry.message,
                field=entry.field,
                reason=entry.reason,
                owner=entry.owner,
                issue=entry.issue,
                expires="" if entry.expires is None else entry.expires.isoformat(),
                count=counts[number],
                at_most=entry.at_most,
                first=row(known.first[number]) if number in known.first else None,
            )
            for number, entry in known.entries
            if counts[number]
        ],
    }


def _found(comparison: Replay | Live, view: _View, tally: Tally, protocols: Collection[int]) -> dict[str, Any]:
    """What every report says of two lanes and of what they were given; ``protocols``: those that were compared."""
    judge, lanes, names = view.judge, view.lanes, _labels(view.lanes)
    judge.settle()
    totals, states = judge.totals(), comparison.states
    read = any(lane.counts["events"] or lane.counts["answers"] for lane in lanes)
    compared = read and comparison.where is None
    allowed = any(difference.cls is Class.STATE for difference in judge.known.first.values())

    def per_lane(what: str) -> dict[str, int]:
        return {label: lane.counts[what] for label, lane in zip(names, lanes, strict=True)}

    return {
        "byteorder": comparison.kernel.byteorder,
        "frames": tally.frames,
        "messages": tally.messages,
        "roles": {role.value: count for role, count in tally.roles.items()},
        "not_subscribed": dict(sorted(comparison.not_subscribed.items())),
        "not_covered": _not_covered(tally, protocols),
        "compared": compared_by_name(comparison.compared),
        "events": per_lane("events"),
        "answers": per_lane("answers"),
        "errors": per_lane("errors"),
        "problems": {label: dict(sorted(lane.problems.items())) for label, lane in zip(names, lanes, strict=True)},
        "lost": {label: lane.ledger.lost for label, lane in zip(names, lanes, strict=True)},
        "unknown": {label: lane.unknown.total() for label, lane in zip(names, lanes, strict=True)},
        "unknown_types": {label: dict(sorted(lane.unknown.items())) for label, lane in zip(names, lanes, strict=True)},
        "differences": {cls.label: count for cls, count in totals.items()},
        "enhancements": dict(sorted((+judge.enhancements).items())),
        "services": dict(sorted((+judge.services).items())),
        "groups": [
            DifferenceGroup(g.cls.label, g.cls.severity.value, g.message, g.field, g.count, row(g.first))
            for g in judge.groups
        ],
        "details": [row(difference) for difference in judge.details],
        "examples": examples_of(judge.groups),
        **_when(comparison, view),
        "state": "differs" if totals.get(Class.STATE) or allowed else "same" if compared else None,
        "objects": states.objects(comparison.lanes.index(lanes[1])),
        **blind_rows(*comparison.blind, _labels(comparison.lanes)),
        **_brought_to_light("unannounced", states.unannounced()),
        **_brought_to_light("missed", states.lost),
    }


def _when(comparison: Replay | Live, view: _View) -> dict[str, Any]:
    """When there was what, and from when until when."""
    timeline = comparison.timeline
    labels = [(name, comparison.lanes.index(lane)) for name, lane in zip(_labels(view.lanes), view.lanes, strict=True)]
    found = timeline.report(("migrate", "rollback").index(view.direction), labels)
    return {"timeline": found, "time": found and (timeline.first_time, timeline.last_time)}


def _brought_to_light(name: str, state: State) -> dict[str, Any]:
    """What dumps and the ends of links brought to light in a state, and how much of each kind, under ``name``."""
    return {
        f"{name}_counts": {f"{kind} {change}": n for (kind, change), n in sorted(state.unannounced_counts.items())},
        name: [
            Unannounced(found.kind, found.change, found.object, found.frame, found.reason, found.fields)
            for found in state.unannounced
        ],
    }


def _not_covered(tally: Tally, protocols: Collection[int]) -> dict[str, int]:
    """Frames of protocols that are not compared, by the name of the protocol."""
    found = {
        OTHERS if protocol == FURTHER else PROTOCOLS.get(protocol, str(protocol)): count
        for protocol, count in tally.protocols.items()
        if protocol not in protocols
    }
    return dict(sorted(found.items()))


def _labels(lanes: Sequence[Lane]) -> tuple[str, str]:
    reference, candidate = lanes
    return labels((reference.name, candidate.name))


def _kernel_unknown(replay: Replay, reader: CaptureReader) -> Iterator[str]:
    """Why a known difference should not have been allowed: it is of some kernels, and there were several."""
    judges = [view.judge for view in _views(replay)] if reader.mixed_kernels else ()
    used = [(judge.known.entries, judge.known.counts + losses_of(judge).allowed) for judge in judges]
    if any(entry.kernel and counts[number] for entries, counts in used for number, entry in entries):
        yield "known differences of some kernels are allowed, and sections are of several kernels"


def _unresolved(replay: Replay) -> str:
    """The family that was asked for and that the recording does not name."""
    unresolved = sorted({name for lane in replay.lanes for name in lane.guarded.unresolved})
    if not unresolved or NETLINK_GENERIC not in replay.feed.protocols:
        return ""
    families = sorted(replay.feed.kernel.families)
    there = ", ".join(families[:FAMILIES_SHOWN]) or "none"
    if len(families) > FAMILIES_SHOWN:
        there += f" and {len(families) - FAMILIES_SHOWN:,} more"
    return f"Failed to resolve family {unresolved[0]!r}: families in this recording: {there}"


def _no_move(comparison: Replay | Live, control: bool) -> Iterator[str]:
    """Why there is no evidence about a move: both are the same implementation, and nobody said that it is meant."""
    if is_control(comparison) and not control:
        yield f"{comparison.lanes[1].name} is compared with itself, which says nothing about a move"


# -- on the running kernel -------------------------------------------------------------------------------------


def _unread(live: Live, policy: Policy) -> list[str]:
    """Why one of the two did not receive everything that happened."""
    labels = list(zip(_labels(live.lanes), live.lanes, strict=True))
    why = [f"{label} lost {_lost(lane.ledger)}" for label, lane in labels if _is_too_lossy(lane, policy)]
    return why + [f"{label} could read no more: {what}" for label, lane in labels for what in lane.failed.values()]


def _uncompared(live: Live) -> dict[str, int]:
    """What both may have received and nobody compared, though no loss says why."""
    given_up = sum(one.given_up for one in live.unmatched.unpaired)
    found = {f"{counted(given_up, 'datagram')} waited for the other one for too long": given_up}
    return found | {not_compared(why, count): count for why, count in sorted(live.unmatched.uncompared.items())}


def _is_too_lossy(lane: LiveLane, policy: Policy) -> bool:
    """Whether a lane lost more than may be; how many an overrun took is not always known."""
    had, ledger = lane.had, lane.ledger
    lost, overruns = ledger.lost - had.lost, ledger.overruns - had.reported
    if (had.lost or had.reported) and lost <= 0 and overruns <= 0:
        return False  # no more than faults took
    return lane.lossy and not 0 < lost <= policy.max_lost


def _lost(ledger: Ledger) -> str:
    return counted(ledger.lost, "message") if ledger.lost else "an unknown number of messages"
