"""The contract: a data file that says who provides which field, loaded, checked and compiled.

The file is ``contract.yaml`` beside this module; its format is ``contract.schema.json``. A field that is in an
event but not in the contract, or the other way round, is an error here and not a surprise in a verdict.

Not here: the comparison that follows the contract (``nlmon.compare.classify``).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from msgspec import Struct

from nlmon.errors import ContractError
from nlmon.events import AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo

__all__ = ["KIND_TYPES", "Contract", "Field", "Kind", "kind_name", "load_contract"]

KIND_TYPES: Mapping[str, type[Struct]] = {
    "link": LinkInfo,
    "addr": AddrInfo,
    "route": RouteInfo,
    "neigh": NeighInfo,
    "rule": RuleInfo,
    "hop": NextHop,
}
_NAMES = {struct: name for name, struct in KIND_TYPES.items()}


class Field(Struct, frozen=True):
    """One row of the contract. ``families`` limits what legacy provides; None: every family."""

    name: str
    by: str
    path: str
    families: frozenset[int] | None = None

    def provided(self, implementation: str, family: int | None) -> bool:
        """Whether an implementation owes this field; an unknown implementation owes what both do."""
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


class Contract(Struct, frozen=True):
    """Kinds by name, identity rules by name of the table of the state."""

    version: int
    kinds: Mapping[str, Kind]
    identity: Mapping[str, tuple[str, ...]]


def kind_name(payload: object) -> str:
    """``link`` for a LinkInfo, and so on."""
    return _NAMES[type(payload)]  # type: ignore[index]


@functools.cache
def load_contract(path: Path | None = None) -> Contract:
    """The contract in force, or that of ``path``; raises ``ContractError`` naming the line's key path."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (start-up: only a comparison needs it)
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    here = Path(__file__).parent
    source = path or here / "contract.yaml"
    try:
        data = YAML(typ="safe").load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ContractError("NLM-K001", "the contract cannot be read", where=str(source), why=str(error)) from error
    schema = json.loads((here / "contract.schema.json").read_text(encoding="utf-8"))
    for found in Draft202012Validator(schema).iter_errors(data):
        place = "/".join(map(str, found.absolute_path))
        raise ContractError(
            "NLM-K002", f"the contract breaks its schema at {place!r}", where=str(source), why=found.message
        )
    kinds = {name: _kind(name, rows, source) for name, rows in data["kinds"].items()}
    if kinds.keys() != KIND_TYPES.keys():
        missing = sorted(KIND_TYPES.keys() ^ kinds.keys())
        raise ContractError("NLM-K003", f"the contract and the events differ in the kinds {missing}", where=str(source))
    identity = {name: tuple(fields) for name, fields in data["identity"].items()}
    return Contract(version=data["version"], kinds=kinds, identity=identity)


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
            path=row["path"],
            families=frozenset(row["families"]) if "families" in row else None,
        )
        for field, row in rows.items()
    )
    return Kind(name=name, fields=fields, values=attrgetter(*rows))
