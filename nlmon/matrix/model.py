"""The report of a matrix, as values; its JSON form is published as the schema ``matrix``.

Not here: making it (``judging``, ``places``), and writing it (``text``, ``markdown``).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

__all__ = ["Example", "Failure", "FieldRow", "Implementation", "MatrixReport", "MessageRow", "Said", "Unread"]


class Said(Struct, frozen=True):
    """How often one implementation gave a field, by what the bytes say: ``right`` and ``wrong``, also where it
    promises the field and does not give it; where they do not
    decide ``agreed``: all who gave it gave the same, ``open``: they did not, ``alone``: nobody else gave it;
    ``absent``: it gave the value that it declares for what is not in the message, rightly; ``malformed``: a value of an
    attribute that holds none of its kind, without an error; ``reported``: an error of its own says that it could not be
    read; ``not_provided``: it gave an event without it."""

    right: int = 0
    wrong: int = 0
    agreed: int = 0
    open: int = 0
    alone: int = 0
    absent: int = 0
    malformed: int = 0
    reported: int = 0
    not_provided: int = 0


class Example(Struct, frozen=True):
    """The first message of a kind of disagreement. ``offset``: of the message in its datagram; ``attribute``: where the
    contract finds the value, ``attribute_offset`` and ``hex``: the bytes there, -1 and empty where the message does not
    carry it; ``bytes_say``: the value by the third reading; ``said``: what each implementation gave, by name."""

    capture: str
    frame: int
    offset: int
    message: str
    attribute: str
    attribute_offset: int
    hex: str
    bytes_say: str
    said: Mapping[str, str]

    def by_value(self) -> dict[str, list[str]]:
        """Each value with those who gave it: first that of the bytes, also where nobody did."""
        found: dict[str, list[str]] = {self.bytes_say: []}
        for name, value in self.said.items():
            found.setdefault(value, []).append(name)
        return found


class FieldRow(Struct, frozen=True):
    """A field that not all gave alike. ``said``: by implementation; ``wrong``: those that are wrong by the bytes, worst
    first; ``explained``: of these those that an explanation names, with it; ``examples``: one for each group of
    implementations that are wrong at once."""

    kind: str
    field: str
    said: Mapping[str, Said]
    wrong: tuple[str, ...]
    explained: Mapping[str, str]
    examples: tuple[Example, ...]


class MessageRow(Struct, frozen=True):
    """What one implementation did with whole messages of a kind: ``refused``, ``missing``, ``repeated``,
    ``no message``, ``order`` or ``another kind``. ``count``: how often the bytes are against it, ``excused``: how often
    they are not, as of a malformed message; ``text``: its own words, once; ``example``: the first of ``count``."""

    kind: str
    implementation: str
    problem: str
    count: int
    excused: int
    text: str
    example: Example | None
    explained: str = ""


class Failure(Struct, frozen=True):
    """Datagrams of which an implementation gave no answer that counts. ``text``: of the first, which is at ``frame`` of
    ``capture``; 0: it could not be started for that one."""

    implementation: str
    count: int
    text: str
    capture: str
    frame: int
    explained: str = ""


class Implementation(Struct, frozen=True):
    """One that took part. ``given_as``: its name on the command line; ``events``: that were compared; ``errored``:
    datagrams; ``fields``: by kind of event how many of its fields it gave in any message; ``unknown``: fields that no
    event has, with their number."""

    name: str
    given_as: str
    version: str
    language: str
    events: int
    errored: int
    wrong: int
    unknown: Mapping[str, int]
    fields: Mapping[str, int] = {}


class Unread(Struct, frozen=True):
    """A capture that could not be read, or not to its end."""

    path: str
    code: str
    why: str


class MatrixReport(Struct, frozen=True):
    """The whole. ``messages``: of which at least two gave an event; ``agreed``: of these, those about which nobody is
    wrong or open; ``fields``: that somebody gave, ``values``: so many by the bytes; ``rows``: fields that somebody is
    wrong about, worst first; ``open``: others that the bytes do not decide; ``malformed``: others of which somebody
    read a value where none is."""

    implementations: tuple[Implementation, ...]
    captures: tuple[str, ...]
    unread: tuple[Unread, ...]
    messages: int
    agreed: int
    fields: int
    values: int
    rows: tuple[FieldRow, ...]
    open: tuple[FieldRow, ...]
    malformed: tuple[FieldRow, ...]
    whole: tuple[MessageRow, ...]
    failures: tuple[Failure, ...]

    @property
    def unexplained(self) -> bool:
        """Whether somebody is wrong, or has failed, and nothing explains it."""
        return (
            any(set(row.wrong) - row.explained.keys() for row in self.rows)
            or any(row.count and not row.explained for row in self.whole)
            or any(not one.explained for one in self.failures)
        )
