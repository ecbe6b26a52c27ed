"""Says of most datagrams that both implementations make the same of them, and says it fast.

The contract compiled: for each kind of event that both give, one function that takes the two payloads apart and holds
them against each other, and what one of them gives alone against what the bytes say (``shapes``). No dictionaries, no
text, no findings: what is not the same is left to those who explain it.

Rules:
1. ``True`` is said only where ``classify``, ``evidence`` and ``problems`` together would find nothing; nothing is
   counted before it is said, so whoever is asked instead starts anew.
2. Enhancements are counted by the shape of the message, and named when somebody asks.

Not here: differences (``judge``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, structs

from nlmon.compare.classify import Classifier
from nlmon.compare.contract import KIND_TYPES, Contract, Kind
from nlmon.compare.evidence import KNOWN
from nlmon.compare.reading import Reading, Row
from nlmon.compare.shapes import Shape, Shapes
from nlmon.events import OVERRUN, Event, NextHop

__all__ = ["Agreement"]

NLMSGHDR, ROUTE = 16, 0
# Fields of a payload as a tuple: of who gives less, of who gives more, and what the bytes say of the surplus.
Same: TypeAlias = Callable[[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]], bool]
_astuple, _from_bytes = structs.astuple, int.from_bytes


class Agreement:
    """Compares the events of datagrams under a contract, for one ordered pair of implementations. ``classifier`` gets
    the counts; ``types``: of messages that are compared here."""

    def __init__(self, contract: Contract, classifier: Classifier, names: tuple[str, str], byteorder: str) -> None:
        self._classifier = classifier
        self._kinds: dict[type, tuple[Same, Shapes]] = {}
        self._shapes: dict[str, Shapes] = {}
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._swapped = False
        self.types: frozenset[int] = frozenset()
        owners = {field.by for kind in contract.kinds.values() for field in kind.fields} & set(names)
        if set(names) != KNOWN or len(owners) != 1:
            return  # what is owed by whom is not as simple as below
        (owner,) = owners
        self._swapped = owner == names[0]
        reading = Reading(contract, byteorder)
        for name, row in contract.events.items():
            if (row.by, row.interface, row.protocol) == ("both", "both", ROUTE) and row.types != (0,):
                same = _compiled(contract.kinds[name], reading.rows(name, None), _richer(contract.kinds["hop"], owner))
                shapes = Shapes(reading, name, byteorder, self._count)
                self.types |= frozenset(row.types or ())
                self._kinds[KIND_TYPES[name]], self._shapes[name] = (same, shapes), shapes

    def settle(self) -> None:
        """Give the classifier the counts of what was met so far."""
        for shapes in self._shapes.values():
            for shape in shapes.shapes():
                self._count(shape)

    def _count(self, shape: Shape) -> None:
        counter = self._classifier.services if self._swapped else self._classifier.enhancements
        for field in shape.given if shape.times else ():
            counter[f"{shape.kind}.{field}"] += shape.times
        shape.times = 0

    def __call__(self, data: bytes, reference: Sequence[Event], candidate: Sequence[Event]) -> bool:
        """Whether both made the same events of the bytes of a datagram, one of each message, in order. Both heard and
        read it, and neither reported an error."""
        if len(reference) != len(candidate) or not reference:
            return False
        poor, rich = (candidate, reference) if self._swapped else (reference, candidate)
        if len(poor) == 1:
            shape = self._shape(data, 0, poor[0], rich[0])
            if shape is None or shape.room + NLMSGHDR <= len(data):
                return False
            shape.times += 1
            return True
        at = 0
        met: list[Shape] = []
        for less, more in zip(poor, rich, strict=True):
            shape = self._shape(data, at, less, more)
            if shape is None:
                return False
            met.append(shape)
            at += shape.room
        if at + NLMSGHDR <= len(data):
            return False
        for one in met:
            one.times += 1
            if one.gone:  # for a shape of a later message of the same datagram
                self._count(one)
        return True

    def _shape(self, data: bytes, at: int, less: Event, more: Event) -> Shape | None:
        """The shape of the message at an offset, of which both made the same; else None."""
        if type(less) is not Event or type(more) is not Event:
            return None
        poor, rich = less.payload, more.payload
        head: tuple[Any, ...] = _astuple(less)
        (a, b, msg_type, c, d, e, f, offset, g, _, kind, h, synthetic) = head
        found = self._kinds.get(type(poor))
        if found is None or type(rich) is not type(poor) or offset != at or synthetic or kind == OVERRUN:
            return None
        if _astuple(more) != (a, b, msg_type, c, d, e, f, offset, g, rich, kind, h, synthetic):
            return None
        same, shapes = found
        family = poor.family  # type: ignore[union-attr]  # all of these kinds have one
        shape: Shape | None
        ways = shapes.ways.get(data[at : at + 6], [])
        for shape in ways:
            number = _from_bytes(data[at + shape.first : at + shape.last], "little")
            if number & shape.mask == shape.want and shape.family == family and shape.msg_type == msg_type:
                if at + shape.length > len(data):
                    return None
                if shape is not ways[0]:
                    shapes.prefer(data[at : at + 6], shape)
                break
        else:
            length = _from_bytes(data[at : at + 4], self._order)
            shape = shapes.learn(data, (at, length, msg_type), family)
        if shape is None or not same(_astuple(poor), _astuple(rich), shape.read(data, at)):
            return None
        return shape


def _richer(hop: Kind, owner: str) -> Callable[[Any], object]:
    """A function that makes of the hops of who gives less those of who gives more, where the message holds no more."""
    names = [field.name for field in hop.fields if field.by == owner]
    nothing, never = dict.fromkeys(names), object()

    def hops(poor: Any) -> object:
        if poor is None or type(poor) is not tuple:
            return None if poor is None else never
        for one in poor:
            if type(one) is not NextHop or [n for n in one.__struct_fields__ if getattr(one, n) is UNSET] != names:
                return never
        return tuple(structs.replace(one, **nothing) for one in poor)

    return hops


def _compiled(kind: Kind, rows: Sequence[Row], hops: Callable[[Any], object]) -> Same:
    """The function for a kind, of whose fields ``rows`` are given by one of the two alone. All that both give is equal
    and provided, the surplus is what the bytes say, and who owes none of it provides none. ``hops`` does so for the
    parts of a route."""
    names = KIND_TYPES[kind.name].__struct_fields__
    alone = {row.field.name: f"told{number}" for number, row in enumerate(rows)}
    poor = "".join(f"{name}, " for name in names)
    told = "".join(f"{name}, " for name in alone.values())
    rich = "".join(f"{alone.get(name, name)}, " for name in names)
    lacking = [f"{name} is UNSET" for name in names if name not in alone]
    surplus = [f"{name} is not UNSET" for name in alone]
    # A number of a fixed header is known by its bits; what is no int is judged by those who know its width.
    odd = [f"rich[{names.index(row.field.name)}].__class__ is not int" for row in rows if row.headers]
    rich = rich.replace("multipath, ", "hops(multipath), ")
    source = "def same(poor, rich, told):\n"
    source += f" ({poor}) = poor\n" + (f" ({told}) = told\n" if told else "")
    source += f" if {' or '.join(lacking + surplus + odd)}:\n  return False\n"
    source += f" return ({rich}) == rich\n"
    space: dict[str, Any] = {"UNSET": UNSET, "hops": hops}
    exec(source, space)
    same: Same = space["same"]
    return same
