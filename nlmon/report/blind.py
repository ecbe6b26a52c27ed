"""Blind spots as lines for people, and added up over several captures.

Rules:
1. Without ``verbose`` a few lines say how many there are and name the worst; with it each has a line.

Not here: counting (``nlmon.engine.coverage``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import structs

from nlmon.report.model import BlindChange, BlindSpot, CaptureReport
from nlmon.report.text import counted, times

__all__ = ["add_up_spots", "blind_lines", "unread_lines"]

# What the kinds of a generic family's messages begin with.
COMMAND = "command "
ALL_OF_THEM = "all of them with -v"
SPOTS_SHOWN, CHANGES_SHOWN, KINDS_SHOWN, TYPES_SHOWN = 3, 3, 4, 5


def add_up_spots(captures: Iterable[CaptureReport]) -> list[BlindSpot]:
    """The blind spots of several captures, those of one kind added up; of a capture that was judged in two directions
    once, whichever these are."""
    found: dict[tuple[str, str, str], BlindSpot] = {}
    captures = tuple(captures)
    there = {_capture(capture) for capture in captures if capture.direction == "migrate"}
    for capture in captures:
        listed = capture.direction != "migrate" and _capture(capture) in there
        for spot in () if listed else capture.blind:
            key = spot.read_by, spot.message, spot.attribute
            before = found.get(key)
            if before is not None:
                kinds = Counter(before.kinds) + Counter(spot.kinds)
                spot = structs.replace(spot, messages=before.messages + spot.messages, kinds=dict(kinds))
            found[key] = spot
    return sorted(found.values(), key=lambda one: (bool(one.read_by), -one.messages, one.message, one.attribute))


def _capture(report: CaptureReport) -> tuple[str, str, str]:
    """What the reports on one capture have in common, whatever their direction."""
    return report.host, report.scenario, report.path


def blind_lines(
    spots: Sequence[BlindSpot],
    changes: Sequence[BlindChange] = (),
    *,
    verbose: bool = False,
    hints: bool = True,
    left_out: int = 0,
) -> Iterator[str]:
    """What not both implementations read, and what changed in that alone. ``hints``: whether it is said how to see what
    is left out, which needs a command line."""
    attributes = [spot for spot in spots if spot.attribute or spot.read_by]
    neither = [spot for spot in attributes if not spot.read_by]
    if verbose:
        yield from (f"neither reads {_spot(spot)}" for spot in neither)
        yield from (_alone(spot) for spot in attributes if spot.read_by)
    elif attributes:
        yield _short(neither, attributes, ALL_OF_THEM if hints else "")
    if left_out:
        yield f"more kinds of messages and attributes than are counted apart: {left_out:,} are in none of these"
    for change in changes if verbose else changes[:CHANGES_SHOWN]:
        where = f"first at frame {change.frame}"
        what = f"{', '.join(change.attributes)} ({times(change.count)}, {where})"
        yield f"an event repeats the one before it, and what neither reads differs: {what}"
    if not verbose and len(changes) > CHANGES_SHOWN:
        count = sum(change.count for change in changes[CHANGES_SHOWN:])
        yield f"… and {count:,} more such events, in other attributes" + f"; {ALL_OF_THEM}" * hints


def _short(neither: Sequence[BlindSpot], attributes: Sequence[BlindSpot], hint: str) -> str:
    alone = Counter(spot.read_by for spot in attributes if spot.read_by and spot.attribute)
    whole = Counter(spot.read_by for spot in attributes if spot.read_by and not spot.attribute)
    others = ", ".join(
        f"{name} alone {_alone_counts(alone[name], whole[name])}" for name in dict.fromkeys((*alone, *whole))
    )
    if not neither:
        return "; ".join(filter(None, (f"attributes that not both read: {others}", hint)))
    worst = ", ".join(map(_spot, neither[:SPOTS_SHOWN]))
    more = f" and {len(neither) - SPOTS_SHOWN:,} more" if len(neither) > SPOTS_SHOWN else ""
    return "; ".join(filter(None, (f"neither reads {counted(len(neither), 'attribute')}: {worst}{more}", others, hint)))


def _alone_counts(attributes: int, kinds: int) -> str:
    """How many attributes, and of how many kinds of messages whatever is in them."""
    of_kinds = counted(kinds, "kind of messages", "kinds of messages")
    return f"{attributes:,}" if not kinds else of_kinds if not attributes else f"{attributes:,} and {of_kinds}"


def _alone(spot: BlindSpot) -> str:
    """What one implementation alone reads: an attribute, or of a kind of messages all or the attributes. Of a generic
    family whose commands are counted, the other one gives events without these."""
    if spot.attribute:
        return f"{spot.read_by} alone reads {_spot(spot)}"
    if any(kind.startswith(COMMAND) for kind in spot.kinds):
        return f"{spot.read_by} alone reads the attributes of {_spot(spot)}"
    return f"{spot.read_by} alone gives events for {_spot(spot)}"


def _spot(spot: BlindSpot) -> str:
    """An attribute with the number of its messages, and how many of these are of which kind."""
    kinds = sorted(spot.kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    # A name that ends with a digit, such as "command 2", must not run into the count.
    listed = ", ".join(f"{kind}{':' * kind[-1:].isdigit()} {count:,}" for kind, count in kinds[:KINDS_SHOWN])
    more = f", and {len(kinds) - KINDS_SHOWN:,} other kinds" if len(kinds) > KINDS_SHOWN else ""
    name = spot.attribute or f"{spot.message} messages"
    return f"{name} ({counted(spot.messages, 'message')}{f': {listed}{more}' if listed else ''})"


def unread_lines(unknown: Mapping[str, Mapping[str, int]], *, verbose: bool = False) -> list[str]:
    """Messages that give no event, by implementation and type; once, where it is the same for both."""
    found = {name: kinds for name, kinds in unknown.items() if kinds}
    alike = len(unknown) == len(found) > 1 and len({tuple(sorted(kinds.items())) for kinds in found.values()}) == 1
    shown = {"both": next(iter(found.values()))} if alike else found
    lines = []
    for name, kinds in shown.items():
        ranked = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
        listed = ", ".join(f"{kind} ({count:,})" for kind, count in (ranked if verbose else ranked[:TYPES_SHOWN]))
        rest = 0 if verbose else sum(count for _, count in ranked[TYPES_SHOWN:])
        more = f" and {rest:,} of {len(ranked) - TYPES_SHOWN:,} other types" if rest else ""
        lines.append(f"messages that give no event in {name}: {listed}{more}")
    return lines
