"""Policies: which field of an event comes from which attribute, how it is read, and how long it may be.

In the manner of libnl's ``struct nla_policy``: one row an attribute, checked before the value is read. A row
names the attribute as the kernel does; its number comes from pyroute2's definitions (``resolve``).

The policies are in ``route``, ``network``, ``sockets``, ``netfilter``, ``xfrm`` and ``generic``. ``resolve`` looks them
up, ``readers`` reads values, with ``addresses``, ``tables`` is what policies compile to, and ``recipes`` says how
payloads are made of the values.

Rules of this folder:
1. The rows of a message are in the order of the fields of its event. Rows of one name in a row fill one field,
   and the last attribute in the message wins.
2. A number or a length is stated here only where pyroute2 lacks it or has it wrong, with the reason beside it.

Not here: walking messages (``decode.attributes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Attr", "Policy"]


class Attr(NamedTuple):
    """One row: the field, its attribute path, the kind of value, and for kinds that need it the longest text in
    bytes, or where in the payload the value begins."""

    field: str
    path: str
    kind: str
    longest: int = 0
    begin: int = 0


class Policy(NamedTuple):
    """The rows of a message, and where pyroute2 defines it (empty: nowhere). ``numbers`` gives what it lacks, by
    the name of one attribute; ``header`` the struct codes of the fixed header, where it has them wrong."""

    definition: str
    attributes: tuple[Attr, ...]
    numbers: Mapping[str, int] = {}
    header: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        return tuple(dict.fromkeys(row.field for row in self.attributes))

    def replacing(self, row: Attr) -> Policy:
        """This policy with ``row`` as the only one for its field, in the place of the first row of that."""
        first = [old.field for old in self.attributes].index(row.field)
        rows = [old for old in self.attributes if old.field != row.field]
        return self._replace(attributes=(*rows[:first], row, *rows[first:]))
