"""Makes a scenario of the text of a file, or says what is wrong with it and where.

Rules:
1. The schema decides what may be written. What it accepts is a scenario, unless parts of it contradict each other
   (NLM-S017, and NLM-S018 for a filter).
2. All mistakes of a file are found at once, in the order of its lines; a text that is no YAML has one.

Not here: reading files (``files``), and what several scenarios must have in common (``check``).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from nlmon.compare.difference import Class
from nlmon.errors import ScenarioError
from nlmon.filters import FilterError, compile_filter
from nlmon.names import PROTOCOLS, is_message_type, message_names
from nlmon.report.text import shown_path
from nlmon.scenario.configured.load import configured, contradictions
from nlmon.scenario.document import Document, Path, read_document
from nlmon.scenario.faults.sockets import NEEDS_SOCKET
from nlmon.scenario.mistakes import explain, mistake
from nlmon.scenario.model import (
    VERSION,
    Capture,
    Count,
    DifferencePattern,
    ErrorPattern,
    EventPattern,
    Expect,
    Fault,
    Implementation,
    Losses,
    Needs,
    ObjectPattern,
    Scenario,
    Step,
    Traffic,
    Verdicts,
)
from nlmon.scenario.schema import OBJECTS, STEPS, scenario_schema
from nlmon.yamlfile import nearest

__all__ = ["ScenarioFile", "load_scenario", "parse_scenario"]


class ScenarioFile(Struct, frozen=True):
    """A scenario and the file that it stands in. ``path``: by which it is opened, ``where``: what it is called, since
    a name may hold bytes that are no text."""

    path: str
    scenario: Scenario
    document: Document

    @property
    def where(self) -> str:
        """The path as people and reports read it."""
        return shown_path(self.path)

    def place(self, *path: str | int) -> str:
        """``a.yaml:12:7`` of a value, such as ``place("steps", 1)``."""
        place = self.document.place(path)
        return f"{self.where}:{place.line}:{place.column}"

    def mistake(self, code: str, what: str, *path: str | int, hint: str = "") -> ScenarioError:
        """A mistake at a value, or at the innermost one around it that is in the file."""
        return mistake(code, what, self.document, path, self.where, hint=hint)


def load_scenario(data: bytes, path: str) -> ScenarioFile:
    """The scenario of a file; raises ``ScenarioError``, of several mistakes the first."""
    file, mistakes = parse_scenario(data, path)
    if file is None:
        raise mistakes[0]
    return file


def parse_scenario(data: bytes, path: str) -> tuple[ScenarioFile | None, list[ScenarioError]]:
    """The scenario of a file, or None and all mistakes of the file."""
    where = shown_path(path)
    try:
        document = read_document(data, where)
    except ScenarioError as error:
        return None, [error]
    if mistakes := list(_mistakes(document, where)):
        return None, mistakes
    return ScenarioFile(path, _scenario(document.value, document, where), document), []


def _mistakes(document: Document, where: str) -> Iterator[ScenarioError]:
    old = _version_mistake(document, where)
    if old is not None:
        yield old
        return
    errors = list(_validator().iter_errors(document.value))
    # Whatever else is said of a value of a wrong type would be said of every such value.
    wrong = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    kept = [error for error in errors if error.validator == "type" or tuple(error.absolute_path) not in wrong]
    found = [one for error in kept for one in explain(error, document, where)] or _contradictions(document, where)
    yield from sorted(found, key=lambda one: (one.line, one.column, one.code, one.what))


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415  (start-up: only a scenario needs it)

    return validators.extend(Draft202012Validator, {"uniqueItems": _unique})(scenario_schema())


def _unique(validator: Any, unique: bool, items: Any, _: Any) -> Iterator[Any]:
    """What jsonschema says of a list that has an item twice; its own search takes minutes for thousands of mappings."""
    from jsonschema import ValidationError  # noqa: PLC0415  (start-up: only a scenario needs it)

    if unique and validator.is_type(items, "array"):
        texts = {json.dumps(item, sort_keys=True) for item in items}
        if len(texts) != len(items):
            yield ValidationError("an item is there twice")


def _version_mistake(document: Document, where: str) -> ScenarioError | None:
    """The version comes first: a file of another one is not held against this one's format."""
    value = document.value
    if not isinstance(value, dict) or "scenario" not in value:
        hint = f"begin with scenario: {VERSION}"
        return mistake("NLM-S010", "this is no scenario", document, (), where, hint=hint)
    version = value["scenario"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        what = f"{version!r} is no version of the format"
        return mistake("NLM-S010", what, document, ("scenario",), where, hint=f"write scenario: {VERSION}")
    if version > VERSION:
        what = f"this scenario has version {version}, and this nlmon reads versions up to {VERSION}"
        return mistake("NLM-S011", what, document, ("scenario",), where, hint="install a newer nlmon")
    return None


def _contradictions(document: Document, where: str) -> list[ScenarioError]:
    """What follows the schema and cannot hold."""
    value = document.value
    found: list[ScenarioError] = []

    def add(what: str, path: Path, hint: str = "") -> None:
        found.append(mistake("NLM-S017", what, document, path, where, hint=hint))

    written = value.get("implementations", [one.name for one in Scenario("", "").implementations])
    names = [one if isinstance(one, str) else one["name"] for one in written]
    for number, name in enumerate(names):
        if name in names[:number]:
            add(f"{name} takes part twice", ("implementations", number), "control: true runs the first one twice")
    for path, one in _walk(value, ()):
        if path[-1:] == ("count",) and isinstance(one, dict) and one.get("min", 0) > one.get("max", one.get("min", 0)):
            add("min is more than max", path)
        if path[-1:] == ("by",) and isinstance(one, str) and one not in names:
            add(f"{one!r} does not take part", path, nearest(one, names))
    losses = value["expect"].get("losses", 0)
    for name in losses if isinstance(losses, dict) else ():
        if name not in names:
            add(f"{name!r} does not take part", ("expect", "losses", name), nearest(name, names))
    for path, error in _wrong_filters(value):
        what = f"column {error.column} of this filter: {error.what}"
        found.append(mistake("NLM-S018", what, document, path, where, hint=error.hint))
    for path, what, hint in (*_vain(value), *contradictions(value, names)):
        add(what, path, hint)
    capture = value.get("capture")
    if isinstance(capture, dict) and "frames" in capture:
        first, _, last = capture["frames"].partition("-")
        if last and int(last) < int(first):
            add(f"the last frame, {last}, comes before the first one, {first}", ("capture", "frames"))
    if isinstance(capture, dict) and capture.get("select") == "all":
        hint = "leave out select: all"
        for number, fault in enumerate(value.get("faults", ())):
            for kind in NEEDS_SOCKET & fault.keys():
                add(f"{kind} is a fault of a socket, and all messages come over none", ("faults", number), hint)
    for path, name, made in _namespaces(value):
        if name not in made:
            hint = nearest(name, sorted(made)) or f"make it with netns: {name} in a step before"
            add(f"there is no namespace {name!r} yet", path, hint)
    return found


def _wrong_filters(value: Mapping[str, Any]) -> Iterator[tuple[Path, FilterError]]:
    """Where a pattern has a filter that is wrong."""
    for path, one in _walk(value, ()):
        if _of_event(path, "where"):
            try:
                compile_filter(one)
            except FilterError as error:
                yield path, error


def _vain(value: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """Expectations that nothing would be held against, so that they seem to hold: where they are, why, and a hint."""
    for path, one in _walk(value, ()):
        if path[-1:] == ("msg_type",) and isinstance(one, str) and not is_message_type(one):
            yield path, f"no message has the type {one!r}", nearest(one, message_names())
        if _of_event(path, "protocol") and isinstance(one, str) and not _is_protocol(one):
            yield path, f"no protocol is called {one!r}", nearest(f"NETLINK_{one.upper()}", PROTOCOLS.values())
    expect = value["expect"]
    if "capture" in value and expect.get("state") == "kernel":
        yield ("expect", "state"), "a recording has no kernel that can be asked", "list the objects, or leave it out"
    verdict = expect.get("verdict")
    judged = set(verdict) if isinstance(verdict, dict) else {"migrate"}
    codes = sorted(cls.code for cls in Class)
    for number, one in enumerate(expect.get("differences", ())):
        at = ("expect", "differences", number)
        if one["code"] not in codes:
            yield (*at, "code"), f"no difference has the code {one['code']}", nearest(one["code"], codes)
        if "direction" in one and one["direction"] not in judged:
            yield (*at, "direction"), f"{one['direction']} is not judged here", "state a verdict for it, too"
    for number, one in enumerate(expect.get("in_order", ())):
        count, place = _count(one.get("count")), ("expect", "in_order", number, "count")
        if count.least == 0:
            yield place, "what need not come has no place in an order", "say that in events"
        elif count.most is not None:
            what, hint = "an order says what comes, and not how often at most", f"write {{min: {count.least}}}"
            yield place, what, f"{hint}; a number of all of them stands in events"


def _is_protocol(name: str) -> bool:
    """Whether an event has its protocol under this name."""
    return name in PROTOCOLS.values() or name.isdecimal()


def _of_event(path: Path, field: str) -> bool:
    """Whether a field of an event itself stands at ``path``, and not one of its payload."""
    match path:
        case ("expect", "events" | "in_order", int(), name):
            return name == field
        case ("expect", "exports", str(), int(), name):
            return name == field
        case ("setup" | "steps", int(), "expect", name) | ("setup" | "steps", int(), "expect", int(), name):
            return name == field
    return False


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _walk(inner, (*path, key))


def _namespaces(value: Mapping[str, Any]) -> Iterator[tuple[Path, str, set[str]]]:
    """Where steps name a namespace, and those that steps before have made."""
    made: set[str] = set()
    for part in ("setup", "steps"):
        for number, step in enumerate(value.get(part, ())):
            if isinstance(step, str):
                continue
            if "in" in step:
                yield (part, number, "in"), step["in"], made
            for end in ("from", "to"):
                if end in step.get("traffic", ()):
                    yield (part, number, "traffic", end), step["traffic"][end], made
            made |= set(_several(step.get("netns", [])))


def _scenario(value: Mapping[str, Any], document: Document, where: str) -> Scenario:
    """The values of a document that has no mistake."""

    def steps(part: str) -> tuple[Step, ...]:
        found = []
        for number, step in enumerate(value.get(part, ())):
            place = document.place((part, number))
            found.append(_step(step, f"{where}:{place.line}:{place.column}"))
        return tuple(found)

    given: dict[str, Any] = {name: value[name] for name in ("level", "kernel", "control", "seed") if name in value}
    if "implementations" in value:
        named = [one if isinstance(one, dict) else {"name": one} for one in value["implementations"]]
        given["implementations"] = msgspec.convert(named, tuple[Implementation, ...])
    if "capture" in value:
        capture = value["capture"]
        given["capture"] = msgspec.convert(capture if isinstance(capture, dict) else {"path": capture}, Capture)
    names = [one.name for one in given.get("implementations", Scenario("", "").implementations)]
    return Scenario(
        id=value["id"],
        title=value["title"],
        authority=tuple(_several(value.get("authority", []))),
        needs=msgspec.convert(value.get("needs", {}), Needs),
        setup=steps("setup"),
        steps=steps("steps"),
        faults=tuple(
            msgspec.convert({"kind": kind, **rest}, Fault)
            for fault in value.get("faults", ())
            for kind, rest in fault.items()
        ),
        expect=_expect(value["expect"]),
        configured=configured(value, names, _events, _count),
        **given,
    )


def _step(value: Any, place: str) -> Step:
    if isinstance(value, str):
        return Step("run", line=value, place=place)
    kind = next(key for key in STEPS if key in value)
    return Step(
        kind,  # type: ignore[arg-type]
        line=value[kind] if kind in {"run", "batch", "python"} else "",
        names=tuple(_several(value.get("netns", []))),
        traffic=msgspec.convert(value["traffic"], Traffic) if "traffic" in value else None,
        namespace=value.get("in", ""),
        expect=_events(_several(value.get("expect", []))),
        within=value.get("within"),
        place=place,
    )


def _expect(value: Mapping[str, Any]) -> Expect:
    verdict, state, losses = value.get("verdict", {}), value.get("state", ()), value.get("losses", {})
    return Expect(
        verdict=msgspec.convert(verdict if isinstance(verdict, dict) else {"migrate": verdict}, Verdicts),
        events=_events(value.get("events", ())),
        in_order=_events(value.get("in_order", ())),
        state="kernel" if state == "kernel" else tuple(map(_object, state)),
        differences=tuple(DifferencePattern(**_counted(one)) for one in value.get("differences", ())),
        losses=Losses(by={name: _count(one) for name, one in losses.items()})
        if isinstance(losses, dict)
        else Losses(each=_count(losses)),
        errors=tuple(ErrorPattern(**_counted(one)) for one in value.get("errors", ())),
    )


def _events(values: Any) -> tuple[EventPattern, ...]:
    return tuple(
        EventPattern(
            fields={key: field for key, field in one.items() if key not in {"count", "by", "where"}},
            count=_count(one.get("count")),
            by=one.get("by", ""),
            where=compile_filter(one["where"]) if "where" in one else None,
        )
        for one in values
    )


def _object(value: Mapping[str, Any]) -> ObjectPattern:
    kind = next(key for key in value if key in OBJECTS)
    return ObjectPattern(kind, value[kind], _count(value.get("count")), value.get("by", ""))


def _counted(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "count": _count(value.get("count"))}


def _count(value: Any) -> Count:
    if value is None:
        return Count()
    return Count(value, value) if isinstance(value, int) else Count(value.get("min", 0), value.get("max"))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
