"""The first place of each kind of disagreement, with its bytes and what everybody says there.

Rules:
1. Keys are shown as their length, as in every report.

Not here: what counts as a disagreement (``judging``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from nlmon.compare.classify import FieldFinding
from nlmon.compare.contract import Field
from nlmon.compare.difference import Class
from nlmon.compare.evidence.hidden import shown_values
from nlmon.compare.evidence.reading import ABSENT, PRESENT, UNFIT, UNJUDGED
from nlmon.compare.explain import explain_field, show
from nlmon.events import Event
from nlmon.matrix.model import Example
from nlmon.names import message_type
from nlmon.wire import Datagram

__all__ = ["ExampleMaker"]

_SAYS: Mapping[int, str] = {
    id(ABSENT): "(not in the message)",
    id(PRESENT): "(present)",
    id(UNFIT): "(the attribute holds no value of its kind)",
    id(UNJUDGED): "(not decided)",
}


class ExampleMaker:
    """Makes examples of one recording. ``names``: of the implementations; ``families``: the names of a generic family
    by its number."""

    def __init__(
        self, capture: str, names: Sequence[str], byteorder: str, families: Callable[[int], Collection[str]]
    ) -> None:
        self._capture = capture
        self._names = names
        self._order = byteorder
        self._families = families

    def of_field(
        self,
        datagram: Datagram,
        event: Event,
        field: Field,
        expected: Any,
        said: Mapping[int, Any],
        remarks: Mapping[int, str],
    ) -> Example:
        """What each gave for a field of a message, by their numbers; ``event``: that of one of them; ``remarks``: what
        is said beside values."""
        shown_says = None if id(expected) in _SAYS else expected
        finding = FieldFinding(Class.CONTRADICTED, field.name, field.path, shown_says, UNSET, "")
        found = explain_field(finding, event, datagram, self._order, answer=False, families=self._families)
        values = {
            self._names[number]: ", ".join(
                filter(None, (show(shown_values(event, (value, value), self._families)[0]), remarks.get(number)))
            )
            for number, value in said.items()
        }
        return Example(
            capture=self._capture,
            frame=found.frame,
            offset=found.offset,
            message=found.message,
            attribute=field.path,
            attribute_offset=found.attribute_offset,
            hex=found.hex,
            bytes_say=_SAYS.get(id(expected)) or found.reference,
            said=values,
        )

    def of_message(self, datagram: Datagram, offset: int, msg_type: int, said: Mapping[int, str]) -> Example:
        """What became of a whole message, by the numbers of those who said something else."""
        return Example(
            capture=self._capture,
            frame=datagram.frame,
            offset=offset,
            message=message_type(datagram.protocol, msg_type),
            attribute="",
            attribute_offset=-1,
            hex="",
            bytes_say="",
            said={self._names[number]: text for number, text in said.items()},
        )
