"""Entries of the known differences that a run had no use for: those that allowed nothing, and those that have expired.

Not here: what an entry allows (``nlmon.compare.known``), and the file (``known``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from nlmon.report.model import CaptureReport

if TYPE_CHECKING:  # start-up: only a run with a file of known differences has any
    from nlmon.compare.known import KnownDifference
    from nlmon.project.known import KnownFile
    from nlmon.report.outcome import CaseResult

__all__ = ["met_entries", "stale_entries", "useless_entries"]

# A report, and the reference and the candidate in its direction.
Judged: TypeAlias = tuple[CaptureReport, tuple[str, str]]


def met_entries(entries: Iterable[tuple[int, KnownDifference]], judged: Sequence[Judged]) -> set[int]:
    """The entries that apply to a capture that was read to its end."""
    return {
        number
        for number, entry in entries
        for capture, names in judged
        if capture.damage is None
        and capture.stop is None
        and capture.verdict != "error"
        and entry.applies(capture.path, capture.kernel, *names, scenario=capture.scenario)
    }


def stale_entries(
    entries: Sequence[tuple[int, KnownDifference]], judged: Sequence[Judged], *, complete: bool
) -> list[int]:
    """Of some entries those that were tried and allowed nothing. An entry is tried when a capture that it applies to
    was read to its end; one that holds for a pattern of captures or scenarios only by a run that is ``complete``."""
    used = {use.entry for capture, _ in judged for use in capture.known}
    tried = met_entries(entries, judged) - used
    return [number for number, entry in entries if number in tried and (complete or entry.names_one)]


def useless_entries(
    known: KnownFile, results: Sequence[CaseResult], *, complete: bool, tried: bool, named: bool
) -> tuple[list[int], list[int]]:
    """Entries of the known differences that allowed nothing, and those whose time is over. ``tried``: whether the run
    can say that an entry is of no use; ``named``: with other implementations than the scenarios name, so that it can
    say so only of an entry about these."""
    judged = [(one.report, (one.reference, one.candidate)) for one in results if one.report is not None]
    entries = [(number, entry) for number, entry in known.valid if entry.names_both or not named]
    stale = stale_entries(entries, judged, complete=complete) if tried else []
    return stale, sorted(met_entries(known.entries, judged) & known.expired)
