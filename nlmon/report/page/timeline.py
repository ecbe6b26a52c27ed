"""A timeline as a drawing: events of the reference above a line in the middle and of the candidate below, what each
lost at the edges, and differences across both.

Rules:
1. A drawing is as wide as the timeline has parts and is stretched by whoever shows it, so it holds no text.

Not here: the counts (``nlmon.report.evidence``), and brushing (the script of the page).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from nlmon.report.evidence import Timeline
from nlmon.report.text import counted

__all__ = ["Drawing", "draw"]

# From the top: what the reference lost, its events, the line in the middle, and the same of the candidate.
LOST, LANE, MIDDLE = 8, 52, 12
HEIGHT = 2 * (LOST + LANE) + MIDDLE
# What a difference is at least as wide as, of the whole.
NARROWEST = 0.004
MARKED = ("warning", "regression")


class Drawing(Struct, frozen=True):
    """What a timeline is drawn of. ``names``: of reference and candidate; ``bars``, ``lost``: a path for each of them;
    ``marks``: a path for each severity, and ``strip`` its part in the middle; ``peak``: the most events in a part;
    ``frames``: what a part has, in words; ``data``: counts for the script, as JSON; ``sentence``: what can be seen, for
    whoever does not see it."""

    names: tuple[str, str]
    parts: int
    height: int
    bars: tuple[str, str]
    lost: tuple[str, str]
    marks: dict[str, str]
    strip: dict[str, str]
    peak: str
    frames: str
    last_frame: str
    data: str
    sentence: str


def draw(timeline: Timeline, lanes: tuple[str, str], names: tuple[str, str], frames: int) -> Drawing | None:
    """The drawing of a timeline; none of one without parts. ``lanes``: what the timeline calls reference and candidate;
    ``names``: what the page calls them; ``frames``: how many frames there are, where the timeline does not say it."""
    parts = len(timeline.times)
    if not parts:
        return None
    events = [timeline.events.get(lane, []) for lane in lanes]
    lost = [timeline.lost.get(lane, []) for lane in lanes]
    peak = max((max(counts, default=0) for counts in events), default=0) or 1
    found = {severity: timeline.differences[severity] for severity in MARKED if severity in timeline.differences}
    last = timeline.last or max(frames, (parts - 1) * timeline.frames + 1)
    data: dict[str, Any] = {
        "parts": parts,
        "frames": timeline.frames,
        "last": last,
        "lanes": list(zip(names, events, lost, strict=True)),
        "differences": list(found.items()),
    }
    return Drawing(
        names=names,
        parts=parts,
        height=HEIGHT,
        bars=(
            _bars(events[0], peak, LOST + LANE, -1),
            _bars(events[1], peak, LOST + LANE + MIDDLE, 1),
        ),
        lost=(_blocks(lost[0], 0, LOST, parts), _blocks(lost[1], HEIGHT - LOST, LOST, parts)),
        marks={severity: _blocks(counts, LOST, HEIGHT - 2 * LOST, parts) for severity, counts in found.items()},
        strip={severity: _blocks(counts, LOST + LANE, MIDDLE, parts) for severity, counts in found.items()},
        peak=f"{peak:,}",
        frames=counted(timeline.frames, "frame"),
        last_frame=f"{last:,}",
        data=json.dumps(data, separators=(",", ":"), ensure_ascii=False),
        sentence=_sentence(names, events, lost, found),
    )


def _bars(counts: Sequence[int], peak: int, base: int, way: int) -> str:
    """A bar for each part that has something, from ``base`` upwards (-1) or downwards (1); what is little is seen."""
    return "".join(
        f"M{part} {base}v{way * max(1.5, LANE * count / peak):.4g}h1V{base}z"
        for part, count in enumerate(counts)
        if count
    )


def _blocks(counts: Sequence[int], top: int, height: int, parts: int) -> str:
    """A block for each part that has something, wide enough to be seen."""
    width = max(1.0, parts * NARROWEST)
    return "".join(
        f"M{max(0.0, min(part + 0.5 - width / 2, parts - width)):.5g} {top}h{width:.3g}v{height}h-{width:.3g}z"
        for part, count in enumerate(counts)
        if count
    )


def _sentence(
    names: tuple[str, str],
    events: Sequence[Sequence[int]],
    lost: Sequence[Sequence[int]],
    found: dict[str, list[int]],
) -> str:
    lanes = [
        f"{name} {counted(sum(counts), 'event')}" + (f" and {counted(sum(gone), 'message')} lost" if any(gone) else "")
        for name, counts, gone in zip(names, events, lost, strict=True)
    ]
    marked = [counted(sum(counts), severity) for severity, counts in found.items() if any(counts)]
    return f"{', '.join(lanes)}; {', '.join(marked) or 'no warning, no regression'}."
