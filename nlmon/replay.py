"""Replays a capture into two implementations at once and compares what they make of it.

    frame ─► role ─► notification ─► each lane's transport ─► process() ─► events ─┐
                  └► dump reply ───► each lane's decode() ─► seeds ────────────────┼─► align, classify, explain
                                                     └► state, held against dumps ─┘

Rules of this file:
1. A lane is an implementation behind its own transport. It gets what its own socket would have received: the
   notifications of the groups it joined, in order. It cannot tell that it is a replay.
2. Recorded dump replies are never events. They seed names and state, and are decoded and compared as seeds.
3. Streaming: nothing grows with the length of the capture; lists in the report are bounded and counted.
4. An implementation that raises is a difference (``crash``), not the end of the run.

Not here: reading files (``nlmon.capture``), the rules of comparison (``nlmon.compare``), printing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.backends.base import BackendOptions
from nlmon.capture import CaptureReader
from nlmon.capture.base import Frame
from nlmon.capture.conversation import Conversation, Copies, Place, Role
from nlmon.capture.framing import messages
from nlmon.compare.align import align, in_order
from nlmon.compare.classify import Classifier
from nlmon.compare.contract import Contract, load_contract
from nlmon.compare.difference import Class, Difference, Severity
from nlmon.compare.explain import explain_event, explain_field
from nlmon.compare.final import compare_corrections, compare_states
from nlmon.compare.problems import compare_problems
from nlmon.events import Datagram, RoutePayload
from nlmon.identity import Key
from nlmon.lane import BackendMaker, Lane
from nlmon.names import PROTOCOLS, message_type
from nlmon.report.model import CaptureReport, Damage, DifferenceRow, Silent, Verdict
from nlmon.state import DumpLoad
from nlmon.transport.faults import Fault

__all__ = ["Replay", "Select", "replay_capture", "row"]

Select: TypeAlias = Literal["notifications", "all"]
DETAILS_KEPT = 200
OPEN_DUMPS = 64
# The kernel answers a link dump of AF_PACKET, for which it has no handler, like one of AF_UNSPEC.
LINK_DUMP_FAMILIES = {0, 17}
DUMPS_WITH_STATE = {18, 22, 26, 30, 34}


class _OpenDump(Struct):
    loads: tuple[DumpLoad, DumpLoad]
    interrupted: bool = False


class Replay:
    """The comparison of one capture while it runs."""

    def __init__(
        self,
        reference: BackendMaker,
        candidate: BackendMaker,
        *,
        byteorder: Literal["little", "big"],
        select: Select = "notifications",
        protocols: Sequence[int] | None = None,
        contract: Contract | None = None,
        on_difference: Callable[[Difference], None] | None = None,
        options: BackendOptions | None = None,
        faults: tuple[Fault, ...] = (),
        strict: bool = False,
    ) -> None:
        self.byteorder = byteorder
        self._grave = {Severity.REGRESSION, Severity.WARNING} if strict else {Severity.REGRESSION}
        self.select = select
        self.lanes = (
            Lane(reference, byteorder, select == "all", options, faults),
            Lane(candidate, byteorder, select == "all", options, faults),
        )
        self.contract = contract or load_contract()
        self.classifier = Classifier(self.contract, self.lanes[0].name, self.lanes[1].name)
        # A protocol that only one of them supports gives events of that one alone; the contract judges them.
        supported = set(self.lanes[0].backend.groups) | set(self.lanes[1].backend.groups)
        self.protocols = supported if protocols is None else supported & set(protocols)
        for lane in self.lanes:
            for protocol in sorted(self.protocols & set(lane.backend.groups)):
                lane.backend.enable(protocol)
        self._on_difference = on_difference
        self._conversation = Conversation(byteorder)
        self._dumps: OrderedDict[tuple[int, int, int], _OpenDump] = OrderedDict()
        self.copies = Copies()
        self.frames = 0
        self.cut = 0
        self.messages = 0
        self.last_frame = 0
        self.compared = 0
        self.roles: Counter[str] = Counter()
        self.not_subscribed: Counter[str] = Counter()
        self.not_covered: Counter[str] = Counter()
        self.counts: Counter[Class] = Counter()
        self.details: list[Difference] = []
        self.interrupted_dumps = 0

    # -- frame by frame --------------------------------------------------------------------------------------

    def feed(self, frame: Frame) -> None:
        """Take one frame of the capture."""
        self.frames += 1
        self.last_frame = frame.number
        self.cut += bool(frame.truncated)
        headers = list(messages(frame.data, self.byteorder))
        self.messages += len(headers)
        place = self._conversation.place(frame)
        self.roles[place.role.value] += 1
        if frame.protocol not in self.protocols:
            self.not_covered[PROTOCOLS.get(frame.protocol, str(frame.protocol))] += 1
            for lane in self.lanes:
                if place.role is not Role.REQUEST:
                    lane.learn(_datagram(frame, b""))
            return
        datagram = _datagram(frame, place.request)
        if place.role is Role.NOTIFICATION:
            self.copies.seen(frame)
        if place.role is Role.NOTIFICATION or self.select == "all":
            learn = place.role is not Role.REQUEST
            self._notify(datagram, fold=place.role is Role.NOTIFICATION, learn=learn, types=[h.type for h in headers])
        elif place.role in {Role.DUMP, Role.REPLY}:
            self._seed(datagram)
        if place.role is Role.DUMP:
            self._dump(datagram, place)

    def _notify(self, datagram: Datagram, *, fold: bool, learn: bool, types: list[int]) -> None:
        heard = [lane.notify(datagram, learn=learn) for lane in self.lanes]
        if not any(heard):
            self.not_subscribed.update(message_type(datagram.protocol, kind) for kind in types)
            return
        self.compared += 1
        self._compare(datagram, seed=False)
        if fold:
            for lane in self.lanes:
                lane.fold()
            self._compare_corrections()

    @property
    def _recovered(self) -> set[tuple[str, Key]]:
        """Objects that exactly one of them made up for after a loss."""
        return self.lanes[0].recovered ^ self.lanes[1].recovered

    def _compare_corrections(self) -> None:
        left, right = self.lanes
        corrected = left.state.corrected(), right.state.corrected()
        for difference in compare_corrections(self.contract, *corrected, self._recovered):
            self._add(difference)

    def _seed(self, datagram: Datagram) -> None:
        for lane in self.lanes:
            lane.seed(datagram)
        self._compare(datagram, seed=True)

    def _dump(self, datagram: Datagram, place: Place) -> None:
        scope = place.scope
        if scope is None or not scope.whole or scope.get_type not in DUMPS_WITH_STATE or place.dump_id is None:
            return
        dump = self._dumps.get(place.dump_id)
        if dump is None:
            if scope.get_type == 18 and scope.family not in LINK_DUMP_FAMILIES:
                return  # bridge ports or another family's view, not links
            left, right = self.lanes
            loads = (
                left.state.begin_dump(scope.get_type, scope.family),
                right.state.begin_dump(scope.get_type, scope.family),
            )
            dump = self._dumps[place.dump_id] = _OpenDump(loads)
            if len(self._dumps) > OPEN_DUMPS:
                self._abandon(self._dumps.popitem(last=False)[1])
        # What was cut, damaged or not decoded proves nothing about what is absent.
        lost = datagram.truncated or any(lane.crash or lane.damaged for lane in self.lanes)
        dump.interrupted = dump.interrupted or place.interrupted or bool(lost)
        for lane, load in zip(self.lanes, dump.loads, strict=True):
            load.payloads.extend(e.payload for e in lane.events if isinstance(e.payload, RoutePayload))
        if place.ends:
            del self._dumps[place.dump_id]
            if dump.interrupted:
                self.interrupted_dumps += 1
                self._abandon(dump)
                return
            for lane, load in zip(self.lanes, dump.loads, strict=True):
                lane.state.end_dump(load, datagram.frame)
            self._compare_corrections()

    def _abandon(self, dump: _OpenDump) -> None:
        for lane, load in zip(self.lanes, dump.loads, strict=True):
            lane.state.abandon_dump(load)

    # -- comparing one datagram ------------------------------------------------------------------------------

    def _compare(self, datagram: Datagram, *, seed: bool) -> None:
        reference, candidate = self.lanes
        for lane in self.lanes:
            if lane.crash:
                values = (reference.crash or "went on", candidate.crash or "went on")
                reason = f"{lane.name} raised; {lane.trace}"
                self._add(explain_event(Class.CRASH, None, datagram, reason, seed, values))
        for pair in align(reference.events, candidate.events):
            if pair.reference is not None and pair.candidate is not None:
                for finding in self.classifier.compare(pair.reference, pair.candidate):
                    self._add(explain_field(finding, pair.reference, datagram, self.byteorder, seed))
                continue
            only = pair.reference or pair.candidate
            lane = candidate if pair.reference is None else reference
            of_reference = lane is reference
            if only and self.classifier.alone(only, of_reference=of_reference, recovering=lane.lossy):
                continue
            cls = Class.MISSING if pair.candidate is None else Class.EXTRA
            if pair.repeats:
                cls = Class.COALESCED if pair.candidate is None else Class.DUPLICATE
            values = ("no event", "an event") if pair.reference is None else ("an event", "no event")
            reason = f"{cls.meaning}; {self._why_nothing(pair.reference is None)}"
            self._add(explain_event(cls, only, datagram, reason, seed, values))
        for lane in self.lanes:
            if not in_order(lane.events):
                reason = f"{lane.name} delivers in another order than the messages have in the datagram"
                self._add(explain_event(Class.REORDERED, lane.events[0], datagram, reason, seed, ("", "")))
        self._compare_problems(datagram, seed)

    def _why_nothing(self, of_reference: bool) -> str:
        lane = self.lanes[0 if of_reference else 1]
        if not lane.heard:
            return f"{lane.name} joins no group that carries it"
        if lane.errors:
            return f"{lane.name} says {lane.errors[0].what}"
        return f"{lane.name} gives none and no reason"

    def _compare_problems(self, datagram: Datagram, seed: bool) -> None:
        if not all(lane.supports(datagram.protocol) for lane in self.lanes):
            return  # only one of them reads this protocol; what it could not read is counted as an error of its own
        left, right = self.lanes
        names, problems = (left.name, right.name), (left.errors, right.errors)
        events = [*left.events, *right.events]
        for one in compare_problems(self.contract, names, datagram, self.byteorder, problems, events):
            values = (one.reference or "no error", one.candidate or "no error")
            self._add(explain_event(Class.ERROR, one.event, datagram, Class.ERROR.meaning, seed, values))

    def _add(self, difference: Difference) -> None:
        self.counts[difference.cls] += 1
        if len(self.details) < DETAILS_KEPT:
            self.details.append(difference)
        if self._on_difference is not None:
            self._on_difference(difference)

    # -- the end ---------------------------------------------------------------------------------------------

    def finish(self, reader: CaptureReader, path: str) -> CaptureReport:
        """Compare the states and sum up."""
        for dump in self._dumps.values():
            self._abandon(dump)
        for lane in self.lanes:
            lane.end()
        self._compare_corrections()
        left, right = self.lanes
        # The classifier of the stream keeps its counts: fields of the final state are no further enhancements.
        judge = Classifier(self.contract, left.name, right.name)
        for difference in compare_states(left.state, right.state, judge, self.last_frame, self._recovered):
            self._add(difference)
        for lane in self.lanes:
            lane.backend.close()
        for cls, found in (
            (Class.ENHANCEMENT, self.classifier.enhancements),
            (Class.SERVICE, self.classifier.services),
        ):
            if found:
                self.counts[cls] = found.total()
        damage = reader.damage
        verdict, reason = self._verdict(damage is not None)
        labels = [lane.name for lane in self.lanes]
        if labels[0] == labels[1]:
            labels = [f"{labels[0]} (reference)", f"{labels[1]} (candidate)"]

        def per_lane(what: str) -> dict[str, int]:
            return {label: lane.totals[what] for label, lane in zip(labels, self.lanes, strict=True)}

        state = right.state
        return CaptureReport(
            path=path,
            format=reader.info.format,
            byteorder=self.byteorder,
            kernel=reader.info.metadata.get("kernel", ""),
            frames=self.frames,
            messages=self.messages,
            roles=dict(self.roles),
            not_subscribed=dict(sorted(self.not_subscribed.items())),
            not_covered=dict(sorted(self.not_covered.items())),
            events=per_lane("events"),
            seeds=per_lane("seeds"),
            errors=per_lane("errors"),
            problems={
                label: dict(sorted(lane.problems.items())) for label, lane in zip(labels, self.lanes, strict=True)
            },
            lost=per_lane("lost"),
            unknown={label: lane.unknown.total() for label, lane in zip(labels, self.lanes, strict=True)},
            unknown_types={
                label: dict(sorted(lane.unknown.items())) for label, lane in zip(labels, self.lanes, strict=True)
            },
            differences={cls.label: count for cls, count in sorted(self.counts.items(), key=lambda i: i[0].code)},
            fields=dict(sorted((self.classifier.enhancements + self.classifier.services).items())),
            details=[row(difference) for difference in self.details],
            state="differs" if self.counts[Class.STATE] else "same",
            objects={kind: len(table) for kind, table in state.tables.items() if table},
            silent_counts={f"{kind} {change}": n for (kind, change), n in sorted(state.unannounced_counts.items())},
            silent=[
                Silent(found.kind, found.change, found.object, found.frame, found.reason, found.fields)
                for found in state.unannounced
            ],
            notes=self._notes(reader),
            damage=None if damage is None else Damage(damage.code, damage.what, damage.offset),
            verdict=verdict,
            reason=reason,
        )

    def _verdict(self, damaged: bool) -> tuple[Verdict, str]:
        bad = [cls for cls in self.counts if cls.severity in self._grave]
        if bad:
            return "regression", ", ".join(f"{self.counts[cls]} {cls.label}" for cls in bad)
        if damaged:
            agrees = "what could be read before the damage agrees" if self.frames else "nothing could be read"
            return "error", f"the capture is damaged; {agrees}"
        if not any(lane.totals["events"] or lane.totals["seeds"] for lane in self.lanes):
            return "error", "nothing to compare: nothing in the capture gives an event of the protocols"
        return "equivalent", ""

    def _notes(self, reader: CaptureReader) -> list[str]:
        notes = [
            f"{lane.name} lost {lane.totals['lost']:,} messages and "
            + (f"made up for {len(lane.recovered):,} objects" if lane.recovered else "did not make up for them")
            for lane in self.lanes
            if lane.totals["lost"]
        ]
        if not self.compared:
            notes.append("no notification reached a monitor; only recorded answers were compared")
        for protocol in sorted(self.protocols):
            alone = [lane for lane in self.lanes if lane.supports(protocol)]
            if len(alone) == 1 and (events := alone[0].backend.status().protocols[protocol].events):
                name = PROTOCOLS.get(protocol, str(protocol))
                notes.append(f"only {alone[0].name} reads {name}: nothing to hold its {events:,} events against")
        if self.copies.likely:
            notes.append(
                f"{self.copies.repeats} of {self.copies.notifications} notifications repeat the one before them; "
                "a tap records a notification once per listener"
            )
        if self.interrupted_dumps:
            notes.append(f"{self.interrupted_dumps} recorded dumps were interrupted and prove nothing")
        if self.cut:
            notes.append(f"{self.cut} packets were cut by the recording (snap length); what they lost is not judged")
        if reader.dropped:
            notes.append(f"{reader.dropped:,} messages were lost while recording; nobody can compare those")
        if reader.skipped:
            notes.append(f"{reader.skipped} packets of other link types were skipped")
        return notes


def replay_capture(
    reader: CaptureReader,
    path: str,
    reference: BackendMaker,
    candidate: BackendMaker,
    *,
    select: Select = "notifications",
    protocols: Sequence[int] | None = None,
    on_difference: Callable[[Difference], None] | None = None,
    options: BackendOptions | None = None,
    faults: tuple[Fault, ...] = (),
    strict: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> CaptureReport:
    """Replay an open capture to its end and report; ``strict``: warnings turn the verdict, too; ``on_progress`` gets
    the position in the file."""
    replay = Replay(
        reference,
        candidate,
        byteorder=reader.info.byteorder,
        select=select,
        protocols=protocols,
        on_difference=on_difference,
        options=options,
        faults=faults,
        strict=strict,
    )
    for frame in reader:
        replay.feed(frame)
        if on_progress is not None and not frame.number % 256:
            on_progress(reader.position)
    return replay.finish(reader, path)


def row(difference: Difference) -> DifferenceRow:
    """A difference as a row of a report."""
    values = {name: getattr(difference, name) for name in difference.__struct_fields__ if name != "cls"}
    cls = difference.cls
    return DifferenceRow(code=cls.code, cls=cls.label, severity=cls.severity.value, **values)


def _datagram(frame: Frame, request: bytes) -> Datagram:
    return Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated, request)
