"""The contract: a data file that says who provides which field, loaded, checked and compiled.

The file is ``contract.yaml`` beside this module; its format is ``contract.schema.json``. A field that is in an
event but not in the contract, or the other way round, is an error here and not a surprise in a verdict.

``contract.json`` is its compiled form (``datafile``).

Not here: the comparison that follows the contract (``nlmon.compare.classify``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from nlmon.compare.datafile import Compiled, DataFile, compiled_file, read_data
from nlmon.errors import ContractError
from nlmon.events import PAYLOADS, NextHop, Nl80211Info, QcaVendorInfo
from nlmon.uapi import NLMSG_MIN_TYPE

__all__ = [
    "COMPILED",
    "KIND_TYPES",
    "PARTS",
    "Contract",
    "Field",
    "Kind",
    "Provided",
    "compiled_bytes",
    "kind_name",
    "load_contract",
]

HERE = Path(__file__).parent
SOURCE, SCHEMA, COMPILED = HERE / "contract.yaml", HERE / "contract.schema.json", HERE / "contract.json"

# Kinds that are parts of other payloads and no events of their own.
PARTS: Mapping[str, type[Struct]] = {"hop": NextHop, "nl80211": Nl80211Info, "qca_vendor": QcaVendorInfo}
KIND_TYPES: Mapping[str, type[Struct]] = {**PAYLOADS, **PARTS}
_NAMES = {struct: name for name, struct in KIND_TYPES.items()}


class Field(Struct, frozen=True):
    """One row of the contract. ``paths``: where the value comes from, a message carries one of them.
    ``families`` limits what legacy provides; None: every family. ``encoding`` and ``begin``: how its value stands in
    the attribute, and how many bytes into it; empty: not stated."""

    name: str
    by: str
    paths: tuple[str, ...]
    families: frozenset[int] | None = None
    encoding: str = ""
    begin: int = 0

    @property
    def path(self) -> str:
        """The paths as a report shows them."""
        return "|".join(self.paths)

    def provided(self, implementation: str, family: int | None) -> bool:
        """Whether an implementation must provide this field; an unknown one must provide what both must."""
        if self.by not in {"both", implementation}:
            return False
        if implementation == "legacy" and self.families is not None and family is not None:
            return family in self.families
        return True


class Kind(Struct, frozen=True):
    """The fields of one kind of payload; ``values`` reads them all in contract order, as a tuple."""

    name: str
    fields: tuple[Field, ...]
    values: Callable[[Any], tuple[Any, ...]]


class Provided(Struct, frozen=True):
    """Which messages give events of a kind, and who gives these and their interface: ``both`` or the name of one
    implementation. ``types`` None: every message of the protocol but control messages."""

    protocol: int
    by: str
    interface: str
    types: tuple[int, ...] | None = None


class Joined(Struct, frozen=True):
    """Multicast groups of a protocol that an implementation joins; ``asked``: only when asked by this name."""

    by: str
    protocol: int
    groups: tuple[int, ...]
    asked: str = ""


class Contract(Struct, frozen=True, dict=True):
    """Events and kinds by name, identity rules by name of the table of the state."""

    version: int
    services: Mapping[str, str]
    events: Mapping[str, Provided]
    kinds: Mapping[str, Kind]
    identity: Mapping[str, tuple[str, ...]]
    groups: tuple[Joined, ...]

    def must_provide(self, implementation: str, payload: object) -> bool:
        """Whether an implementation must provide events of this kind; an unknown one what both must."""
        row = self.events.get(kind_name(payload))
        return row is not None and row.by in {"both", implementation}

    @property
    def recovers(self) -> str:
        """Who resynchronizes after losses."""
        return self.services["recovery"]

    def joins(self, implementation: str, asked: Collection[str]) -> dict[int, frozenset[int]]:
        """The groups that an implementation must join, by protocol; none of an unknown one."""
        found: dict[int, frozenset[int]] = {}
        for row in self.groups:
            if row.by == implementation and (not row.asked or row.asked in asked):
                found[row.protocol] = found.get(row.protocol, frozenset()) | frozenset(row.groups)
        return found

    def both_provide(self, payload: object) -> bool:
        """Whether both must provide events of this kind."""
        row = self.events.get(kind_name(payload))
        return row is not None and row.by == "both"

    def of(self, protocol: int, msg_type: int) -> str | None:
        """Kind of event that messages of a type give, None: no event."""
        kind = self._of.get((protocol, msg_type))
        if kind is None and msg_type >= NLMSG_MIN_TYPE:
            return self._of.get((protocol, None))
        return kind

    @functools.cached_property
    def _of(self) -> Mapping[tuple[int, int | None], str]:
        return {(row.protocol, kind): name for name, row in self.events.items() for kind in (row.types or (None,))}

    def provider(self, protocol: int, msg_type: int) -> str | None:
        """Who gives an event for messages of a type: ``both``, one implementation, or None: nobody."""
        kind = self.of(protocol, msg_type)
        return None if kind is None else self.events[kind].by

    def reads(self, implementation: str, path: str, family: int | None) -> bool:
        """Whether an implementation reads an attribute, or anything inside it, in messages of a family."""
        return any(
            field.provided(implementation, family)
            for known, fields in self._by_path.items()
            if known == path or known.startswith(path + "/")
            for field in fields
        )

    @functools.cached_property
    def _by_path(self) -> Mapping[str, tuple[Field, ...]]:
        found: dict[str, tuple[Field, ...]] = {}
        for kind in self.kinds.values():
            for field in kind.fields:
                for path in field.paths:
                    whole = f"RTA_MULTIPATH/{path}" if kind.name == "hop" else path
                    found[whole] = (*found.get(whole, ()), field)
        return found

    def one_provides_interface(self, kind: str) -> bool:
        """Whether only one implementation names the interface of events of a kind."""
        row = self.events.get(kind)
        return row is not None and row.interface != "both"

    def must_provide_interface(self, implementation: str, payload: object) -> bool:
        """Whether an implementation must provide the interface of events of this kind."""
        row = self.events.get(kind_name(payload))
        return row is not None and row.interface in {"both", implementation}


def kind_name(payload: object) -> str:
    """``link`` for a LinkInfo, and so on; for what is no payload, the name of its type."""
    return _NAMES.get(type(payload)) or type(payload).__name__  # type: ignore[arg-type]


@functools.cache
def load_contract(path: Path | None = None) -> Contract:
    """The contract in force, or that of ``path``; raises ``ContractError`` naming the line's key path."""
    source = path or SOURCE
    data = read_data(_file(source, SCHEMA), _compiled())
    kinds = {name: _kind(name, rows, source) for name, rows in data["kinds"].items()}
    if kinds.keys() != KIND_TYPES.keys():
        missing = sorted(KIND_TYPES.keys() ^ kinds.keys())
        raise ContractError("NLM-K003", f"the contract and the events differ in the kinds {missing}", where=str(source))
    identity = {name: tuple(fields) for name, fields in data["identity"].items()}
    events = {name: msgspec.convert(row, Provided) for name, row in data["events"].items()}
    if events.keys() != kinds.keys() - PARTS.keys():
        missing = sorted(events.keys() ^ (kinds.keys() - PARTS.keys()))
        raise ContractError("NLM-K003", f"the contract does not say who gives {missing}", where=str(source))
    groups = msgspec.convert(data["groups"], tuple[Joined, ...])
    return Contract(
        version=data["version"], groups=groups, services=data["services"], events=events, kinds=kinds, identity=identity
    )


def compiled_bytes(folder: Path = HERE) -> bytes:
    """What ``contract.json`` has to hold beside the contract and the schema in a folder; raises ``ContractError`` as
    ``load_contract`` does."""
    compiled = compiled_file(_file(folder / SOURCE.name, folder / SCHEMA.name))
    return msgspec.json.format(msgspec.json.encode(compiled), indent=1) + b"\n"


def _file(source: Path, schema: Path) -> DataFile:
    return DataFile(source, schema, _refused)


def _refused(source: Path, place: str | None, why: str) -> ContractError:
    if place is None:
        return ContractError("NLM-K001", "the contract cannot be read", where=str(source), why=why)
    return ContractError("NLM-K002", f"the contract breaks its schema at {place!r}", where=str(source), why=why)


def _compiled() -> Compiled | None:
    try:
        return msgspec.json.decode(COMPILED.read_bytes(), type=Compiled)
    except (OSError, msgspec.MsgspecError):
        return None  # then the contract itself is read


def _kind(name: str, rows: Mapping[str, Mapping[str, Any]], source: Path) -> Kind:
    struct = KIND_TYPES.get(name)
    known = set() if struct is None else set(struct.__struct_fields__)
    if known != set(rows):
        odd = sorted(known ^ set(rows))
        raise ContractError(
            "NLM-K004", f"the contract and the event differ in fields of {name}: {odd}", where=str(source)
        )
    fields = tuple(
        Field(
            name=field,
            by=row["by"],
            paths=(row["path"],) if isinstance(row["path"], str) else tuple(row["path"]),
            families=frozenset(row["families"]) if "families" in row else None,
            encoding=row.get("as", ""),
            begin=row.get("at", 0),
        )
        for field, row in rows.items()
    )
    if len(fields) == 1:
        (only,) = map(attrgetter, rows)
        return Kind(name=name, fields=fields, values=lambda payload: (only(payload),))
    return Kind(name=name, fields=fields, values=attrgetter(*rows))
