"""Samples that a program is given, and holding what it gives against what each states.

Rules:
1. A field that a sample does not name is not in its message, and null says so; so does a value that the program
   declares absent. A field that the program does not give, or in other families alone, is not held against anything.
2. Who states that it provides a kind of event gives one for each such message, unless a sample leaves that open.

Not here: the samples themselves (``nlmon.cli.harness_samples``), and the form of answers (``check``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from nlmon.compare.same import same
from nlmon.compare.statement import Statement
from nlmon.events import PAYLOADS
from nlmon.harness.protocol import Answer, Message
from nlmon.harness.spelling import misspelt
from nlmon.harness.values import Values, misfit
from nlmon.wire import Datagram

__all__ = ["Sample", "Stated", "misstated"]


class Stated(Struct, frozen=True):
    """An event that a sample states. ``offset``: bytes to its message; ``fields``: as a program writes them;
    ``needed``: whoever provides the kind must give it."""

    offset: int
    kind: str
    fields: Mapping[str, Any]
    needed: bool = True


class Sample(Struct, frozen=True):
    """A datagram that a program is given, and what it is, for people. ``stated``: its events; ``damaged``: of which
    kind they would be, were it whole."""

    name: str
    datagram: Datagram
    stated: tuple[Stated, ...] = ()
    damaged: str = ""


def misstated(sample: Sample, answer: Answer, statement: Statement, values: Values) -> Iterator[str]:
    """What an answer says otherwise than its sample, or leaves out though the program states that it provides it."""
    promises = statement.events if statement.complete else frozenset()
    found = {(one.offset, one.kind): one for one in answer.events if one.fields is not None}
    if sample.damaged in promises and all(one.error is None for one in answer.events):
        yield "the message is damaged, and no entry has an error"
    for stated in sample.stated:
        given = found.get((stated.offset, stated.kind))
        if given is not None:
            yield from _other_values(stated, given, statement, values)
        elif stated.needed and stated.kind in promises:
            yield f"no event of kind {stated.kind} at offset {stated.offset}, and hello provides {stated.kind}"


def _other_values(stated: Stated, given: Message, statement: Statement, values: Values) -> Iterator[str]:
    kind, names = stated.kind, PAYLOADS[stated.kind].__struct_fields__
    written = values.routed(kind, given.fields or {})
    expected = Values({}).payload(kind, {**dict.fromkeys(names), **stated.fields})
    found = values.payload(kind, written)
    family = stated.fields.get("family")
    for name in names:
        value, right = getattr(found, name), getattr(expected, name)
        if value is UNSET or (statement.complete and not statement.provides(kind, name, family)):
            continue
        if misfit(kind, name, written[name]) or misspelt(kind, name, value, family):
            continue  # that is a mistake of form
        if statement.is_absent(kind, name, value) or _agree(right, value):
            continue
        holds = "none" if right is None else repr(msgspec.to_builtins(right))
        yield f"{kind}.{name} is {msgspec.to_builtins(value)!r}, and the message holds {holds}"


def _agree(right: Any, value: Any) -> bool:
    """Whether a value is the right one, as far as it goes: what is left out inside of it is not provided."""
    if isinstance(right, tuple) and isinstance(value, tuple) and len(right) == len(value):
        return all(map(_agree, right, value))
    if isinstance(right, Struct) and type(right) is type(value):
        pairs = [(getattr(right, name), getattr(value, name)) for name in right.__struct_fields__]
        return all(one is UNSET or _agree(other, one) for other, one in pairs)
    return same(right, value)
