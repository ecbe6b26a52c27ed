"""What came of a run in one sentence, and why in a few: what a report of it opens with.

Rules:
1. Every report for people begins with the same sentence.

Not here: the cases one by one (``runtext``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from nlmon.report.outcome import (
    DID_NOT_PASS,
    Run,
    case_conclusion,
    count_outcomes,
    known_fail,
    run_conclusion,
    unexpected_verdict,
)
from nlmon.report.text import counted, useless_known

__all__ = ["compared_names", "headline", "reasons"]


def headline(run: Run) -> str:
    """``3 of 14 cases failed``, in a sentence with the worst outcome first; or what the run was made to decide."""
    if run.header.decision is not None:
        return run.header.decision.sentence
    counts, total = count_outcomes(run.results), len(run.results)
    bad = [(counts[outcome], outcome) for outcome in ("failed", "errored") if outcome in counts]
    if not total:
        sentence = "Nothing ran"
    elif total == 1 and (bad or "passed" in counts):
        sentence = f"The case {next(iter(counts))}"
    elif bad:
        (count, outcome), *more = bad
        sentence = f"{count:,} of {total:,} cases {outcome}" + "".join(f" and {n:,} {other}" for n, other in more)
    elif counts.get("passed", 0) == total:
        sentence = f"All {total:,} cases passed"
    else:
        others = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        sentence = f"None of {counted(total, 'case')} failed ({others})"

    def clause(count: int, what: str) -> str:
        if not count:
            return ""
        return f"; it has {what}" if total == 1 else f"; {count:,} {'has' if count == 1 else 'have'} {what}"

    lossy = clause(sum(unexpected_verdict(one) == "lossy" for one in run.results), "a loss of service")
    undecided = clause(sum(case_conclusion(one) == "undecided" for one in run.results), "no verdict")
    end = "" if run.whole else f"; the run did not end: {counted(len(run.waiting), 'case')} did not run"
    if not run.whole and not run.waiting:
        end = "; the run was interrupted"
    if run.whole and run.results and run_conclusion(run) == "unfinished":
        end = "; in one of the runs nothing ran"
    known = "; known differences are to be removed" if known_fail(run) else ""
    return f"{sentence}{lossy}{undecided}{known}{end}."


def reasons(run: Run, most: int = 5) -> Iterator[str]:
    """Why a run failed, the most frequent reason first, at most ``most`` of them; each with how many cases have it. Of
    what it was made to decide: why it is so."""
    if run.header.decision is not None:
        found_so = run.header.decision.reasons
        yield from found_so[:most]
        if len(found_so) > most:
            yield f"… and {counted(len(found_so) - most, 'other reason')}"
        return
    found = Counter(result.explanation for result in run.results if result.outcome in DID_NOT_PASS)
    for reason, count in found.most_common(most):
        yield f"{reason or 'no reason is given'} ({counted(count, 'case')})"
    if (more := len(found) - most) > 0:
        yield f"… and {counted(more, 'other reason')}"
    # Merged runs with several policies name no file.
    yield from useless_known(run.footer.expired, run.footer.stale, PurePath(run.header.policy.known).name)


def compared_names(run: Run) -> tuple[str, ...]:
    """Who was compared: ``libnl against legacy``, for each pair in the direction of the move, in order."""
    pairs = {
        (one.candidate, one.reference) if one.direction == "migrate" else (one.reference, one.candidate)
        for one in run.results
        if one.candidate
    }
    return tuple(f"{candidate} against {reference}" for candidate, reference in sorted(pairs))
