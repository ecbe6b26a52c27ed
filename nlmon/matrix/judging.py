"""Judges one recording: what each implementation made of each message, by the bytes where they do not say the same.

Rules:
1. Every value is held against the third reading, also where all give the same: a mistake may be shared. Where the bytes
   do not decide, those who give a field are held against each other.
2. What came of a datagram beside a crash does not count at all.
3. An event that is not there is judged as a value is: a well-formed message that is refused is lost. So is a value of
   one that an error says could not be read, and one that is promised, in the message, and not given.
4. What a program declares for what is absent is none: it hides no value, and disagrees with who gives one.

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
from nlmon.compare.statement import Statement
from nlmon.errors import DecodeError
from nlmon.events import OVERRUN, Event
from nlmon.framing import MessageHeader, messages
from nlmon.matrix.places import ExampleMaker
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
# Where a value is: kind, field, and the address family of its message.
Place: TypeAlias = tuple[str, str, int | None]


class Judging:
    """Judges a recording into ``tally``. ``statements``: by number what an implementation says that it provides, and
    what it gives for what is not there; ``many``: how many take part."""

    def __init__(
        self,
        tally: Tally,
        contract: Contract,
        byteorder: Literal["little", "big"],
        places: ExampleMaker,
        statements: Mapping[int, Statement],
        many: int,
    ) -> None:
        self.tally = tally
        self._contract = contract
        self._order = byteorder
        self._places = places
        self._statements = statements
        self._many = many
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
        if any(errors.values()) and self._third.whole(kind, message, expected):
            errors = {}  # they excuse nothing
        family = getattr(first.payload, "family", None)
        alike = True
        for field, column in zip(table.fields, zip(*rows, strict=True), strict=True):
            given = dict(zip(said, column, strict=True))
            must = expected.get(field.name, UNJUDGED)
            outcomes = [NONE] * self._many
            for number, value in given.items():
                outcomes[number] = self._outcome((kind, field.name, family), number, given, must)
                if outcomes[number] in _BAD and _reported(field, value, must, errors.get(number, ())):
                    outcomes[number] = REPORTED
            alike = alike and _BAD.isdisjoint(outcomes)
            if not alike and (key := self.tally.wants(kind, field.name, outcomes)):
                remarks = self._remarks(kind, field.name, given, outcomes)
                example = self._places.of_field(datagram, first, field, must, given, remarks)
                self.tally.examples[kind, field.name][key] = example
            self.tally.fields[kind, field.name, "".join(outcomes)] += 1
        if len(said) > 1:
            self.tally.messages += 1
            self.tally.agreed += alike
        return expected

    def _outcome(self, place: Place, number: int, given: Mapping[int, Any], must: Any) -> str:
        """What the bytes say of what one gives for a field, where each gives what is ``given``."""
        kind, field, family = place
        value, statement = given[number], self._statements[number]
        if value is UNSET:
            nothing = must is ABSENT or must is UNFIT or must is UNJUDGED
            promised = statement.complete and statement.provides(kind, field, family)
            return WRONG if promised and not nothing else NOT_PROVIDED
        silent = statement.is_absent(kind, field, value)
        if must is UNJUDGED or (must is PRESENT and (silent or value is not None)):
            return self._beside_others(kind, field, number, given)
        if silent:
            return ABSENT_SAID if must is ABSENT or must is UNFIT or same(must, value) else WRONG
        if must is ABSENT:
            return RIGHT if value is None else WRONG
        if must is UNFIT:
            return RIGHT if value is None else MALFORMED
        promises = statement.provides if statement.complete else None
        return RIGHT if value is not None and agrees(must, value, promises) else WRONG

    def _beside_others(self, kind: str, field: str, number: int, given: Mapping[int, Any]) -> str:
        """What is said of a value that the bytes do not decide, by what others give."""
        found = [
            (value, value is None or self._statements[at].is_absent(kind, field, value))
            for at, value in ((number, given[number]), *given.items())
            if value is not UNSET
        ]
        value, none = found[0]
        if len(found) == 2:  # itself, twice
            return ALONE
        return AGREED if all((none and empty) or agrees(other, value) for other, empty in found) else OPEN

    def _remarks(self, kind: str, field: str, given: Mapping[int, Any], outcomes: Sequence[str]) -> dict[int, str]:
        """What is said of values of a field beside them, by the numbers of those who gave them."""
        remarks = {
            number: "which stands for none"
            for number, value in given.items()
            if self._statements[number].is_absent(kind, field, value)
        }
        lacking = {number for number, value in given.items() if value is UNSET and outcomes[number] == WRONG}
        return remarks | dict.fromkeys(lacking, "though its statement promises it")


def _reported(field: Field, value: Any, must: Any, errors: Sequence[DecodeError]) -> bool:
    """Whether errors about a malformed message say that a field of it could not be read; of an attribute that holds no
    value of its kind any error does. One beside another value, whose bytes can be read, excuses nothing."""
    return bool(errors) and (
        must is UNFIT
        or (
            (value is None or must is UNJUDGED)
            and any(
                error.path == path or error.path.startswith(path + "/") or path.startswith(error.path + "/")
                for error in errors
                if error.path
                for path in field.paths
            )
        )
    )
