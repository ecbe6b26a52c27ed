"""What of the kernel's attributes two implementations read, as values and as lines for people.

Not here: who reads what (``nlmon.engine.coverage``), and what a comparison met of it (``model``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from nlmon.report.text import counted

__all__ = ["AttributeRow", "KernelCoverage", "MessageCoverage", "listed", "state_of", "summed"]

BOTH, NEITHER, IGNORED = "both", "neither", "ignored"


class AttributeRow(Struct, frozen=True):
    """One attribute that the kernel defines.

    ``path``: names from the outermost attribute on; ``set`` and ``number``: what the kernel's specifications call it;
    ``type``: that of the specifications, empty where a header alone has it; ``read_by``: the implementations whose
    event its value can change, in a message of some type or address family; ``ignored``: why nobody need read it, empty
    if there is no such reason, or somebody does.
    """

    path: str
    set: str
    number: int
    type: str
    read_by: list[str]
    ignored: str = ""


class MessageCoverage(Struct, frozen=True):
    """The attributes of messages that give one kind of event, or of one generic family, and how many are read by
    whom: ``both``, one implementation by its name, ``neither``, ``ignored``. What can be inside several attributes
    stands where it is read, else where it comes first."""

    message: str
    protocol: str
    counts: dict[str, int]
    attributes: list[AttributeRow]


class KernelCoverage(Struct, frozen=True):
    """All that the kernel defines for the messages that are compared. ``kernel``: the version of Linux whose
    specifications this is; ``counts``: of all messages together."""

    kernel: str
    implementations: list[str]
    counts: dict[str, int]
    messages: list[MessageCoverage]


def state_of(row: AttributeRow, implementations: Sequence[str]) -> str:
    """Who reads an attribute, as it is counted."""
    if row.ignored:
        return IGNORED
    if len(row.read_by) == len(implementations):
        return BOTH
    return row.read_by[0] if row.read_by else NEITHER


def summed(states: Iterable[str], implementations: Sequence[str]) -> dict[str, int]:
    """How many attributes have each state; each state is there."""
    found = Counter(states)
    return {state: found[state] for state in (BOTH, *implementations, NEITHER, IGNORED)}


def listed(message: MessageCoverage, implementations: Sequence[str]) -> Iterator[str]:
    """One line for each attribute that not both read; those inside one that nobody reads are counted in its line."""
    states = {row.path: state_of(row, implementations) for row in message.attributes}
    inside: Counter[str] = Counter()
    shown = []
    for row in message.attributes:
        around = [row.path[: at + 1] for at in _slashes(row.path)]
        unread = next((path for path in around if states.get(path.rstrip("/")) in {NEITHER, IGNORED}), "")
        if unread:
            inside[unread.rstrip("/")] += 1
        elif states[row.path] != BOTH:
            shown.append(row)
    for row in shown:
        more = f" (with {counted(inside[row.path], 'attribute')} in it)" if inside[row.path] else ""
        why = f": {row.ignored}" if row.ignored else ""
        yield f"{states[row.path]:8} {row.path}{more}{why}"


def _slashes(path: str) -> list[int]:
    return [at for at, letter in enumerate(path) if letter == "/"]
