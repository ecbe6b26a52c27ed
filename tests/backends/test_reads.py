"""What an implementation declares to read is what it reads: attributes are changed in turn, and events are looked at.

Made messages hold one attribute each, of every number that the kernel may use and with payloads of many sizes; recorded
ones hold what kernels send. Of the latter one message is taken for each kind and set of attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeAlias

import pytest

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.reads import UNDECLARED, WHOLE, Attributes, Node, Reads
from nlmon.capture import open_capture
from nlmon.framing import messages, next_hops, walk_attributes
from nlmon.testing.messages import attr, message, number
from nlmon.uapi import NLMSG_HDRLEN, RTNEXTHOP
from support.decoding import decode
from support.paths import CAPTURES
from support.sampled import one_in

# Numbers of attributes from the outside in.
Path: TypeAlias = tuple[int, ...]
CLASSES: Mapping[str, type[Backend]] = {"legacy": LegacyBackend, "libnl": LibnlBackend}
NL80211, FOREIGN = 30, 31
FAMILIES = {NL80211: "nl80211", FOREIGN: "foreign"}
# Sizes that some reader wants: numbers, addresses, names, and the structures of xfrm, tc and mdb.
SIZES = (1, 2, 4, 6, 8, 16, 28, 32, 64, 68, 72, 168, 224)
HIGHEST = {0: 80, 4: 40, 6: 40, 12: 40, 16: 340}
FIRSTS = {0: (0, 2, 7, 10, 28, 128), 4: (1, 2, 10, 17), 6: (0,), 12: (2,), 16: (1, 103)}
# Attributes without which another one is not read: data of a vendor command are those of a vendor that is known.
BESIDE = {(16, 103): attr(195, number("I", 0x001374)) + attr(196, number("I", 1))}


def _kinds() -> Iterator[tuple[int, int, int]]:
    """Protocol, type and first byte of messages of every kind that somebody reads, one type of each."""
    for protocol, handlers in LibnlBackend.handlers.items():
        if protocol != 9:  # audit records hold a text
            first_of = {handler: kind for kind, handler in reversed(handlers.items())}
            for kind in (NL80211, FOREIGN) if protocol == 16 else first_of.values():
                yield from ((protocol, kind, first) for first in FIRSTS[protocol])


KINDS = sorted(_kinds())


def _reads(name: str, protocol: int, kind: int, first: int) -> Reads | None:
    family = FAMILIES.get(kind, "") if protocol == 16 else ""
    return CLASSES[name].reads(protocol, kind, first, family) if protocol in CLASSES[name].groups else None


def _event(name: str, protocol: int, data: bytes) -> Any:
    """What an implementation makes of a message, but for errors."""
    events = decode(name, protocol, data, families=FAMILIES).events
    return [(event.interface, event.payload) for event in events]


def _paths(tree: Attributes, before: tuple[Node, ...] = (), path: Path = ()) -> Iterator[tuple[tuple[Node, ...], Path]]:
    """Every nest that is read of a message, as the nodes and numbers from the outside in; the first is the message."""
    yield before, path
    for one, node in tree.items():
        if node.inside is not None:
            yield from _paths(node.inside, (*before, node), (*path, one))


def _wrapped(nodes: tuple[Node, ...], path: Path, inner: bytes) -> bytes:
    """An attribute in the nests around it."""
    for node, one in zip(reversed(nodes), reversed(path), strict=True):
        if node.hops:
            inner = number("HBBi", RTNEXTHOP + len(inner), 0, 0, 5) + inner
        inner = attr(one, bytes(node.begin) + inner)
    return inner


def _payloads() -> list[list[bytes]]:
    """Payloads to be exchanged for each other."""
    same_size = [[bytes(size), b"\1" * size, b"\2" * size] for size in SIZES]
    return [*same_size, [attr(1, b"\1\0\0\0"), attr(1, b"\2\0\0\0")]]


def _is_read(name: str, protocol: int, kind: int, head: bytes, wrap: Any, one: int) -> bool:
    """Whether the event of a message depends on an attribute: that it is there, or on its payload."""
    for payloads in _payloads():
        events = [
            _event(name, protocol, message(kind, head + wrap(inner)))
            for inner in (b"", *(attr(one, payload) for payload in payloads))
        ]
        if any(event != events[0] for event in events[1:]):
            return True
    return False


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(("protocol", "kind", "first"), one_in(4, KINDS))
def test_of_made_messages_what_is_declared_is_read_and_nothing_else(
    name: str, protocol: int, kind: int, first: int
) -> None:
    """An event changes with an attribute exactly if its implementation declares to read it, at every depth."""
    reads = _reads(name, protocol, kind, first)
    if reads is None or reads.attributes is None:
        pytest.skip("no event, or all is kept as it is")
    head = (bytes([first]) + bytes(reads.begin))[: reads.begin]
    wrong = []
    for nodes, path in _paths(reads.attributes):
        known = nodes[-1].inside if nodes else reads.attributes
        if known is None:
            continue
        for one in range(HIGHEST[protocol] if not nodes else 20):
            declared = one in known
            node = known.get(one, WHOLE)
            if node.inside is not None and not node.begin:
                continue  # what is read of it stands inside
            wrap = partial(_wrapped, nodes, path)
            if _is_read(name, protocol, kind, head + BESIDE.get((protocol, first), b""), wrap, one) != declared:
                wrong.append((*path, one))
    assert wrong == []


# What another attribute of the same message says better, where the kernel sends both: it is read where it is alone.
SAID_TWICE = {("libnl", 6, 16, (1,)), ("libnl", 6, 26, (1,)), ("libnl", 6, 24, (1,)), ("libnl", 6, 17, (1,))}


def _places(data: bytes, at: int, end: int, tree: Attributes, path: Path = ()) -> Iterator[tuple[Path, int, int]]:
    """Path, begin and end of the payload of each attribute, down to what nobody looks into."""
    for one, begin, stop in walk_attributes(data, at, end, "little"):
        node, here = tree.get(one), (*path, one)
        if node is None or node.inside is None or node.begin:
            yield here, begin, begin + node.begin if node is not None and node.begin else stop
        if node is not None and node.inside is not None:
            nests = next_hops(data[begin:stop], "little") if node.hops else [(0, stop - begin)]
            for first, last in nests:
                skipped = RTNEXTHOP if node.hops else node.begin
                yield from _places(data, begin + first + skipped, begin + last, node.inside, here)


@cache
def _begin(protocol: int, kind: int, first: int) -> int:
    """Bytes of the fixed header of a message."""
    reads = [_reads(name, protocol, kind, first) for name in CLASSES]
    return max((one.begin for one in reads if one is not None), default=0)


@cache
def _recorded() -> list[tuple[int, int, bytes]]:
    """Protocol, type and bytes of recorded messages, one for each kind and set of attributes."""
    found: dict[tuple[int, int, int, tuple[int, ...]], tuple[int, int, bytes]] = {}
    for path in sorted(CAPTURES.glob("*/*.pcap.zst")):
        with open_capture(path) as reader:
            for frame in (frame for batch in reader.batches() for frame in batch.frames()):
                for head in messages(frame.data, "little"):
                    data = frame.data[head.offset : head.offset + head.length]
                    if head.type < 16 or frame.protocol not in HIGHEST or head.length <= NLMSG_HDRLEN or head.flags & 1:
                        continue
                    begin = _begin(frame.protocol, head.type, data[NLMSG_HDRLEN])
                    there = walk_attributes(data, NLMSG_HDRLEN + begin, head.length, "little")
                    key = frame.protocol, head.type, data[NLMSG_HDRLEN], tuple(sorted({one for one, _, _ in there}))
                    found.setdefault(key, (frame.protocol, head.type, data))
    return list(found.values())


def _probed(name: str, protocol: int, kind: int, data: bytes, reads: Reads) -> Iterator[tuple[Path, bool]]:
    """Of each attribute with a payload, whether the event changes with it."""
    before = _event(name, protocol, data)
    at = NLMSG_HDRLEN + reads.begin
    for path, begin, stop in _places(data, at, len(data), reads.attributes or {}):
        if begin < stop:
            other = data[:begin] + bytes(byte ^ 0xFF for byte in data[begin:stop]) + data[stop:]
            yield path, _event(name, protocol, other) != before


def _is_declared(tree: Attributes | None, path: Path) -> bool:
    for one in path:
        if tree is None or one not in tree:
            return False
        node = tree[one]
        tree = node.inside
    return node.inside is None or node.begin > 0


@pytest.mark.parametrize("name", CLASSES)
def test_of_recorded_messages_what_is_declared_is_read_and_nothing_else(name: str) -> None:
    """Over all recordings, an event changes with an attribute exactly if its implementation declares to read it."""
    changed: dict[tuple[str, int, int, Path], tuple[bool, bool]] = {}
    for protocol, kind, data in _recorded():
        reads = _reads(name, protocol, kind, data[NLMSG_HDRLEN])
        if reads is None or reads.attributes is None or not _event(name, protocol, data):
            continue
        for path, change in _probed(name, protocol, kind, data, reads):
            key = name, protocol, kind, path
            declared = _is_declared(reads.attributes, path)
            before = changed.get(key, (False, False))
            changed[key] = before[0] or declared, before[1] or change
    wrong = [key for key, (declared, change) in changed.items() if declared != change and key not in SAID_TWICE]
    assert len(changed) > 50
    assert wrong == []


def _without(tree: Attributes, path: Path) -> Attributes:
    one, *rest = path
    if not rest:
        return {number: node for number, node in tree.items() if number != one}
    return {**tree, one: tree[one]._replace(inside=_without(tree[one].inside or {}, tuple(rest)))}


@pytest.mark.parametrize("mistake", ["one less", "one more"])
def test_a_wrong_declaration_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declaration that lacks an attribute that is read fails, and so does one with an attribute that is not."""
    good = LibnlBackend.reads(0, 16, 0)
    assert good is not None and good.attributes is not None
    tree = _without(good.attributes, (18, 4)) if mistake == "one less" else {**good.attributes, 26: WHOLE}
    monkeypatch.setattr(LibnlBackend, "reads", classmethod(lambda *_: good._replace(attributes=tree)))
    with pytest.raises(AssertionError, match=r"\(18, 4\)" if mistake == "one less" else r"\(26,\)"):
        test_of_made_messages_what_is_declared_is_read_and_nothing_else("libnl", 0, 16, 0)


def test_an_implementation_that_says_nothing_is_undeclared() -> None:
    """A class of somebody else has no table unless it declares one; one that is made from ours has that of ours."""
    mine = type("Mine", (LegacyBackend,), {})
    assert Backend.reads(0, 16, 0) == UNDECLARED
    assert mine.reads(0, 16, 0) == LegacyBackend.reads(0, 16, 0)


def test_a_policy_that_is_replaced_changes_what_is_read() -> None:
    """An implementation with another policy declares what that names."""
    route = LibnlBackend.decoders[0][0]
    policy = route.link_policy
    less = policy._replace(attributes=tuple(row for row in policy.attributes if row.field != "ifalias"))
    changed = type("Changed", (route,), {"link_policy": less})
    mine = type(
        "Mine", (LibnlBackend,), {"decoders": {**LibnlBackend.decoders, 0: (changed, *LibnlBackend.decoders[0][1:])}}
    )
    reads = mine.reads(0, 16, 0)
    assert reads is not None and reads.attributes is not None
    assert 20 not in reads.attributes
