"""What of all that the kernel defines two implementations read: for each kind of message the attributes, however deep,
that may stand in it.

Rules:
1. An attribute is read if it is read in a message of some type or address family of its kind.
2. A set of attributes that nests in many places, such as that of the actions of traffic control, is listed wherever
   somebody reads of it, and else once.

Not here: what the kernel defines (``nlmon.names``), who reads it (``readings``), and what a capture holds of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from nlmon.backends.base import Backend
from nlmon.compare.contract import Contract
from nlmon.engine.coverage.readings import NEITHER, ReadAttribute, Readings, who_reads
from nlmon.names import PROTOCOLS
from nlmon.names.attribute_sets import SELECTED, root_of
from nlmon.names.attributes import KERNEL, Attribute, attributes, generic_families, message_set, sets
from nlmon.report.coverage import AttributeRow, CoverageReport, MessageCoverage, count_states, state_of
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_MPLS,
    AF_UNIX,
    AF_UNSPEC,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NL80211_CMD_VENDOR,
    RTNL_FAMILY_IP6MR,
    RTNL_FAMILY_IPMR,
)

__all__ = ["kernel_coverage"]

FAMILIES = (AF_UNSPEC, AF_INET, AF_BRIDGE, AF_INET6, AF_MPLS, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR)
# Any command, and that for vendors, whose attributes are read in nl80211 alone.
COMMANDS = (1, NL80211_CMD_VENDOR)
# A generic family has a number on a host alone; any above that of nlctrl stands for it.
SOME_FAMILY = GENL_ID_CTRL + 1


class _Message(NamedTuple):
    """Messages that are listed together, and the sets that they begin with."""

    label: str
    protocol: int
    types: tuple[int, ...]
    firsts: tuple[int, ...]
    roots: tuple[str, ...]
    family: str = ""


def kernel_coverage(
    backends: tuple[type[Backend], ...], names: Sequence[str], contract: Contract, protocols: Iterable[int] = ()
) -> CoverageReport:
    """What the two classes called ``names`` read; of these protocols only, if there are any."""
    wanted = set(protocols)
    listing = _Listing(names)
    messages = [
        listing.message(message, _union(backends, message))
        for message in _messages(contract)
        if not wanted or message.protocol in wanted
    ]
    states = [state_of(row, names) for message in messages for row in message.attributes]
    return CoverageReport(KERNEL, list(names), count_states(states, names), messages)


def _messages(contract: Contract) -> Iterator[_Message]:
    """Every kind of message that gives an event and has attributes."""
    # Whatever messages of IPsec are about, their attributes are of one set.
    ipsec = {kind: one.types or () for kind, one in contract.events.items() if one.protocol == NETLINK_XFRM}
    for kind, provided in contract.events.items():
        types = provided.types or ()
        if provided.protocol == NETLINK_SOCK_DIAG:
            yield _Message("inet socket", provided.protocol, types, (AF_INET, AF_INET6), (message_set("inet socket"),))
            yield _Message("unix socket", provided.protocol, types, (AF_UNIX,), (message_set("unix socket"),))
        elif provided.protocol == NETLINK_GENERIC:
            for family in generic_families():
                types = (GENL_ID_CTRL if family == "nlctrl" else SOME_FAMILY,)
                yield _Message(family, NETLINK_GENERIC, types, COMMANDS, _roots(family), family)
        elif provided.protocol == NETLINK_XFRM:
            if kind == next(iter(ipsec)):
                every = tuple(one for types in ipsec.values() for one in types)
                yield _Message("xfrm", NETLINK_XFRM, every, (AF_UNSPEC,), (message_set("xfrm"),))
        elif message_set(kind):
            yield _Message(kind, provided.protocol, types, FAMILIES, (message_set(kind),))
            if provided.protocol == NETLINK_ROUTE:
                for first, name in ((AF_BRIDGE, "AF_BRIDGE"), (AF_INET6, "AF_INET6")):
                    root = root_of(NETLINK_ROUTE, types[0], first).set
                    if "@" in root:
                        yield _Message(f"{kind}, {name}", NETLINK_ROUTE, types, (first,), (root,))


def _roots(family: str) -> tuple[str, ...]:
    """The sets of a generic family that its messages begin with: those that nest in no other."""
    own = [name for name in sets() if name.partition("/")[0] == family]
    nested = {one.nested for name in own for one in attributes(name) if one.nested != name}
    first = message_set(family)
    return tuple(name for name in own if name == first or name not in nested)


def _union(backends: tuple[type[Backend], ...], message: _Message) -> tuple[int, Mapping[int, ReadAttribute]]:
    """Who reads all that is in such messages, and who reads which attribute of one of them."""
    found: list[Readings] = []
    for msg_type in message.types:
        for first in message.firsts:
            reads = who_reads(backends, message.protocol, msg_type, first, message.family)
            if reads is not None:
                found.append(reads)
    everything = NEITHER
    for reads in found:
        everything |= reads.everything
    return everything, _merged([reads.attributes for reads in found])


def _merged(trees: Sequence[Mapping[int, ReadAttribute]]) -> Mapping[int, ReadAttribute]:
    """Attributes that are read in one of several trees."""
    merged = {}
    for number in {number for tree in trees for number in tree}:
        nodes = [tree[number] for tree in trees if number in tree]
        readers = NEITHER
        for node in nodes:
            readers |= node.readers
        inner = [node.inside for node in nodes if node.inside is not None]
        inside = _merged(inner) if len(inner) == len(nodes) else None
        merged[number] = ReadAttribute(readers, inside, nodes[0].begin, nodes[0].hops)
    return merged


class _Listing:
    """The rows of all messages; it remembers which sets were listed that nobody reads of."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._listed: set[str] = set()

    def message(self, message: _Message, reads: tuple[int, Mapping[int, ReadAttribute]]) -> MessageCoverage:
        """The attributes of some messages, with who reads them."""
        everything, known = reads
        rows = [row for root in message.roots for row in self._rows(root, known, everything, "", "")]
        counts = count_states((state_of(row, self._names) for row in rows), self._names)
        return MessageCoverage(message.label, PROTOCOLS[message.protocol], counts, rows)

    def _rows(
        self, name: str, known: Mapping[int, ReadAttribute], readers: int, before: str, reason: str
    ) -> Iterator[AttributeRow]:
        """The attributes of a set and of what nests in it. ``readers``: who reads all of it; ``before``: the path to
        it; ``reason``: why it is ignored as a whole."""
        self._listed.add(name)
        for one in attributes(name):
            if "@" in name and one.set != name:
                continue  # as in the set without the kind
            node = known.get(one.number)
            who = readers | (NEITHER if node is None else node.readers)
            why = "" if who else reason or one.ignored
            path = before + one.name
            by = [implementation for bit, implementation in enumerate(self._names) if who >> bit & 1]
            yield AttributeRow(path, one.set, one.number, one.type, by, why)
            inside = {} if node is None or node.inside is None else node.inside
            whole = who if node is None or node.inside is None else readers
            for nested in _nested(one):
                if inside or nested not in self._listed:
                    yield from self._rows(nested, inside, whole, f"{path}/", why)


def _nested(attribute: Attribute) -> list[str]:
    """The sets that may nest in an attribute, each once."""
    if attribute.selector < 0:
        return [attribute.nested] if attribute.nested else []
    return sorted({nest.set for nest in SELECTED.get(attribute.nested, {}).values()})
