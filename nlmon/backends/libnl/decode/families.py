"""Generic netlink families: their names, numbers and multicast groups, learned from nlctrl's messages.

The kernel hands out a family's number when it appears, so a number means nothing before nlctrl has named it
(linux/genetlink.h, CTRL_*). nlctrl itself always has number 16, and its group "notify" the same number.

Not here: asking nlctrl (``backend``).
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from nlmon.backends.libnl.decode.attributes import Decoder
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.uapi import GENL_HDRLEN, GENL_ID_CTRL, NLMSG_HDRLEN
from nlmon.limits import GROUPS_KEPT

__all__ = ["Families", "Family"]

NEWFAMILY, DELFAMILY, NEWMCAST_GRP, DELMCAST_GRP = 1, 2, 7, 8
ATTR_FAMILY_ID, ATTR_FAMILY_NAME, ATTR_HDRSIZE, ATTR_MCAST_GROUPS = 1, 2, 4, 7
GRP_NAME, GRP_ID = 1, 2
REMEMBERED = 4096


class Family(Struct):
    """A family: its number, its multicast groups by name, and how many bytes of a header of its own its messages have
    between the genlmsghdr and the attributes."""

    id: int
    name: str
    groups: dict[str, int]
    header: int = 0


class Regrouping(NamedTuple):
    """A group that a family of a name got, or has no longer."""

    name: str
    group: int
    there: bool


class Families(Decoder):
    """Families by number and by name. Bounded: at most ``REMEMBERED``, of ``GROUPS_KEPT`` groups each. ``regroupings``:
    what groups came and went since somebody took them."""

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        self._byteorder = byteorder
        self.by_id: dict[int, Family] = {GENL_ID_CTRL: Family(GENL_ID_CTRL, "nlctrl", {"notify": GENL_ID_CTRL})}
        self.regroupings: list[Regrouping] = []
        # Which number had a name last.
        self._numbers: dict[str, int] = {}

    def name(self, number: int) -> str | None:
        """Name of a family, None if nlctrl has not named it."""
        found = self.by_id.get(number)
        return None if found is None else found.name

    def header(self, number: int) -> int:
        """Bytes of a family's own header with its padding; none if nlctrl has not named it."""
        found = self.by_id.get(number)
        if found is None or number == GENL_ID_CTRL:
            return 0
        return (found.header + 3) & ~3

    def named(self, name: str) -> Family | None:
        """A family by its name; ``taskstats`` finds the kernel's ``TASKSTATS``, which is how the guide spells it."""
        exact = next((family for family in self.by_id.values() if family.name == name), None)
        if exact is not None:
            return exact
        return next((family for family in self.by_id.values() if family.name.lower() == name.lower()), None)

    def suggestions(self, name: str) -> tuple[str | None, Iterable[str]]:
        """The name nearest to one that does not exist, and all names there are."""
        names = sorted(family.name for family in self.by_id.values())
        near = difflib.get_close_matches(name.lower(), [known.lower() for known in names], 1)
        return next((known for known in names if near and known.lower() == near[0]), None), names

    def keep(self, numbers: Container[int]) -> None:
        """Forget every family but these and nlctrl."""
        for number in [n for n in self.by_id if n not in numbers and n != GENL_ID_CTRL]:
            self._forget(number)
        self._numbers = {family.name: n for n, family in self.by_id.items()}

    def learn(self, m: DecodeContext, start: int, end: int) -> Family | None:
        """Take in one nlctrl message about a family; the family if it is there now, None if it went or the message is
        about none."""
        if end - start < NLMSG_HDRLEN + GENL_HDRLEN:
            return None
        command = m.data[start + NLMSG_HDRLEN]
        number: int | None = None
        name = ""
        header = 0
        groups: dict[str, int] = {}
        for kind, _, begin, stop in self.children(m, start + NLMSG_HDRLEN + GENL_HDRLEN, end, ""):
            if kind == ATTR_FAMILY_ID and stop - begin >= 2:
                number = self._number(m, begin, 2)
            elif kind == ATTR_FAMILY_NAME:
                name = _text(m.data[begin:stop])
            elif kind == ATTR_HDRSIZE and stop - begin >= 4:
                header = self._number(m, begin, 4)
            elif kind == ATTR_MCAST_GROUPS:
                groups = self._groups(m, begin, stop)
        if number is None:
            return None
        known = self.by_id.get(number)
        if command == DELFAMILY:
            self._forget(number)
        elif command == NEWFAMILY and name and (known is not None or len(self.by_id) < REMEMBERED):
            # A name is that of one family: under another number it went and came back, and the deletion was lost.
            before = self._numbers.get(name, number)
            if before not in {number, GENL_ID_CTRL} and self.name(before) == name:
                self._forget(before)
            self._forget(number)
            self._numbers[name] = number
            family = self.by_id[number] = Family(number, name, {}, header)
            self._regroup(family, groups)
        elif command == NEWMCAST_GRP and known is not None:
            self._regroup(known, groups)
        elif command == DELMCAST_GRP and known is not None:
            self._regroup(known, dict.fromkeys(groups))
        return self.by_id.get(number)

    def _forget(self, number: int) -> None:
        family = self.by_id.pop(number, None)
        if family is not None:
            self._regroup(family, dict.fromkeys(family.groups))

    def _regroup(self, family: Family, groups: Mapping[str, int | None]) -> None:
        """Groups of a family have these numbers, or are there no longer."""
        for name, number in groups.items():
            before = family.groups.pop(name, None)
            if before is not None:
                self.regroupings.append(Regrouping(family.name, before, there=False))
            if number is not None and len(family.groups) < GROUPS_KEPT:
                family.groups[name] = number
                self.regroupings.append(Regrouping(family.name, number, there=True))

    def _groups(self, m: DecodeContext, begin: int, end: int) -> dict[str, int]:
        found = {}
        for _, _, first, last in self.children(m, begin, end, "CTRL_ATTR_MCAST_GROUPS"):
            name, number = "", 0
            for kind, _, at, stop in self.children(m, first, last, "CTRL_ATTR_MCAST_GROUPS"):
                if kind == GRP_NAME:
                    name = _text(m.data[at:stop])
                elif kind == GRP_ID and stop - at >= 4:
                    number = self._number(m, at, 4)
            if name and number:
                found[name] = number
        return found

    def _number(self, m: DecodeContext, at: int, size: int) -> int:
        return int.from_bytes(m.data[at : at + size], "little" if self._byteorder == "little" else "big")


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
