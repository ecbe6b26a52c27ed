"""Makes values of what a scenario of configurations says, and names what in it contradicts something else.

Not here: reading the file, and its other keys (``nlmon.scenario.load``); the configurations themselves, which are read
when the scenario runs, as they may be expected to be refused (``lanes``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from nlmon.exporters.syslogtext import FACILITIES, SEVERITIES
from nlmon.report.text import counted
from nlmon.scenario.configured.schema import EXPECTED, NOT_WITH, REWRITING
from nlmon.scenario.document import Path
from nlmon.scenario.faults.sockets import NEEDS_SOCKET
from nlmon.scenario.model import (
    ConfigurationLane,
    Configured,
    Count,
    EventPattern,
    Exported,
    FilePattern,
    LinePattern,
    LogPattern,
    MetricPattern,
    ProblemPattern,
    Reload,
    RewrittenPattern,
    RulePattern,
)
from nlmon.yamlfile import nearest

__all__ = ["OF_LINES", "configured", "contradictions"]

LANES = ("legacy", "libnl")
# What a pattern asks of a line, and not of its event.
OF_LINES = frozenset({"equals", "text", "facility", "severity"})
REWRITES: tuple[Literal["migrate", "rollback"], ...] = ("migrate", "rollback")
Events: TypeAlias = Callable[[Any], tuple[EventPattern, ...]]
Counted: TypeAlias = Callable[[Any], Count]


def contradictions(value: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[Path, str, str]]:
    """What follows the schema and cannot hold: where, what, and a hint. ``names``: of the implementations."""
    expect = value["expect"]
    if "configuration" not in value:
        for key in ("environment", "reloads"):
            if key in value:
                yield (key,), f"{key} has no effect without configuration", ""
        for key in EXPECTED:
            if key in expect:
                yield ("expect", key), f"{key} is of monitors that run with a configuration", "give a configuration"
        return
    for number, step in enumerate(value.get("setup", ())):
        for kind in REWRITES:
            if _rewrites(step) and kind in step:
                yield ("setup", number, kind), f"{kind}: monitors switch after the setup", "make it one of the steps"
    if tuple(names) not in {LANES, LANES[::-1]}:
        yield ("implementations",), "a configuration chooses between legacy and libnl", "name these two"
    for number, one in enumerate(value.get("implementations", ())):
        if isinstance(one, Mapping) and len(one) > 1:
            yield ("implementations", number), "its options are those of its configuration", "give the name alone"
    for key in NOT_WITH:
        if key in expect:
            yield ("expect", key), f"{key} does not go with a configuration", "say it of exports"
    if value.get("control"):
        yield ("control",), "control does not go with a configuration", "leave it out"
    for key in ("verdict", "differences"):
        if key in expect and "compare" not in expect:
            yield ("expect", key), f"{key} is of a comparison", "write compare: exports"
    for number, fault in enumerate(value.get("faults", ())):
        for kind in NEEDS_SOCKET & fault.keys():
            yield ("faults", number), f"{kind} is a fault of a socket, and monitors have their own", ""
    capture = value.get("capture")
    for key in ("select", "protocols"):
        if isinstance(capture, Mapping) and key in capture:
            yield ("capture", key), f"{key} does not go with a configuration, which says so itself", "leave it out"
    if not any(_rewrites(one) for key in ("reloads", "steps") for one in value.get(key, ())):
        for key in REWRITING & expect.keys():
            yield (
                ("expect", key),
                f"{key} is of a rewriting, and there is none",
                "write migrate: true, or rollback: true",
            )
    yield from _of_syslog(expect)
    yield from _of_frames(value)


def _rewrites(one: Any) -> bool:
    """Whether a configuration is rewritten by something that happens."""
    return isinstance(one, Mapping) and any(kind in one for kind in REWRITES)


def _of_syslog(expect: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    for kind, lines in expect.get("exports", {}).items():
        for number, line in enumerate(lines):
            for key, known in (("facility", FACILITIES), ("severity", SEVERITIES)):
                path = ("expect", "exports", kind, number, key)
                if key in line and kind != "syslog":
                    yield path, f"{key} is of syslog", "leave it out"
                elif key in line and line[key] not in known:
                    yield path, f"no {key} is called {line[key]!r}", nearest(line[key], known)


def _of_frames(value: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    key, other = ("frame", "step") if "capture" in value else ("step", "frame")
    reloads = value.get("reloads", ())
    for number, one in enumerate(reloads):
        if other in one:
            what = f"{other} does not go with {'capture' if key == 'frame' else 'steps'}"
            yield ("reloads", number, other), what, f"give {key}"
        elif number and one[key] <= reloads[number - 1].get(key, 0):
            yield ("reloads", number, key), "it comes behind the one before it", "give them in their order"
        elif key == "step" and one[key] > len(value["steps"]):
            yield ("reloads", number, key), f"the scenario has {counted(len(value['steps']), 'step')}", ""


def configured(value: Mapping[str, Any], names: Sequence[str], events: Events, count: Counted) -> Configured | None:
    """The values of a document that has no mistake, None if it has no configuration. ``events``, ``count``: what reads
    patterns of events, and a number."""
    if "configuration" not in value:
        return None
    environment = value.get("environment", {})
    texts = _texts(value["configuration"], names)
    lanes = tuple(
        ConfigurationLane(
            name,
            text,
            {variable: one for variable, given in environment.items() if (one := _of(given, name)) is not None},
            forced=isinstance(value["configuration"], str),
        )
        for name, text in zip(names, texts, strict=True)
    )
    reloads = [_reload(one, names) for one in value.get("reloads", ())]
    reloads += [
        Reload((), 0, number, kind)
        for number, step in enumerate(value.get("steps", ()), 1)
        for kind in REWRITES
        if _rewrites(step) and kind in step
    ]
    return Configured(lanes, tuple(sorted(reloads, key=_when)), _exported(value["expect"], events, count))


def _reload(one: Mapping[str, Any], names: Sequence[str]) -> Reload:
    texts = _texts(one["configuration"], names) if "configuration" in one else ()
    rewrite: Literal["", "migrate", "rollback"] = next((kind for kind in REWRITES if kind in one), "")
    return Reload(texts, one.get("frame", 0), one.get("step", 0), rewrite, one.get("by", ""))


def _when(reload: Reload) -> int:
    return reload.frame or reload.step


def _texts(given: Any, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(_of(given, name) or "" for name in names)


def _of(given: Any, name: str) -> str | None:
    found: str | None = given if isinstance(given, str) else given.get(name)
    return found


def _exported(expect: Mapping[str, Any], events: Events, count: Counted) -> Exported:
    def line(one: Mapping[str, Any]) -> LinePattern:
        (event,) = events([{key: value for key, value in one.items() if key not in OF_LINES}])
        return LinePattern(event, **{key: value for key, value in one.items() if key in OF_LINES})

    def with_counts(one: Mapping[str, Any], *keys: str) -> dict[str, Any]:
        return {**one, **{key: count(one[key]) for key in keys if key in one}}

    def problems(key: str) -> tuple[ProblemPattern, ...] | None:
        given = expect.get(key)
        return None if given is None else tuple(ProblemPattern(**with_counts(one, "count")) for one in given)

    return Exported(
        compare="compare" in expect,
        lines={kind: tuple(map(line, lines)) for kind, lines in expect.get("exports", {}).items()},
        files=tuple(FilePattern(**with_counts(one, "count", "lines")) for one in expect.get("files", ())),
        metrics=tuple(MetricPattern(**with_counts(one, "value")) for one in expect.get("metrics", ())),
        rules=tuple(RulePattern(**with_counts(one, "matched")) for one in expect.get("rules", ())),
        log=tuple(LogPattern(**with_counts(one, "count")) for one in expect.get("log", ())),
        notices=problems("notices"),
        refused=problems("refused"),
        changes=problems("changes"),
        findings=problems("findings"),
        rewritten=None if "rewritten" not in expect else tuple(RewrittenPattern(**one) for one in expect["rewritten"]),
    )
