"""Text for people: what is counted, and paths; all of it goes through ``nlmon.printable`` before it is shown.

Rules:
1. What is counted stands in the singular or the plural: ``counted``, ``times``.

Not here: colours and tables, and what makes a text printable (``nlmon.printable``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["both", "counted", "counted_roles", "shortened", "shown_path", "times", "useless_known"]

# One datagram and many, by their part in a conversation.
ROLES = {
    "notification": ("notification", "notifications"),
    "dump": ("part of a dump", "parts of dumps"),
    "reply": ("reply", "replies"),
    "request": ("request", "requests"),
    "control": ("acknowledgement or error", "acknowledgements and errors"),
}


def counted(number: int, one: str, many: str = "") -> str:
    """``1 reply``, ``2 replies``; ``many``: the plural, if that is not ``one`` and an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def counted_roles(roles: Mapping[str, int]) -> str:
    """How many datagrams have each part in a conversation, by the word of the part."""
    return ", ".join(counted(roles[role], *words) for role, words in ROLES.items() if roles.get(role))


def times(number: int) -> str:
    """``once``, ``2 times``."""
    return "once" if number == 1 else f"{number:,} times"


def both(counts: Mapping[str, int]) -> str:
    """The counts of the reference and the candidate, once when they are equal."""
    return "/".join(f"{count:,}" for count in dict.fromkeys(counts.values()))


def shortened(text: str, length: int) -> str:
    """A text of at most so many characters, which ends with an ellipsis if it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shown_path(path: Path | str) -> str:
    """A path as text that JSON can hold: bytes of its name that are not UTF-8 as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def useless_known(expired: Sequence[int], stale: Sequence[int], known: str = "") -> Iterator[str]:
    """Each entry of the known differences that is to be removed, by its number, and why. ``known``: the file."""
    of_file = f" of {known}" if known else ""
    for why, numbers in (("is over", expired), ("allowed nothing", stale)):
        yield from (f"known difference {number}{of_file} {why}" for number in numbers)
