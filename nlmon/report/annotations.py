"""Annotations of GitHub Actions: a workflow command for each remark, which GitHub shows beside the line it is about.

    ::error file=scenarios/link.yaml,line=12,col=5,title=link.flap[migrate]::what does not hold

Printed on the standard output of a step they are understood
(docs.github.com, "Workflow commands for GitHub Actions").

Rules:
1. GitHub shows ten errors and ten warnings of a step; no more are written, and a notice says how many there are.
2. Only a text is named as the file of an annotation: a recording has no line that one could stand beside.
3. What would end a command or a property is escaped, as the documentation says; no text of a recording begins a line.

Not here: what is remarked (``remarks``).
"""

from __future__ import annotations

from collections import Counter

from nlmon.printable import printable
from nlmon.report.headline import headline
from nlmon.report.outcome import Run
from nlmon.report.remarks import Remark, remarks
from nlmon.report.text import counted, shortened

__all__ = ["github_annotations", "workflow_command"]

# Of each level, in a step.
SHOWN = 10
# GitHub refuses longer titles, and what is longer than a screen nobody reads there.
TITLE_LONG, MESSAGE_LONG = 255, 4_000


def github_annotations(run: Run) -> str:
    """The commands, one in each line; the last one is a notice with what came of the run."""
    counts: Counter[str] = Counter()
    lines = []
    for remark in remarks(run):
        counts[remark.level] += 1
        if counts[remark.level] <= SHOWN:
            lines.append(workflow_command(remark.level, _properties(remark), _message(remark)))
    left_out = [counted(count - SHOWN, f"more {level}") for level, count in counts.items() if count > SHOWN]
    more = f" Not shown here: {', '.join(left_out)}." if left_out else ""
    lines.append(workflow_command("notice", {"title": "nlmon"}, headline(run) + more))
    return "".join(f"{line}\n" for line in lines)


def workflow_command(name: str, properties: dict[str, str], message: str) -> str:
    """A command in its line, such as ``::error file=a.yaml,line=3::it is wrong``."""
    listed = ",".join(f"{key}={_property(printable(value))}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(message)}"


def _properties(remark: Remark) -> dict[str, str]:
    place = {"line": str(remark.line), "col": str(remark.column)}
    where = {"file": remark.path, **{name: number for name, number in place.items() if number != "0"}}
    return {
        **(where if remark.path and remark.text else {}),
        "title": shortened(f"nlmon: {remark.case or remark.code}", TITLE_LONG),
    }


def _message(remark: Remark) -> str:
    return shortened("\n".join(map(printable, (remark.what, *remark.lines))), MESSAGE_LONG)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
