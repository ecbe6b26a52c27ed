"""The report of a matrix as a page of Markdown: a table of implementations, one of disagreements, and their evidence.

Rules:
1. What comes from recordings and programs stands in code; nothing in it is Markdown.

Not here: lines for a terminal (``text``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from nlmon.matrix.model import Example, FieldRow, MatrixReport
from nlmon.printable import printable
from nlmon.report.text import counted, shortened, times

__all__ = ["markdown"]

LONG = 120


def markdown(report: MatrixReport) -> str:
    """The page, without a heading of its own above the second level; the worst first."""
    parts = _who, _unread, _failures, _whole, _fields, _open, _kinds, _evidence
    return "\n".join((*chain.from_iterable(part(report) for part in parts), ""))


def _who(report: MatrixReport) -> Iterator[str]:
    yield "## Who took part"
    yield ""
    rows = [
        (
            *(_code(one.name), _code(one.version) if one.version else "this version", _code(one.language)),
            *(f"{one.events:,}", f"{one.wrong:,}", f"{one.errored:,}"),
        )
        for one in report.implementations
    ]
    yield from _table(("implementation", "version", "language", "events", "wrong values", "errored"), rows)
    yield ""
    yield (
        f"{counted(report.messages, 'message')} of {counted(len(report.captures), 'recording')} that two or more read; "
        f"{counted(report.values, 'value')} held against the bytes."
    )
    yield ""


def _unread(report: MatrixReport) -> Iterator[str]:
    if not report.unread:
        return
    yield "## Recordings that were not read to their end"
    yield ""
    yield from _table(
        ("recording", "code", "why"), [(_code(one.path), one.code, _code(one.why)) for one in report.unread]
    )
    yield ""


def _open(report: MatrixReport) -> Iterator[str]:
    if not report.open:
        return
    yield "## What the bytes do not decide"
    yield ""
    rows = [
        (
            _code(f"{row.kind}.{row.field}"),
            ", ".join(f"{_code(name)} {times(said.open)}" for name, said in row.said.items() if said.open),
        )
        for row in report.open
    ]
    yield from _table(("field", "who differs from others"), rows)
    yield ""


def _fields(report: MatrixReport) -> Iterator[str]:
    if not report.rows:
        return
    yield "## Wrong by the bytes"
    yield ""
    yield from _table(
        ("field", "how many", "who", "why"), [_field(row, len(report.implementations)) for row in report.rows]
    )
    yield ""


def _field(row: FieldRow, many: int) -> tuple[str, ...]:
    who = ", ".join(f"{_code(name)} {times(row.said[name].wrong)}" for name in row.wrong)
    why = "; ".join(f"{_code(name)}: {printable(text)}" for name, text in row.explained.items())
    return _code(f"{row.kind}.{row.field}"), f"{len(row.wrong)} of {many}", who, why


def _kinds(report: MatrixReport) -> Iterator[str]:
    """How many fields of each kind of event each gave, of those that anybody did."""
    names = [one.name for one in report.implementations]
    kinds = sorted({kind for one in report.implementations for kind in one.fields})
    if not kinds:
        return
    yield "## Fields that are given"
    yield ""
    rows = [
        [_code(kind), *(f"{one.fields[kind]:,}" if kind in one.fields else "" for one in report.implementations)]
        for kind in kinds
    ]
    yield from _table(("kind of event", *map(_code, names)), rows)
    yield ""


def _whole(report: MatrixReport) -> Iterator[str]:
    rows = [row for row in report.whole if row.count]
    if not rows:
        return
    yield "## Messages that are lost or out of place"
    yield ""
    found = []
    for row in rows:
        place = "" if row.example is None else _place(row.example)
        said = _code(shortened(row.text, LONG)) if row.text else "nothing"
        found.append(
            (
                _code(row.kind),
                _code(row.implementation),
                f"{row.problem} {times(row.count)}",
                place,
                said,
                printable(row.explained),
            )
        )
    yield from _table(("kind", "implementation", "what", "first", "its words", "why"), found)
    yield ""


def _failures(report: MatrixReport) -> Iterator[str]:
    if not report.failures:
        return
    yield "## Errored"
    yield ""
    rows = [
        (
            *(_code(one.implementation), f"{one.count:,}", f"{_code(one.capture)} ({one.frame or 'at its start'})"),
            *(_code(shortened(one.text, LONG)), printable(one.explained)),
        )
        for one in report.failures
    ]
    yield from _table(("implementation", "datagrams", "first", "what happened", "why"), rows)
    yield ""


def _evidence(report: MatrixReport) -> Iterator[str]:
    if not report.rows:
        return
    yield "## Evidence"
    for row in report.rows:
        yield ""
        yield f"### {_code(f'{row.kind}.{row.field}')}"
        for example in row.examples:
            yield ""
            yield from _example(example)


def _example(one: Example) -> Iterator[str]:
    held = f"at {one.attribute_offset}: {_code(one.hex)}" if one.attribute_offset >= 0 else "which is not there"
    yield f"{_place(one)}, offset {one.offset}, {_code(one.message)}, {_code(one.attribute)} {held}"
    yield ""
    rows = [
        (
            _code(shortened(value, LONG)),
            ", ".join((["**the bytes**"] if value == one.bytes_say else []) + list(map(_code, who))),
        )
        for value, who in one.by_value().items()
    ]
    yield from _table(("value", "who says so"), rows)


def _place(one: Example) -> str:
    return f"{_code(one.capture)} ({one.frame})"


def _code(text: str) -> str:
    """Text as code that ends where it should, also in a cell of a table."""
    plain = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    return f"{fence}{plain}{fence}" if fence == "`" else f"{fence} {plain} {fence}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    yield from (f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows)
