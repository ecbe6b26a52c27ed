"""The table of verdicts, one row a capture, on a terminal of any width.

Rules:
1. No heading, number or verdict is broken inside. The name of a capture folds and classes of differences wrap between
   words; columns that would not fit are left out, since the lines below the table have their numbers, too. What still
   does not fit is left to the terminal to wrap.

Not here: what stands below (``pretty``).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from nlmon.printable import printable
from nlmon.report.differences import counts_by_class
from nlmon.report.model import CaptureReport
from nlmon.report.text import both

__all__ = ["COLOURS", "table", "unopened"]

COLOURS = {
    "equivalent": "green",
    "lossy": "yellow",
    "regression": "bold red",
    "inconclusive": "bold yellow",
    "error": "bold yellow",
}
HEADINGS = ("capture", "direction", "frames", "messages", "events", "answers", "differences", "state", "verdict")
NUMBERS = {"frames", "messages", "events", "answers"}
# What goes first on a narrow terminal.
OPTIONAL = ("frames", "messages", "answers", "events")
NARROWEST_NAME = 16


def table(captures: Sequence[CaptureReport], width: int) -> Table:
    """The table for a terminal of ``width`` columns."""
    rows = [_row(capture) for capture in captures]
    both_ways = any(capture.direction != "migrate" for capture in captures)
    headings = [name for name in HEADINGS if both_ways or name != "direction"]
    for name in ("", *OPTIONAL):
        if name:
            headings.remove(name)
        spare = width - sum(_longest(rows, one) for one in headings if one not in {"capture", "differences"})
        spare -= 3 * len(headings) - 1  # a line and two spaces between columns, and the edges
        word = _longest([{"differences": word} for row in rows for word in row["differences"].split()], "differences")
        if spare >= NARROWEST_NAME + word:
            break
    classes = _longest(rows, "differences")
    capture = min(_longest(rows, "capture"), max(NARROWEST_NAME, spare - classes))
    widths = {"capture": capture, "differences": max(word, min(classes, spare - capture))}
    missing = capture + widths["differences"] - spare
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, width=width + missing if missing > 0 else None)
    for name in headings:
        made.add_column(
            name,
            justify="right" if name in NUMBERS else "left",
            overflow="fold",
            width=widths.get(name),
            no_wrap=name not in widths,
        )
    for row in rows:
        cells = {name: escape(text) for name, text in row.items()}
        cells["verdict"] = f"[{COLOURS[row['verdict']]}]{row['verdict']}[/]"
        made.add_row(*(cells[name] for name in headings))
    return made


def _row(capture: CaptureReport) -> dict[str, str]:
    differences = ", ".join(f"{count:,} {cls}" for cls, count in counts_by_class(capture).items())
    compared = any(capture.events.values()) or any(capture.answers.values())
    if not differences:
        differences = "none" if compared else "-"
    return {
        "capture": printable(capture.path),
        "direction": capture.direction,
        "frames": f"{capture.frames:,}",
        "messages": f"{capture.messages:,}",
        "events": both(capture.events) or "-",
        "answers": both(capture.answers) or "-",
        "differences": printable(differences),
        # Of nothing there is no state.
        "state": capture.state or "-",
        "verdict": capture.verdict,
    }


def unopened(capture: CaptureReport) -> bool:
    """Whether a file could not be read at all, such as one that is missing."""
    return capture.damage is not None and not capture.format


def _longest(rows: Sequence[dict[str, str]], name: str) -> int:
    return max(cell_len(text) for text in (name, *(row[name] for row in rows)))
