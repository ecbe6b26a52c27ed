"""Judges one recording: what each implementation made of each message, by the bytes where they do not say the same.

Rules:
1. Fields that all who give them give alike are counted and not read again. What differs, or what one gives alone, is held
   against the third reading; one that the bytes do not decide is open.
2. What came of a datagram beside a crash does not count at all.
3. An event that is not there is judged as a value is: a well-formed message that is refused is lost.

Not here: the counters (``tally``), and what the bytes hold (``third``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import UNSET

from nlmon.compare.align import in_order
from nlmon.compare.contract import Contract, kind_name
from nlmon.compare.evidence.reading import ABSENT, PRESENT, UNFIT, UNJUDGED
from nlmon.compare.same import same
from nlmon.compare.side import Side
from nlmon.errors import DecodeError
from nlmon.events import OVERRUN, Event
from nlmon.framing import MessageHeader, messages
from nlmon.matrix.places import KEPT, Places
from nlmon.matrix.tally import ABSENT_SAID, AGREED, NONE, NOT_PROVIDED, OPEN, RIGHT, WRONG, Tally
from nlmon.matrix.third import ThirdReading
from nlmon.matrix.values import agrees
from nlmon.uapi import NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagram

__all__ = ["Judging"]


class Judging:
    """Judges a recording into ``tally``. ``absent``: by number what an implementation declares for what is not there, by
    ``kind.field``."""

    def __init__(
        self,
        tally: Tally,
        contract: Contract,
        byteorder: Literal["little", "big"],
        places: Places,
        absent: Sequence[Mapping[str, Any]],
    ) -> None:
        self.tally = tally
        self._contract = contract
        self._order = byteorder
        self._places = places
        self._absent = absent
        self._third = ThirdReading(contract, byteorder)

    def take(self, capture: str, datagram: Datagram, sides: Mapping[int, Side]) -> None:
        """What came of one datagram, by the numbers of the implementations."""
        reading: dict[int, tuple[dict[int, list[Event]], list[DecodeError]]] = {}
        for number, side in sides.items():
            if side.crash:
                self.tally.failed(number, side.crash, capture, datagram.frame)
            elif side.reads and side.subscribed and not side.missed:
                given: dict[int, list[Event]] = {}
                for event in side.events:
                    if not event.synthetic and event.type != OVERRUN:
                        given.setdefault(event.offset, []).append(event)
                reading[number] = given, [error for error in side.errors if isinstance(error, DecodeError)]
                if not in_order(side.events):
                    self._order_of(number, datagram, side.events)
        heads = list(messages(datagram.data, self._order))
        for head in heads:
            if head.type >= NLMSG_MIN_TYPE:
                self._message(datagram, head, reading)
        begins = {head.offset for head in heads}
        for number, (given, _) in reading.items():
            for offset in given.keys() - begins:
                example = self._places.of_message(datagram, offset, given[offset][0].msg_type, {number: "an event"})
                kind = kind_name(given[offset][0].payload)
                self.tally.problem(
                    number, kind, "no message", wrong=True, text="no message begins there", example=example
                )

    def _order_of(self, number: int, datagram: Datagram, events: Sequence[Event]) -> None:
        first = events[0]
        text = "events stand in another order than their messages"
        example = self._places.of_message(datagram, first.offset, first.msg_type, {number: text})
        self.tally.problem(number, kind_name(first.payload), "order", wrong=True, text=text, example=example)

    # -- one message -------------------------------------------------------------------------------------------

    def _message(
        self,
        datagram: Datagram,
        head: MessageHeader,
        reading: Mapping[int, tuple[dict[int, list[Event]], list[DecodeError]]],
    ) -> None:
        kind = self._contract.of(datagram.protocol, head.type)
        body, end = head.offset + NLMSG_HDRLEN, head.offset + head.length
        read = datagram.protocol, head.type, datagram.data[body] if body < end else -1
        said: dict[int, Event] = {}
        none: list[tuple[int, str]] = []
        for number, (given, errors) in reading.items():
            events = given.get(head.offset, ())
            if not events:
                refusal = next((str(one) for one in errors if head.offset <= one.offset < end), "")
                none.append((number, refusal))
                continue
            self.tally.reads.add((number, read))
            found = kind_name(events[0].payload)
            if found != kind:
                self._problem(datagram, head, number, kind or found, "another kind", f"an event of kind {found}")
                continue
            if len(events) > 1:
                self._problem(datagram, head, number, kind, "repeated", f"{len(events)} events of one message")
            said[number] = events[0]
            self.tally.events[number] += 1
        if kind is None or not (said or any(refusal for _, refusal in none)):
            return
        expected: dict[str, Any] | None = None
        if said:
            expected = self._fields(datagram, head, kind, said, len(self._absent))
        if none:
            self._without(datagram, head, kind, said, none, read, expected)

    def _problem(
        self, datagram: Datagram, head: MessageHeader, number: int, kind: str, problem: str, text: str
    ) -> None:
        example = self._places.of_message(datagram, head.offset, head.type, {number: text})
        self.tally.problem(number, kind, problem, wrong=True, text=text, example=example)

    def _without(
        self,
        datagram: Datagram,
        head: MessageHeader,
        kind: str,
        said: Mapping[int, Event],
        none: Sequence[tuple[int, str]],
        read: tuple[int, int, int],
        expected: dict[str, Any] | None,
    ) -> None:
        """Those who gave no event of a message of which another one did, or which they refuse."""
        message = self._third.message(datagram.data, head.offset, head.offset + head.length, head.type)
        payload = next((event.payload for event in said.values()), None)
        if expected is None:
            expected = self._third.expected(kind, payload, message)
        whole = self._third.whole(kind, message, expected)
        for number, refusal in none:
            texts = dict.fromkeys(said, "an event") | {number: refusal or "no event and no error"}
            example = self._places.of_message(datagram, head.offset, head.type, texts)
            if refusal:
                self.tally.problem(number, kind, "refused", wrong=whole, text=refusal, example=example)
            elif whole:
                self.tally.silence(number, read, kind, example)

    def _fields(
        self, datagram: Datagram, head: MessageHeader, kind: str, said: Mapping[int, Event], many: int
    ) -> dict[str, Any] | None:
        """Hold the fields of a message beside each other; what the bytes say, if it was asked for."""
        fields = self._third.kinds[kind].fields
        rows = {number: self._third.kinds[kind].values(event.payload) for number, event in said.items()}
        numbers = tuple(rows)
        expected: dict[str, Any] | None = None
        alike = True
        for field, column in zip(fields, zip(*rows.values(), strict=True), strict=True):
            values = [value for value in column if value is not UNSET]
            if not values:
                continue
            unanimous = len(values) > 1 and all(same(values[0], one) for one in values[1:])
            declared = len(values) < len(column) and self._declares(numbers, kind, field.name)
            outcomes = [NONE] * many
            if unanimous and not declared:
                for number, value in zip(numbers, column, strict=True):
                    outcomes[number] = NOT_PROVIDED if value is UNSET else AGREED
            else:
                if expected is None:
                    end = head.offset + head.length
                    message = self._third.message(datagram.data, head.offset, end, head.type)
                    expected = self._third.expected(kind, next(iter(said.values())).payload, message)
                given = dict(zip(numbers, column, strict=True))
                must = expected.get(field.name, UNJUDGED)
                self._judge(kind, field.name, given, must, outcomes)
                if WRONG in outcomes or OPEN in outcomes:
                    alike = False
                    self._keep(datagram, said, kind, field, must, given, outcomes)
            self.tally.fields[kind, field.name, "".join(outcomes)] += 1
        if len(said) > 1:
            self.tally.messages += 1
            self.tally.agreed += alike
        return expected

    def _declares(self, numbers: Sequence[int], kind: str, field: str) -> bool:
        return any(f"{kind}.{field}" in self._absent[number] for number in numbers)

    def _judge(self, kind: str, field: str, given: Mapping[int, Any], must: Any, outcomes: list[str]) -> None:
        """The outcome of each that gave an event, for a field in which they are not of one mind."""
        provided = [value for value in given.values() if value is not UNSET]
        for number, value in given.items():
            declared = self._absent[number].get(f"{kind}.{field}", UNSET)
            if value is UNSET:
                outcomes[number] = NOT_PROVIDED if declared is UNSET else _absent(must, declared)
            elif must is UNJUDGED or (must is PRESENT and value is not None):
                # Nobody contradicts who is alone; of several that differ the bytes do not say who is right.
                agreed = all(agrees(one, value) for one in provided)
                outcomes[number] = AGREED if agreed and len(provided) > 1 else OPEN
            elif must is ABSENT or must is UNFIT:
                outcomes[number] = RIGHT if value is None else WRONG
            else:
                outcomes[number] = RIGHT if value is not None and agrees(must, value) else WRONG

    def _keep(
        self,
        datagram: Datagram,
        said: Mapping[int, Event],
        kind: str,
        field: Any,
        must: Any,
        given: Mapping[int, Any],
        outcomes: Sequence[str],
    ) -> None:
        """Keep the message as an example, if none is kept with the same implementations wrong."""
        kept = self.tally.examples[kind, field.name]
        key = "".join(one if one in {WRONG, OPEN} else NONE for one in outcomes)
        if key not in kept and len(kept) < KEPT:
            event = said[next(iter(given))]
            kept[key] = self._places.of_field(datagram, event, field, must, given)


def _absent(must: Any, declared: Any) -> str:
    """The outcome of a value that was declared to stand for what is not in the message, where the message holds ``must``."""
    if must is UNJUDGED:
        return OPEN
    nothing = must is ABSENT or must is UNFIT
    return ABSENT_SAID if nothing or same(must, declared) else WRONG
