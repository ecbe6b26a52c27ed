"""Replays of captures in a test, and what they must show.

    nlmon_replay("captures/flap.pcapng").assert_equivalent(min_events=50, allow=["link.altnames"])

Rules:
1. Evidence first: a verdict on fewer events than a test asks for is a failure, whatever it is.
2. What is lost is accepted only where the test names it, by kind and field, or by the kind of whole events; ``*`` in
   a name stands for any. What an implementation states and does not give is no loss, but a regression.

Not here: the replay (``nlmon.jobs.work``), and which captures are replayed (``captures``).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import brought, create
from nlmon.capture import open_capture
from nlmon.compare.difference import Class
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.errors import UsageError
from nlmon.eventjson.write import event_to_dict
from nlmon.jobs.work import ReplayOptions, replay_reader
from nlmon.names import PROTOCOLS, protocol_number
from nlmon.printable import printable
from nlmon.report.differences import evidence_lines
from nlmon.report.model import CaptureReport, Verdict, in_direction
from nlmon.report.text import counted
from nlmon.transport.recorded.faults import parse_fault

__all__ = ["Replayed", "events_of", "replay", "with_options"]


class Replayed:
    """What came of a capture, in one direction. ``report``: all that was found; ``options``: how it was replayed."""

    def __init__(self, report: CaptureReport, options: ReplayOptions, path: Path) -> None:
        self.report = report
        self.options = options
        self._path = path

    @property
    def verdict(self) -> Verdict:
        """``equivalent``, ``lossy``, ``regression``, ``inconclusive`` or ``error``."""
        return self.report.verdict

    @property
    def names(self) -> tuple[str, str]:
        """Reference and candidate in this direction."""
        return in_direction(self.report.direction, (self.options.reference, self.options.candidate))

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the implementation called ``name`` makes of the capture."""
        return events_of(self._path, name, self.options)

    def assert_equivalent(self, min_events: int = 1, allow: Collection[str] = ()) -> None:
        """Fail the test unless at least ``min_events`` events were compared and nothing differs. ``allow``: what may
        be lost, by kind and field such as ``link.altnames``, or the kind of whole events such as ``xfrm_state``;
        ``link.*`` is every field of links, and ``*`` all that the candidate does not state. What the settings allow
        is allowed, too."""
        __tracebackhide__ = True
        lines = list(self._wrong(min_events, allow))
        if lines:
            reference, candidate = self.names
            head = f"verdict: {self.verdict} ({candidate} against {reference}, {self.report.path})"
            # Those that a plugin or a conftest.py brings nlmon does not know; pytest names the test.
            again = [] if brought() else [f"reproduce: {self._command()}"]
            text = [head, *lines, *again]
            raise AssertionError("\n".join(map(printable, text)))

    def _wrong(self, min_events: int, allow: Collection[str]) -> Iterator[str]:
        report = self.report
        compared = sum(report.compared.values())
        if compared < min_events:
            yield f"compared: {counted(compared, 'event')}, and {min_events:,} were asked for"
        if report.verdict == "lossy":
            policy = self.options.policy
            lost = structs.replace(policy, allow=(*policy.allow, *allow)).not_allowed(report.losses)
            if lost:
                yield "lost, and not allowed: " + ", ".join(f"{name} {count:,}" for name, count in lost.items())
            # What is allowed to be lost allows nothing else.
            wrong = {one: n for one in Class if one is not Class.SERVICE and (n := report.differences.get(one.label))}
            if listed := ", ".join(f"{n:,} {one.label}" for one, n in wrong.items() if policy.fails_on(one)):
                yield f"the policy fails on {listed}"
                yield from evidence_lines(report, self.names)
        elif report.verdict != "equivalent" or report.fails:
            if report.fails and report.verdict == "equivalent":
                yield f"the policy fails it: {report.fails}"
            yield from evidence_lines(report, self.names)

    def _command(self) -> str:
        return shlex.join(["nlmon", "replay", self.report.path, *_arguments(self.options, self.names)])


def replay(path: Path, shown: Path | str, options: ReplayOptions) -> tuple[Replayed, ...]:
    """Replay a capture, which reports call ``shown``; what came of each direction. Raises ``CaptureError``."""
    with open_capture(path, byteorder=options.byteorder) as reader:
        reports = replay_reader(reader, shown, options, file=path)
    return tuple(Replayed(report, options, path) for report in reports)


def with_options(
    options: ReplayOptions,
    *,
    reference: str | None = None,
    candidate: str | None = None,
    both_ways: bool = False,
    select: str = "notifications",
    protocols: Sequence[str] = (),
    families: Sequence[str] | None = None,
    groups: Sequence[str] = (),
    caches: Sequence[str] = (),
    recover: bool = False,
    faults: Sequence[str] = (),
) -> ReplayOptions:
    """Options of a replay as a test gives them, named as those of ``nlmon replay``. Raises ``UsageError``."""
    if select not in {"notifications", "all"}:
        raise UsageError("NLM-Y003", f"{select!r} cannot be selected", hint="select is notifications or all")
    numbers = [(name, protocol_number(name)) for name in protocols]
    for name, number in numbers:
        if number is None:
            raise UsageError("NLM-Y003", f"{name!r} is no netlink protocol", hint="such as route")
    return structs.replace(
        options,
        reference=reference or options.reference,
        candidate=candidate or options.candidate,
        both_ways=both_ways,
        select=select,
        protocols=tuple(number for _, number in numbers),
        backend=BackendOptions(
            generic_families=None if families is None else tuple(families),
            extra_groups=tuple(groups),
            caches=tuple(caches),
            resync=recover,
            resync_interval=0.0,
        ),
        faults=tuple(parse_fault(one, protocol_number) for one in faults),
    )


def events_of(path: Path, name: str, options: ReplayOptions | None = None) -> list[dict[str, Any]]:
    """The events that an implementation gives for a capture, as ``nlmon decode`` prints them. Raises
    ``CaptureError``."""
    options = options or ReplayOptions()
    with open_capture(path, byteorder=options.byteorder) as reader:
        feed = Feed(
            (partial(create, name),),
            reader.info.byteorder,
            select=options.select,
            protocols=options.protocols or None,
            options=options.backend,
            faults=options.faults,
            answers=False,
        )
        try:
            return [event_to_dict(event) for side in read_capture(feed, reader) for event in side.events]
        finally:
            feed.close()


def _arguments(options: ReplayOptions, names: tuple[str, str]) -> Iterator[str]:
    """The options of ``nlmon replay`` that do the same."""
    if names != ("legacy", "libnl"):
        yield from ("--against", names[0], "-i", names[1])
    if options.select != "notifications":
        yield from ("--select", options.select)
    for option, values in (
        ("--protocol", [PROTOCOLS[number] for number in options.protocols]),
        ("--family", options.backend.generic_families or ()),
        ("--group", options.backend.extra_groups),
        ("--cache", options.backend.caches),
        ("--fault", map(str, options.faults)),
        ("--known", [options.policy.known] if options.policy.sources.get("known") == "--known" else ()),
    ):
        for value in values:
            yield from (option, value)
    if options.backend.resync:
        yield "--recover"
