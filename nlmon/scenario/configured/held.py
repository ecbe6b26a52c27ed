"""Holds what a monitor has exported, and what was said of its configuration, against what a scenario expects.

Rules:
1. Values in, findings out; each has its place in the scenario, and lines of evidence: which line of which export is
   nearest, and what in it differs.
2. Of notices, of what refuses a configuration, and of what a rewriting says and does, a list is all of them: what it
   does not name does not hold.

Not here: comparing what two monitors have exported (``compare``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import unified_diff
from fnmatch import fnmatchcase
from itertools import islice
from typing import Protocol

import msgspec

from nlmon.config import Problem
from nlmon.report.outcome import Finding
from nlmon.report.text import counted, shortened
from nlmon.scenario.configured.output import ExportedLine, LaneOutput, Sample
from nlmon.scenario.configured.rewritten import Rewritten
from nlmon.scenario.expectation import EventCounts, explain_unmet
from nlmon.scenario.model import Exported, FilePattern, LinePattern, MetricPattern, ProblemPattern

__all__ = ["LONGEST", "hold", "hold_problems", "hold_rewritings", "unheld"]

# Names, lines and samples that are shown instead of those that are not there, and characters of each.
SHOWN, LONGEST = 4, 240
# Lines that are shown of the difference of two texts.
LINES = 12
Place = Callable[..., str]


class _OfLane(Protocol):
    """What is expected of one lane, or of both."""

    @property
    def by(self) -> str:
        """The name of the lane, empty: both."""


def hold(expect: Exported, output: LaneOutput, place: Place) -> Iterator[Finding]:
    """What does not hold of the output of a lane, without its name. ``place``: of a value in the scenario."""
    for export, patterns in expect.lines.items():
        meant = [(number, one) for number, one in enumerate(patterns) if one.event.by in {"", output.name}]
        if meant and export not in output.lines:
            yield Finding(f"exports: {export} is not on", place("expect", "exports", export))
            continue
        for number, pattern in meant:
            where = place("expect", "exports", export, number)
            yield from _lines(pattern, output.lines[export], f"exports: {export} {number + 1}", where)
    for number, file in enumerate(expect.files):
        if file.by in {"", output.name}:
            yield from _files(file, output, place("expect", "files", number))
    for number, metric in enumerate(expect.metrics):
        if metric.by in {"", output.name}:
            yield from _metric(metric, output.metrics, place("expect", "metrics", number))
    for number, rule in enumerate(expect.rules):
        found = output.rules.get(rule.name)
        if rule.by in {"", output.name} and (found is None or found not in rule.matched):
            there = ", ".join(f"{name} {count:,}" for name, count in output.rules.items()) or "no rule"
            got = "there is no such rule in force" if found is None else f"it matched {found:,}"
            what = f"rules: {rule.name}: expected {rule.matched} events, {got}"
            yield Finding(what, place("expect", "rules", number), (f"in force: {there}",))
    for number, said in enumerate(expect.log):
        count = sum(said.text in line for line in output.log)
        if said.by in {"", output.name} and count not in said.count:
            what = f"log: expected {said.count} with {said.text}, found {count:,}"
            yield Finding(what, place("expect", "log", number), tuple(output.log[:SHOWN]) or ("nothing was logged",))
    if expect.notices is not None:
        yield from hold_problems("notices", expect.notices, output.notices, output.name, place)


def unheld(expect: Exported, name: str, place: Place) -> Iterator[Finding]:
    """What is expected of a lane in which no monitor runs, as its configuration is refused: nothing of it holds."""
    patterns: dict[tuple[str, ...], Sequence[_OfLane]] = {
        **{("exports", export): [one.event for one in lines] for export, lines in expect.lines.items()},
        **{(key,): getattr(expect, key) for key in ("files", "metrics", "rules", "log")},
    }
    if expect.compare:
        yield Finding("compare: no monitor runs with the configuration, which is refused", place("expect", "compare"))
    for path, given in patterns.items():
        for number, one in enumerate(given):
            if one.by in {"", name}:
                what = f"{path[0]}: no monitor runs with the configuration, which is refused"
                yield Finding(what, place("expect", *path, number))


def hold_problems(
    key: str, patterns: Sequence[ProblemPattern], found: Sequence[Problem], name: str, place: Place
) -> Iterator[Finding]:
    """What does not hold of the problems of a configuration. ``key``: ``notices`` or ``refused``."""
    meant = [(number, one) for number, one in enumerate(patterns) if one.by in {"", name}]
    for number, one in meant:
        count = sum(_is(problem, one) for problem in found)
        if count not in one.count:
            words = " ".join(filter(None, (one.code, f"in line {one.line}" if one.line else "", one.key)))
            what = f"{key}: expected {one.count} {words}, found {count:,}"
            yield Finding(what, place("expect", key, number), _described(found))
    for problem in found:
        if not any(_is(problem, one) for _, one in meant):
            what = f"{key}: not expected: {problem.code} {problem.what}"
            yield Finding(what, place("expect", key), (problem.text, *filter(None, [problem.source.rstrip()])))


def hold_rewritings(expect: Exported, found: Sequence[Rewritten], name: str, place: Place) -> Iterator[Finding]:
    """What does not hold of the rewritings of a configuration, in their order."""
    for key, patterns in (("changes", expect.changes), ("findings", expect.findings)):
        if patterns is not None:
            said = [problem for one in found for problem in getattr(one, key)]
            yield from hold_problems(key, patterns, said, name, place)
    if expect.rewritten is None:
        if expect.findings is None:
            yield from _refused(found, place)
        return
    meant = [(number, one) for number, one in enumerate(expect.rewritten) if one.by in {"", name}]
    for (number, pattern), one in zip(meant, found, strict=False):
        if pattern.exit != one.exit:
            what = f"rewritten: expected exit code {pattern.exit}, got {one.exit}"
            yield Finding(what, place("expect", "rewritten", number), _described(one.findings))
        elif pattern.text is not None and pattern.text != (one.text or ""):
            lines = unified_diff(
                pattern.text.splitlines(), (one.text or "").splitlines(), "expected", "actual", "", "", 0, ""
            )
            what = "rewritten: the text is another one"
            yield Finding(what, place("expect", "rewritten", number, "text"), tuple(islice(lines, 2, 2 + LINES)))
    if len(meant) != len(found):
        what = f"rewritten: expected {counted(len(meant), 'rewriting')}, found {len(found):,}"
        yield Finding(what, place("expect", "rewritten"))


def _refused(found: Sequence[Rewritten], place: Place) -> Iterator[Finding]:
    """Rewritings that wrote nothing, of which nothing is expected: the monitor went on as it was."""
    for one in found:
        if one.exit:
            what = f"rewritten: nothing was written (exit code {one.exit}), and the scenario does not expect that"
            yield Finding(what, place("expect"), _described(one.findings))


def _is(problem: Problem, pattern: ProblemPattern) -> bool:
    return problem.code == pattern.code and pattern.line in {0, problem.line} and pattern.key in {"", problem.key}


def _described(problems: Sequence[Problem]) -> tuple[str, ...]:
    return tuple(f"found: {one.code} {one.text}" for one in problems[:SHOWN]) or ("found: none",)


def _lines(pattern: LinePattern, lines: Sequence[ExportedLine], name: str, where: str) -> Iterator[Finding]:
    """What does not hold of the lines of an export."""
    of_line = [one for one in lines if not _unlike(pattern, one)]
    if pattern.event.fields or pattern.event.where is not None:
        counts = EventCounts([pattern.event])
        for one in of_line:
            if one.form is not None:
                counts.add(one.form, one.event)
        for unmet in counts.unmet():
            first, *more = explain_unmet(unmet, "line")
            at = [] if unmet.nearest is None else [f"  it is {_nearest(of_line, unmet.nearest)}"]
            yield Finding(f"{name}: {first}", where, (*more, *at, *_left_out(pattern, lines)))
    elif len(of_line) not in pattern.event.count:
        what = f"{name}: expected {counted_lines(pattern)}, found {len(of_line):,}"
        yield Finding(what, where, _left_out(pattern, lines) or _begin(lines))


def counted_lines(pattern: LinePattern) -> str:
    """How many lines are expected, and of what kind."""
    words = {
        "equals": "" if pattern.equals is None else msgspec.json.encode(pattern.equals).decode(),
        "text": pattern.text,
        "facility": pattern.facility,
        "severity": pattern.severity,
    }
    given = ", ".join(f"{key} {shortened(value, LONGEST)}" for key, value in words.items() if value)
    return f"{pattern.event.count} lines" + f" with {given}" * bool(given)


def _nearest(lines: Sequence[ExportedLine], number: int) -> str:
    one = [line for line in lines if line.form is not None][number]
    return f"{one.place}: {shortened(one.text, LONGEST)}"


def _left_out(pattern: LinePattern, lines: Sequence[ExportedLine]) -> tuple[str, ...]:
    """Why lines are not meant, by the first of these."""
    other = next(((one, unlike) for one in lines if (unlike := _unlike(pattern, one))), None)
    if other is None:
        return ()
    one, unlike = other
    return (f"{one.place} has {'; '.join(unlike)}: {shortened(one.text, LONGEST)}",)


def _begin(lines: Sequence[ExportedLine]) -> tuple[str, ...]:
    return tuple(f"{one.place}: {shortened(one.text, LONGEST)}" for one in lines[:SHOWN])


def _unlike(pattern: LinePattern, line: ExportedLine) -> list[str]:
    """What of a line itself is not as a pattern says."""
    found = []
    if pattern.equals is not None and line.object != pattern.equals:
        found.append("another object")
    if pattern.text and pattern.text not in line.text:
        found.append("another text")
    for key in ("facility", "severity"):
        wanted, given = getattr(pattern, key), getattr(line, key)
        if wanted not in {"", given}:
            found.append(f"{key} {given}")
    return found


def _files(pattern: FilePattern, output: LaneOutput, where: str) -> Iterator[Finding]:
    found = {path: lines for path, lines in output.files.items() if fnmatchcase(path, pattern.path.lstrip("/"))}
    there = tuple(f"{path}: {counted(lines, 'line')}" for path, lines in output.files.items()) or ("no file",)
    if len(found) not in pattern.count:
        yield Finding(f"files: expected {pattern.count} {pattern.path}, found {len(found):,}", where, there)
    elif pattern.lines is not None and sum(found.values()) not in pattern.lines:
        what = f"files: {pattern.path}: expected {pattern.lines} lines, found {sum(found.values()):,}"
        yield Finding(what, where, there)


def _metric(pattern: MetricPattern, samples: Sequence[Sample] | None, where: str) -> Iterator[Finding]:
    if samples is None:
        yield Finding("metrics: prometheus is not on", where)
        return
    named = [one for one in samples if one.name == pattern.name]
    meant = [one for one in named if pattern.labels.items() <= one.labels.items()]
    value = sum(one.value for one in meant)
    if value != int(value) or int(value) not in pattern.value:
        what = f"metrics: {_metric_name(pattern.name, pattern.labels)}: expected {pattern.value}, found {value:g}"
        lines = [f"{_metric_name(one.name, one.labels)} {one.value:g}" for one in named[:SHOWN]]
        yield Finding(what, where, tuple(lines) or ("there is no such metric",))


def _metric_name(name: str, labels: object) -> str:
    inner = ", ".join(f'{key}="{value}"' for key, value in dict(labels).items())  # type: ignore[call-overload]
    return f"{name}{{{inner}}}" if inner else name
