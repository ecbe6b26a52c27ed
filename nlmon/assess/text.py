"""An assessment as lines for people, and as Markdown: the result, the reasons the worst first, and the checklist.

Not here: the values (``model``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from nlmon.assess.model import Assessment, Item, Reason
from nlmon.printable import printable
from nlmon.report.model import Direction
from nlmon.report.text import counted

__all__ = ["judged_lines", "lines_of", "markdown_of", "reason_line", "sentence_of"]

MARKS = {"done": "x", "failed": " ", "open": " "}


def lines_of(found: Assessment, seconds: float = 0.0, *, verbose: int = 0) -> Iterator[str]:
    """Lines for a terminal. ``seconds``: how long it took, 0: it is not said; ``verbose``: 1 adds notes' evidence,
    options and the checklist."""
    for direction in ("migrate", "rollback"):
        yield _title(found, direction)
        if direction == "migrate":
            yield from (f"  {'compared':<9} {printable(line)}" for line in judged_lines(found))
        for one in found.reasons_of(direction):
            yield f"  {one.weight:<9} {one.code} {_said(one)}"
            if one.weight != "note" or verbose:
                yield from (f"    {printable(line)}" for line in one.evidence)
    if verbose:
        yield "options:"
        for option in found.options:
            why = f": {option.reason}" if option.reason else ""
            yield f"  {option.rule} {option.key}: to libnl {option.to_libnl}, to legacy {option.to_legacy}{why}"
        yield "checklist:"
        yield from (f"  {one.state:<6} {one.stage}: {one.what} ({printable(one.why)})" for one in found.checklist)
    yield _last(found, seconds)


def judged_lines(found: Assessment) -> Iterator[str]:
    """Which traffic was judged: of each recording how long it is, what came of it, and what it lost."""
    for one in found.reports:
        if one.direction == "migrate":
            first, last = one.time or (0, 0)
            # The clock of a host may be set back while it is recorded.
            took = f" of {(last - first) / 1e9:,.1f} s" if last >= first else ", whose times go back"
            made = "recorded live, then played to both: " if found.live else ""
            events = counted(sum(one.compared.values()), "event")
            lost = counted(one.dropped, "message") if one.dropped else "nothing"
            yield (
                f"{one.path}: {made}{events} of both in {counted(one.frames, 'datagram')}{took}, {lost} lost while "
                "recording"
            )


def sentence_of(found: Assessment) -> str:
    """What is decided, of the move and of the way back."""
    live = ", as recorded live and then played to both" if found.live else ""
    return f"{_title(found, 'migrate')}; back to {found.source}: {found.back}{live}"


def reason_line(one: Reason) -> str:
    """A reason in a line, with its weight."""
    return f"{one.weight}: {one.code} {_said(one)}"


def _title(found: Assessment, direction: Direction) -> str:
    if direction == "migrate":
        return f"{printable(found.file)}: {found.source} to {found.to}: {found.result}"
    return f"{printable(found.file)}: back to {found.source}: {found.back}"


def _said(one: Reason) -> str:
    parts = [one.what + (f" ({one.where})" if one.where else "")]
    parts += [f"{one.count:,} times"] if one.code == "NLM-I010" and one.count > 1 else []
    return printable("; ".join((*parts, *filter(None, [one.hint]))))


def _last(found: Assessment, seconds: float = 0.0) -> str:
    states = Counter(one.state for one in found.checklist)
    classes = Counter(one.rule for one in found.options)
    same = classes["NLM-I001"]
    events, recordings = sum(found.compared.values()), len({one.path for one in found.reports})
    took = f", {seconds:.1f} s" if seconds else ""
    return (
        f"{found.result}  ({counted(events, 'event')} of {counted(recordings, 'recording')} compared, "
        f"{counted(len(found.options), 'option')} of which {same:,} the same, "
        f"checklist: {states['done']} done, {states['failed']} failed, {states['open']} open{took})"
    )


def markdown_of(found: Assessment) -> str:
    """A page of Markdown."""
    lines = [f"# {_title(found, 'migrate')}", "", _last(found), ""]
    lines += [f"- {_escaped(printable(line))}" for line in judged_lines(found)]
    lines += [""] if found.reports else []
    titles: dict[Direction, str] = {
        "migrate": f"To {found.to}",
        "rollback": f"Back to {found.source}: {found.back}",
    }
    for direction, title in titles.items():
        lines += [f"## {title}", ""]
        of_it = found.reasons_of(direction)
        for one in of_it:
            lines.append(f"- **{one.weight}** `{one.code}` {_escaped(_said(one))}")
            if one.evidence:
                lines += ["", "  ```text", *(f"  {printable(line)}" for line in one.evidence), "  ```", ""]
        lines += [] if of_it else ["Nothing speaks against it."]
        lines.append("")
    lines += ["## Options", "", "| key | to libnl | to legacy | rule |", "|---|---|---|---|"]
    lines += [f"| `{one.key}` | {one.to_libnl} | {one.to_legacy} | {one.rule} |" for one in found.options]
    lines += ["", "## Checklist", *_checklist(found.checklist)]
    return "\n".join(lines) + "\n"


def _checklist(items: tuple[Item, ...]) -> Iterator[str]:
    stage = ""
    for one in items:
        if one.stage != stage:
            stage = one.stage
            yield from ("", f"### {stage}", "")
        state = f"**{one.state}**: " if one.state != "done" else ""
        yield f"- [{MARKS[one.state]}] {one.what}: {state}{_escaped(printable(one.why))}"


def _escaped(text: str) -> str:
    """Text in which nothing is markup."""
    for mark in "\\`*_<>[]|":
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return text
