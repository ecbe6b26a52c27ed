"""Holds what one implementation gives alone against the bytes of the message.

Nobody contradicts an event or a field that only one of them provides, so the message itself has to, by a third reading
(``reading``). It finds a value that is not what the message holds, one that the message holds and the event lacks, one
that nobody sent, an event that its owner must provide and does not, and an error that the bytes refute.

Rules:
1. What the owner reports as malformed is not judged, unless the bytes show that it is well-formed. What it does not
   report must be well-formed.
2. Values without a stated encoding are held against their presence.

Not here: fields that both provide (``compare.classify``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import UNSET

from nlmon.compare.classify import FieldFinding
from nlmon.compare.contract import Field, kind_name
from nlmon.compare.difference import Class
from nlmon.compare.evidence.generic import GenericEvidence, RecordedNames
from nlmon.compare.evidence.locate import Span
from nlmon.compare.evidence.offsets import KIND_HEADERS, XFRM_HEADERS
from nlmon.compare.evidence.reading import ABSENT, PRESENT, UNFIT, UNJUDGED, FieldReader, Message
from nlmon.compare.pair import Pair
from nlmon.compare.same import same
from nlmon.compare.statement import Statement
from nlmon.errors import AttributeFormatError, DecodeError, FramingError, HeaderError, MessageTooLarge, NlmonError
from nlmon.events import OVERRUN, Event, GenericInfo
from nlmon.framing import header, messages
from nlmon.uapi import NETLINK_ROUTE, NETLINK_XFRM, NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagram

__all__ = ["Evidence", "RecordedNames"]

MUST_PROVIDE = "here it is not provided"


class Evidence:
    """Judges events of two implementations in one recording; implementation ``number`` is one of the pair.
    ``errors_known``: what could not be read is given beside an event; where it is not, nothing is said of what is made
    of a malformed attribute."""

    def __init__(self, pair: Pair, byteorder: str, recorded: RecordedNames, *, errors_known: bool = True) -> None:
        self._pair, self._contract = pair, pair.contract
        self._errors_known = errors_known
        self._order = byteorder
        self._recorded = recorded
        self._reader = FieldReader(pair, byteorder)
        self._generic = GenericEvidence(pair.contract, byteorder, recorded)

    def note(self, datagram: Datagram, errors: Sequence[NlmonError]) -> None:
        """Take note of what could not be read in a datagram."""
        self._generic.note(datagram, errors)

    # -- whole events ------------------------------------------------------------------------------------------

    def missing(
        self, number: int, protocol: int, spans: Sequence[Span], events: Sequence[Event], errors: Sequence[NlmonError]
    ) -> Iterator[Span]:
        """Messages of which one alone must provide an event, and that gave none though their header is whole."""
        given: set[int] | None = None
        refused: set[int] = set()
        for span in spans:
            if span.kind < NLMSG_MIN_TYPE or not self._pair.gives_alone(number, protocol, span.kind):
                continue
            if given is None:
                given = {event.offset for event in events}
                given |= {error.offset for error in errors if isinstance(error, MessageTooLarge)}
                refused = {error.offset for error in errors if isinstance(error, HeaderError)}
            if span.start not in given and self._whole(protocol, span, refused):
                yield span

    def _whole(self, protocol: int, span: Span, refused: Collection[int]) -> bool:
        """Whether a message has its fixed header, and is no structure of another word size (xfrm)."""
        if protocol == NETLINK_XFRM:
            need = XFRM_HEADERS.get(span.kind, 0)
            return span.end - span.start >= NLMSG_HDRLEN + need and span.start not in refused
        return span.end - span.start >= NLMSG_HDRLEN + KIND_HEADERS.get(self._contract.of(protocol, span.kind) or "", 0)

    def check(
        self, event: Event, datagram: Datagram, broken: Sequence[DecodeError], number: int
    ) -> Iterator[FieldFinding]:
        """Findings about what one implementation gives alone in an event; ``broken``: what it could not read in this
        message. Where nobody else gives this kind of event, its header and interface are judged as well."""
        data, at = datagram.data, event.offset
        if event.synthetic or event.type == OVERRUN or at + NLMSG_HDRLEN > len(data):
            return
        length = header(data, at, self._order).length
        message = Message(data, at, min(len(data), at + length), event.msg_type, self._order)
        kind, statement = kind_name(event.payload), self._pair.statements[number]
        exclusive = not self._pair.shares(kind)
        if exclusive:
            yield from self._head(event, datagram)
        yield from self._refuted(kind, event, message, broken)
        if any(not isinstance(error, AttributeFormatError) or not error.path for error in broken):
            return
        skip = {error.path for error in broken}
        if isinstance(event.payload, GenericInfo):
            for part, value in self._generic.parts(event.payload, message):
                if isinstance(value, FieldFinding):
                    yield value
                else:
                    for found in self._fields(part, value, message, skip, statement, exclusive=True):
                        yield found._replace(field=f"{part}.{found.field}")
        else:
            yield from self._fields(kind, event.payload, message, skip, statement, exclusive=exclusive)
        alone = kind in self._contract.events and not self._pair.shares_interface(kind)
        if alone and not skip and not self.names_links(datagram, event):
            yield from self._interface(event, needed=exclusive and kind in statement.interfaces)

    def names_links(self, datagram: Datagram, event: Event) -> bool:
        """Whether another message of the datagram is of a link: which name holds for which message is left open."""
        return datagram.protocol == NETLINK_ROUTE and any(
            one.offset != event.offset and self._contract.of(NETLINK_ROUTE, one.type) == "link"
            for one in messages(datagram.data, self._order)
        )

    def _head(self, event: Event, datagram: Datagram) -> Iterator[FieldFinding]:
        """The header, which stands in the bytes, and what the datagram says of itself."""
        head = header(datagram.data, event.offset, self._order)
        values: dict[str, object] = {"msg_type": head.type, "msg_flags": head.flags, "seq": head.seq, "pid": head.pid}
        values |= {"frame": datagram.frame, "timestamp": datagram.timestamp, "nsid": datagram.nsid}
        values |= {"protocol": datagram.protocol, "type": "netlink"}
        for name, value in values.items():
            if not same(getattr(event, name), value):
                reason = "the message carries another value"
                yield FieldFinding(Class.CONTRADICTED, name, f"({name})", value, getattr(event, name), reason)

    def _interface(self, event: Event, *, needed: bool) -> Iterator[FieldFinding]:
        """The name of the interface that an event is about: its own, or the recorded one of its index."""
        if event.interface is UNSET:
            if needed:
                yield FieldFinding(Class.LOSS, "interface", "(interface)", "provided", UNSET, MUST_PROVIDE)
            return
        payload = event.payload
        wireless = getattr(payload, "nl80211", None) or payload
        name, index = getattr(wireless, "ifname", None), getattr(wireless, "ifindex", None)
        if index is None:
            index = getattr(payload, "oif", None)
        if name is None and UNSET in (index, getattr(payload, "nl80211", None)):
            return  # of which interface the message is, the event does not say
        if name is None and index and event.nsid is None:
            name = self._recorded.link(index)
        if name is not UNSET and not same(event.interface, name):
            reason = "the interface with the index of this message has another name"
            yield FieldFinding(Class.CONTRADICTED, "interface", "(interface)", name, event.interface, reason)

    # -- fields ------------------------------------------------------------------------------------------------

    def _fields(
        self, kind: str, payload: Any, message: Message, skip: Collection[str], says: Statement, *, exclusive: bool
    ) -> Iterator[FieldFinding]:
        family = getattr(payload, "family", None)
        for row in self._reader.rows(kind, payload):
            field, value = row.field, getattr(payload, row.field.name, None)
            if value is UNSET:
                # Where both give such an event, comparing the two says what must be provided.
                if exclusive and says.provides(kind, field.name, family):
                    yield FieldFinding(Class.LOSS, field.name, field.path, "provided", value, MUST_PROVIDE)
                continue
            if skip and any(_nested(path, known) for path in field.paths for known in skip):
                continue
            expected = self._reader.expected(row, message, family)
            if expected is value or expected is UNJUDGED or (expected is ABSENT and value is None):
                continue
            if same(expected, value) or (expected is UNFIT and not self._errors_known):
                continue
            if expected is ABSENT and says.is_absent(kind, field.name, value):
                continue
            if expected is not PRESENT or value is None:
                yield _finding(field, expected, value)

    def _refuted(
        self, kind: str, event: Event, message: Message, errors: Sequence[DecodeError]
    ) -> Iterator[FieldFinding]:
        """Errors that the bytes or the event itself contradict."""
        for error in errors:
            if isinstance(error, HeaderError | FramingError) and error.offset == event.offset and not error.path:
                reason = "an error says that the message cannot be read, and it gives an event"
                yield FieldFinding(Class.ERROR, "", "", "well-formed", str(error), reason)
            if not isinstance(error, AttributeFormatError):
                continue
            rows = [row for row in self._reader.rows(kind, event.payload) if error.path in row.field.paths]
            needs = [self._reader.numeric(row) for row in rows]
            sizes = [need for need in needs if need is not None]
            if sizes and len(sizes) == len(needs) and message.payload_at(error.offset) >= max(sizes):
                reason, field = "the attribute is well-formed", rows[0].field
                yield FieldFinding(Class.ERROR, field.name, field.path, reason, str(error), reason)


def _nested(one: str, other: str) -> bool:
    """Whether one attribute path is the other, or inside it."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _finding(field: Field, expected: Any, value: Any) -> FieldFinding:
    if expected is ABSENT:
        return FieldFinding(
            *(Class.CONTRADICTED, field.name, field.path, None, value),
            "the message does not carry it",
        )
    if expected is UNFIT:
        reason = "the attribute does not fit, and no error says so"
        cls = Class.ERROR if value is None else Class.CONTRADICTED
        return FieldFinding(cls, field.name, field.path, None, value, reason)
    reason = "the message carries another value" if value is not None else "the message carries it, the event does not"
    return FieldFinding(
        Class.CONTRADICTED, field.name, field.path, "(present)" if expected is PRESENT else expected, value, reason
    )
