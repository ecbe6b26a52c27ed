"""Whole messages: the five kinds of rtnetlink that make up nearly all of its traffic, and nl80211's, read from bytes to
event at once.

A ``Recipe`` says again, as expressions, what a handler of ``RouteDecoder`` or ``GenericDecoder`` does with its header
and the values of its policy. The tests hold one against the other.

Not here: messages of other kinds, whose handlers run as ever and have layouts for their attributes alone
(``Decoder.walk``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from nlmon.backends.libnl.layouts.cache import LARGEST, Layouts, Shelf, Ways
from nlmon.backends.libnl.layouts.shape import Range, shape_of
from nlmon.backends.libnl.layouts.source import Source, Value
from nlmon.backends.libnl.policies.readers import Reading
from nlmon.backends.libnl.policies.resolve import definition
from nlmon.events import AddrInfo, Event, GenericInfo, LinkInfo, NeighInfo, Nl80211Info, RouteInfo, RuleInfo

if TYPE_CHECKING:
    from nlmon.backends.libnl.decode.attributes import Decoder

__all__ = ["GENERIC_RECIPES", "ROUTE_RECIPES", "MessageLayouts", "Recipe"]

NLMSGHDR, NL80211_CMD_VENDOR, ANY = 16, 103, -1


class Made(NamedTuple):
    """Expressions: the arguments of a payload, the interface by index and by name."""

    arguments: Sequence[str]
    ifindex: str = "None"
    name: str = "None"


class Recipe(NamedTuple):
    """How a handler makes its payload: the attribute of the decoder that holds its policy, and the expressions, given
    the source, the type of the message, and those of the header, whose first byte is the same in all messages of a
    layout, and of the policy's fields, ``None`` for what the message lacks. ``of_family``: that byte is the address
    family, by which the policy is compiled. ``applies``: what must hold of decoder, type and message, None: nothing;
    ``still``: what of it may change later, as an expression with ``decoder`` and ``{kind}``."""

    payload: type[Struct]
    policy: str
    make: Callable[[Source, str, Sequence[str], Sequence[str]], Made]
    of_family: bool = True
    applies: Callable[[Any, int, bytes], bool] | None = None
    still: str = ""


def _link(source: Source, _: str, header: Sequence[str], v: Sequence[str]) -> Made:
    family, kind, index, flags, change = header
    name = source.named("ifname", v[0])
    return Made((family, index, flags, name, *v[1:5], kind, change, *v[5:]), index, name)


def _addr(source: Source, _: str, header: Sequence[str], v: Sequence[str]) -> Made:
    family, prefixlen, flags, scope, number = header
    local, remote, label, wide, *more = v
    index = source.named("index", f"{number} if {number} < {1 << 31} else {number} - {1 << 32}")
    own, peer = source.named("remote", remote), "None"
    if local != "None":
        remote, own = own, source.named("local", local)
        other = f"{remote} if {remote} != {own} else None"
        peer = source.named("peer", f"({other}) if {own} is not None else None" if source.may_lack(own) else other)
    return Made((family, index, prefixlen, scope, own, peer, label, _or(source, wide, flags), *more), index)


def _route(source: Source, _: str, header: Sequence[str], v: Sequence[str]) -> Made:
    family, dst_len, src_len, tos, short, protocol, scope, kind, flags = header
    table, *more = v
    head = family, dst_len, src_len, tos, protocol, scope, kind, flags, _or(source, table, short)
    return Made((*head, *more), more[3])


def _neigh(_: Source, __: str, header: Sequence[str], v: Sequence[str]) -> Made:
    family, index, state, flags, kind = header
    return Made((family, index, state, flags, *v[:3], kind, *v[3:]), index)


def _rule(source: Source, _: str, header: Sequence[str], v: Sequence[str]) -> Made:
    family, dst_len, src_len, tos, short, *_unused, action, flags = header
    table, *more = v
    return Made((family, dst_len, src_len, tos, action, flags, _or(source, table, short), *more))


def _or(source: Source, value: str, otherwise: str) -> str:
    """A value, or another where it is None."""
    if not source.may_lack(value):
        return value
    return otherwise if value == "None" else f"({otherwise} if {value} is None else {value})"


def _is_nl80211(decoder: Any, kind: int, data: bytes) -> bool:
    """Vendor commands have a policy of their own."""
    return decoder.families.name(kind) == "nl80211" and data[NLMSGHDR] != NL80211_CMD_VENDOR


# A family has its number until it is gone.
STILL_NL80211 = "(family := decoder.families.by_id.get({kind})) is not None and family.name == 'nl80211'"


def _nl80211(_: Source, kind: str, header: Sequence[str], v: Sequence[str]) -> Made:
    command, version, *_unused = header
    info = f"Nl80211Info({command}, {', '.join(v)})"
    return Made((kind, command, version, "None", "None", "'nl80211'", "None", info, "None"), v[1], v[2])


# By the name of the handler, of NETLINK_ROUTE and of NETLINK_GENERIC.
ROUTE_RECIPES = {
    "link": Recipe(LinkInfo, "link_policy", _link),
    "addr": Recipe(AddrInfo, "addr_policy", _addr),
    "route": Recipe(RouteInfo, "route_policy", _route),
    "neigh": Recipe(NeighInfo, "neigh_policy", _neigh),
    "rule": Recipe(RuleInfo, "rule_policy", _rule),
}
GENERIC_RECIPES = {
    "message": Recipe(
        GenericInfo, "nl80211_policy", _nl80211, of_family=False, applies=_is_nl80211, still=STILL_NL80211
    ),
}


class MessageLayouts:
    """Whole-message layouts of one decoder and protocol, with recipes by message type (-1: all others). ``known``: by
    the first eight bytes of a message, which are its length, type and flags; a function gets a message of this length,
    the datagram that it is in, its offset there, the datagram's time, number and request, which is not of another
    namespace, the list that takes errors, and who knows the name of an interface, and gives the event."""

    def __init__(self, layouts: Layouts, protocol: int, decoder: Decoder, recipes: Mapping[int, Recipe]) -> None:
        self._shelf = Shelf()
        self.known: Mapping[bytes, Ways] = self._shelf.known
        self._layouts = layouts
        self._protocol = protocol
        self._decoder = decoder
        self._recipes = recipes
        decoder.read_whole({id(getattr(decoder, recipe.policy)) for recipe in recipes.values()})

    def walked(self, kind: int, data: bytes, offset: int, end: int) -> None:
        """A message of a type was read by its handler without an error."""
        recipe = self._recipes.get(kind) or self._recipes.get(ANY)
        if recipe is None or end - offset > LARGEST:
            return
        sample = data[offset:end]
        if recipe.applies is not None and not recipe.applies(self._decoder, kind, sample):
            return
        key, layouts, shelf = sample[:8], self._layouts, self._shelf
        if layouts.wants(shelf, key, sample) and not layouts.widened(shelf, key, sample):
            self._learn(recipe, key, sample)

    def _learn(self, recipe: Recipe, key: bytes, sample: bytes) -> None:
        decoder, policy = self._decoder, getattr(self._decoder, recipe.policy)
        first, at = sample[NLMSGHDR], NLMSGHDR
        head = [Value(8, 12, "I"), Value(12, 16, "I")]
        for _, code in definition(policy).fields:
            size = struct.calcsize("=" + code)
            if not code.endswith("x"):
                head.append(Value(at, at + size, code))
            at += size
        table, fields = decoder.table(policy, first if recipe.of_family else 0, "")
        shape = shape_of(sample, table, decoder.attribute, at)
        if shape is None:
            return
        # The first eight bytes are the key; the family decides how addresses are read, a command what is read.
        fixed = ((NLMSGHDR, NLMSGHDR + 1), *shape.fixed)
        values = (*head[:2], *head[3:], *(Value(s.begin, s.end, "", s.read, s.at) for s in shape.spots))

        def make(loose: Collection[Range]) -> Callable[..., Any]:
            source = Source(decoder.sign, sample, fixed, values, loose)
            seq, pid, *rest = source.values
            header, read = [str(first), *rest[: len(head) - 3]], rest[len(head) - 3 :]
            slots = ["None"] * fields
            for spot, value in zip(shape.spots, read, strict=True):
                slots[spot.slot] = value
            (kind,) = struct.unpack_from(decoder.sign + "H", sample, 4)
            return self._function(source, recipe, sample, (seq, pid), recipe.make(source, str(kind), header, slots))

        self._layouts.learn(self._shelf, key, sample, fixed, values, make)

    def _function(
        self, source: Source, recipe: Recipe, sample: bytes, sender: tuple[str, str], made: Made
    ) -> Callable[..., Any]:
        kind, flags = struct.unpack_from(self._decoder.sign + "HH", sample, 4)
        source.names |= {"Event": Event, "Payload": recipe.payload, "Reading": Reading, "Nl80211Info": Nl80211Info}
        source.names["decoder"] = self._decoder
        if source.called:
            source.lines.insert(0, "m = Reading(whole, frame, errors, request)")
        name = made.name
        if made.ifindex != "None" and source.may_lack(name):
            index = source.named("index", made.ifindex)
            there = f"{index} is not None and {index} > 0" if source.may_lack(index) else f"{index} > 0"
            asked = f"link_name({index})" if source.value(there) else f"(link_name({index}) if {there} else None)"
            name = asked if name == "None" else f"({asked} if {name} is None else {name})"
        payload = f"Payload({', '.join(made.arguments)})"
        head = f"timestamp, {self._protocol}, {kind}, {flags}, {sender[0]}, {sender[1]}, frame, at"
        event = f"Event({head}, {name}, {payload})"
        tested = [f"if not ({recipe.still.format(kind=kind)}): return None"] if recipe.still else []
        return source.function("data, whole, at, timestamp, frame, request, errors, link_name", tested, event)
