"""Parses generic netlink by hand: the command, and the two numbers of a vendor command.

Without names a family is its number. A vendor command is one with number 103 in whatever family, which is right
for nl80211 and could be wrong for a family that has a 103 of its own; that is a limit of this implementation.

Numbers: linux/genetlink.h, linux/nl80211.h.

Not here: nl80211's fields and names of any kind.
"""

from __future__ import annotations

from nlmon.backends.legacy.reading import NLMSG_HDRLEN, ParseContext, Parsed, Reader
from nlmon.events import GenericInfo

__all__ = ["GENL_HDRLEN", "NL80211_ATTR_VENDOR_ID", "NL80211_ATTR_VENDOR_SUBCMD", "NL80211_CMD_VENDOR", "GenericParser"]

GENL_HDRLEN = 4
NL80211_CMD_VENDOR, NL80211_ATTR_VENDOR_ID, NL80211_ATTR_VENDOR_SUBCMD = 103, 195, 196


class GenericParser(Reader):
    """Messages of any family."""

    def parse_generic(self, m: ParseContext) -> Parsed:
        """genlmsghdr, and of a vendor command its vendor and subcommand."""
        (family,) = self._u16.unpack_from(m.data, m.start + 4)
        body = m.start + NLMSG_HDRLEN
        command, version = m.data[body], m.data[body + 1]
        vendor = subcommand = None
        # The attributes of other commands may stand behind a header of their family, which has no name here.
        found = self.attributes(m, body + GENL_HDRLEN, m.end) if command == NL80211_CMD_VENDOR else ()
        for kind, at, begin, end in found:
            if kind == NL80211_ATTR_VENDOR_ID:
                vendor = self.u32(m, at, begin, end, "NL80211_ATTR_VENDOR_ID")
            elif kind == NL80211_ATTR_VENDOR_SUBCMD:
                subcommand = self.u32(m, at, begin, end, "NL80211_ATTR_VENDOR_SUBCMD")
        return GenericInfo(family, command, version, vendor, subcommand), None
