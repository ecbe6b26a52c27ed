"""Policies of generic netlink: nl80211 and its vendor commands.

Not here: other families, whose attributes are kept raw.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy
from nlmon.backends.libnl.policies.route import IFNAMSIZ

__all__ = ["NL80211", "NL80211_VENDOR"]

DEFINITION = "pyroute2.netlink.nl80211:nl80211cmd"
# linux/nl80211.h, where pyroute2's list has other names or ends early
NUMBERS = {
    "NL80211_ATTR_VENDOR_ID": 195,
    "NL80211_ATTR_VENDOR_SUBCMD": 196,
    "NL80211_ATTR_VENDOR_DATA": 197,
}

_ROWS = (
    Attr("wiphy", "NL80211_ATTR_WIPHY", "u32"),
    Attr("ifindex", "NL80211_ATTR_IFINDEX", "u32"),
    Attr("ifname", "NL80211_ATTR_IFNAME", "string", IFNAMSIZ),
    Attr("iftype", "NL80211_ATTR_IFTYPE", "u32"),
    Attr("mac", "NL80211_ATTR_MAC", "lladdr"),
    Attr("freq", "NL80211_ATTR_WIPHY_FREQ", "u32"),
    Attr("channel_type", "NL80211_ATTR_WIPHY_CHANNEL_TYPE", "u32"),
    Attr("wiphy_name", "NL80211_ATTR_WIPHY_NAME", "string"),
    Attr("wdev", "NL80211_ATTR_WDEV", "u64"),
    Attr("ssid", "NL80211_ATTR_SSID", "text"),
    Attr("channel_width", "NL80211_ATTR_CHANNEL_WIDTH", "u32"),
    Attr("center_freq1", "NL80211_ATTR_CENTER_FREQ1", "u32"),
    Attr("reason_code", "NL80211_ATTR_REASON_CODE", "u16"),
    Attr("status_code", "NL80211_ATTR_STATUS_CODE", "u16"),
    Attr("timed_out", "NL80211_ATTR_TIMED_OUT", "flag"),
    Attr("disconnected_by_ap", "NL80211_ATTR_DISCONNECTED_BY_AP", "flag"),
    Attr("frame", "NL80211_ATTR_FRAME", "hex"),
)
_VENDOR_ROWS = (
    Attr("vendor_id", "NL80211_ATTR_VENDOR_ID", "u32"),
    Attr("vendor_subcmd", "NL80211_ATTR_VENDOR_SUBCMD", "u32"),
    Attr("vendor_data", "NL80211_ATTR_VENDOR_DATA", "hex"),
)

NL80211 = Policy(DEFINITION, _ROWS, NUMBERS)
NL80211_VENDOR = Policy(DEFINITION, _VENDOR_ROWS + _ROWS, NUMBERS)
