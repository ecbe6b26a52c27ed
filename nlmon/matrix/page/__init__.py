"""The report of a matrix as one HTML page: fields against implementations, and the evidence of each disagreement.

Rules:
1. It looks and is guarded as the page of a run (``nlmon.report.page``): whatever comes from recordings and programs is
   escaped, nothing is loaded with it, and it has no script.
2. A cell of the table says what an implementation did with a field, in a word or a number, never by colour alone.

Not here: Markdown (``nlmon.matrix.markdown``), and where a page is written (``nlmon.cli``).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from nlmon.matrix.model import Example, FieldRow, MatrixReport, Said
from nlmon.report.page import rendered
from nlmon.report.text import counted, shortened, times

__all__ = ["html_page"]

# Characters of a value, and of bytes.
LONG = 400


class Cell(Struct, frozen=True):
    """What an implementation did with a field: a word or a number, its tone, and a sentence."""

    text: str
    tone: str
    title: str


class Line(Struct, frozen=True):
    """A row of the table: a field, a cell for each implementation, and the anchor of its evidence."""

    name: str
    anchor: str
    cells: tuple[Cell, ...]


class ExampleRow(Struct, frozen=True):
    """One example: where it is, and each value with those who gave it, that of the bytes first."""

    place: str
    what: str
    hex: str
    values: tuple[tuple[str, bool, str], ...]


def html_page(report: MatrixReport, version: str) -> str:
    """The page. ``version``: of nlmon."""
    wrong = sum(bool(one.wrong) for one in report.implementations)
    many = counted(len(report.implementations), "implementation")
    bad = bool(report.rows or report.failures or any(row.count for row in report.whole))
    values = {
        "report": report,
        "version": version,
        "tone": "bad" if report.unexplained else "less" if bad else "good",
        "sentence": f"{wrong or 'None'} of {many} gave values that are wrong by the bytes",
        "figures": list(_figures(report)),
        "lines": [_line(number, row, report) for number, row in enumerate(report.rows)],
        "whole": [row for row in report.whole if row.count],
        "evidence": [
            (f"field-{number}", row, list(map(_evidence, row.examples))) for number, row in enumerate(report.rows)
        ],
        "open_fields": [(row, list(map(_evidence, row.examples))) for row in report.open],
        "shortened": lambda text: shortened(text, LONG),
        "counted": counted,
        "times": times,
    }
    return rendered("nlmon.matrix", "page", values)


def _figures(report: MatrixReport) -> Iterator[str]:
    yield counted(len(report.captures), "recording")
    yield f"{counted(report.messages, 'message')} that two or more read"
    yield f"{counted(report.values, 'value')} held against the bytes"
    yield f"{len(report.rows):,} of {counted(report.fields, 'field')} with a wrong value"
    yield f"{sum(one.count for one in report.failures):,} datagrams errored"


def _line(number: int, row: FieldRow, report: MatrixReport) -> Line:
    cells = tuple(_cell(row, one.name) for one in report.implementations)
    return Line(f"{row.kind}.{row.field}", f"field-{number}", cells)


def _cell(row: FieldRow, name: str) -> Cell:
    said = row.said.get(name, Said())
    why = f": {row.explained[name]}" if name in row.explained else ""
    if said.wrong:
        return Cell(f"{said.wrong:,} wrong", "bad", f"{times(said.wrong)} not what the message holds{why}")
    if said.open:
        return Cell(f"{said.open:,} open", "open", "differs from others where the bytes do not decide")
    if said.right or said.absent or said.agreed or said.alone:
        return Cell("right", "good", f"{times(said.right + said.absent)} what the message holds")
    return Cell("not provided", "plain", "no value of it was given")


def _evidence(one: Example) -> ExampleRow:
    values = tuple(
        (shortened(value, LONG), value == one.bytes_say, ", ".join(names)) for value, names in one.by_value().items()
    )
    held = f"at {one.attribute_offset}" if one.attribute_offset >= 0 else "which is not there"
    what = f"offset {one.offset}, {one.message}, {one.attribute} {held}"
    return ExampleRow(f"{one.capture} ({one.frame})", what, shortened(one.hex, LONG), values)
