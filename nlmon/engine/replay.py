"""Replays a capture into two implementations at once and compares what they make of it.

    frame ─► role ─► notification ─► each lane's transport ─► process() ─► events ─┐
                  └► dump reply ───► each lane's decode() ─► seeds ────────────────┼─► align, classify, explain
                                                     └► state, held against dumps ─┘

Rules of this file:
1. A lane is an implementation behind its own transport. It gets what its own socket would have received: the
   notifications of the groups it joined, in order, by ``process()``, or a run of them at once where nobody could tell
   (``runs``). It cannot tell that it is a replay.
2. Recorded dump replies are never events. They seed names and state, and are decoded and compared as seeds.
3. Streaming: nothing grows with the length of the capture; lists in the report are bounded and counted.
4. An implementation that raises is a difference (``crash``), not the end of the run.

Not here: reading files (``nlmon.capture``), the rules of comparison (``nlmon.compare``), printing.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Batch, Frame, alike
from nlmon.capture.conversation import Conversation, Copies, Place, Role
from nlmon.compare.contract import Contract, load_contract
from nlmon.compare.difference import Difference, Severity
from nlmon.compare.evidence.check import RecordedNames
from nlmon.compare.judge import Judge
from nlmon.engine.lane import BackendMaker, Lane
from nlmon.engine.segments import MOST, Runs
from nlmon.engine.states import Folding, Loads
from nlmon.events import RoutePayload
from nlmon.framing import types
from nlmon.names import PROTOCOLS, message_type
from nlmon.state.identity import Key
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.transport import one_of_each
from nlmon.wire import Datagram, Datagrams

__all__ = ["Replay", "Select"]

Select: TypeAlias = Literal["notifications", "all"]
ROUTE, GENERIC = 0, 16
OPEN_DUMPS = 64
# The kernel answers a link dump of AF_PACKET, for which it has no handler, like one of AF_UNSPEC.
LINK_DUMP_FAMILIES = {0, 17}
DUMPS_WITH_STATE = {18, 22, 26, 30, 34}


class _OpenDump(Struct):
    loads: Loads
    first: int
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
        self.grave = {Severity.REGRESSION, Severity.WARNING} if strict else {Severity.REGRESSION}
        self.select = select
        self.lanes = (
            Lane(reference, byteorder, select == "all", options, faults),
            Lane(candidate, byteorder, select == "all", options, faults),
        )
        names = self.lanes[0].name, self.lanes[1].name
        recorded = RecordedNames(self._family_names, self._link_name)
        self.judge = Judge(contract or load_contract(), names, byteorder, recorded, on_difference)
        # A protocol that only one of them supports gives events of that one alone; the contract judges them.
        supported = set(self.lanes[0].backend.groups) | set(self.lanes[1].backend.groups)
        self.protocols = supported if protocols is None else supported & set(protocols)
        self._asked = None if protocols is None else set(protocols)
        for lane in self.lanes:
            lane.owes(self.judge.contract)
            lane.start(sorted(self.protocols))
        self._compare(Datagram(0, 0, ROUTE, b""), seed=False)
        self._families = {name.lower() for name in (options and options.generic_families) or ()}
        self._pooled = options is not None and options.message_pool_size is not None
        # What all is fed to, no socket would have heard; recovery cannot be judged by it.
        self.resync = options is not None and options.resync and select == "notifications"
        plain = not faults and not (options is not None and options.resync)
        self._folding = Folding(self.lanes, self.judge.contract, plain=plain)
        self._at_once = options is None or not options.resync_interval
        self._conversation = Conversation(byteorder)
        factories = [lane.factory for lane in self.lanes]
        self._runs = Runs(self._conversation, factories, self.judge.bulk_types if plain else ())
        self._dumps: OrderedDict[tuple[int, int, int], _OpenDump] = OrderedDict()
        self.copies = Copies()
        self.frames = 0
        self.cut = 0
        self.messages = 0
        self.last_frame = 0
        self.compared = self.generic = 0
        self.roles: Counter[str] = Counter()
        self.not_subscribed: Counter[str] = Counter()
        self.not_covered: Counter[str] = Counter()
        self.interrupted_dumps = 0

    # -- what is read ----------------------------------------------------------------------------------------

    def feed(self, frame: Frame) -> None:
        """Take one frame of the capture."""
        self.take(Batch.of((frame,)))

    def play(self, frames: Iterable[Frame]) -> None:
        """Take frames of the capture, many at a time where they are alike."""
        waiting: list[Frame] = []
        try:
            for frame in frames:
                if waiting and (len(waiting) == MOST or not alike(waiting[-1], frame)):
                    whole, waiting = waiting, []
                    self.take(Batch.of(whole))
                waiting.append(frame)
        finally:
            # Also when the frames end by an exception: what was read is not lost.
            if waiting:
                self.take(Batch.of(waiting))

    def take(self, batch: Batch) -> None:
        """Take a batch of the capture: runs of notifications together (``runs``), everything else frame by frame."""
        for lane in self.lanes:
            lane.many.look()
        for begin, end, is_run in self._runs.parts(batch):
            if not (is_run and self._together(batch.part(begin, end))):
                for place in range(begin, end):
                    self._frame(batch.frame(place))

    def _together(self, batch: Batch) -> bool:
        """Take a run of notifications; False where they have to be taken one by one."""
        run = Datagrams(batch.number, batch.protocol, batch.timestamps, batch.data)
        (left, right), kinds = self.lanes, one_of_each(run.data)
        if not all(lane.many.may_take(kinds) for lane in self.lanes):
            return False
        if (one := left.many.take(run)) is None or (other := right.many.take(run)) is None:
            return False
        left.took(run)
        right.took(run)
        self.frames += len(run)
        self.messages += len(run)
        self.roles[Role.NOTIFICATION.word] += len(run)
        self.copies.seen_all(ROUTE, run.data)
        self.last_frame = run.frame + len(run) - 1
        at = 0
        while at < len(run):
            agreed = self.judge.agree_on(run.data[at:], one[at:], other[at:])
            self.compared += agreed
            for less, more in zip(one[at : at + agreed], other[at : at + agreed], strict=True):
                if less and more and self._folding.fold_one(less, more):
                    self._compare_corrections()
            at += agreed
            if at < len(run):
                left.recall(at)
                right.recall(at)
                datagram = Datagram(run.frame + at, run.timestamps[at], ROUTE, run.data[at])
                self._heard(datagram, types(datagram.data, self.byteorder), fold=True, looked=True)
                at += 1
        return True

    def _frame(self, frame: Frame) -> None:
        """Take one frame."""
        self.frames += 1
        self.last_frame = frame.number
        self.cut += frame.truncated > 0
        found = types(frame.data, self.byteorder)
        self.messages += len(found)
        place = self._conversation.place(frame)
        self.roles[place.role.word] += 1
        role = place.role
        if frame.protocol not in self.protocols:
            self.not_covered[PROTOCOLS.get(frame.protocol, str(frame.protocol))] += 1
            for lane in self.lanes:
                if role is not Role.REQUEST:
                    lane.learn(_datagram(frame, b""))
            if role is Role.NOTIFICATION and (self._asked is None or frame.protocol in self._asked):
                self._compare_deaf(_datagram(frame, b""), (False, False))
            return
        datagram = _datagram(frame, place.request)
        if role is Role.NOTIFICATION:
            self.copies.seen(frame)
            self._notify(datagram, found, fold=True)
        elif self.select == "all":
            self._notify(datagram, found, request=role is Role.REQUEST)
        elif role in {Role.DUMP, Role.REPLY}:
            self._seed(datagram)
        if role is Role.DUMP:
            self._dump(datagram, place)

    def _notify(self, datagram: Datagram, found: list[int], *, fold: bool = False, request: bool = False) -> None:
        """Hand a datagram to both and compare what they make of it. ``fold`` it into the states; ``request``: it is
        what a program asked, of which the kernel's side learns nothing."""
        if datagram.protocol == GENERIC:
            self.generic += 1
            if self._families and self._not_asked(datagram):
                self.not_subscribed.update(message_type(GENERIC, kind) for kind in found)
                return
        tells = self.lanes[0].factory.tells(datagram.protocol, found)
        for lane in self.lanes:
            lane.notify(datagram, learn=not request, tells=tells)
        self._heard(datagram, found, fold=fold, request=request)

    def _heard(
        self, datagram: Datagram, found: list[int], *, fold: bool, request: bool = False, looked: bool = False
    ) -> None:
        """Compare what both made of a datagram that was handed to them; ``looked``: they do not agree at once."""
        left, right = self.lanes
        if not (left.heard and right.heard):
            self._compare_deaf(datagram, (left.heard, right.heard))
            if not (left.heard or right.heard):
                self.not_subscribed.update(message_type(datagram.protocol, kind) for kind in found)
                return
        if (left.heard and not left.missed) or (right.heard and not right.missed):
            self.compared += 1
        agreed = self._compare(datagram, seed=False, request=request, looked=looked)
        if fold:
            self._folding.fold(agreed=agreed)
            if left.own.has_corrections or right.own.has_corrections:
                self._compare_corrections()
            if self.resync:
                self._compare_recovery()

    def _not_asked(self, datagram: Datagram) -> bool:
        """Whether a generic message is of a family that was left out: only libnl can be told which it shall hear, so
        that would look like a fault of its own."""
        if not self._families or datagram.protocol != GENERIC or len(datagram.data) < 16:
            return False
        order: Literal["little", "big"] = self.byteorder
        names = {name.lower() for name in self._family_names(int.from_bytes(datagram.data[4:6], order))}
        return bool(names) and not names & self._families and "nlctrl" not in names

    def _compare_recovery(self, *, now: bool = False) -> None:
        """What an implementation made of a loss, once it has made up for it or ``now``, against what its kernel holds
        as the other one reads it, and as it does itself: it alone knows that afterwards, so the two states cannot
        judge it."""
        for lane, other in (self.lanes, self.lanes[::-1]):
            owes = self.resync and lane.unmended and lane.name == self.judge.contract.recovers
            if not owes or (lane.backend.mending() and not now):
                continue
            lane.unmended = False
            for reader in (other, lane):
                try:
                    truth = lane.truth(reader.backend)
                except Exception:
                    continue  # an implementation that raises is told where its datagrams are compared
                names, known = (reader.name, lane.name), (lane.told, lane.vanished)
                self.judge.recovery(names, lane.state, truth, known, self.last_frame)

    def _compare_deaf(self, datagram: Datagram, heard: Sequence[bool]) -> None:
        for number, lane in enumerate(self.lanes):
            if not heard[number] and lane.should_hear(datagram):
                self.judge.not_subscribed(datagram, number, neither=not any(heard))

    def _compare_losses(self) -> None:
        """What each of them says it lost, against what its socket was made to lose."""
        for number, lane in enumerate(self.lanes):
            faults, said = lane.factory.faults, (lane.totals["overruns"], lane.totals["lost"])
            if not self._pooled:  # a full pool loses on its own account
                self.judge.losses(number, (faults.reported, faults.lost), said, self.last_frame)

    @property
    def _recovered(self) -> set[tuple[str, Key]]:
        """Objects that exactly one of them made up for after a loss."""
        return self.lanes[0].recovered ^ self.lanes[1].recovered

    def _compare_corrections(self) -> None:
        left, right = self.lanes[0].own.take_corrections(), self.lanes[1].own.take_corrections()
        for lane, found in zip(self.lanes, (left, right), strict=True):
            lane.told.difference_update((one.kind, one.key) for one in found)
            lane.vanished.update((one.kind, one.key) for one in found if self.resync and one.change == "gone")
        self.judge.corrections(left, right, self._recovered)

    def _compare(self, datagram: Datagram, *, seed: bool, request: bool = False, looked: bool = False) -> bool:
        """Compare what both made of a datagram; True: the same, and nothing of it is worth a word."""
        left, right = self.lanes
        if not looked and left.clean and right.clean and self.judge.agree(datagram, left.events, right.events):
            return True
        sides = [lane.side(datagram.protocol) for lane in self.lanes]
        self.judge.compare(datagram, *sides, seed=seed, request=request)
        return False

    def _family_names(self, number: int) -> list[str]:
        return self.lanes[1].factory.family_names(number)

    def _link_name(self, index: int) -> str | None:
        found = self.lanes[1].factory.links.get(index)
        return None if found is None else found[0]

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
            loads = self._folding.begin(scope.get_type, scope.family)
            dump = self._dumps[place.dump_id] = _OpenDump(loads, datagram.frame)
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
            self._folding.end(dump.loads, datagram.frame)
            for lane, load in zip(self.lanes, dump.loads, strict=True):
                lane.factory.sweep(load.msg_type, load.family, dump.first)
            self._compare_corrections()

    def _abandon(self, dump: _OpenDump) -> None:
        self._folding.abandon(dump.loads)

    # -- the end ---------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The recording is over: compare the states."""
        for dump in self._dumps.values():
            self._abandon(dump)
        for lane in self.lanes:
            lane.end()
        self._compare(Datagram(self.last_frame, 0, ROUTE, b""), seed=False)
        self._compare_corrections()
        self._compare_recovery(now=self._at_once)
        left, right = self.lanes
        if not self._folding.shared:  # else there is but one
            self.judge.states(left.state, right.state, self.last_frame, self._recovered)
        self._compare_losses()
        for lane in self.lanes:
            lane.stop()
        self._compare(Datagram(self.last_frame, 0, ROUTE, b""), seed=False)


def _datagram(frame: Frame, request: bytes) -> Datagram:
    return Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated, request)
