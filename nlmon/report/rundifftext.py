"""What two runs differ in as lines for people: what fails first, each with what is new, gone and changed in it.

Not here: the values (``rundiff``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.printable import printable
from nlmon.report.rundiff import CaseChange, ItemChange, RunDifference, RunFacts, Standing
from nlmon.report.text import counted, times, useless_known

__all__ = ["run_difference_lines"]

ITEMS_SHOWN = 20
WORDS = {"loss": "loss of service ", "finding": "", "difference": "", "known": "known difference "}


def run_difference_lines(found: RunDifference, *, verbose: bool = False) -> Iterator[str]:
    """The lines, of which the last one has the counts. ``verbose``: every item of a case."""
    yield printable(f"old: {_facts(found.old)}")
    yield printable(f"new: {_facts(found.new)}")
    several = len({change.host for change in found.cases}) > 1
    for change in found.cases:
        yield from map(printable, _case(change, several, verbose))
    yield from (f"new      {line}" for line in useless_known(found.expired, found.stale))
    shown = found.recordings if verbose else found.recordings[:ITEMS_SHOWN]
    yield from (printable(f"changed  the file {path} is another one") for path in shown)
    if more := len(found.recordings) - len(shown):
        yield f"         … and {counted(more, 'more file')}; all of them with -v"
    counts = ", ".join(f"{count:,} {change}" for change, count in found.counts.items() if count) or "no cases"
    failing = sum(change.fails for change in found.cases)
    reasons = [f"{counted(failing, 'case')} with something new that fails"] * bool(failing)
    entries = len(found.stale) + len(found.expired)
    reasons += [f"{counted(entries, 'known difference')} to remove"] * bool(entries)
    end = "" if found.complete else ", but the new run did not end" if not found.new.whole else ", but nothing ran"
    yield f"{counts}; {', '.join(reasons) or 'nothing new fails'}{end}"


def _facts(facts: RunFacts) -> str:
    words = [facts.host, facts.kernel, facts.started, f"nlmon {facts.version}", counted(facts.cases, "case")]
    return ", ".join(filter(None, words)) + ("" if facts.whole else ", did not end")


def _case(change: CaseChange, several: bool, verbose: bool) -> Iterator[str]:
    on = f" on {change.host}" if several and change.host else ""
    was = f" (was {change.old_id})" if change.old_id else ""
    yield f"{change.change:7}  {change.id}{on}{was}: {_standings(change)}"
    if change.new is not None and change.fails and change.new.reason:
        yield f"         {change.new.reason}"
    shown = change.items if verbose else change.items[:ITEMS_SHOWN]
    yield from (f"         {_item(item)}" for item in shown)
    if more := len(change.items) - len(shown):
        yield f"         … and {more:,} more; all of them with -v"


def _standings(change: CaseChange) -> str:
    old, new = _standing(change.old), _standing(change.new)
    if not old or not new:
        return old or new
    return old if old == new else f"{old} → {new}"


def _standing(standing: Standing | None) -> str:
    if standing is None:
        return ""
    return f"{standing.outcome}, {standing.verdict}" if standing.verdict else standing.outcome


def _item(item: ItemChange) -> str:
    often = f"{item.old:,} → {item.new:,}" if item.change == "changed" else times(item.new or item.old)
    often = "" if item.item == "finding" and item.change != "changed" else f", {often}"
    return f"{item.change:7}  {WORDS[item.item]}{item.what}{often}"
