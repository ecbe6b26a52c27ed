"""What of the kernel's attributes two implementations read, as values and as lines for people.

Not here: who reads what (``nlmon.engine.coverage``), and what a comparison met of it (``model``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from nlmon.printable import printable
from nlmon.report.text import counted

__all__ = [
    "AttributeRow",
    "CoverageReport",
    "MessageCoverage",
    "UnreadCapture",
    "attribute_lines",
    "count_states",
    "state_of",
]

BOTH, NEITHER, IGNORED = "both", "neither", "ignored"


class AttributeRow(Struct, frozen=True):
    """One attribute that the kernel defines, or that captures hold.

    ``path``: names from the outermost attribute on; ``set`` and ``number``: what the kernel's specifications call it;
    ``type``: that of the specifications, empty where a header alone has it; ``read_by``: the implementations whose
    event its value can change, in a message of some type or address family (of captures: in these messages);
    ``ignored``: why nobody need read it, empty if there is no such reason, or somebody does. Of captures, ``messages``:
    how many have it; ``kinds``: these by the text that says what is in it, such as ``vxlan``.
    """

    path: str
    set: str
    number: int
    type: str
    read_by: list[str]
    ignored: str = ""
    messages: int = 0
    kinds: dict[str, int] = {}


class MessageCoverage(Struct, frozen=True):
    """The attributes of messages that give one kind of event, or of one generic family, and how many are read by
    whom: ``both``, one implementation by its name, ``neither``, ``ignored``.

    Of all that the kernel defines, what can be inside several attributes stands where it is read, else where it comes
    first. Of captures, what is inside an attribute that is not read, or is kept as it is, is not listed; ``messages``:
    how many there are; ``event``: whether they give an event, without which their attributes are not listed.
    """

    message: str
    protocol: str
    counts: dict[str, int]
    attributes: list[AttributeRow]
    messages: int = 0
    event: bool = True


class UnreadCapture(Struct, frozen=True):
    """A capture of which nothing, or not all, could be read: its path, the code of the error, and why."""

    path: str
    code: str
    why: str


class CoverageReport(Struct, frozen=True):
    """All that the kernel defines for the messages that are compared, or what ``captures`` hold of it.

    ``kernel``: the version of Linux whose specifications are the measure; ``counts``: attributes of all messages
    together; ``left_out``: attributes and messages of captures that found no place among those that are counted;
    ``unread``: captures of which nothing, or not all, could be read. Where no message was read, nothing is known.
    """

    kernel: str
    implementations: list[str]
    counts: dict[str, int]
    messages: list[MessageCoverage]
    captures: list[str] = []
    left_out: int = 0
    unread: list[UnreadCapture] = []


def state_of(row: AttributeRow, implementations: Sequence[str]) -> str:
    """Who reads an attribute, as it is counted."""
    if row.ignored:
        return IGNORED
    if len(row.read_by) == len(implementations):
        return BOTH
    return row.read_by[0] if row.read_by else NEITHER


def count_states(states: Iterable[str], implementations: Sequence[str]) -> dict[str, int]:
    """How many attributes have each state; each state is there."""
    found = Counter(states)
    return {state: found[state] for state in (BOTH, *implementations, NEITHER, IGNORED)}


def attribute_lines(message: MessageCoverage, implementations: Sequence[str]) -> Iterator[str]:
    """One line for each attribute that not both read; those inside one that nobody reads are counted in its line. Of
    captures, what neither reads comes first, and what most messages have."""
    states = {row.path: state_of(row, implementations) for row in message.attributes}
    inside: Counter[str] = Counter()
    shown = []
    for row in message.attributes:
        around = [row.path[: at + 1] for at in _slashes(row.path)]
        # What a capture holds in an attribute that is not read is not there.
        outer = (path for path in around if states.get(path.rstrip("/")) in {NEITHER, IGNORED})
        unread = "" if row.messages else next(outer, "")
        if unread:
            inside[unread.rstrip("/")] += 1
        elif state_of(row, implementations) != BOTH:
            shown.append(row)
    order = [NEITHER, *implementations, IGNORED]
    if message.messages:
        shown.sort(key=lambda row: (order.index(state_of(row, implementations)), -row.messages))
    for row in shown:
        more = f" (with {counted(inside[row.path], 'attribute')} in it)" if inside[row.path] else ""
        why = f": {row.ignored}" if row.ignored else ""
        yield f"{state_of(row, implementations):8} {printable(row.path)}{more}{_messages(row)}{why}"


def _messages(row: AttributeRow) -> str:
    """In how many messages of a capture an attribute is, and of which kinds."""
    if not row.messages:
        return ""
    often = Counter(row.kinds).most_common()
    kinds = ", ".join(f"{printable(kind)} {count:,}" for kind, count in often)
    return f" ({counted(row.messages, 'message')}{': ' if kinds else ''}{kinds})"


def _slashes(path: str) -> list[int]:
    return [at for at, letter in enumerate(path) if letter == "/"]
