"""The judge of one recording: what two implementations made of each datagram, and of all of them, as differences.

Rules:
1. Values in, differences out, each given to the listener at once (``findings`` keeps them).
2. Only after a loss that its socket really had may an implementation report what was no message (``Side.lossy``).
3. One message gives at most one event; whatever more an implementation gives is surplus.

Not here: what is kept of differences (``findings``), feeding implementations (``nlmon.engine.replay``), folding states
(``nlmon.state.tables``).
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Literal, TypeAlias

from msgspec import structs

from nlmon.compare.align import align, in_order
from nlmon.compare.classify import Classifier, FieldFinding
from nlmon.compare.difference import Class, Difference
from nlmon.compare.evidence.check import Evidence, RecordedNames
from nlmon.compare.evidence.hidden import shown_bytes, shown_values
from nlmon.compare.evidence.locate import spans
from nlmon.compare.evidence.sample import Sample, of_message, of_objects
from nlmon.compare.explain import explain_event, explain_field, show
from nlmon.compare.fast.agreement import Agreement
from nlmon.compare.fast.shapes import Marks
from nlmon.compare.final import compare_corrections, compare_recovery, compare_states
from nlmon.compare.findings import Findings, Group
from nlmon.compare.known import KnownDifferences
from nlmon.compare.pair import Pair
from nlmon.compare.problems import compare_problems
from nlmon.compare.recovered import Flaw
from nlmon.compare.side import Miscount, Side
from nlmon.errors import DecodeError, NlmonError, TransportError
from nlmon.events import OVERRUN, UNSET, Event, LinkInfo
from nlmon.names import PROTOCOLS, name_of
from nlmon.objects.keys import Key
from nlmon.state.dumps import Unannounced
from nlmon.state.tables import State
from nlmon.uapi import GENL_ID_CTRL, NETLINK_GENERIC, NETLINK_ROUTE, NLMSG_HDRLEN
from nlmon.wire import Datagram

__all__ = ["Judge", "Lost"]

Keys: TypeAlias = Collection[tuple[str, Key]]
# Overruns, messages that they took, sockets that failed.
Lost: TypeAlias = tuple[int, int, int]
# The code of a program that failed too often and is not started again.
NOT_STARTED = "NLM-N009"
# What each side gave of a message.
Both: TypeAlias = tuple[Event | None, Event | None]


class Judge:
    """Compares one recording; ``pair``: the reference and the candidate; ``known``: differences that are allowed;
    ``agreement``: that of a judge whose direction is the other one, and which says of both what they agree on;
    ``marks``: with what messages are marked, by which those that they agree on are counted (``settle``); ``wants``: see
    ``Findings``."""

    def __init__(
        self,
        pair: Pair,
        byteorder: Literal["little", "big"],
        recorded: RecordedNames,
        listener: Callable[[Difference], None] | None = None,
        *,
        known: KnownDifferences | None = None,
        agreement: Agreement | None = None,
        marks: Marks | None = None,
        wants: Callable[[Difference], bool] | None = None,
    ) -> None:
        self.pair = pair
        self.known = known or KnownDifferences()
        self._classifier = Classifier(pair)
        self._agreement = agreement or Agreement(pair, byteorder, marks)
        # Whether both make the same of a datagram, which then needs no further comparison; else ``compare`` says why.
        self.agree, self.agree_on = self._agreement.agree, self._agreement.agree_on
        # Brings the counts of ``marks`` up to date.
        self.settle = self._agreement.settle
        self._names = pair.names
        self._byteorder = byteorder
        self._evidence = Evidence(pair, byteorder, recorded)
        self._recorded = recorded
        self._findings = Findings(self.known, listener, wants)

    @property
    def enhancements(self) -> Counter[str]:
        """How often the candidate alone provided what it alone states to provide, by kind and field."""
        return self._agreement.counted(self._classifier.enhancements, of_reference=False)

    @property
    def services(self) -> Counter[str]:
        """The same of the reference."""
        return self._agreement.counted(self._classifier.services, of_reference=True)

    @property
    def absent(self) -> Counter[str]:
        """How often a value stood for what is not in the message, as its implementation declares."""
        return +self._classifier.absent

    @property
    def lost_events(self) -> Counter[str]:
        """Of these services the whole events, of notifications alone, by kind."""
        return self._classifier.lost_events

    def reverse(self, known: KnownDifferences, listener: Callable[[Difference], None] | None) -> Judge:
        """A judge of the same two in the other direction. What this one finds them to agree on, it counts, too."""
        reference, candidate = self.pair.statements
        pair, agreement = Pair(self.pair.contract, (candidate, reference)), self._agreement.reverse()
        return Judge(
            *(pair, self._byteorder, self._recorded, listener),
            known=known,
            agreement=agreement,
            wants=self._findings.wants,
        )

    @property
    def counts(self) -> Counter[Class]:
        """How many differences there are of each class, without those that are known."""
        return self._findings.counts

    @property
    def details(self) -> list[Difference]:
        """See ``Findings.details``."""
        return self._findings.details

    @property
    def groups(self) -> list[Group]:
        """See ``Findings.groups``."""
        return self._findings.groups

    def add(self, difference: Difference, sample: Callable[[], Sample] | None = None) -> None:
        """See ``Findings.add``."""
        self._findings.add(difference, sample)

    # -- one datagram ----------------------------------------------------------------------------------------

    def compare(
        self, datagram: Datagram, reference: Side, candidate: Side, *, answer: bool, request: bool = False
    ) -> None:
        """Compare what both made of a datagram; ``answer``: of a recorded answer, which is no event; ``request``: it is
        what a program asked, of which nobody must provide an event."""
        for side in (reference, candidate):
            if side.crash:
                values = (reference.crash or "no exception", candidate.crash or "no exception")
                role = "the reference" if side is reference else "the candidate"
                name = side.name if reference.name != candidate.name else role
                if side.failure is not None and side.failure.code == NOT_STARTED:
                    continue  # how it failed before has been said
                ours = f"{name} raised an exception; {side.trace}"
                reason = ours if side.failure is None else f"{name} failed: nlmon explain {side.failure.code}"
                difference = explain_event(Class.CRASH, None, datagram, reason, answer, values)
                self._add(difference, datagram, _events_at((reference, candidate), 0))
        if reference.failure is not None or candidate.failure is not None:
            return  # what a program would have said is not known
        self._events(datagram, reference, candidate, answer, synthetic=False)
        self._events(datagram, reference, candidate, answer, synthetic=True)
        both = reference.reads and candidate.reads and reference.subscribed and candidate.subscribed
        if both and reference.missed == candidate.missed:
            self._problems(datagram, reference, candidate, answer)
        self._check_by_bytes(datagram, (reference, candidate), answer, request)

    def _events(self, datagram: Datagram, reference: Side, candidate: Side, answer: bool, *, synthetic: bool) -> None:
        left, right = _events_of(reference, synthetic), _events_of(candidate, synthetic)
        # What one of them alone could not receive proves nothing about it.
        left = [] if candidate.missed and not reference.missed else left
        right = [] if reference.missed and not candidate.missed else right
        if not left and not right:
            return
        families = self._recorded.families
        for pair in align(left, right):
            if pair.reference is not None and pair.candidate is not None:
                for finding in self._classifier.compare(pair.reference, pair.candidate):
                    if self._is_open(finding, pair.reference, datagram):
                        continue
                    difference = explain_field(finding, pair.reference, datagram, self._byteorder, answer, families)
                    self._add(difference, datagram, (pair.reference, pair.candidate))
                continue
            side, other = (candidate, reference) if pair.reference is None else (reference, candidate)
            only = pair.reference or pair.candidate
            if only is not None and (synthetic or not pair.nth):
                recovering = side.lossy and self.pair.statements[side is candidate].recovers
                if self._classifier.count_expected(
                    only, of_reference=side is reference, recovering=recovering, answer=answer
                ):
                    continue
                if not other.due and not synthetic and self._stands_there(datagram, only):
                    continue  # nobody has to receive what is beside a message of another group
            cls = Class.MISSING if side is reference else Class.EXTRA
            if pair.repeats:
                cls = Class.COALESCED if side is reference else Class.DUPLICATE
            values = ("an event", "no event") if side is reference else ("no event", "an event")
            reason = cls.meaning if pair.repeats else f"{cls.meaning}; {_why_nothing(other)}"
            difference = explain_event(cls, only, datagram, reason, answer, values)
            self._add(difference, datagram, (pair.reference, pair.candidate))
        for side, events in ((reference, left), (candidate, right)):
            if not in_order(events):
                reason = f"{side.name} gives events in another order than that of the messages in the datagram"
                difference = explain_event(Class.REORDERED, events[0], datagram, reason, answer, ("", ""))
                self._add(difference, datagram, _events_at((reference, candidate), events[0].offset))

    def _is_open(self, finding: FieldFinding, event: Event, datagram: Datagram) -> bool:
        """Whether two names of an interface that differ are that before and that behind another message of the datagram
        about a link: a cache follows it, and who asks the kernel gets the later one. A link has its own name."""
        named = finding.field == "interface" and UNSET not in (finding.reference, finding.candidate)
        return named and not isinstance(event.payload, LinkInfo) and self._evidence.names_links(datagram, event)

    def _stands_there(self, datagram: Datagram, event: Event) -> bool:
        """Whether an event is of a message of its datagram of which both have to give one."""
        there = any(
            (span.start, span.kind) == (event.offset, event.msg_type) for span in spans(datagram.data, self._byteorder)
        )
        return there and self.pair.shares_message(datagram.protocol, event.msg_type)

    def _problems(self, datagram: Datagram, reference: Side, candidate: Side, answer: bool) -> None:
        sides, events = (reference, candidate), [*reference.events, *candidate.events]
        left, right = ([e for e in s.errors if not (s.lossy and isinstance(e, TransportError))] for s in sides)
        problems = left, right
        for one in compare_problems(self.pair, datagram, self._byteorder, problems, events):
            values = (one.reference or "no error", one.candidate or "no error")
            difference = explain_event(Class.ERROR, one.event, datagram, Class.ERROR.meaning, answer, values)
            self._add(difference, datagram, _events_at((reference, candidate), difference.offset))

    def _check_by_bytes(self, datagram: Datagram, sides: tuple[Side, Side], answer: bool, request: bool) -> None:
        """What one of them provides alone, against the message; once, where both are the same implementation."""
        whole, families = None, self._recorded.families
        for side in sides:
            self._evidence.note(datagram, side.errors)
        for number, side in enumerate(sides):
            if not side.reads or not side.subscribed or side.missed or side.crash:
                continue
            if number and side.name == sides[0].name:
                continue
            broken = _by_message(datagram, side.errors, self._byteorder)
            for event in side.events if self.pair.may_give_more(number) else ():
                for finding in self._evidence.check(event, datagram, broken.get(event.offset, ()), number):
                    expected, given = shown_values(event, (finding.reference, finding.candidate), families)
                    values = f"the message: {show(expected)}", given
                    before, after = values if number else values[::-1]
                    reason = f"by the contract {side.name} alone provides it; {finding.reason}"
                    named = finding._replace(reference=before, candidate=after, reason=reason)
                    difference = explain_field(named, event, datagram, self._byteorder, answer, families)
                    self._add(difference, datagram, _events_at(sides, event.offset))
            if request:
                continue
            whole = spans(datagram.data, self._byteorder) if whole is None else whole
            for span in self._evidence.missing(number, datagram.protocol, whole, side.events, side.errors):
                reason = f"{side.name} gives no event and reports no error, and the contract says that it gives one"
                values_ = ("no event", "") if not number else ("", "no event")
                difference = explain_event(Class.MISSING, None, datagram, reason, answer, values_, span)
                self._add(difference, datagram, _events_at(sides, span.start))

    def _add(self, difference: Difference, datagram: Datagram, events: Both = (None, None)) -> None:
        at = difference.offset if difference.attribute_offset < 0 else difference.attribute_offset
        if difference.hex:
            end = at + len(bytes.fromhex(difference.hex.removesuffix(" …")))
            shown = shown_bytes(datagram, at, end, self._byteorder, self._recorded.families)
            difference = structs.replace(difference, hex=shown + " …" * difference.hex.endswith(" …"))
        order, families = self._byteorder, self._recorded.families
        sample = partial(of_message, difference, datagram, events, order, families) if datagram.data else None
        self.add(_named(difference, datagram, families), sample)

    def not_subscribed(self, datagram: Datagram, number: int, *, neither: bool) -> None:
        """Implementation ``number`` is in no group that carries a notification, though the contract puts it there; of
        what both must provide, the other one's event is reported as missing, unless ``neither`` is subscribed to it."""
        name = self._names[number]
        for span in spans(datagram.data, self._byteorder):
            kind = datagram.protocol, span.kind
            if self.pair.gives_alone(number, *kind) or (neither and self.pair.shares_message(*kind)):
                values = ("", "no event") if number else ("no event", "")
                reason = (
                    f"{name} has not joined the multicast group of this message, and the contract says that it does"
                )
                self._add(explain_event(Class.MISSING, None, datagram, reason, False, values, span), datagram)

    def losses(self, number: int, had: Lost, said: Lost, frame: int) -> None:
        """What implementation ``number`` says it lost against what its sockets had."""
        if had != said:
            sockets = had[2] or said[2]
            counts = [
                f"{overruns} overruns, {messages} messages" + f", {failed} sockets" * bool(sockets)
                for overruns, messages, failed in (had, said)
            ]
            values = (counts[0], counts[1]) if number else (counts[1], counts[0])
            reason = f"{self._names[number]} reports another loss than its socket had"
            self.add(explain_event(Class.ERROR, None, Datagram(frame, 0, 0, b""), reason, False, values))

    def counters(self, number: int, found: Iterable[Miscount], frame: int) -> None:
        """The counters of the status of implementation ``number`` that are wrong."""
        for one in found:
            values = (show(one.expected), show(one.given))[:: 1 if number else -1]
            reason = f"status() of {self._names[number]} counts something else than there was"
            place = Datagram(frame, 0, 0, b"")
            difference = explain_event(Class.COUNTER, None, place, reason, False, (values[0], values[1]))
            protocol = PROTOCOLS.get(one.protocol, str(one.protocol)) if one.protocol >= 0 else ""
            self.add(structs.replace(difference, message=protocol, field=one.counter))

    def synthetic(self, number: int, found: Iterable[Flaw]) -> None:
        """What does not hold of the synthetic events of implementation ``number``."""
        for flaw in found:
            values = (flaw.expected, flaw.given) if number else (flaw.given, flaw.expected)
            place = Datagram(flaw.event.frame, 0, NETLINK_ROUTE, b"")
            reason = f"a synthetic event of {self._names[number]}: {flaw.reason}"
            difference = explain_event(flaw.cls, flaw.event, place, reason, False, values)
            self.add(structs.replace(difference, field=flaw.field))

    # -- states ----------------------------------------------------------------------------------------------

    def corrections(
        self,
        reference: Iterable[Unannounced],
        candidate: Iterable[Unannounced],
        recovered: Collection[tuple[str, Key]],
    ) -> None:
        """What the same dump or the same end of a link corrected in each of the two states."""
        for difference in compare_corrections(self.pair, reference, candidate, recovered):
            self.add(difference)

    def recovery(self, names: tuple[str, str], held: State, truth: State, known: tuple[Keys, Keys], frame: int) -> None:
        """The state of an implementation after it resynchronized, against what the recorded kernel holds; see
        ``compare_recovery``. ``names``: who read ``truth``, and whose state it is."""
        for difference in compare_recovery(names[1], held, truth, Classifier(self.pair.between(*names)), known, frame):
            self.add(difference)

    def states(self, reference: State, candidate: State, frame: int, recovered: Collection[tuple[str, Key]]) -> None:
        """The two final states; what one of them recovered alone is no difference."""
        # The classifier of the stream keeps its counts: fields of the final state are no further enhancements.
        judge = Classifier(self.pair)
        for difference, before, after in compare_states(reference, candidate, judge, frame, recovered):
            self.add(difference, partial(of_objects, before, after))

    def totals(self) -> dict[Class, int]:
        """Count by class, with what one of them alone states to provide, and with absent values."""
        found = dict(self.counts)
        counters = (self.enhancements, self.services, self.absent)
        for cls, counter in zip((Class.ENHANCEMENT, Class.SERVICE, Class.ABSENT), counters, strict=True):
            if counter:
                found[cls] = counter.total()
        return dict(sorted(found.items(), key=lambda row: row[0].code))


def _named(difference: Difference, datagram: Datagram, families: Callable[[int], Collection[str]]) -> Difference:
    """A message of NETLINK_GENERIC by what nlctrl called its family, if that is one name, and its command."""
    kind, at = difference.message, difference.offset + NLMSG_HDRLEN
    if datagram.protocol != NETLINK_GENERIC or not kind.isdecimal() or at >= len(datagram.data):
        return difference
    names = {"nlctrl"} if int(kind) == GENL_ID_CTRL else set(families(int(kind)))
    if len(names) != 1:
        return difference
    family, command = names.pop(), datagram.data[at]
    shown = name_of("nl80211_cmd", command) if family == "nl80211" else str(command)
    return structs.replace(difference, message=f"{family} {shown}")


def _by_message(datagram: Datagram, errors: Sequence[NlmonError], byteorder: str) -> dict[int, list[DecodeError]]:
    """Errors by the offset of the message that they are in."""
    found: dict[int, list[DecodeError]] = {}
    if not errors:
        return found
    starts = [span.start for span in spans(datagram.data, byteorder)]
    for error in errors:
        if isinstance(error, DecodeError):
            at = bisect.bisect_right(starts, error.offset)
            found.setdefault(starts[at - 1] if at else 0, []).append(error)
    return found


def _events_of(side: Side, synthetic: bool) -> list[Event]:
    """Events of messages, or the synthetic ones of a resync; without a loss there is no such thing. That there was one
    is each socket's own: it depends on its groups, so it is counted (``Judge.losses``) and not paired."""
    if not side.lossy:
        return [] if synthetic else list(side.events)
    return [event for event in side.events if event.synthetic == synthetic and event.type != OVERRUN]


def _events_at(sides: tuple[Side, Side], offset: int) -> Both:
    """What each side gave of the message at an offset of its datagram."""
    left, right = ([e for e in side.events if e.offset == offset and not e.synthetic] for side in sides)
    return left[0] if left else None, right[0] if right else None


def _why_nothing(side: Side) -> str:
    if not side.subscribed:
        return f"{side.name} has not joined its multicast group"
    if side.errors:
        return f"{side.name} reports: {side.errors[0].what}"
    return f"{side.name} gives no event and reports no error"
