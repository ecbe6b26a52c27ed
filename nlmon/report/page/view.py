"""What the page shows of a run as a whole, as the templates want it: sentences and rows, in order.

Rules:
1. Sentences are those of the other reports (``headline``, ``sentences``, ``blind``).
2. Every list is bounded, and what it leaves out is counted in a sentence beside it; so is every text, in characters,
   and the table in bytes.

Not here: how it looks (the templates), and its cases (``case``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar

from msgspec import Struct, structs

from nlmon.explain import look_up
from nlmon.printable import printable
from nlmon.report.blind import add_up_spots, blind_lines
from nlmon.report.headline import compared_names, headline, reasons
from nlmon.report.model import CaptureReport, Direction, Verdict, worst
from nlmon.report.outcome import DID_NOT_PASS, Run, count_outcomes, run_conclusion
from nlmon.report.sentences import policy_lines
from nlmon.report.text import counted, shortened

__all__ = [
    "bottom",
    "cases_title",
    "choices",
    "codes_in",
    "evidence",
    "moment",
    "tone_of",
    "top",
    "waiting",
]

T = TypeVar("T")

RECORDINGS_SHOWN, BLIND_SHOWN, WAITING_SHOWN, CLASSES_SHOWN = 200, 200, 50, 50
# Characters of a sentence; bytes of the rows of recordings and of the lines about blind spots, without their markup.
SENTENCE_LONG, RECORDINGS_ROOM, BLIND_ROOM = 1_000, 150_000, 50_000
# What a verdict, an outcome and the conclusion of a run look like.
TONES = {
    **dict.fromkeys(("equivalent", "passed"), "good"),
    **dict.fromkeys(("lossy", "xfailed", "undecided"), "less"),
    **dict.fromkeys(("regression", "failed", "known"), "bad"),
    **dict.fromkeys(("inconclusive", "error", "errored", "unfinished", "nothing"), "open"),
}
_CODE = re.compile(r"(NLM-[A-Z][0-9]{3}|NLD[0-9]{3})(?![0-9])")


class Top(Struct, frozen=True):
    """What the page opens on. ``verdicts``: the worst of each direction, of captures; ``about``: who was compared, and
    where."""

    sentence: str
    tone: str
    verdicts: dict[Direction, Verdict]
    reasons: list[str]
    policy: str
    about: list[str]


class RecordingRow(Struct, frozen=True):
    """A row of the table of what was compared."""

    path: str
    digest: str
    kernel: str
    host: str
    recorded: str
    took: str
    frames: str
    compared: dict[str, str]
    lost: list[str]
    blind: str


def tone_of(word: str) -> str:
    """How a verdict, an outcome or a conclusion looks."""
    return TONES.get(word, "plain")


def codes_in(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of a text, each with the code that it is, if it is one that is explained."""
    for piece in filter(None, _CODE.split(text)):
        yield piece, piece if _CODE.fullmatch(piece) and look_up(piece) else ""


# --- The top and the bottom of the page ---


def top(run: Run) -> Top:
    """The verdict in a sentence, and why."""
    header = run.header
    verdicts: dict[Direction, list[Verdict]] = {}
    # Scenarios may expect any verdict: of their run the outcomes say it; and a decision says more than verdicts.
    said_else = header.decision is not None or any(one.expected for one in run.results)
    for one in () if said_else else run.results:
        if one.verdict is not None:
            verdicts.setdefault(one.direction, []).append(one.verdict)
    hosts = ", ".join(f"{host} ({kernel})" if kernel else host for host, kernel in header.hosts.items())
    kernel = header.kernel if header.kernel.startswith("Linux") or not header.kernel else f"Linux {header.kernel}"
    return Top(
        sentence=headline(run),
        tone=tone_of(run_conclusion(run)),
        verdicts={direction: worst(found) for direction, found in sorted(verdicts.items())},
        reasons=_sentences(reasons(run)),
        policy=shortened(next(policy_lines(header.policy), "policy: the default"), SENTENCE_LONG),
        about=_sentences((", ".join(compared_names(run)), header.started, hosts or header.host, kernel)),
    )


def bottom(run: Run) -> list[str]:
    """What the run was. Whatever is of the file that it was read from, and not of the run, is left out."""
    options = ", ".join(f"{name} {value}" for name, value in run.header.options.items())
    took = f"{run.footer.seconds:.1f} s" if run.footer.seconds else ""
    inputs = f"files that were read: {len(run.header.inputs):,}" if run.header.inputs else ""
    return _sentences((options and f"options: {options}", inputs, took))


def waiting(run: Run) -> str:
    """Cases that did not run."""
    shown = [one.id for one in run.waiting[:WAITING_SHOWN]]
    more = len(run.waiting) - len(shown)
    named = shortened(", ".join(shown), SENTENCE_LONG)
    return f"Not run: {named}" + (f" and {more:,} more" if more else "") if shown else ""


def _sentences(texts: Iterable[str]) -> list[str]:
    """Those that say something, each of a length that can be read."""
    return [shortened(text, SENTENCE_LONG) for text in texts if text]


# --- What was compared ---


def evidence(run: Run) -> dict[str, Any]:
    """The table of what was compared, and what neither reads."""
    reports: dict[tuple[str, ...], tuple[str, CaptureReport]] = {}
    for result in run.results:
        if result.report is not None:
            host = result.report.host or run.host_of(result) * (result.source == "live")
            whose = run.host_of(result), result.report.host, result.report.path, result.report.digest
            reports.setdefault(whose, (host, result.report))
    captures = [report for _, report in reports.values()]
    spots = add_up_spots(captures)
    unread = sum(bool(spot.attribute) and not spot.read_by for spot in spots)
    counts = (
        counted(len(captures), "capture"),
        counted(sum(one.frames for one in captures), "datagram"),
        counted(sum(sum(one.compared.values()) for one in captures), "event") + " compared",
        counted(sum(one.dropped + sum(one.lost.values()) for one in captures), "message") + " lost",
        counted(unread, "attribute") + " that neither reads",
    )
    rows = _fitting((_recording(*one) for one in list(reports.values())[:RECORDINGS_SHOWN]), RECORDINGS_ROOM)
    blind = list(blind_lines(spots, verbose=True))
    shown = _fitting(blind[:BLIND_SHOWN], BLIND_ROOM)
    more = len(blind) - len(shown)
    return {
        "recordings": rows,
        "recordings_left_out": len(captures) - len(rows),
        "evidence_sentence": ", ".join(counts),
        "blind": [*shown, *([f"… and {more:,} more"] if more > 0 else [])],
    }


def _fitting(values: Iterable[T], room: int) -> list[T]:
    """As many of the first rows or lines as there is room for, in bytes of their texts as the page has them."""
    found = []
    for value in values:
        room -= len(escape(printable(str(structs.astuple(value) if isinstance(value, Struct) else value))).encode())
        if room < 0:
            break
        found.append(value)
    return found


# Formats that have no place for the kernel that was recorded.
_WITHOUT_KERNEL = {"pcap", "rtmon"}


def _recording(host: str, report: CaptureReport) -> RecordingRow:
    first, last = report.time or (0, 0)
    lost = [f"{name} {count:,}" for name, count in report.lost.items() if count]
    return RecordingRow(
        path=report.path,
        digest=report.digest,
        kernel=report.kernel or ("not in the file" if report.format in _WITHOUT_KERNEL else "not known"),
        host=host,
        recorded=moment(first) if report.time else "",
        took=f"{(last - first) / 1e9:.1f} s" if report.time else "",
        frames=f"{report.frames:,}",
        compared={name.removeprefix("NETLINK_"): f"{count:,}" for name, count in report.compared.items()},
        lost=[*lost, *([f"recording {report.dropped:,}"] if report.dropped else [])],
        blind=f"{sum(bool(spot.attribute) and not spot.read_by for spot in report.blind):,}",
    )


def moment(nanoseconds: int) -> str:
    """A time since 1970-01-01 UTC, to the second; as a number where no calendar goes so far, as a file may say."""
    seconds = nanoseconds // 1_000_000_000
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:,} s"


# --- What cases can be chosen by ---


def cases_title(run: Run) -> str:
    """How many did not pass."""
    bad, total = sum(result.outcome in DID_NOT_PASS for result in run.results), len(run.results)
    return f"Cases: {bad:,} of {total:,} did not pass" if bad else f"Cases ({total:,})"


def choices(run: Run) -> dict[str, Any]:
    """What cases can be chosen by: outcomes with their counts, directions, and classes of differences."""
    return {
        "outcomes": {outcome: f"{count:,}" for outcome, count in count_outcomes(run.results).items()},
        "directions": sorted({result.direction for result in run.results}),
        "classes": _sentences(
            sorted({cls for result in run.results if result.report for cls in result.report.differences})[
                :CLASSES_SHOWN
            ]
        ),
    }
