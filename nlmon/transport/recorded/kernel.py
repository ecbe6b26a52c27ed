"""What a recording told of the kernel that was recorded: its links, generic families and objects, as raw messages.

Rules:
1. Of a message only what the kernel's side must know is read: the header, the interface index, the interface name, and
   a generic family's name, number and groups. This reading is not shared with any implementation.
2. Memory is bounded by ``REMEMBERED`` links and families, whatever a recording holds.

Not here: answering requests (``answers``), and which socket receives what (``transport``).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Literal

from nlmon.transport.recorded.objects import KINDS, RecordedObjects
from nlmon.wire import Datagram

__all__ = ["NEWS", "REMEMBERED", "Told", "name_text"]

REMEMBERED = 65536
# A number is given anew when its family goes; so many names of one are kept.
NAMES_KEPT = 64
ROUTE, GENERIC = 0, 16
RTM_NEWLINK, RTM_DELLINK = 16, 17
GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, CTRL_CMD_DELFAMILY, CTRL_CMD_NEWMCAST_GRP, CTRL_CMD_DELMCAST_GRP = 16, 1, 2, 7, 8
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_MCAST_GRP_ID = 1, 2, 7, 2
IFLA_IFNAME, IFINFOMSG, GENLMSGHDR = 3, 16, 4
# Types of messages that tell more than the time, by protocol; where objects are kept, others do, too.
NEWS = {ROUTE: frozenset({RTM_NEWLINK, RTM_DELLINK}), GENERIC: frozenset({GENL_ID_CTRL})}
NOTHING: frozenset[int] = frozenset()


class Told:
    """Links by index as (name, message), families by name as (number, message), and what else was told so far.

    ``objects`` keeps what is needed to answer dumps of addresses, routes, neighbours and rules. ``time``: of the last
    datagram, in nanoseconds since 1970. ``links_changed``: how often a name was given, changed or taken.
    """

    def __init__(self, byteorder: Literal["little", "big"], *, objects: bool) -> None:
        sign = "<" if byteorder == "little" else ">"
        self.byteorder = byteorder
        self.header = struct.Struct(sign + "IHHII")
        self.error = struct.Struct(sign + "IHHIIi")
        self._attr = struct.Struct(sign + "HH")
        self._index = struct.Struct(sign + "i")
        self._objects = RecordedObjects(byteorder) if objects else None
        self.time = 0
        self.links: dict[int, tuple[str, bytes]] = {}
        self.links_changed = 0
        self.families: dict[str, tuple[int, bytes]] = {}
        self._names: dict[int, dict[str, None]] = {}
        # Family number -> its multicast groups. Which of them carries which command, nlctrl does not tell.
        self.generic_groups: dict[int, frozenset[int]] = {GENL_ID_CTRL: frozenset({GENL_ID_CTRL})}

    def objects_of(self, get_type: int, request: bytes) -> list[bytes] | None:
        """What a dump request asks for, None when objects are not kept or the type is of another kind."""
        if self._objects is None or get_type & ~3 not in KINDS or get_type & 3 != 2:
            return None
        return list(self._objects.of(get_type & ~3, request[16] if len(request) > 16 else 0))

    def family_names(self, number: int) -> list[str]:
        """Every name that the recording gave to the generic family of a number."""
        return list(self._names.get(number, ()))

    def sweep(self, get_type: int, family: int, since: int) -> None:
        """A recorded dump was complete; see ``RecordedObjects.sweep``."""
        if self._objects is not None:
            self._objects.sweep(get_type - 2, family, since)

    def learn(self, datagram: Datagram) -> None:
        """Remember links and families that a recorded message describes."""
        data = datagram.data
        self.time = max(self.time, datagram.timestamp)
        if datagram.protocol == ROUTE:
            for kind, message in self._messages(data):
                if self._objects is not None:
                    self._objects.learn(kind, message, datagram.frame)
                if kind in {RTM_NEWLINK, RTM_DELLINK} and len(message) >= 32 and message[16] == 0:
                    self._learn_link(kind, message)
        elif datagram.protocol == GENERIC:
            for kind, message in self._messages(data):
                if kind == GENL_ID_CTRL and len(message) >= 20:
                    self._learn_family(message)

    def tells(self, protocol: int, types: Collection[int]) -> bool:
        """Whether messages of these types may tell more than the time."""
        if protocol == ROUTE and self._objects is not None:
            return True
        return not NEWS.get(protocol, NOTHING).isdisjoint(types)

    def renew(self, data: bytes) -> bool:
        """Learn from one message that calls a link what it was called before, as most messages about links do; False,
        and nothing learned, where a datagram may tell more than that."""
        if self._objects is not None or len(data) < 16 + IFINFOMSG or data[16]:
            return False
        length, kind, _, _, _ = self.header.unpack_from(data)
        (index,) = self._index.unpack_from(data, 20)
        known = self.links.get(index)
        if kind != RTM_NEWLINK or length != len(data) or known is None:
            return False
        name = self.attribute(data, 16 + IFINFOMSG, IFLA_IFNAME)
        if name is None or name_text(name) != known[0]:
            return False
        self.links[index] = known[0], data
        return True

    def _learn_link(self, kind: int, message: bytes) -> None:
        (index,) = self._index.unpack_from(message, 20)
        if kind == RTM_DELLINK:
            self.links_changed += self.links.pop(index, None) is not None
            return
        name = self.attribute(message, 16 + IFINFOMSG, IFLA_IFNAME)
        if name is not None and (index in self.links or len(self.links) < REMEMBERED):
            text = name_text(name)
            self.links_changed += self.links.get(index, ("", b""))[0] != text
            self.links[index] = (text, message)

    def _learn_family(self, message: bytes) -> None:
        name = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_FAMILY_NAME)
        number = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_FAMILY_ID)
        if name is None:
            return
        text = name_text(name)
        if message[16] == CTRL_CMD_DELFAMILY:
            gone = self.families.pop(text, None)
            if gone is not None:
                self.generic_groups.pop(gone[0], None)
            return
        if number is None:
            return
        family, groups = int.from_bytes(number[:2], self.byteorder), frozenset(self._groups(message))
        if message[16] == CTRL_CMD_NEWFAMILY and (text in self.families or len(self.families) < REMEMBERED):
            # A number is that of one family: who had it before is gone, though its farewell was not recorded.
            for other in [name for name, (known, _) in self.families.items() if known == family and name != text]:
                del self.families[other]
            self.families[text] = (family, message)
            if family in self._names or len(self._names) < REMEMBERED:
                names = self._names.setdefault(family, {})
                if len(names) < NAMES_KEPT:
                    names[text] = None
            if family != GENL_ID_CTRL:
                self.generic_groups[family] = groups
        elif message[16] == CTRL_CMD_NEWMCAST_GRP and family in self.generic_groups:
            self.generic_groups[family] |= groups
        elif message[16] == CTRL_CMD_DELMCAST_GRP and family in self.generic_groups:
            self.generic_groups[family] -= groups

    def _groups(self, message: bytes) -> Iterator[int]:
        """Numbers of the multicast groups that a family message lists."""
        listed = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_MCAST_GROUPS) or b""
        at = 0
        while at + 4 <= len(listed):
            length, _ = self._attr.unpack_from(listed, at)
            if length < 4:
                return
            number = self.attribute(listed[: at + length], at + 4, CTRL_ATTR_MCAST_GRP_ID)
            if number is not None:
                yield int.from_bytes(number[:4], self.byteorder)
            at += (length + 3) & ~3

    def _messages(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 16 <= len(data):
            length, kind, *_ = self.header.unpack_from(data, at)
            if length < 16 or at + length > len(data):
                return
            yield kind, data[at : at + length]
            at += (length + 3) & ~3

    def attribute(self, message: bytes, at: int, number: int) -> bytes | None:
        """Payload of the first attribute with this number, from offset ``at`` of a message."""
        while at + 4 <= len(message):
            length, kind = self._attr.unpack_from(message, at)
            if length < 4 or at + length > len(message):
                return None
            if kind & 0x3FFF == number:
                return message[at + 4 : at + length]
            at += (length + 3) & ~3
        return None


def name_text(data: bytes) -> str:
    """A name up to its NUL; bytes that are not UTF-8 as ``\\xNN``."""
    return data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
