"""What is new, gone and changed between two runs, such as yesterday's and today's, or those on two kernels.

    compare_runs(old, new).fails      # something is new that fails

Rules:
1. Cases belong together by their id; what is left, by the name of the file, if it has one namesake alone: recordings of
   two kernels lie in two folders. Hosts count where a run has several.
2. Of a case its outcome, its verdict and its items are compared: groups of differences, losses, findings of a scenario.
3. What fails in both runs is nothing new. A case that is gone fails nothing, and is named.

Not here: the two runs (``load``), and the lines for people (``rundifftext``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from nlmon.report.model import Direction, Verdict
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Outcome, Run

__all__ = ["CHANGES", "CaseChange", "ItemChange", "RunDifference", "RunFacts", "Standing", "compare_runs"]

Change: TypeAlias = Literal["new", "gone", "changed", "same"]
CHANGES: tuple[Change, ...] = ("new", "gone", "changed", "same")
Item: TypeAlias = Literal["difference", "loss", "finding", "known"]


class RunFacts(Struct, frozen=True):
    """Which run it was. ``cases``: how many have run; ``whole``: whether it came to its end."""

    version: str
    host: str
    kernel: str
    started: str
    cases: int
    whole: bool


class Standing(Struct, frozen=True):
    """What became of a case in one of the runs."""

    outcome: Outcome
    verdict: Verdict | None
    reason: str


class ItemChange(Struct, frozen=True):
    """One thing about a case that only one run has, or not as often. ``what``: a class of difference with its message
    and field, a field that is lost, what the known differences allow, or what a scenario expects; ``old``, ``new``: how
    often it was found; ``fails``: it is new, and fails its case."""

    change: Change
    item: Item
    what: str
    old: int
    new: int
    fails: bool


class CaseChange(Struct, frozen=True):
    """A case that is not the same in both runs. ``old``, ``new``: null in the run that does not have it; ``old_id``:
    its id in the old run, where that is another; ``fails``: it did not pass, and did before, or an item is new that
    fails."""

    change: Change
    id: str
    host: str
    direction: Direction
    old: Standing | None
    new: Standing | None
    items: list[ItemChange]
    fails: bool
    old_id: str = ""


class RunDifference(Struct, frozen=True):
    """What two runs differ in. ``counts``: cases by what happened to them; ``cases``: those that are not the same, what
    fails first; ``stale``, ``expired``: entries of the known differences that fail the new run and did not fail the old
    one, by their numbers; ``fails``: something is new that fails; ``recordings``: paths at which the new run read
    another file; ``complete``: whether the new run ran something and came to its end, so that what is gone is gone."""

    tool: str
    old: RunFacts
    new: RunFacts
    counts: dict[Change, int]
    cases: list[CaseChange]
    fails: bool
    stale: list[int] = []
    expired: list[int] = []
    recordings: list[str] = []
    complete: bool = True


def compare_runs(old: Run, new: Run) -> RunDifference:
    """What is new, gone and changed from one run to another."""
    changes = [_change(before, after, new) for before, after in _pairs(old, new)]
    counts = Counter(change.change for change in changes)
    listed = [change for change in changes if change.change != "same"]
    # A number means the same in both runs where they had the same file.
    same = old.header.known_digest == new.header.known_digest
    stale = [one for one in new.footer.stale if not same or one not in old.footer.stale]
    expired = [one for one in new.footer.expired if not same or one not in old.footer.expired]
    return RunDifference(
        tool="nlmon",
        old=_facts(old),
        new=_facts(new),
        counts={change: counts[change] for change in CHANGES},
        cases=sorted(listed, key=lambda change: (not change.fails, CHANGES.index(change.change))),
        fails=bool(stale or expired) or any(change.fails for change in changes),
        stale=stale,
        expired=expired,
        recordings=sorted(
            path for path, digest in new.header.inputs.items() if old.header.inputs.get(path, digest) != digest
        ),
        complete=new.whole and bool(new.results),
    )


def _facts(run: Run) -> RunFacts:
    header = run.header
    return RunFacts(
        header.version, ", ".join(run.hosts), header.kernel, header.started, len(run.results), whole=run.whole
    )


def _pairs(old: Run, new: Run) -> Iterator[tuple[CaseResult | None, CaseResult | None]]:
    """The cases of both runs that belong together, in the order of the new one, and then what is gone."""
    several = max(len(old.hosts), len(new.hosts)) > 1
    before = {_key(old, result, several): result for result in old.results}
    after = {_key(new, result, several): result for result in new.results}
    gone = [result for key, result in before.items() if key not in after]
    come = [result for key, result in after.items() if key not in before]
    moved = _namesakes(gone, come)
    for key, result in after.items():
        yield before.get(key) or moved.get(id(result)), result
    found = {id(result) for result in moved.values()}
    yield from ((result, None) for result in gone if id(result) not in found)


def _key(run: Run, result: CaseResult, several: bool) -> tuple[str, str]:
    return run.host_of(result) if several else "", result.id


def _namesakes(gone: Iterable[CaseResult], come: Iterable[CaseResult]) -> dict[int, CaseResult]:
    """Of cases that have come those whose file has the name of one that is gone, and of no other, with that one."""
    old, new = _by_name(gone), _by_name(come)
    return {id(new[name][0]): old[name][0] for name in old.keys() & new.keys() if len(old[name]) == len(new[name]) == 1}


def _by_name(results: Iterable[CaseResult]) -> dict[tuple[str, str], list[CaseResult]]:
    found: dict[tuple[str, str], list[CaseResult]] = {}
    for result in results:
        found.setdefault((PurePath(result.where).name, result.case), []).append(result)
    return found


def _change(before: CaseResult | None, after: CaseResult | None, new: Run) -> CaseChange:
    known = after or before
    assert known is not None
    fails_now = after is not None and after.outcome in DID_NOT_PASS
    failed_before = before is not None and before.outcome in DID_NOT_PASS
    items = _items(before, after, fails_now) if before is not None and after is not None else []
    return CaseChange(
        change=_what_happened(before, after, items),
        id=known.id,
        host=new.host_of(known),
        direction=known.direction,
        old=_standing(before),
        new=_standing(after),
        items=items,
        fails=fails_now and (not failed_before or any(item.fails for item in items)),
        old_id=before.id if before is not None and after is not None and before.id != after.id else "",
    )


def _what_happened(before: CaseResult | None, after: CaseResult | None, items: Sequence[ItemChange]) -> Change:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    same = (before.outcome, before.verdict) == (after.outcome, after.verdict) and not items
    return "same" if same else "changed"


def _standing(result: CaseResult | None) -> Standing | None:
    return None if result is None else Standing(result.outcome, result.verdict, result.explanation)


def _items(before: CaseResult, after: CaseResult, fails_now: bool) -> list[ItemChange]:
    """What both runs do not have alike."""
    old, new, failing = _counted(before), _counted(after), _failing(after)
    found = []
    for key in dict.fromkeys((*new, *old)):
        was, now = old.get(key, 0), new.get(key, 0)
        if was != now:
            change: Change = "new" if not was else "changed" if now else "gone"
            fails = fails_now and change == "new" and key in failing
            found.append(ItemChange(change, *key, was, now, fails=fails))
    return sorted(found, key=lambda item: (not item.fails, CHANGES.index(item.change)))


def _counted(result: CaseResult) -> Mapping[tuple[Item, str], int]:
    """How often each thing was found about a case."""
    found: Counter[Any] = Counter(("finding", one.what) for one in result.findings if one.where)
    if result.report is not None:
        for group in result.report.groups:
            found["difference", f"{group.first.code} {group.cls} {group.message} {group.field}".rstrip()] += group.count
        found.update({("loss", name): count for name, count in result.report.losses.items()})
        for use in result.report.known:
            found["known", f"{use.code} {use.message} {use.field}".rstrip()] += use.count
    return found


def _failing(result: CaseResult) -> set[tuple[Item, str]]:
    """Of these the things by which a case can fail."""
    found: set[tuple[Item, str]] = {("finding", one.what) for one in result.findings}
    if result.report is not None:
        for group in result.report.groups:
            if group.severity == "regression":
                found.add(("difference", f"{group.first.code} {group.cls} {group.message} {group.field}".rstrip()))
        found |= {("loss", name) for name in result.report.lost_events}
    return found
