"""Decodes generic netlink: nl80211 with its own fields, Qualcomm Atheros vendor commands, other families raw, behind
the header that some have of their own (ovs_*, TIPC).

Not here: which number is which family (``families``).
"""

from __future__ import annotations

import struct
from types import MappingProxyType

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.decode.families import Families
from nlmon.backends.libnl.policies import generic as policies
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.policies.recipes import ATTRIBUTES, NL80211, Recipe
from nlmon.backends.libnl.uapi import GENL_HDRLEN, NLMSG_HDRLEN
from nlmon.backends.reads import Reads
from nlmon.errors import HeaderError
from nlmon.events import GenericInfo, Nl80211Info, QcaVendorInfo

__all__ = ["GenericDecoder"]

NL80211_CMD_VENDOR = 103
QCA_OUI = 0x001374
# The attributes of a vendor command, in a family whose name is not known.
VENDOR_NUMBERS = {195: "NL80211_ATTR_VENDOR_ID", 196: "NL80211_ATTR_VENDOR_SUBCMD"}


class GenericDecoder(Decoder, layouts=True):
    """Decoder of generic messages for one byte order; ``families`` gives names to numbers; a backend replaces it by
    those that it learns."""

    nl80211_policy = policies.NL80211
    vendor_policy = policies.NL80211_VENDOR
    recipes = MappingProxyType({"nl80211": NL80211})

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        self.families = Families(byteorder)
        self._u16 = struct.Struct(self.sign + "H").unpack_from
        self._u32 = struct.Struct(self.sign + "I").unpack_from

    def recipe_of(self, handler: str, msg_type: int, first: int) -> Recipe | None:
        """Vendor commands have a policy of their own, and other families none."""
        if handler != "message" or first == NL80211_CMD_VENDOR:
            return None
        family = self.families.by_id.get(msg_type)
        return None if family is None or family.name != "nl80211" else self.recipes["nl80211"]

    def message(self, m: DecodeContext, start: int, end: int) -> Found:
        """genlmsghdr and what the family puts behind it."""
        (number,) = self._u16(m.data, start + 4)
        at = start + NLMSG_HDRLEN
        command, family = m.data[at], self.families.by_id.get(number)
        if family is None or family.name != "nl80211":
            return self._other(m, number, None if family is None else family.name, at + GENL_HDRLEN, end), None, None
        if command != NL80211_CMD_VENDOR:
            return self.by_recipe("nl80211", m, start, end, number)
        vendor_id, subcmd, vendor, *v = self.values(m, self.vendor_policy, 0, at + GENL_HDRLEN, end)
        known = vendor_id == QCA_OUI and subcmd is not None
        qca = QcaVendorInfo(vendor_id, subcmd, vendor) if known else None
        info = Nl80211Info(command, *v)
        found = GenericInfo(number, command, m.data[at + 1], vendor_id, subcmd, family.name, None, info, qca)
        return found, v[1], v[2]

    def reads(self, handler: str, size: int, first: int, family: str) -> Reads | None:
        """The attributes of a family without a policy are kept as they are."""
        if family != "nl80211":
            return Reads(size, None)
        policy = self.vendor_policy if first == NL80211_CMD_VENDOR else self.nl80211_policy
        return Reads(size, self.attributes(policy, 0))

    def _other(self, m: DecodeContext, number: int, name: str | None, at: int, end: int) -> GenericInfo:
        """A family whose attributes are kept raw; ``at`` is where its own header begins, if it has one, and the
        attributes follow."""
        command, version, header = m.data[at - 4], m.data[at - 3], self.families.header(number)
        vendor = self._vendor(m, at, end) if command == NL80211_CMD_VENDOR else (None, None)
        raw: tuple[tuple[int, str], ...] | None = None
        if at + header > end:
            what = f"the header of the family {name} needs {header} bytes, {end - at} follow the genlmsghdr"
            m.errors.append(HeaderError("NLM-D002", what, frame=m.frame, offset=at - GENL_HDRLEN, path=ATTRIBUTES))
        else:
            # What does not fit in a vendor command was reported there.
            once = DecodeContext(m.data, m.frame, []) if command == NL80211_CMD_VENDOR and not header else m
            found = self.children(once, at + header, end, ATTRIBUTES)
            raw = tuple((kind, m.data[begin:stop].hex()) for kind, _, begin, stop in found)
        return GenericInfo(number, command, version, *vendor, name, raw, None, None)

    def _vendor(self, m: DecodeContext, at: int, end: int) -> tuple[int | None, int | None]:
        """Vendor and subcommand, as they are read without knowing families, and so none of their headers."""
        found: dict[int, int | None] = {}
        for kind, offset, begin, stop in self.children(m, at, end, ""):
            if kind not in VENDOR_NUMBERS:
                continue
            found[kind] = None
            if stop - begin < 4:
                m.bad(offset, VENDOR_NUMBERS[kind], f"{stop - begin} bytes, the policy wants at least 4")
            else:
                found[kind] = self._u32(m.data, begin)[0]
        vendor, subcommand = (found.get(one) for one in VENDOR_NUMBERS)
        return vendor, subcommand
