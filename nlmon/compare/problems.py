"""What both implementations could not read in a datagram, held against each other.

The two write their messages in words of their own; the same problem has the same kind, code, place, attribute path and,
from the kernel, the same error number.

Rules:
1. A problem that only one of them reports is excused only if the other one's statement says that it does not read it:
   the attribute, or the whole kind of message.
2. Framing and control messages are everybody's to read, and so is a list whose length has wrapped.

Not here: making differences of them (``explain``).
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from nlmon.compare.evidence.locate import spans
from nlmon.compare.pair import Pair
from nlmon.errors import AttributeFormatError, DecodeError, HeaderError, KernelError, NlmonError, WrappedLength
from nlmon.events import Event
from nlmon.names.foreign import without_data
from nlmon.wire import Datagram

__all__ = ["Problem", "compare_problems"]

# Kind, offset, attribute path, error number, code.
Key: TypeAlias = tuple[str, int, str, int, str]


class Problem(NamedTuple):
    """A problem that only one of them reports; the other one's text is empty."""

    event: Event | None
    reference: str
    candidate: str


def compare_problems(
    pair: Pair,
    datagram: Datagram,
    byteorder: str,
    found: tuple[Sequence[NlmonError], Sequence[NlmonError]],
    events: Sequence[Event],
) -> Iterator[Problem]:
    """Problems of one datagram that are not the same; ``events`` are those of both, to name the message."""
    before, after = (Counter(map(_key, errors)) for errors in found)
    if before == after:
        return
    texts = {_key(error): error for errors in found for error in errors}
    found_spans = spans(datagram.data, byteorder)
    starts = [span.start for span in found_spans]
    ordered = sorted(events, key=lambda event: event.offset)
    offsets = [event.offset for event in ordered]
    for key in sorted((before - after) + (after - before)):
        error, of_reference = texts[key], before[key] > after[key]
        at = bisect.bisect_right(offsets, key[1])
        event = ordered[at - 1] if at else None
        at = bisect.bisect_right(starts, key[1])
        kind = found_spans[at - 1].kind if at else 0
        if not _must_report(pair, 1 if of_reference else 0, error, datagram.protocol, kind, event):
            continue
        text = without_data(str(error))
        yield Problem(event, text if of_reference else "", "" if of_reference else text)


def _key(error: NlmonError) -> Key:
    offset = error.offset if isinstance(error, DecodeError) else -1
    path = error.path if isinstance(error, DecodeError) else ""
    number = error.errno if isinstance(error, KernelError) else 0
    return type(error).__name__, offset, path, number, error.code


def _must_report(pair: Pair, number: int, error: NlmonError, protocol: int, msg_type: int, event: Event | None) -> bool:
    """Whether implementation ``number`` reads what this problem is about, as its statement says."""
    if not isinstance(error, AttributeFormatError | HeaderError) or isinstance(error, WrappedLength):
        return True
    statement, kind = pair.statements[number], pair.contract.of(protocol, msg_type)
    if kind is not None and kind not in statement.events:
        return False
    if not error.path:
        return True
    family = getattr(event.payload, "family", None) if event is not None else None
    return any(statement.provides(kind, field, family) for kind, field in pair.contract.fields_at(error.path))
