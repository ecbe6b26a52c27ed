"""What generic netlink messages carry: the command, and for nl80211 what the guide's structures hold.

Not here: names of commands (``nlmon.names.generic``).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["GenericInfo", "Nl80211Info", "QcaVendorInfo"]

Nl80211Command: TypeAlias = Annotated[int, Meta(extra={"names": "nl80211_cmd"})]
InterfaceType: TypeAlias = Annotated[int, Meta(extra={"names": "nl80211_iftype"})]
ChannelType: TypeAlias = Annotated[int, Meta(extra={"names": "nl80211_channel_type"})]
QcaSubcommand: TypeAlias = Annotated[int, Meta(extra={"names": "qca_subcmd"})]


class Nl80211Info(Struct, frozen=True, gc=False):
    """A message of the family nl80211 (linux/nl80211.h). Frequencies in MHz.

    ``ssid``: the octets as text, every octet that is not UTF-8 as ``\\xNN``. ``wdev``: the kernel's number of the
    wireless device, which a device without network interface has too. ``timed_out``: the peer did not answer.
    """

    cmd: Nl80211Command
    wiphy: int | None = None
    ifindex: int | None = None
    ifname: str | None = None
    iftype: InterfaceType | None = None
    mac: str | None = None
    freq: int | None = None
    channel_type: ChannelType | None = None
    wiphy_name: str | None = None
    wdev: int | None = None
    ssid: str | None = None
    channel_width: int | None = None
    center_freq1: int | None = None
    reason_code: int | None = None
    status_code: int | None = None
    timed_out: bool | None = None
    disconnected_by_ap: bool | None = None
    frame: str | None = None


class QcaVendorInfo(Struct, frozen=True, gc=False):
    """A vendor command of Qualcomm Atheros (OUI 0x001374). ``data``: NL80211_ATTR_VENDOR_DATA in hexadecimal."""

    vendor_id: int
    subcmd: QcaSubcommand
    data: str | None = None


class GenericInfo(Struct, frozen=True, gc=False):
    """Any generic netlink message: ``genlmsghdr`` (linux/genetlink.h), its family, its attributes.

    ``vendor_id`` and ``vendor_subcmd``: attributes 195 and 196 of command 103 in whatever family, which is all
    that can be said where families have no names. ``family_name``: None when no nlctrl answer named the family.
    ``attributes``: (number, payload in hexadecimal) in message order, None for nl80211, whose own fields are in
    ``nl80211`` and, for vendor commands of Qualcomm Atheros, in ``qca_vendor``.
    """

    genl_family_id: int
    genl_cmd: int
    genl_version: int
    vendor_id: int | None = None
    vendor_subcmd: int | None = None
    genl_family_name: str | None | UnsetType = UNSET
    attributes: tuple[tuple[int, str], ...] | None | UnsetType = UNSET
    nl80211: Nl80211Info | None | UnsetType = UNSET
    qca_vendor: QcaVendorInfo | None | UnsetType = UNSET
