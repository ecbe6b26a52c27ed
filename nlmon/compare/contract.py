"""The contract: a data file that says what messages mean, loaded, checked and compiled.

The file is ``contract.yaml`` beside this module; its format is ``contract.schema.json``. A field that is in an
event but not in the contract, or the other way round, is an error here and not a surprise in a verdict.

``contract.json`` is its compiled form (``datafile``).

Not here: who provides which field (``statement``), and the comparison (``classify``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
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
    "Messages",
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
    """One row of the contract. ``paths``: where the value comes from, a message carries one of them. ``encoding`` and
    ``begin``: how its value stands in the attribute, and how many bytes into it; empty: not stated."""

    name: str
    paths: tuple[str, ...]
    encoding: str = ""
    begin: int = 0

    @property
    def path(self) -> str:
        """The paths as a report shows them."""
        return "|".join(self.paths)


class Kind(Struct, frozen=True):
    """The fields of one kind of payload; ``values`` reads them all in contract order, as a tuple."""

    name: str
    fields: tuple[Field, ...]
    values: Callable[[Any], tuple[Any, ...]]


class Messages(Struct, frozen=True):
    """Which messages give events of a kind. ``types`` None: every message of the protocol but control messages."""

    protocol: int
    types: tuple[int, ...] | None = None


class Contract(Struct, frozen=True, dict=True):
    """Events and kinds by name, identity rules by name of the table of the state."""

    version: int
    events: Mapping[str, Messages]
    kinds: Mapping[str, Kind]
    identity: Mapping[str, tuple[str, ...]]

    def of(self, protocol: int, msg_type: int) -> str | None:
        """Kind of event that messages of a type give, None: no event."""
        kind = self._of.get((protocol, msg_type))
        if kind is None and msg_type >= NLMSG_MIN_TYPE:
            return self._of.get((protocol, None))
        return kind

    @functools.cached_property
    def _of(self) -> Mapping[tuple[int, int | None], str]:
        return {(row.protocol, kind): name for name, row in self.events.items() for kind in (row.types or (None,))}

    def fields_at(self, path: str) -> Iterator[tuple[str, str]]:
        """Kind and name of the fields that come from an attribute, or from anything inside it."""
        for known, fields in self._by_path.items():
            if known == path or known.startswith(path + "/"):
                yield from fields

    @functools.cached_property
    def _by_path(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for kind in self.kinds.values():
            for field in kind.fields:
                for path in field.paths:
                    whole = f"RTA_MULTIPATH/{path}" if kind.name == "hop" else path
                    found[whole] = (*found.get(whole, ()), (kind.name, field.name))
        return found


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
    events = {name: msgspec.convert(row, Messages) for name, row in data["events"].items()}
    if events.keys() != kinds.keys() - PARTS.keys():
        missing = sorted(events.keys() ^ (kinds.keys() - PARTS.keys()))
        raise ContractError("NLM-K003", f"the contract does not say which messages give {missing}", where=str(source))
    return Contract(version=data["version"], events=events, kinds=kinds, identity=identity)


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
            paths=(row["path"],) if isinstance(row["path"], str) else tuple(row["path"]),
            encoding=row.get("as", ""),
            begin=row.get("at", 0),
        )
        for field, row in rows.items()
    )
    if len(fields) == 1:
        (only,) = map(attrgetter, rows)
        return Kind(name=name, fields=fields, values=lambda payload: (only(payload),))
    return Kind(name=name, fields=fields, values=attrgetter(*rows))
