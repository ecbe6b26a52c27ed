"""Two statements side by side: what both implementations provide, what one of them alone, and what neither.

Rules:
1. What both provide must be equal. What one provides alone is judged by the bytes. What neither does is a blind spot.
2. Of an implementation that is compared with itself nobody contradicts what not every implementation provides
   (``unstated``), so that counts as provided alone.
3. Nothing follows from a name, but that two lanes of one name are one implementation.

Not here: a statement by itself (``statement``), and comparing (``classify``, ``evidence``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from msgspec import Struct

from nlmon.compare.contract import Contract, load_contract
from nlmon.compare.statement import Statement, statement_of, unstated

__all__ = ["Pair", "pair_of"]


class Pair(Struct, frozen=True, dict=True):
    """The statements of the reference and of the candidate under one contract."""

    contract: Contract
    statements: tuple[Statement, Statement]

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called."""
        return self.statements[0].name, self.statements[1].name

    @property
    def is_one(self) -> bool:
        """Whether an implementation is compared with itself."""
        return self.statements[0].name == self.statements[1].name

    def between(self, reference: str, candidate: str) -> Pair:
        """The same two by name, in another order or one of them with itself."""
        by_name = {one.name: one for one in self.statements}
        return Pair(self.contract, (by_name[reference], by_name[candidate]))

    @functools.cached_property
    def _sides(self) -> tuple[Statement, Statement]:
        """Who contradicts whom."""
        one, other = self.statements
        return one, unstated(other.name) if self.is_one else other

    # -- whole events ------------------------------------------------------------------------------------------

    def shares(self, kind: str) -> bool:
        """Whether both give events of a kind."""
        return kind in self._events

    @functools.cached_property
    def _events(self) -> frozenset[str]:
        one, other = self._sides
        return one.events & other.events

    def shares_objects(self, kind: str) -> bool:
        """Whether both give events of a kind with all that tells its objects apart, so that states can be compared."""
        return self.shares(kind) and all(one.identifies(kind) for one in self.statements)

    def shares_message(self, protocol: int, msg_type: int) -> bool:
        """Whether both give an event for messages of a type."""
        kind = self.contract.of(protocol, msg_type)
        return kind is not None and self.shares(kind)

    def gives_alone(self, number: int, protocol: int, msg_type: int) -> bool:
        """Whether implementation ``number`` alone gives an event for messages of a type."""
        kind = self.contract.of(protocol, msg_type)
        return kind is not None and kind in self.statements[number].events and not self.shares(kind)

    def shares_interface(self, kind: str) -> bool:
        """Whether both name the interface of events of a kind."""
        return all(kind in one.interfaces for one in self._sides)

    # -- fields ------------------------------------------------------------------------------------------------

    def shares_field(self, kind: str, field: str) -> bool:
        """Whether both provide a field, in messages of any family."""
        return all(one.provides(kind, field) for one in self._sides)

    def families(self, kind: str, field: str) -> frozenset[int] | None:
        """The address families in whose messages both provide a field that they share; None: all."""
        found = [one.families[f"{kind}.{field}"] for one in self._sides if f"{kind}.{field}" in one.families]
        return None if not found else frozenset.intersection(*found)

    def may_give_more(self, number: int) -> bool:
        """Whether implementation ``number`` may give anything that the other one does not: its statement says so, or
        leaves it open."""
        return self._more[number]

    @functools.cached_property
    def _more(self) -> tuple[bool, bool]:
        one, other = self._sides
        more = _gives_more(one, other)
        return more, more if self.is_one else _gives_more(other, one)

    def leaves_open(self, number: int) -> bool:
        """Whether the statement of implementation ``number`` leaves open what else it gives, so that whatever it gives
        counts as provided. Beside itself an implementation gives each time the same."""
        return not (self.is_one or self.statements[number].complete)

    def covers(self, number: int, kinds: Iterable[str]) -> bool:
        """Whether implementation ``number`` provides every field of some kinds that the other one does."""
        one, other = self.statements[number].fields, self.statements[1 - number].fields
        return all(other.get(kind, frozenset()) <= one.get(kind, frozenset()) for kind in kinds)


def _gives_more(one: Statement, other: Statement) -> bool:
    if not one.complete or one.events - other.events or one.interfaces - other.interfaces:
        return True
    if any(names - other.fields.get(kind, frozenset()) for kind, names in one.fields.items()):
        return True
    limited = (place for place in other.families if one.provides(*_named(place)))
    return any(place not in one.families or one.families[place] - other.families[place] for place in limited)


def _named(place: str) -> tuple[str, str]:
    kind, _, field = place.partition(".")
    return kind, field


@functools.cache
def pair_of(reference: str, candidate: str) -> Pair:
    """Two implementations by the names of their statements, under the contract in force."""
    return Pair(load_contract(), (statement_of(reference), statement_of(candidate)))
