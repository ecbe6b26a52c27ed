"""A badge: what came of a run in a few words, as the JSON that an endpoint badge of shields.io is drawn from.

Not here: drawing it.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from nlmon.report.outcome import Conclusion, Run, case_conclusion, count_outcomes, run_conclusion

__all__ = ["badge"]

_COLOURS: dict[Conclusion, str] = {
    **dict.fromkeys(("failed", "known"), "red"),
    **dict.fromkeys(("errored", "unfinished"), "orange"),
    "nothing": "lightgrey",
    **dict.fromkeys(("undecided", "lossy", "xfailed"), "yellow"),
    "passed": "brightgreen",
}


def badge(run: Run) -> str:
    """The JSON of the badge (shields.io, "Endpoint Badge"), in one line."""
    message, color = _words(run)
    found = {"schemaVersion": 1, "label": "nlmon", "message": message, "color": color}
    if color in {"red", "orange"}:
        found["isError"] = True
    return msgspec.json.encode(found).decode() + "\n"


def _words(run: Run) -> tuple[str, str]:
    if run.header.decision is not None:
        return run.header.decision.word, _COLOURS[run_conclusion(run)]
    counts, total = count_outcomes(run.results), f"{len(run.results):,}"
    found = Counter(map(case_conclusion, run.results))
    passed = f"{counts.get('passed', 0):,} passed"
    conclusion = run_conclusion(run)
    return {
        "failed": f"{found['failed']:,} of {total} failed",
        "known": "known differences to remove",
        "errored": f"{found['errored']:,} of {total} errored",
        "unfinished": "not finished",
        "nothing": "nothing ran",
        "undecided": f"{passed}, {found['undecided']:,} without a verdict",
        "lossy": f"{passed}, {found['lossy']:,} lossy",
        "xfailed": f"{found['xfailed']:,} xfailed",
    }.get(conclusion, passed), _COLOURS[conclusion]
