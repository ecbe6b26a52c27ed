"""Parses generic netlink by hand: the command, and the two numbers of a vendor command.

Without names a family is its number. A vendor command is one with number 103 in whatever family, which is right
for nl80211 and could be wrong for a family that has a 103 of its own; that is a limit of this implementation.

Numbers: linux/genetlink.h, linux/nl80211.h.

Not here: nl80211's fields and names of any kind.
"""

from __future__ import annotations

from nlmon.backends.legacy.reading import Message, Parsed, Reader
from nlmon.events import GenericInfo

__all__ = ["GenericParser"]

CMD_VENDOR = 103


class GenericParser(Reader):
    """Messages of any family."""

    def parse_generic(self, m: Message) -> Parsed:
        """genlmsghdr, and of a vendor command its vendor and subcommand."""
        (family,) = self._u16.unpack_from(m.data, m.start + 4)
        command, version = m.data[m.start + 16], m.data[m.start + 17]
        vendor = subcommand = None
        # The attributes of other commands may stand behind a header of their family, which has no name here.
        for kind, at, begin, end in self.attributes(m, m.start + 20, m.end) if command == CMD_VENDOR else ():
            if kind == 195:
                vendor = self.u32(m, at, begin, end, "NL80211_ATTR_VENDOR_ID")
            elif kind == 196:
                subcommand = self.u32(m, at, begin, end, "NL80211_ATTR_VENDOR_SUBCMD")
        return GenericInfo(family, command, version, vendor, subcommand), None
