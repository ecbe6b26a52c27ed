"""The kernel of a recording, as far as the recording says: its links, generic families, objects and clock.

Rules:
1. It learns from recorded messages in their order, and from nothing else; one recorded kernel serves all lanes.
2. Of a message only what the kernel's side must know is read: the header, the interface index, the interface name, and
   a generic family's name, number and groups. This reading is not shared with any implementation.
3. Memory is bounded by ``REMEMBERED`` links of ``BYTES_KEPT`` together and ``FAMILIES``, whatever a recording holds.

Not here: answering requests (``answers``), and which socket receives what (``transport``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Literal

from nlmon import uapi
from nlmon.framing import align, attribute, attributes, nlmsghdr, split_messages, walk_attributes
from nlmon.limits import GROUPS_KEPT, NAME_KEPT
from nlmon.transport.recorded.objects import BYTES_KEPT, KINDS, NAMES, RecordedObjects
from nlmon.transport.recorded.reading import FAMILY, MessageReader, index_of
from nlmon.wire import Datagrams

__all__ = ["LINKS", "REMEMBERED", "RecordedKernel", "name_text"]

# Links, and generic families: linux/genetlink.h has GENL_MAX_ID = 1023.
REMEMBERED, FAMILIES = 65536, 1024
# A number is given anew when its family goes; so many names of one are kept.
NAMES_KEPT = 64
# Where the attributes of a message of a link, and of a generic family, begin.
LINK_ATTRIBUTES, FAMILY_ATTRIBUTES = uapi.NLMSG_HDRLEN + uapi.IFINFOMSG, uapi.NLMSG_HDRLEN + uapi.GENL_HDRLEN
# Where the command of a generic message stands.
COMMAND = uapi.NLMSG_HDRLEN
FAMILY_COMMANDS = {
    uapi.CTRL_CMD_NEWFAMILY,
    uapi.CTRL_CMD_DELFAMILY,
    uapi.CTRL_CMD_NEWMCAST_GRP,
    uapi.CTRL_CMD_DELMCAST_GRP,
}
LINK_TYPES = {uapi.RTM_NEWLINK, uapi.RTM_DELLINK}
# The same as they stand in a message, in either byte order.
LINKS = {kind.to_bytes(2, order) for kind in LINK_TYPES for order in ("little", "big")}


class RecordedKernel:
    """Names and messages of links by index, generic families by name as (number, message), and the clock.

    ``objects``: keep addresses, routes, neighbours and rules, too, which are needed to answer dumps of them.
    ``time``: of the latest datagram, in nanoseconds since 1970. ``links_changed``: how often a name of a link was
    given, changed or removed. ``lacks_links``: there was no room for all of them, so that one that is not there may be.
    ``families_listed``: how many families came by an answer, and by no announcement. ``doubtful``: messages of nlctrl
    may be read in several ways.
    """

    def __init__(self, byteorder: Literal["little", "big"] = "little", *, objects: bool = False) -> None:
        self.byteorder = byteorder
        self.header = nlmsghdr(byteorder)
        self._objects = RecordedObjects(byteorder) if objects else None
        self.time = 0
        self.names: dict[int, str] = {}
        self.links: dict[int, bytes] = {}
        self.links_changed = 0
        self.lacks_links = False
        # Of the messages of links.
        self._bytes = 0
        self.families: dict[str, tuple[int, bytes]] = {}
        self.families_listed = 0
        self._numbers: dict[int, str] = {}
        self.doubtful = False
        self._names: dict[int, dict[str, None]] = {}
        # Family number -> its multicast groups. Which of them carries which command, nlctrl does not say.
        self.generic_groups: dict[int, frozenset[int]] = {uapi.GENL_ID_CTRL: frozenset({uapi.GENL_ID_CTRL})}

    def objects_of(self, get_type: int, request: bytes) -> list[bytes] | None:
        """What a dump request asks for, None when objects are not kept or the type is of another kind."""
        if self._objects is None or get_type - uapi.RTNL_KIND_GET not in KINDS:
            return None
        return list(self._objects.of(get_type - uapi.RTNL_KIND_GET, request[FAMILY] if len(request) > FAMILY else 0))

    def lacks(self, get_type: int) -> bool:
        """Whether a dump would lack objects that the recording announced, as there was no room for them."""
        if get_type == uapi.RTM_GETLINK and self.lacks_links:
            return True
        return self._objects is not None and get_type - uapi.RTNL_KIND_GET in self._objects.lacking

    @property
    def size(self) -> int:
        """How many objects are kept to answer dumps."""
        return 0 if self._objects is None else self._objects.size

    def lacking(self) -> set[str]:
        """The kinds of which dumps would lack objects."""
        return set() if self._objects is None else {NAMES[kind] for kind in self._objects.lacking}

    def family_names(self, number: int) -> list[str]:
        """Every name that the recording gave to the generic family of a number."""
        return list(self._names.get(number, ()))

    def family_name(self, number: int) -> str:
        """What the recording called the generic family of a number last; empty if it has not named it."""
        return "nlctrl" if number == uapi.GENL_ID_CTRL else next(reversed(self._names.get(number, {})), "")

    def gone(self, number: int) -> bool:
        """Whether no generic family has a number, though one may have had it."""
        return number not in self.generic_groups

    def sweep(self, get_type: int, family: int, since: int) -> None:
        """A recorded dump was complete; see ``RecordedObjects.sweep``."""
        if self._objects is None:
            return
        gone = self._objects.sweep(get_type - uapi.RTNL_KIND_GET, family, since)
        for name, index in gone if get_type == uapi.RTM_GETLINK else ():
            if name == "link" and isinstance(index, int):
                self._forget_link(index)

    def learn(self, datagrams: Datagrams, *, announced: bool = False, single: bool = False) -> None:
        """Remember what recorded messages say of links, families and objects, and the time; ``announced``: they are
        notifications; ``single``: each datagram is one whole message."""
        self.time = max(self.time, max(datagrams.timestamps, default=0))
        if datagrams.protocol == uapi.NETLINK_ROUTE:
            if self._objects is not None:
                for frame, data in zip(datagrams.frames, datagrams.data, strict=True):
                    for kind, message in split_messages(data, self.byteorder):
                        self._objects.learn(kind, message, frame)
                        self._learn_link(kind, message)
                return
            header = self.header.unpack_from
            for data in [one for one in datagrams.data if one[4:6] in LINKS] if single else datagrams.data:
                if len(data) < LINK_ATTRIBUTES:
                    continue
                length, kind, _, _, _ = header(data)
                # Most datagrams are one message, and that about no link.
                if kind in LINK_TYPES or length + 4 <= len(data):
                    for kind, message in split_messages(data, self.byteorder):
                        self._learn_link(kind, message)
        elif datagrams.protocol == uapi.NETLINK_GENERIC:
            for data in datagrams.data:
                found = split_messages(data, self.byteorder)
                for kind, message in found:
                    if kind == uapi.GENL_ID_CTRL and len(message) >= FAMILY_ATTRIBUTES:
                        # Beside another family's message it is not clear which of the two comes first for whom.
                        alone = all(other in {uapi.GENL_ID_CTRL, uapi.NLMSG_DONE} for other, _ in found)
                        self.doubtful = self.doubtful or not (alone and self._is_plain(message))
                        known = len(self.families)
                        self._learn_family(message)
                        self.families_listed += not announced and len(self.families) > known

    def changes_names(self, message: bytes) -> bool:
        """Whether one whole message of NETLINK_ROUTE gives, changes or removes a name of a link, or may do so."""
        if message[4:6] not in LINKS:
            return False
        if len(message) < LINK_ATTRIBUTES or message[FAMILY]:
            return True
        _, kind, _, _, _ = self.header.unpack_from(message)
        known = self.names.get(index_of(message, self.byteorder))
        if kind != uapi.RTM_NEWLINK or known is None:
            return True
        name = attribute(message, LINK_ATTRIBUTES, len(message), self.byteorder, uapi.IFLA_IFNAME)
        return name is None or name_text(name) != known

    def _learn_link(self, kind: int, message: bytes) -> None:
        if kind not in LINK_TYPES or len(message) < LINK_ATTRIBUTES or message[FAMILY] or not self._is_here(message):
            return
        index = index_of(message, self.byteorder)
        if kind == uapi.RTM_DELLINK:
            self._forget_link(index)
            return
        name = attribute(message, LINK_ATTRIBUTES, len(message), self.byteorder, uapi.IFLA_IFNAME)
        if name is not None:
            text = name_text(name)
            known, before = self.names.get(index, ""), self.links.get(index, b"")
            whole = self._completed(before, message) if before else message
            growth = len(whole) - len(before)
            if (not before and len(self.links) >= REMEMBERED) or self._bytes + growth > BYTES_KEPT:
                self._forget_link(index)  # what is known of it is not so any more
                self.lacks_links = True
                return
            self._bytes += growth
            self.links_changed += known != text
            self.names[index], self.links[index] = text, whole

    def _completed(self, before: bytes, message: bytes) -> bytes:
        """A message of a link with what it leaves out of the one before it. Nearly every one has its MTU, which stands
        near the beginning."""
        if attribute(message, LINK_ATTRIBUTES, len(message), self.byteorder, uapi.IFLA_MTU) is not None:
            return message
        reading = MessageReader(self.byteorder)
        return reading.completed(before, message, reading.read(uapi.RTM_NEWLINK, message))

    def _forget_link(self, index: int) -> None:
        gone = self.links.pop(index, None)
        if gone is not None:
            del self.names[index]
            self.links_changed += 1
            self._bytes -= len(gone)

    def _is_here(self, message: bytes) -> bool:
        """Whether a message of a link is about one of this namespace."""
        # Attributes begin at multiples of four, and a number stands behind the length. Where no byte at such a place is
        # that number, there is no such attribute, which is found faster than by a walk.
        low = LINK_ATTRIBUTES + (2 if self.byteorder == "little" else 3)
        if uapi.IFLA_TARGET_NETNSID not in message[low::4]:
            return True
        return attribute(message, LINK_ATTRIBUTES, len(message), self.byteorder, uapi.IFLA_TARGET_NETNSID) is None

    def _is_plain(self, message: bytes) -> bool:
        """Whether everybody reads the same in a message of nlctrl: it is what its family had before, or plain."""
        name = attribute(message, FAMILY_ATTRIBUTES, len(message), self.byteorder, uapi.CTRL_ATTR_FAMILY_NAME)
        known = None if name is None else self.families.get(name_text(name))
        repeats = known is not None and known[1][uapi.NLMSG_HDRLEN :] == message[uapi.NLMSG_HDRLEN :]
        return repeats or _is_plain(message, self.byteorder)

    def _learn_family(self, message: bytes) -> None:
        name, number = (
            attribute(message, FAMILY_ATTRIBUTES, len(message), self.byteorder, one)
            for one in (uapi.CTRL_ATTR_FAMILY_NAME, uapi.CTRL_ATTR_FAMILY_ID)
        )
        if name is None:
            return
        text = name_text(name)
        self.doubtful = self.doubtful or self._contradicts(message[COMMAND], text, number)
        if message[COMMAND] == uapi.CTRL_CMD_DELFAMILY:
            gone = self.families.pop(text, None)
            if gone is not None:
                self.generic_groups.pop(gone[0], None)
                del self._numbers[gone[0]]
            return
        if number is None:
            return
        family = int.from_bytes(number[:2], self.byteorder)
        groups = frozenset(islice(self._groups(message), GROUPS_KEPT))
        if message[COMMAND] == uapi.CTRL_CMD_NEWFAMILY and (text in self.families or len(self.families) < FAMILIES):
            # A number is that of one family: who had it before is gone, though no message of that was recorded.
            if self._numbers.get(family, text) != text:
                del self.families[self._numbers[family]]
            before = self.families.get(text)
            if before is not None and before[0] != family:  # it went and came back under another number
                self.generic_groups.pop(before[0], None)
                del self._numbers[before[0]]
            self.families[text] = (family, message)
            self._numbers[family] = text
            if family in self._names or len(self._names) < FAMILIES:
                names = self._names.setdefault(family, {})
                if len(names) < NAMES_KEPT:
                    names[text] = None
            if family != uapi.GENL_ID_CTRL:
                self.generic_groups[family] = groups
        elif message[COMMAND] == uapi.CTRL_CMD_NEWMCAST_GRP and family in self.generic_groups:
            if len(self.generic_groups[family] | groups) <= GROUPS_KEPT:
                self.generic_groups[family] |= groups
        elif message[COMMAND] == uapi.CTRL_CMD_DELMCAST_GRP and family in self.generic_groups:
            self.generic_groups[family] -= groups

    def _contradicts(self, command: int, name: str, number: bytes | None) -> bool:
        """Whether a message about a family that is there gives it a number that is another one's, or it has another."""
        if command == uapi.CTRL_CMD_NEWFAMILY or number is None:
            return False  # what had the number or the name is gone
        family = int.from_bytes(number[:2], self.byteorder)
        known, _ = self.families.get(name, (family, b""))
        return known != family or self._numbers.get(family, name) != name

    def _groups(self, message: bytes) -> Iterator[int]:
        """Numbers of the multicast groups that a family message lists."""
        order = self.byteorder
        listed = attribute(message, FAMILY_ATTRIBUTES, len(message), order, uapi.CTRL_ATTR_MCAST_GROUPS) or b""
        for _, begin, end in walk_attributes(listed, 0, len(listed), order, clip=True):
            number = attribute(listed, begin, end, order, uapi.CTRL_ATTR_MCAST_GRP_ID)
            if number is not None:
                yield int.from_bytes(number[:4], order)


def _is_plain(message: bytes, byteorder: Literal["little", "big"]) -> bool:
    """Whether everybody reads the same in a message of nlctrl about a family: all in it is whole, nothing stands there
    twice, and it is as long as the kernel makes it."""
    repeated: set[int] = set()

    def read(at: int, end: int) -> Mapping[int, bytes] | None:
        found = attributes(message, at, end, byteorder, repeated)
        whole = align(max((stop for _, stop in found.values()), default=at)) >= end
        return {number: message[begin:stop] for number, (begin, stop) in found.items()} if whole else None

    rows = read(FAMILY_ATTRIBUTES, len(message))
    if message[COMMAND] not in FAMILY_COMMANDS or rows is None:
        return rows is not None
    name, number = rows.get(uapi.CTRL_ATTR_FAMILY_NAME, b""), rows.get(uapi.CTRL_ATTR_FAMILY_ID, b"")
    of_nlctrl = [name == b"nlctrl\0", int.from_bytes(number, byteorder) == uapi.GENL_ID_CTRL]
    sizes = len(number), len(rows.get(uapi.CTRL_ATTR_HDRSIZE, bytes(4)))
    if repeated or not _is_name(name) or sizes != (2, 4) or of_nlctrl[0] != of_nlctrl[1]:
        return False
    at, end = attributes(message, FAMILY_ATTRIBUTES, len(message), byteorder).get(uapi.CTRL_ATTR_MCAST_GROUPS, (0, 0))
    groups = [read(begin, stop) for _, begin, stop in walk_attributes(message, at, end, byteorder)]
    return not repeated and all(
        group is not None
        and _is_name(group.get(uapi.CTRL_ATTR_MCAST_GRP_NAME, b""))
        and len(group.get(uapi.CTRL_ATTR_MCAST_GRP_ID, b"")) == 4
        and any(group[uapi.CTRL_ATTR_MCAST_GRP_ID])
        for group in groups
    )


def _is_name(value: bytes) -> bool:
    """Whether a value is a text that ends with its NUL."""
    return len(value) > 1 and value.find(b"\0") == len(value) - 1


def name_text(data: bytes) -> str:
    """A name up to its NUL, at most ``NAME_KEPT`` bytes of it; those that are not UTF-8 as ``\\xNN``."""
    return data[:NAME_KEPT].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
