"""Counts messages by what of them is not read by both.

Most messages are counted by the judge's fast way, which knows the layout of each anyway (``mark`` gives it there); the
others by ``count``.

Not here: the layouts themselves (``layouts``), and what a report says (``rows``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from nlmon.backends.base import Backend
from nlmon.compare.contract import Contract
from nlmon.engine.coverage.layouts import Layout, Layouts
from nlmon.engine.coverage.parts import Counts
from nlmon.engine.coverage.readings import first_of, label_of, who_reads
from nlmon.framing import align, split_messages
from nlmon.names import TABLES, name_of
from nlmon.names.generic import COMMANDS
from nlmon.uapi import NETLINK_AUDIT, NETLINK_GENERIC, NETLINK_ROUTE, NETLINK_XFRM, NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagram

__all__ = ["Coverage"]

# Attributes in all layouts that are known at once; beyond, all are forgotten and worked out again.
PLACES_KEPT = 65536
# Kinds of messages that are counted apart; others are counted as one.
KINDS_KEPT = 1024

# What the state calls the objects that link messages are about.
VIEWS = {"link": {"link", "port", "view"}}

# What decides how a message is read: protocol, type, first byte behind the header, name of the generic family.
_Head: TypeAlias = tuple[int, int, int, str]


class _Kind(NamedTuple):
    """Messages that are read alike: bytes of their fixed header, the kernel's set of their attributes, and their
    layouts; None where it is not known what is read of them."""

    begin: int
    root: str
    layouts: Layouts | None


class Coverage:
    """What of the messages of one comparison is not read by both.

    ``counts``: messages by label and part; ``undeclared``: messages of which one of the two does not say what it reads;
    ``cut``: audit records whose length leaves out the header, as the kernel sends them to the audit daemon alone
    (kernel/audit.c); ``watched``: kinds of objects of whose messages some held what neither reads. ``backends``: the
    two classes; ``family``: the name of the generic family of a number, empty if it has none.
    """

    def __init__(
        self,
        backends: tuple[type[Backend], type[Backend]],
        contract: Contract,
        byteorder: str,
        family: Callable[[int], str],
    ) -> None:
        self.counts = Counts()
        self.undeclared = self.cut = 0
        self.watched: set[str] = set()
        self._backends, self._contract, self._family = backends, contract, family
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._labels: set[str] = set()
        self._kinds: dict[_Head, _Kind] = {}
        self._kept = 0

    def count(self, datagram: Datagram) -> None:
        """Count the messages of a datagram."""
        data, protocol = datagram.data, datagram.protocol
        for msg_type, message in split_messages(data, self._order):
            if protocol == NETLINK_AUDIT and align(len(message)) + NLMSG_HDRLEN == align(len(data)):
                self.cut += 1
            if msg_type >= NLMSG_MIN_TYPE:
                found = self.layout(protocol, message, msg_type)
                if found is None:
                    self.undeclared += 1
                else:
                    found.times += 1

    def mark(self, message: bytes) -> Layout | None:
        """The layout of a message of NETLINK_ROUTE, as the fast way asks for it."""
        return self.layout(NETLINK_ROUTE, message, int.from_bytes(message[4:6], self._order))

    def begin(self, protocol: int, message: bytes, msg_type: int) -> int:
        """Bytes of the fixed header of a message."""
        return self._kind(protocol, message, msg_type).begin

    def root(self, protocol: int, message: bytes, msg_type: int) -> str:
        """The kernel's set of the attributes of a message."""
        return self._kind(protocol, message, msg_type).root

    def layout(self, protocol: int, message: bytes, msg_type: int) -> Layout | None:
        """The layout of a whole message; None where it is not known what is read of such messages."""
        layouts = self._kind(protocol, message, msg_type).layouts
        if layouts is None:
            return None
        known = layouts.known(message)
        if known is not None:
            return known
        if self._kept >= PLACES_KEPT:
            self._forget()
            return self.layout(protocol, message, msg_type)
        made, gone = layouts.learn(message)
        if made.is_blind:
            self.watched |= VIEWS.get(made.label, {made.label})
        self._kept += made.size
        for one in gone:
            one.settle()
            self._kept -= one.size
        return made

    def settle(self) -> None:
        """Bring the counts up to date."""
        for kind in self._kinds.values():
            for one in kind.layouts or ():
                one.settle()

    def _forget(self) -> None:
        self.settle()
        self._kinds.clear()
        self._kept = 0

    def _kind(self, protocol: int, message: bytes, msg_type: int) -> _Kind:
        """The kind of a message."""
        family = self._family(msg_type) if protocol == NETLINK_GENERIC else ""
        head = protocol, msg_type, first_of(protocol, message), family
        return self._kinds.get(head) or self._learn(head)

    def _learn(self, head: _Head) -> _Kind:
        from nlmon.names.attribute_sets import root_of  # noqa: PLC0415  (a start-up reads no tables of names)

        if len(self._kinds) >= KINDS_KEPT:
            self._forget()
        reads, root = who_reads(self._backends, *head), root_of(*head).set
        if reads is None:
            found = _Kind(0, root, None)
        else:
            label = label_of(self._contract, *head, reads)
            if len(self._labels) >= KINDS_KEPT and label not in self._labels:
                label = "others"
            self._labels.add(label)
            layouts = Layouts(label, reads, root, self._order, self.counts, self._kind_of(head))
            found = _Kind(reads.begin, root, layouts)
        self._kinds[head] = found
        return found

    def _kind_of(self, head: _Head) -> str:
        """Of which kind messages are of those that are listed together: by the command of a generic family, and by what
        messages of IPsec are about."""
        protocol, msg_type, first, family = head
        if protocol == NETLINK_XFRM:
            return self._contract.of(protocol, msg_type) or ""
        if protocol != NETLINK_GENERIC or first < 0:
            return ""
        table = f"{family}_cmd"
        if table in TABLES:
            return name_of(table, first)
        return f"command {COMMANDS.get(family, {}).get(first, first)}"
