"""What an implementation reads of a message, as it declares it: attributes whose value can change its event.

Rules:
1. Attributes have numbers here, as in the message; each implementation has them from its own source.
2. What is declared is proven: a test changes every attribute of recorded and of made messages and looks at the event.

Not here: names of attributes (``nlmon.names``), and counting what nobody reads (``nlmon.engine.coverage``).
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

__all__ = ["UNDECLARED", "WHOLE", "Attributes", "Declares", "Node", "Reads"]


class Node(NamedTuple):
    """One attribute that is read. ``inside``: the attributes in it that are read, by number; None: its payload is read
    as it is. ``begin``: bytes of the payload before these. ``hops``: they stand in a list of struct rtnexthop."""

    inside: Attributes | None = None
    begin: int = 0
    hops: bool = False


Attributes: TypeAlias = Mapping[int, Node]


class Reads(NamedTuple):
    """What is read of messages of one kind. ``begin``: bytes of the fixed header, behind which the attributes begin;
    ``attributes``: those that are read, by number; None: all that is there is read as it is."""

    begin: int
    attributes: Attributes | None


WHOLE = Node()
# Of an implementation that does not say what it reads.
UNDECLARED = Reads(-1, None)


class Declares(abc.ABC):  # noqa: B024  (to declare nothing is allowed)
    """An implementation that says what it reads, if it does."""

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        """What is read of messages of a type. ``first``: the first byte behind the message header, which is an address
        family or a generic command; ``family``: the name of the generic family. None: they give no event."""
        return UNDECLARED

    def notes(self) -> list[str]:
        """What it says of itself at the end of a comparison, for people. Nothing by default."""
        return []
