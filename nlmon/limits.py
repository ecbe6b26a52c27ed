"""Bounds on what is kept of one recording, and how more than that is counted.

Rules:
1. A recording never decides how much memory is used. Each thing that is kept has a bound on its number, and where one
   may be large on its bytes; ``docs/reference/limits.md`` has them all.
2. What a bound leaves out is counted and said, and never taken for something that is not there.

Not here: bounds of one module alone, which stand in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

__all__ = [
    "BYTES_HELD",
    "GROUPS_KEPT",
    "INTERFACES_KEPT",
    "KINDS_KEPT",
    "LARGEST_DATAGRAM",
    "MOST_OBJECTS",
    "NAME_KEPT",
    "OTHERS",
    "PARTS_OF_ONE",
    "PROTOCOLS_KEPT",
    "count_kinds",
]

# Objects of the two states together, and of dumps that are under way; and their bytes, as msgpack has them.
MOST_OBJECTS, BYTES_HELD = 162_000, 64 << 20
# So many hops, metrics or alternative names of an object take as much memory as another object.
PARTS_OF_ONE = 2
# Kinds of what is counted by kind, such as messages that give no event, by type; the others are counted together.
KINDS_KEPT, OTHERS = 1024, "others"
# Multicast groups of a family of generic netlink.
GROUPS_KEPT = 1024
# Protocols that are counted apart beside those that a kernel may have; the others are counted together.
PROTOCOLS_KEPT = 64
# Interfaces of a pcapng file whose names are kept, and bytes of a name; the kernel's names have 15 or 127.
INTERFACES_KEPT, NAME_KEPT = 4096, 256
# The kernel fills no datagram of its own beyond 64 KiB.
LARGEST_DATAGRAM = 1 << 20

Kind = TypeVar("Kind")


def count_kinds(counts: Counter[Kind], kinds: Iterable[Kind], others: Kind, most: int = KINDS_KEPT) -> None:
    """Count each of some kinds, of which ``counts`` keeps the first ``most``; further ones count as ``others``."""
    for kind in kinds:
        counts[kind if kind in counts or len(counts) < most else others] += 1
