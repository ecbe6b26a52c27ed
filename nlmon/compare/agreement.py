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
from functools import partial
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, structs

from nlmon.compare.classify import Classifier
from nlmon.compare.contract import KIND_TYPES, Contract, Kind
from nlmon.compare.evidence import KNOWN
from nlmon.compare.reading import Reading, Row
from nlmon.compare.shapes import Shape, Shapes
from nlmon.events import OVERRUN, Event

__all__ = ["Agreement"]

NLMSGHDR, ROUTE = 16, 0
# Fields of a payload as a tuple: of who gives less, of who gives more, and what the bytes say of the surplus.
Same: TypeAlias = Callable[[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]], bool]
_astuple, _from_bytes = structs.astuple, int.from_bytes


class Agreement:
    """Compares the events of datagrams under a contract, for one ordered pair of implementations. ``classifier`` gets
    the counts."""

    def __init__(self, contract: Contract, classifier: Classifier, names: tuple[str, str], byteorder: str) -> None:
        self._classifier = classifier
        self._kinds: dict[type, tuple[Same, Shapes]] = {}
        self._shapes: dict[str, Shapes] = {}
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._swapped = False
        owners = {field.by for kind in contract.kinds.values() for field in kind.fields} & set(names)
        if set(names) != KNOWN or len(owners) != 1:
            return  # what is owed by whom is not as simple as below
        (owner,) = owners
        self._swapped = owner == names[0]
        reading = Reading(contract, byteorder)
        for name, row in contract.events.items():
            if (row.by, row.interface, row.protocol) == ("both", "both", ROUTE) and row.types != (0,):
                same = _compiled(contract.kinds[name], reading.rows(name, None))
                shapes = Shapes(reading, name, byteorder, partial(self._count, name))
                self._kinds[KIND_TYPES[name]], self._shapes[name] = (same, shapes), shapes

    def settle(self) -> None:
        """Give the classifier the counts of what was met so far."""
        for kind, shapes in self._shapes.items():
            for shape in shapes.shapes():
                self._count(kind, shape)

    def _count(self, kind: str, shape: Shape) -> None:
        counter = self._classifier.services if self._swapped else self._classifier.enhancements
        for field in shape.given if shape.times else ():
            counter[f"{kind}.{field}"] += shape.times
        shape.times = 0

    def __call__(self, data: bytes, reference: Sequence[Event], candidate: Sequence[Event]) -> bool:
        """Whether both made the same events of the bytes of a datagram, one of each message, in order. Both heard and
        read it, and neither reported an error."""
        if self._swapped:
            reference, candidate = candidate, reference
        if len(reference) != len(candidate):
            return False
        at, size = 0, len(data)
        met = []
        for less, more in zip(reference, candidate, strict=True):
            if type(less) is not Event or type(more) is not Event:
                return False
            poor, rich = less.payload, more.payload
            (a, b, msg_type, c, d, e, f, offset, g, _, kind, h, synthetic) = _astuple(less)
            found = self._kinds.get(type(poor))
            if found is None or type(rich) is not type(poor) or offset != at or synthetic or kind == OVERRUN:
                return False
            if _astuple(more) != (a, b, msg_type, c, d, e, f, offset, g, rich, kind, h, synthetic):
                return False
            same, shapes = found
            family = poor.family  # type: ignore[union-attr]  # all of these kinds have one
            ways = shapes.ways.get(data[at : at + 6], [])
            for shape in ways:
                if (
                    _from_bytes(data[at + shape.first : at + shape.last], "little") & shape.mask == shape.want
                    and shape.family == family
                    and shape.msg_type == msg_type
                    and at + shape.length <= size
                ):
                    if shape is not ways[0]:
                        ways.remove(shape)
                        ways.insert(0, shape)
                    break
            else:
                length = _from_bytes(data[at : at + 4], self._order)
                learned = shapes.learn(data, (at, length, msg_type), family)
                if learned is None:
                    return False
                shape = learned
            if not same(_astuple(poor), _astuple(rich), shape.read(data, at)):
                return False
            met.append(shape)
            at += (shape.length + 3) & ~3
        if at + NLMSGHDR <= size or not met:
            return False
        for shape in met:
            shape.times += 1
        return True


def _compiled(kind: Kind, rows: Sequence[Row]) -> Same:
    """The function for a kind, of whose fields ``rows`` are given by one of the two alone. All that both give is equal
    and provided, the surplus is what the bytes say, and who owes none of it provides none."""
    names = KIND_TYPES[kind.name].__struct_fields__
    alone = {row.field.name: f"told{number}" for number, row in enumerate(rows)}
    poor = "".join(f"{name}, " for name in names)
    told = "".join(f"{name}, " for name in alone.values())
    rich = "".join(f"{alone.get(name, name)}, " for name in names)
    lacking = [f"{name} is UNSET" for name in names if name not in alone]
    surplus = [f"{name} is not UNSET" for name in alone]
    # Hops have fields of their own, some of them given by one of the two alone.
    lacking += [f"{name} is not None" for name in names if name == "multipath"]
    # A number of a fixed header is known by its bits; what is no int is judged by those who know its width.
    odd = [f"rich[{names.index(row.field.name)}].__class__ is not int" for row in rows if row.headers]
    source = "def same(poor, rich, told):\n"
    source += f" ({poor}) = poor\n" + (f" ({told}) = told\n" if told else "")
    source += f" if {' or '.join(lacking + surplus + odd)}:\n  return False\n"
    source += f" return ({rich}) == rich\n"
    space: dict[str, Any] = {"UNSET": UNSET}
    exec(source, space)
    same: Same = space["same"]
    return same
