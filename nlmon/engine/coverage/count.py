"""Counts messages by what of them is not read by both.

Most messages are counted by the judge's fast way, which knows the layout of each anyway (``layout`` gives it there, and
``add`` takes how often it was met); the others by ``count``.

Not here: the layouts themselves (``layouts``), and what a report says (``rows``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from nlmon.backends.base import Backend
from nlmon.compare.contract import Contract
from nlmon.engine.coverage.layouts import Layout, LayoutMaker, Part
from nlmon.engine.coverage.readings import Readings, who_reads
from nlmon.framing import align, messages
from nlmon.names import unknown_message
from nlmon.uapi import (
    AF_UNIX,
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
)
from nlmon.wire import Datagram

__all__ = ["Coverage", "Kind"]

# Attributes in all layouts that are known at once; beyond, all are forgotten and worked out again. And layouts of one
# type and length.
PLACES_KEPT, ALIKE = 65536, 8
# Kinds of messages, and parts of messages, that are counted apart; others are counted as one.
KINDS_KEPT, PARTS_KEPT = 1024, 4096

# What the state calls the objects that link messages are about.
VIEWS = {"link": {"link", "port", "view"}}


class Kind(NamedTuple):
    """Messages that are read alike. ``label``: what a report calls them; then what they have in common: protocol, type
    (of one of them), first byte behind the header, name of the generic family."""

    label: str
    protocol: int
    msg_type: int
    first: int
    family: str


_Head: TypeAlias = tuple[int, int, int, str]
_Known: TypeAlias = tuple[_Head, str, Readings | None, LayoutMaker | None]


class Coverage:
    """What of the messages of one comparison is not read by both.

    ``kinds``: the first of each label; ``counts``: messages by label and part; ``left_out``: how often a part found no
    place in them; ``undeclared``: messages of which one of the two does not say what it reads; ``cut``: audit records
    whose length leaves out the header, as the kernel sends them to the audit daemon alone (kernel/audit.c);
    ``watched``: kinds of objects of whose messages some held what neither reads. ``backends``: the two classes;
    ``family``: the name of the generic family of a number, empty if it has none.
    """

    def __init__(
        self,
        backends: tuple[type[Backend], type[Backend]],
        contract: Contract,
        byteorder: str,
        family: Callable[[int], str],
    ) -> None:
        self.kinds: dict[str, Kind] = {}
        self.counts: Counter[tuple[str, Part]] = Counter()
        self.left_out = self.undeclared = self.cut = 0
        self._backends, self._contract, self._family = backends, contract, family
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._reads: dict[_Head, _Known] = {}
        self._layouts: dict[tuple[bytes, _Head], list[Layout]] = {}
        self._kept = 0
        self.watched: set[str] = set()

    def count(self, datagram: Datagram) -> None:
        """Count the messages of a datagram."""
        data, protocol = datagram.data, datagram.protocol
        for head in messages(data, self._order):
            if protocol == NETLINK_AUDIT and align(head.length) + NLMSG_HDRLEN == align(len(data)):
                self.cut += 1
            if head.type >= NLMSG_MIN_TYPE:
                found = self.layout(protocol, data[head.offset : head.offset + head.length], head.type)
                if found is None:
                    self.undeclared += 1
                else:
                    found.times += 1

    def mark(self, message: bytes) -> Layout | None:
        """The layout of a message of NETLINK_ROUTE, as the fast way asks for it."""
        return self.layout(NETLINK_ROUTE, message, int.from_bytes(message[4:6], self._order))

    def begin(self, protocol: int, message: bytes, msg_type: int) -> int:
        """Bytes of the fixed header of a message."""
        reads = self._known(protocol, message, msg_type)[2]
        return 0 if reads is None else reads.begin

    def root(self, protocol: int, message: bytes, msg_type: int) -> str:
        """The kernel's set of the attributes of a message."""
        from nlmon.names.attribute_sets import root_of  # noqa: PLC0415  (a start-up reads no tables of names)

        return root_of(*self._known(protocol, message, msg_type)[0]).set

    def layout(self, protocol: int, message: bytes, msg_type: int) -> Layout | None:
        """The layout of a whole message; None where it is not known what is read of such messages."""
        head, _, _, maker = self._known(protocol, message, msg_type)
        if maker is None:
            return None
        alike = self._layouts.setdefault((message[:6], head), [])
        for at, one in enumerate(alike):
            if one.fixed(message, 0) == one.want:
                if at:  # the last that was met comes first
                    alike.insert(0, alike.pop(at))
                return one
        kind = bytes([head[2]]) if protocol == NETLINK_GENERIC and head[2] >= 0 else b""
        made = maker.make(message, kind)
        if self._kept >= PLACES_KEPT:
            self.settle()
            self._layouts.clear()
            self._reads.clear()
            self._kept = 0
            alike = self._layouts.setdefault((message[:6], head), [])
        alike.insert(0, made)
        self._kept += made.size
        if made.is_blind:
            self.watched |= VIEWS.get(made.label, {made.label})
        for gone in alike[ALIKE:]:
            self.add(gone, 0)
            self._kept -= gone.size
        del alike[ALIKE:]
        return made

    def add(self, layout: Layout, times: int) -> None:
        """Count messages of a layout."""
        times += layout.times
        layout.times = 0
        if not times:
            return
        for part in layout.parts:
            key = layout.label, part
            if key in self.counts or len(self.counts) < PARTS_KEPT:
                self.counts[key] += times
            else:
                self.left_out += times

    def settle(self) -> None:
        """Bring the counts up to date."""
        for alike in self._layouts.values():
            for one in alike:
                self.add(one, 0)

    def _known(self, protocol: int, message: bytes, msg_type: int) -> _Known:
        """What tells how a message is read, what such messages are called, and what is read of them."""
        first = message[NLMSG_HDRLEN] if len(message) > NLMSG_HDRLEN else -1
        head = protocol, msg_type, first, self._family(msg_type) if protocol == NETLINK_GENERIC else ""
        return self._reads.get(head) or self._learn(head)

    def _learn(self, head: _Head) -> _Known:
        protocol, msg_type, first, family = head
        reads = who_reads(self._backends, protocol, msg_type, first, family)
        label = self._contract.of(protocol, msg_type) or ""
        if protocol == NETLINK_GENERIC:
            label = family or f"family {msg_type}"
        elif reads is None or not reads.readers or not label:
            label = unknown_message(protocol, msg_type, first)
        elif protocol == NETLINK_SOCK_DIAG and first == AF_UNIX:
            label = "diag unix"
        if len(self.kinds) >= KINDS_KEPT and label not in self.kinds:
            label = "others"
        self.kinds.setdefault(label, Kind(label, *head))
        if len(self._reads) >= KINDS_KEPT:
            self._reads.clear()
        maker = None if reads is None else LayoutMaker(label, reads, self._order)
        found = self._reads[head] = head, label, reads, maker
        return found
