"""Judges one recording: what each implementation made of each message, by the bytes where they do not say the same.

Rules:
1. Every value is held against the third reading, also where all give the same: a mistake may be shared. Where the bytes
   do not decide, those who give a field are held against each other.
2. What came of a datagram beside a crash does not count at all.
3. An event that is not there is judged as a value is: a well-formed message that is refused is lost.

Not here: the counters (``tally``), and what the bytes hold (``third``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import UNSET

from nlmon.compare.align import in_order
from nlmon.compare.contract import Contract, Field, kind_name
from nlmon.compare.evidence.reading import ABSENT, PRESENT, UNFIT, UNJUDGED
from nlmon.compare.same import same
from nlmon.compare.side import Side
from nlmon.errors import DecodeError
from nlmon.events import OVERRUN, Event
from nlmon.framing import MessageHeader, messages
from nlmon.matrix.places import Places
from nlmon.matrix.tally import (
    ABSENT_SAID,
    AGREED,
    ALONE,
    MALFORMED,
    NONE,
    NOT_PROVIDED,
    OPEN,
    REPORTED,
    RIGHT,
    WRONG,
    Tally,
)
from nlmon.matrix.third import ThirdReading
from nlmon.matrix.values import agrees
from nlmon.uapi import NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagram

__all__ = ["Judging"]

_BAD = frozenset((WRONG, OPEN, MALFORMED))
# Of an implementation, for one datagram: its events by the offset of their message, and its errors.
Given: TypeAlias = tuple[dict[int, list[Event]], list[DecodeError]]


class Judging:
    """Judges a recording into ``tally``. ``absent``: by number what an implementation declares for what is not there,
    by ``kind.field``."""

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
        reading: dict[int, Given] = {}
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
        reading: Mapping[int, Given],
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
            broken = {at: [one for one in reading[at][1] if head.offset <= one.offset < end] for at in said}
            expected = self._fields(datagram, head, kind, said, broken)
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
        self,
        datagram: Datagram,
        head: MessageHeader,
        kind: str,
        said: Mapping[int, Event],
        errors: Mapping[int, Sequence[DecodeError]],
    ) -> dict[str, Any]:
        """Hold the fields of a message against the bytes, and beside each other; what the bytes say."""
        table = self._third.kinds[kind]
        rows = [table.values(event.payload) for event in said.values()]
        message = self._third.message(datagram.data, head.offset, head.offset + head.length, head.type)
        first = next(iter(said.values()))
        expected = self._third.expected(kind, first.payload, message)
        alike, many = True, len(self._absent)
        for field, column in zip(table.fields, zip(*rows, strict=True), strict=True):
            given = dict(zip(said, column, strict=True))
            must = expected.get(field.name, UNJUDGED)
            outcomes = [NONE] * many
            for number in given:
                outcomes[number] = self._outcome(f"{kind}.{field.name}", number, given, must)
                if outcomes[number] in _BAD and errors.get(number) and _reported(field, must, errors[number]):
                    outcomes[number] = REPORTED
            alike = alike and _BAD.isdisjoint(outcomes)
            if not alike and (key := self.tally.wants(kind, field.name, outcomes)):
                silent = {at for at, value in given.items() if self._is_absent(at, f"{kind}.{field.name}", value)}
                example = self._places.of_field(datagram, first, field, must, given, silent)
                self.tally.examples[kind, field.name][key] = example
            self.tally.fields[kind, field.name, "".join(outcomes)] += 1
        if len(said) > 1:
            self.tally.messages += 1
            self.tally.agreed += alike
        return expected

    def _outcome(self, name: str, number: int, given: Mapping[int, Any], must: Any) -> str:
        """What the bytes say of what one gives for a field, where each gives what is ``given``."""
        value = given[number]
        if value is UNSET:
            return NOT_PROVIDED
        if self._is_absent(number, name, value):
            return _absent(must, value)
        if must is ABSENT:
            return RIGHT if value is None else WRONG
        if must is UNFIT:
            return RIGHT if value is None else MALFORMED
        if must is UNJUDGED or (must is PRESENT and value is not None):
            others = [
                other
                for at, other in given.items()
                if at != number and other is not UNSET and not self._is_absent(at, name, other)
            ]
            if not others:
                return ALONE
            return AGREED if all(agrees(other, value) for other in others) else OPEN
        return RIGHT if value is not None and agrees(must, value) else WRONG

    def _is_absent(self, number: int, name: str, value: Any) -> bool:
        """Whether one gives the value that it declares for what is not there."""
        declared = self._absent[number].get(name, UNSET)
        return declared is not UNSET and same(value, declared)


def _absent(must: Any, declared: Any) -> str:
    """The outcome of a value that is declared to stand for what is not in the message, which holds ``must``."""
    if must is UNJUDGED:
        return ALONE
    nothing = must is ABSENT or must is UNFIT
    return ABSENT_SAID if nothing or same(must, declared) else WRONG


def _reported(field: Field, must: Any, errors: Sequence[DecodeError]) -> bool:
    """Whether errors of an implementation say that it could not read a field; of an attribute that holds no value of
    its kind any error does."""
    return must is UNFIT or any(
        error.path == path or error.path.startswith(path + "/") or path.startswith(error.path + "/")
        for error in errors
        if error.path
        for path in field.paths
    )
