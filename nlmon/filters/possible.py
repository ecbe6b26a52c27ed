"""Whether a filter may match events of one type of message, of which nothing else is known.

    may_match(filter, RTM_NEWLINK)      link.mtu > 1400: yes; msg_type == RTM_NEWADDR: no

Rules:
1. A comparison of protocol and type alone is known, any other one is not (Kleene's logic of three values).
2. What is not known may be.

Not here: matching an event (``compile``).
"""

from __future__ import annotations

from nlmon.events import Event
from nlmon.filters.compile import Filter, compile_tree
from nlmon.filters.tree import All, Comparison, Either, Negated, Tree, fields_in

__all__ = ["may_match"]

# Paths of the fields that each event of a type has in common.
HEADER = {"netlink.protocol", "netlink.msg_type"}


def may_match(filter_: Filter, protocol: int, msg_type: int) -> bool:
    """Whether there may be an event of a protocol and type that a filter matches."""
    # What is known reads no payload.
    event = Event(0, protocol, msg_type, 0, 0, 0, 0, 0, None, None)  # type: ignore[arg-type]
    return _truth(filter_.tree, event) is not False


def _truth(tree: Tree, event: Event) -> bool | None:
    match tree:
        case Comparison():
            known = all(field.path in HEADER for field in fields_in(tree))
            return compile_tree(tree)(event) if known else None
        case Negated(part):
            inner = _truth(part, event)
            return None if inner is None else not inner
        case All(parts):
            return _joined(parts, event, decides=False)
        case Either(parts):
            return _joined(parts, event, decides=True)


def _joined(parts: tuple[Tree, ...], event: Event, *, decides: bool) -> bool | None:
    """Of conditions of which one with the value ``decides`` is enough for the whole."""
    found = {_truth(part, event) for part in parts}
    return decides if decides in found else None if None in found else not decides
