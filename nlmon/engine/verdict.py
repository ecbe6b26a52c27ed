"""The verdict on one direction of a comparison, and whether it fails under the policy.

Rules:
1. Where a program of others failed nothing is known of what it would have said: an error. Else what was found stands: a
   regression outweighs everything. Else it is an error where the question was wrong, as with a
   family that the recording does not name, or where not everything could be read; that outweighs thin evidence, and
   that outweighs a loss. What could not be seen is no success.
2. Evidence is compared events of notifications. Recorded dumps say nothing about what a monitor would have received.
3. What the contract gives to the reference alone is lost by the move. That is its price and no mistake: lossy.

Not here: the comparison itself (``replay``, ``live``) and the rest of a report (``summary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from nlmon.compare.difference import Class, Severity
from nlmon.compare.known import KnownDifferences
from nlmon.engine.lane import Lane
from nlmon.names import PROTOCOLS
from nlmon.report.model import Stop, Verdict
from nlmon.report.policy import Policy
from nlmon.report.text import counted
from nlmon.transport.recorded.kernel import RecordedKernel

__all__ = [
    "Judged",
    "Losses",
    "compared_by_name",
    "cut_short",
    "fails",
    "give_verdict",
    "losses_of",
    "not_known",
    "thin_evidence",
]


class Judged(Protocol):
    """What a judge found in one direction; see ``Judge``."""

    @property
    def known(self) -> KnownDifferences:
        """Differences that are allowed."""

    @property
    def counts(self) -> Counter[Class]:
        """How many differences there are of each class."""

    @property
    def enhancements(self) -> Counter[str]:
        """What the candidate alone provided."""

    @property
    def services(self) -> Counter[str]:
        """What the reference alone provided."""

    @property
    def absent(self) -> Counter[str]:
        """Values that stand for what is not in the message."""

    @property
    def lost_events(self) -> Counter[str]:
        """Of these the whole events."""


class Losses(Struct, frozen=True):
    """What a move loses, by kind and field: ``all``; of these ``events``, whole events of notifications; ``allowed``:
    how many each entry of the known differences allows, which are in neither."""

    all: Counter[str]
    events: Counter[str]
    allowed: Counter[int]


def losses_of(judge: Judged) -> Losses:
    """What the move that a judge looked at loses."""
    left, allowed = judge.known.split_losses(+judge.services)
    return Losses(
        left, Counter({kind: min(n, left[kind]) for kind, n in judge.lost_events.items() if kind in left}), allowed
    )


def give_verdict(
    judge: Judged, losses: Losses, policy: Policy, *, failed: str = "", wrong: str, unread: str, thin: list[str]
) -> tuple[Verdict, str, str]:
    """Verdict, the reason for it, and why it fails the run (empty if it does not). ``failed``: how a program did;
    ``wrong``: why the question cannot
    be answered; ``unread``: why not everything could be read; ``thin``: why the evidence is too little."""
    reason = ", ".join(f"{count} {cls.label}" for cls, count in judge.counts.items() if _is_regression(cls))
    verdict: Verdict
    if failed:
        verdict, reason = "error", "; ".join(filter(None, (failed, reason, wrong)))
    elif reason:
        verdict, reason = "regression", "; ".join(filter(None, (reason, wrong)))
    elif wrong or unread:
        verdict, reason = "error", wrong or unread
    elif thin:
        verdict, reason = "inconclusive", "; ".join(thin)
    elif losses.all:
        verdict, reason = "lossy", _what_is_lost(losses)
    else:
        verdict = "equivalent"
    # What a program that failed would have given, nobody knows: it lost nothing for sure.
    why = fails(verdict, judge, losses if not failed else Losses(Counter(), Counter(), losses.allowed), policy)
    return verdict, reason, "; ".join(why)


def _what_is_lost(losses: Losses) -> str:
    """How much of what a move loses; of whole events, which alone fail a run, also that it is none."""
    values = sum(count for name, count in losses.all.items() if "." in name)
    events = losses.events.total()
    answers = losses.all.total() - values - events
    counts = (events, "event"), (answers, "answer"), (values, "value")
    *most, last = (counted(count, word) for count, word in counts if count)
    lost = f"{', '.join(most)} and {last}" if most else last
    return f"{lost} would be lost{', and no event' * (not events)}"


def _is_regression(cls: Class) -> bool:
    return cls.severity is Severity.REGRESSION


def fails(verdict: Verdict, judge: Judged, losses: Losses, policy: Policy) -> Iterator[str]:
    """Why a run fails, the gravest first."""
    if verdict == "regression":
        yield "a regression"
    lost, events = policy.not_allowed(losses.all), policy.not_allowed(losses.events)
    if events:
        yield "whole events would be lost: " + ", ".join(f"{kind} {n:,}" for kind, n in events.most_common())
    if verdict != "regression" and verdict in policy.fail_on and (verdict != "lossy" or lost):
        yield f"the policy fails on {verdict}"
    counts = {
        **{cls: count for cls, count in judge.counts.items() if not _is_regression(cls)},
        Class.SERVICE: lost.total(),
        Class.ENHANCEMENT: judge.enhancements.total(),
        Class.ABSENT: judge.absent.total(),
    }
    found = {cls: count for cls, count in counts.items() if count and policy.fails_on(cls)}
    if found:
        yield "the policy fails on " + ", ".join(f"{n:,} {cls.label}" for cls, n in found.items())


def thin_evidence(
    compared: Mapping[int, int], why_none: str, uncompared: Mapping[str, int], policy: Policy
) -> list[str]:
    """Why there is too little evidence for a verdict. ``compared``: events by protocol; ``why_none``: the
    reason if there is none; ``uncompared``: what may hide a difference since it could not be compared, as a report says
    it, and how much of it there is. No policy makes a verdict of nothing."""
    total = sum(compared.values())
    found = []
    if not total:
        found.append(f"no event was compared: {why_none}")
    elif total < policy.min_events:
        found.append(f"{total:,} events were compared, and {policy.min_events:,} are required")
    names = compared_by_name(compared)
    found += [
        f"no event of {name} was compared, and it is required"
        for name in policy.require_protocols
        if not names.get(name)
    ]
    if sum(uncompared.values()) > policy.max_lost:
        what = "; ".join(text for text, count in uncompared.items() if count)
        found.append(what + f", and {policy.max_lost:,} may be" * bool(policy.max_lost))
    return found


def cut_short(stop: Stop | None) -> Iterator[str]:
    """Why not all of a recording was replayed."""
    if stop is not None:
        yield f"the replay ended behind frame {stop.frame:,}: {stop.what}"


def not_known(kernel: RecordedKernel, lanes: Iterable[Lane] | None = None) -> Iterator[str]:
    """What is said of objects and names for which the recorded kernel had no room; with ``lanes`` why the evidence is
    too little: the recovery of one of them was incomplete."""
    lacking = ", ".join(sorted(kernel.lacking()))
    if lacking and (lanes is None or any(lane.ledger.incomplete for lane in lanes)):
        yield f"the recorded kernel had no room for all objects, and its dumps lack some: {lacking} [NLM-L006]"
    if kernel.lacks_links and lanes is None:
        yield "the recorded kernel had no room for all names of links; those that it lacks are not judged [NLM-L006]"


def compared_by_name(compared: Mapping[int, int]) -> dict[str, int]:
    """How many events were compared, by the name of the protocol."""
    return {PROTOCOLS.get(protocol, str(protocol)): count for protocol, count in sorted(compared.items()) if count}
