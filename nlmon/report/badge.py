"""A badge: what came of a run in a few words, as the JSON that an endpoint badge of shields.io is drawn from.

Not here: drawing it.
"""

from __future__ import annotations

import msgspec

from nlmon.report.headline import known_fail
from nlmon.report.model import UNDECIDED
from nlmon.report.outcome import Run, count_outcomes

__all__ = ["badge"]


def badge(run: Run) -> str:
    """The JSON of the badge (shields.io, "Endpoint Badge"), in one line."""
    message, color = _words(run)
    found = {"schemaVersion": 1, "label": "nlmon", "message": message, "color": color}
    if color in {"red", "orange"}:
        found["isError"] = True
    return msgspec.json.encode(found).decode() + "\n"


def _words(run: Run) -> tuple[str, str]:
    counts, total = count_outcomes(run.results), len(run.results)
    if counts.get("failed"):
        return f"{counts['failed']:,} of {total:,} failed", "red"
    if known_fail(run):
        return "known differences to remove", "red"
    if counts.get("errored"):
        return f"{counts['errored']:,} of {total:,} errored", "orange"
    if not run.whole:
        return "not finished", "orange"
    if not counts.get("passed"):
        return "nothing ran", "lightgrey"
    undecided = sum(result.outcome == "passed" and result.verdict in UNDECIDED for result in run.results)
    if undecided:
        return f"{counts['passed']:,} passed, {undecided:,} without a verdict", "yellow"
    lossy = sum(result.verdict == "lossy" for result in run.results)
    if lossy:
        return f"{counts['passed']:,} passed, {lossy:,} lossy", "yellow"
    return f"{counts['passed']:,} passed", "brightgreen"
