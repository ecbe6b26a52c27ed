"""The report of a matrix as a page of Markdown: a table of implementations, one of disagreements, and their evidence.

Rules:
1. What comes from recordings and programs stands in code; nothing in it is Markdown.

Not here: lines for a terminal (``text``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nlmon.matrix.model import Example, FieldRow, MatrixReport
from nlmon.printable import printable
from nlmon.report.text import counted, shortened, times

__all__ = ["markdown"]

LONG = 120


def markdown(report: MatrixReport) -> str:
    """The page, without a heading of its own above the second level."""
    return "\n".join((*_who(report), *_fields(report), *_whole(report), *_failures(report), *_evidence(report), ""))


def _who(report: MatrixReport) -> Iterator[str]:
    yield "## Who took part"
    yield ""
    rows = [
        (
            *(_code(one.name), printable(one.version) or "this version", printable(one.language)),
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
                row.explained,
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
        (_code(one.implementation), f"{one.count:,}", f"`{one.capture}` ({one.frame})", _code(one.text), one.explained)
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
    groups: dict[str, list[str]] = {one.bytes_say: []}
    for name, value in one.said.items():
        groups.setdefault(value, []).append(name)
    rows = [
        (
            _code(shortened(value, LONG)),
            ", ".join((["**the bytes**"] if value == one.bytes_say else []) + list(map(_code, who))),
        )
        for value, who in groups.items()
    ]
    yield from _table(("value", "who says so"), rows)


def _place(one: Example) -> str:
    return f"{_code(one.capture)} ({one.frame})"


def _code(text: str) -> str:
    """Text as code that ends where it should, also in a cell of a table."""
    plain = printable(text).replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    return f"{fence}{plain}{fence}" if fence == "`" else f"{fence} {plain} {fence}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    yield from (f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows)
