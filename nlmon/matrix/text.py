"""The report of a matrix as lines for people: worst first, each with its evidence, and counts at the end.

Rules:
1. Who is right stands beside who is wrong. What is explained comes last, with its explanation.
2. Every text goes through ``nlmon.printable`` where it is written.

Not here: Markdown (``markdown``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.matrix.model import Example, Failure, FieldRow, Implementation, MatrixReport, MessageRow
from nlmon.report.text import counted, shortened, times

__all__ = ["headline_of", "lines_of", "summary_of"]

# Characters of a value, and of what a program says.
LONG = 160
# Names in a list that is not verbose.
FEW = 5


def lines_of(report: MatrixReport, *, verbose: bool = False) -> Iterator[str]:
    """All that is to be said but the last line; ``verbose``: every example, and what is open or excused."""
    many = len(report.implementations)
    for failure in report.failures:
        yield _failure(failure)
    for row in report.whole:
        if row.count or verbose:
            yield from _whole(row)
    for field in report.rows:
        yield headline_of(field, many)
        yield from _explained(field)
        for example in field.examples[: None if verbose else 1]:
            yield from _example(example)
    for name, count in _malformed(report).items():
        yield f"malformed: {name} gave {counted(count, 'value')} of attributes that hold none of their kind"
    for field in report.malformed if verbose else ():
        yield f"malformed: {field.kind}.{field.field}"
        for example in field.examples:
            yield from _example(example)
    for one in report.implementations:
        if one.unknown:
            yield _unknown(one, verbose=verbose)
    for field in report.open:
        yield headline_of(field, many)
        if verbose:
            for example in field.examples:
                yield from _example(example)


def headline_of(row: FieldRow, many: int) -> str:
    """Who is wrong about a field, or that the bytes leave it open."""
    name = f"{row.kind}.{row.field}"
    if row.wrong:
        listed = ", ".join(f"{one} {times(row.said[one].wrong)}" for one in row.wrong)
        return f"{len(row.wrong)} of {many} disagree with the bytes: {name}: {listed}"
    listed = ", ".join(f"{one} {times(said.open)}" for one, said in row.said.items() if said.open)
    return f"open: {name}: {listed}; the bytes do not decide"


def summary_of(report: MatrixReport, seconds: float) -> str:
    """The last line."""
    wrong, errored = len(report.rows), sum(one.count for one in report.failures)
    parts = [
        f"{counted(len(report.implementations), 'implementation')} over {counted(len(report.captures), 'capture')}",
        f"{counted(report.messages, 'message')} that two or more read, {report.agreed:,} alike",
        f"{counted(report.values, 'value')} held against the bytes",
        f"{wrong:,} of {counted(report.fields, 'field')} with a wrong value",
        f"{sum(row.count for row in report.whole):,} messages lost or out of place",
        f"{counted(errored, 'datagram')} errored",
        f"{len(report.open):,} open",
    ]
    return f"{', '.join(parts)}, in {seconds:.1f} s"


def _malformed(report: MatrixReport) -> dict[str, int]:
    """How many values each read where none is."""
    found: dict[str, int] = {}
    for row in (*report.rows, *report.open, *report.malformed):
        for name, said in row.said.items():
            if said.malformed:
                found[name] = found.get(name, 0) + said.malformed
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _unknown(one: Implementation, *, verbose: bool) -> str:
    """Fields that no event has, such as misspelt ones: they are compared with nothing."""
    names = sorted(one.unknown)
    shown = names if verbose else names[:FEW]
    more = f" and {len(names) - len(shown):,} more" if len(shown) < len(names) else ""
    return f"unknown: {one.name} gave {counted(len(names), 'field')} that no event has: {', '.join(shown)}{more}"


def _failure(one: Failure) -> str:
    why = f" (explained: {one.explained})" if one.explained else ""
    if one.frame:
        where = f"{counted(one.count, 'datagram')}, first {one.capture} ({one.frame})"
    else:
        where = f"not started for {counted(one.count, 'capture')}, first {one.capture}"
    return f"errored: {one.implementation}: {where}: {shortened(one.text, LONG)}{why}"


def _whole(row: MessageRow) -> Iterator[str]:
    excused = f", and {row.excused:,} that are malformed" if row.excused else ""
    yield f"{row.problem}: {row.kind}: {row.implementation} {times(row.count)} of a well-formed message{excused}"
    if row.explained:
        yield f"    explained: {row.explained}"
    if row.example is not None:
        one = row.example
        place = f"{one.capture} ({one.frame}) offset {one.offset}, {one.message}"
        yield f"    {place}: {shortened(row.text, LONG) or 'nothing'}"


def _explained(row: FieldRow) -> Iterator[str]:
    for name, why in row.explained.items():
        yield f"    {name}, explained: {why}"


def _example(one: Example) -> Iterator[str]:
    place = f"    {one.capture} ({one.frame}) offset {one.offset}, {one.message}, {one.attribute}"
    yield f"{place} at {one.attribute_offset}: {one.hex}" if one.attribute_offset >= 0 else f"{place}: not there"
    yield f"        the bytes: {shortened(one.bytes_say, LONG)}"
    for value, names in one.by_value().items():
        if names:
            yield f"        {', '.join(names)}: {shortened(value, LONG)}"
