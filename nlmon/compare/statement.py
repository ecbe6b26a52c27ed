"""Statements: what one implementation provides, of all that the contract describes.

The contract says what messages mean, a statement which of it an implementation gives. Those of ours are files in
``provides``; a program that takes part in a comparison states what it provides when it starts (``statement_of_hello``),
a class by its attribute ``statement`` (``stated``). Two statements say what of two implementations must be equal, and
what each provides alone.

Rules:
1. A statement is a promise: what it lists and an event lacks is a loss.
2. Of an implementation that states nothing it is asked what every one of ours provides (``unstated``), and more that
   it gives is looked at.
3. A name finds the file of a statement and decides nothing else.
4. What no event has cannot be provided: a file that lists it is refused, of a program it is left out and named.

Not here: what a field is (``contract``), and comparing (``classify``).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct, structs

from nlmon.compare.contract import KIND_TYPES, PARTS
from nlmon.compare.datafile import Compiled, DataFile, compiled_file, read_data
from nlmon.compare.same import same
from nlmon.errors import ContractError
from nlmon.objects.keys import IDENTIFYING
from nlmon.uapi import AF_INET, AF_INET6

__all__ = [
    "COMPILED",
    "FOLDER",
    "Hello",
    "Joined",
    "Statement",
    "compiled_statements",
    "load_statement",
    "named",
    "ours",
    "stated",
    "statement_of",
    "statement_of_hello",
    "unstated",
]

HERE = Path(__file__).parent
FOLDER, SCHEMA, COMPILED = HERE / "provides", HERE / "provides.schema.json", HERE / "provides.json"


class Joined(Struct, frozen=True):
    """Multicast groups of a protocol that an implementation joins; ``asked``: only when it is asked by this name."""

    protocol: int
    groups: tuple[int, ...]
    asked: str = ""


class Statement(Struct, frozen=True):
    """What one implementation provides.

    ``fields``: of each kind of payload, parts such as ``hop`` among them. ``families``: by ``kind.field`` the address
    families in whose messages it provides the field; else in all. ``events``: the kinds of which it gives events,
    ``interfaces``: those of them whose interface it names. ``groups``: those that it joins; none: not stated.
    ``services``: what it does beyond giving events, such as ``recovery``. ``absent``: by ``kind.field`` the value that
    stands for "not in the message". ``complete``: it gives nothing else; if not, whatever else it gives is judged.
    """

    name: str
    fields: Mapping[str, frozenset[str]]
    events: frozenset[str]
    interfaces: frozenset[str] = frozenset()
    families: Mapping[str, frozenset[int]] = {}
    groups: tuple[Joined, ...] = ()
    services: frozenset[str] = frozenset()
    absent: Mapping[str, Any] = {}
    complete: bool = True

    def provides(self, kind: str, field: str, family: int | None = None) -> bool:
        """Whether it provides a field of a kind of payload in messages of an address family; None: in any at all."""
        if field not in self.fields.get(kind, ()):
            return False
        families = self.families.get(f"{kind}.{field}") if self.families else None
        return families is None or family is None or family in families

    def identifies(self, kind: str) -> bool:
        """Whether it provides all that tells objects of a kind apart, so that a state can be folded from its events."""
        parts = ("route", "hop") if kind == "route" else (kind,)
        if not all(IDENTIFYING[part] <= self.fields.get(part, frozenset()) for part in parts):
            return False
        limits = [families for place, families in self.families.items() if place.partition(".")[0] == kind]
        return all(kind == "route" and families >= {AF_INET, AF_INET6} for families in limits)

    def cannot_identify(self) -> dict[str, tuple[str, ...]]:
        """By kind of which it gives events, what it does not provide of all that tells objects apart; none are named
        where it lacks a part of a next hop, or provides a field in some families alone."""
        kinds = [kind for kind in IDENTIFYING if kind in self.events and not self.identifies(kind)]
        return {kind: tuple(sorted(IDENTIFYING[kind] - self.fields[kind])) for kind in kinds}

    @property
    def recovers(self) -> bool:
        """Whether it resynchronizes after losses."""
        return "recovery" in self.services

    def joins(self, asked: Collection[str]) -> dict[int, frozenset[int]]:
        """The groups that it must join, by protocol, ``asked`` being the names of those that are asked for."""
        found: dict[int, frozenset[int]] = {}
        for row in self.groups:
            if not row.asked or row.asked in asked:
                found[row.protocol] = found.get(row.protocol, frozenset()) | frozenset(row.groups)
        return found

    def is_absent(self, kind: str, field: str, value: Any) -> bool:
        """Whether a value of a field is the one that stands for "not in the message"."""
        place = f"{kind}.{field}"
        return place in self.absent and same(self.absent[place], value)


def stated(
    name: str,
    provides: Mapping[str, Collection[str]] | None,
    absent: Mapping[str, Any] | None = None,
    interfaces: Iterable[str] = (),
) -> Statement:
    """The statement of a program: fields by kind, and absent values by ``kind.field``. What no event has is not among
    them; a field of a whole kind that is left out is one that it does not provide. Who provides next hops and says
    nothing of what is in one provides all of that, since nothing else would be compared there. ``provides`` None: it
    states nothing but absent values."""
    known = {place: value for place, value in (absent or {}).items() if _is_place(place)}
    if provides is None:
        return structs.replace(unstated(name), absent=known)
    fields = {kind: frozenset(names) & _fields_of(kind) for kind, names in provides.items() if kind in KIND_TYPES}
    if "multipath" in fields.get("route", ()) and "hop" not in fields:
        fields["hop"] = _fields_of("hop")
    events = frozenset(fields.keys() - PARTS.keys())
    return Statement(name, fields, events, events & frozenset(interfaces), absent=known)


class Hello(Protocol):
    """What a program says of itself when it is greeted, as far as that is about what it provides: see ``stated``.
    ``groups``: multicast groups whose notifications it is given, by the number of the protocol as text."""

    @property
    def name(self) -> str: ...

    @property
    def provides(self) -> Mapping[str, Collection[str]] | None: ...

    @property
    def absent(self) -> Mapping[str, Any]: ...

    @property
    def groups(self) -> Mapping[str, Collection[int]]: ...


def statement_of_hello(hello: Hello, name: str = "") -> tuple[Statement, tuple[str, ...]]:
    """The statement of a program, and what it names that nlmon does not know: kinds and ``kind.field`` that no event
    has, in order and each once, so that they can be counted and shown. They are left out, as are names that begin with
    ``x-``, which are the program's own. ``name``: what the program is called here, if not as it says."""
    statement = stated(name or hello.name, hello.provides, hello.absent)
    joined = [(protocol, groups) for protocol, groups in hello.groups.items() if protocol.isdecimal()]
    rows = tuple(Joined(int(protocol), tuple(groups)) for protocol, groups in joined if groups)
    listed = hello.provides or {}
    places = [f"{kind}.{field}" for kind in listed.keys() & KIND_TYPES.keys() for field in listed[kind]]
    unknown = {place for place in (*places, *hello.absent) if not _is_place(place)} | (
        listed.keys() - KIND_TYPES.keys()
    )
    return structs.replace(statement, groups=rows), tuple(sorted(name for name in unknown if not _is_own(name)))


def statement_of(name: str) -> Statement:
    """The statement of the implementation called ``name``: that of its file, or ``unstated``."""
    return load_statement(FOLDER / f"{name}.yaml") if name in _names() else unstated(name)


def unstated(name: str) -> Statement:
    """What is asked of an implementation that states nothing: what each of ours provides."""
    return structs.replace(_common(), name=name)


def named(statement: Statement, name: str) -> Statement:
    """The same under another name."""
    return statement if statement.name == name else structs.replace(statement, name=name)


def ours() -> tuple[Statement, ...]:
    """The statements of the implementations of nlmon, by name."""
    return tuple(map(statement_of, _names()))


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@functools.cache
def _common() -> Statement:
    """What all of ours provide, in the families in which all do."""
    first, *others = ours()
    fields, families = dict(first.fields), dict(first.families)
    events, interfaces = first.events, first.interfaces
    for one in others:
        fields = {kind: names & one.fields.get(kind, frozenset()) for kind, names in fields.items()}
        events, interfaces = events & one.events, interfaces & one.interfaces
        for place, found in one.families.items():
            families[place] = families.get(place, found) & found
    return Statement("", fields, events, interfaces, families, complete=False)


@functools.cache
def load_statement(path: Path) -> Statement:
    """The statement of a file, called as the file is; raises ``ContractError`` naming the path of keys."""
    data = read_data(_file(path), _compiled().get(path.stem))
    fields = {kind: frozenset(names) for kind, names in data["kinds"].items()}
    _refuse_unknown(data, fields, path)
    return Statement(
        name=path.stem,
        fields=fields,
        events=frozenset(data["events"]),
        interfaces=frozenset(data["interfaces"]),
        families={place: frozenset(numbers) for place, numbers in data.get("families", {}).items()},
        groups=msgspec.convert(data["groups"], tuple[Joined, ...]),
        services=frozenset(data["services"]),
        absent=data.get("absent", {}),
    )


def _refuse_unknown(data: Mapping[str, Any], fields: Mapping[str, frozenset[str]], path: Path) -> None:
    """Raise ``ContractError`` where a statement names what no event has, or contradicts itself."""
    odd = [f"{kind}.{name}" for kind, names in fields.items() for name in sorted(names - _fields_of(kind))]
    odd += [kind for kind in fields if kind not in KIND_TYPES]
    odd += [kind for kind in data["events"] if kind not in fields or kind in PARTS]
    odd += [kind for kind in data["interfaces"] if kind not in data["events"]]
    for place in (*data.get("families", {}), *data.get("absent", {})):
        kind, _, name = place.partition(".")
        odd += [] if name in fields.get(kind, ()) else [place]
    if odd:
        what = f"the statement names what no event has, or what it does not provide: {odd}"
        raise ContractError("NLM-K007", what, where=str(path))


def _is_own(place: str) -> bool:
    """Whether a kind or the field of one is a program's own business."""
    return any(name.startswith("x-") for name in place.split(".", 1))


def _is_place(place: str) -> bool:
    kind, _, name = place.partition(".")
    return name in _fields_of(kind)


def _fields_of(kind: str) -> frozenset[str]:
    return frozenset(KIND_TYPES[kind].__struct_fields__) if kind in KIND_TYPES else frozenset()


def _file(path: Path) -> DataFile:
    return DataFile(path, SCHEMA, _refused)


def _refused(source: Path, place: str | None, why: str) -> ContractError:
    if place is None:
        return ContractError("NLM-K005", "the statement cannot be read", where=str(source), why=why)
    return ContractError("NLM-K006", f"the statement breaks its schema at {place!r}", where=str(source), why=why)


@functools.cache
def _compiled() -> Mapping[str, Compiled]:
    """The compiled forms by name; none where the file that holds them is missing or is none."""
    try:
        return msgspec.json.decode(COMPILED.read_bytes(), type=dict[str, Compiled])
    except (OSError, msgspec.MsgspecError):
        return {}


def compiled_statements(folder: Path = HERE) -> bytes:
    """What ``provides.json`` has to hold beside the statements of a folder; raises ``ContractError``."""
    paths = sorted((folder / FOLDER.name).glob("*.yaml"))
    found = {path.stem: compiled_file(structs.replace(_file(path), schema=folder / SCHEMA.name)) for path in paths}
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
