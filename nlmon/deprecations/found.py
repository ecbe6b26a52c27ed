"""What was found: uses of what is old, and files that could not be looked into.

Not here: finding them (``yaml``, ``python``, ``c``), and the files (``search``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from nlmon.deprecations.table import REMOVED_IN, Deprecated, Kind, Removal
from nlmon.errors import SourceError
from nlmon.yamlfile import Position

__all__ = [
    "USES_KEPT",
    "Deprecations",
    "Found",
    "Language",
    "Unread",
    "Use",
    "report_of",
    "unread_of",
    "use_of",
]

# Of more uses the worst are kept, and all are counted.
USES_KEPT = 10_000

Language: TypeAlias = Literal["yaml", "python", "c"]
_WORST: tuple[Removal, ...] = ("removed", "may be removed", "kept")
_WHEN: Mapping[Removal, str] = {
    "removed": f"removed in {REMOVED_IN}",
    "may be removed": f"may be removed in {REMOVED_IN}",
    "kept": "still works",
}


class Found(NamedTuple):
    """One use in a file, by its row of the table."""

    row: Deprecated
    place: Position


class Use(Struct, frozen=True):
    """One use. ``line``, ``column``: where it begins, from 1; ``since``: the version that warns of it, empty if none
    does; ``removal``: whether version 3.0 is without it; ``guide``: the line of the migration guide."""

    file: str
    line: int
    column: int
    language: Language
    kind: Kind
    old: str
    replacement: str
    since: str
    removal: Removal
    guide: int

    @property
    def when(self) -> str:
        """What becomes of it, in words."""
        return _WHEN[self.removal]

    @property
    def text(self) -> str:
        """What is written instead, and until when it need not be."""
        return f"{self.old} -> {self.replacement} ({self.when})"


class Unread(Struct, frozen=True):
    """A file, or a part of one, that could not be looked into. ``line``, ``column``: 0 where there is none."""

    file: str
    code: str
    what: str
    line: int = 0
    column: int = 0
    why: str = ""
    hint: str = ""


class Deprecations(Struct, frozen=True):
    """Uses, those first that will not work for the longest. ``files``: how many were looked into; ``total``: how many
    uses there are; ``counts``: by kind; ``left_out``: how many of them are not listed."""

    uses: tuple[Use, ...]
    unread: tuple[Unread, ...]
    files: int
    total: int
    counts: dict[str, int]
    left_out: int


def use_of(found: Found, file: str, language: Language) -> Use:
    """A use as it is printed."""
    row, place = found
    instead = row.instead(python=language == "python")
    return Use(file, place.line, place.column, language, row.kind, row.name, instead, row.since, row.removal, row.guide)


def unread_of(error: SourceError, file: str) -> Unread:
    """An error as it is printed."""
    return Unread(file, error.code, error.what, error.line, error.column, error.why, error.hint)


def report_of(uses: Iterable[Use], unread: Iterable[Unread], files: int) -> Deprecations:
    """The report, worst first, and then by file and place."""
    listed = sorted(uses, key=lambda use: (_WORST.index(use.removal), use.file, use.line, use.column, use.old))
    counts = Counter(use.kind for use in listed)
    kept = tuple(listed[:USES_KEPT])
    return Deprecations(kept, tuple(unread), files, len(listed), dict(sorted(counts.items())), len(listed) - len(kept))
