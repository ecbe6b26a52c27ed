"""Attributes that hold keys: what every output shows as a length only.

``SECRETS`` is the one table: for each protocol, of NETLINK_GENERIC for each family by its name, the outermost
attributes that are a key or have one inside. A family that nobody has named may be any of these, so that all its
attributes count as keys.

A password, a shared secret and a cookie that lets a packet in are keys, too. Where kernels differ in the number of an
attribute, each of its numbers is here.

Source: linux/xfrm.h, linux/inet_diag.h, linux/nl80211.h, linux/wireguard.h, linux/if_macsec.h, linux/ovpn.h,
linux/seg6_genl.h, linux/tipc_netlink.h, linux/l2tp.h, linux/tcp_metrics.h, linux/cifs/cifs_netlink.h, the kernel's own
include/linux/nl802154.h, include/net/nl802154.h, include/linux/drbd_genl.h and fs/smb/server/ksmbd_netlink.h, and its
specifications of psp and nfsd. Keys of TLS are set by setsockopt(2) and never sent by netlink.

Not here: where these are in a message (``nlmon.compare.evidence.hidden``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from nlmon.uapi import GENL_ID_CTRL, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NETLINK_XFRM

__all__ = ["ALL", "SECRETS", "SECRET_VENDOR_COMMANDS", "as_length", "is_secret", "secrets_of"]

SECRETS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "xfrm": {1: "XFRMA_ALG_AUTH", 2: "XFRMA_ALG_CRYPT", 18: "XFRMA_ALG_AEAD", 20: "XFRMA_ALG_AUTH_TRUNC"},
        "sock_diag": {18: "INET_DIAG_MD5SIG"},
        "nl80211": {
            7: "NL80211_ATTR_KEY_DATA",
            80: "NL80211_ATTR_KEY",
            81: "NL80211_ATTR_KEYS",
            122: "NL80211_ATTR_REKEY_DATA",
            197: "NL80211_ATTR_VENDOR_DATA",
            242: "NL80211_ATTR_FILS_KEK",
            252: "NL80211_ATTR_FILS_ERP_RRK",
            254: "NL80211_ATTR_PMK",
            277: "NL80211_ATTR_SAE_PASSWORD",
        },
        "wireguard": {3: "WGDEVICE_A_PRIVATE_KEY", 8: "WGDEVICE_A_PEERS"},
        "macsec": {3: "MACSEC_ATTR_SA_CONFIG"},
        "ovpn": {3: "OVPN_A_KEYCONF"},
        "psp": {3: "PSP_A_ASSOC_RX_KEY", 4: "PSP_A_ASSOC_TX_KEY"},
        "SEG6": {4: "SEG6_ATTR_SECRET", 7: "SEG6_ATTR_HMACINFO"},
        "TIPCv2": {6: "TIPC_NLA_NODE"},
        "802.15.4 MAC": {48: "IEEE802154_ATTR_LLSEC_KEY_BYTES"},
        "nl802154": dict.fromkeys((34, 35, 37, 38, 46, 48), "NL802154_ATTR_SEC_KEY"),
        "l2tp": {15: "L2TP_ATTR_COOKIE", 16: "L2TP_ATTR_PEER_COOKIE"},
        "tcp_metrics": {10: "TCP_METRICS_ATTR_FOPEN_COOKIE"},
        "cifs": {10: "CIFS_GENL_ATTR_SWN_PASSWORD"},
        "SMBD_GENL": {
            5: "KSMBD_EVENT_LOGIN_RESPONSE",
            14: "KSMBD_EVENT_SPNEGO_AUTHEN_REQUEST",
            15: "KSMBD_EVENT_SPNEGO_AUTHEN_RESPONSE",
        },
        "drbd": {5: "DRBD_NLA_NET_CONF"},
        "nfsd": {6: "NFSD_A_SERVER_FH_KEY"},
    }
)
# Subcommands of Qualcomm Atheros whose vendor data is a key: KEY_MGMT_SET_KEY and KEY_MGMT_ROAM_AUTH.
SECRET_VENDOR_COMMANDS = frozenset({50, 51})
# Instead of numbers: every attribute.
ALL = None
_NONE: frozenset[int] = frozenset()


def secrets_of(protocol: int, number: int = -1, families: Collection[str] = ()) -> frozenset[int] | None:
    """The outermost attributes of a message that hold keys, or ``ALL``. ``number``, ``families``: the number of its
    generic family, and every name that this had."""
    if protocol == NETLINK_XFRM:
        return frozenset(SECRETS["xfrm"])
    if protocol == NETLINK_SOCK_DIAG:
        return frozenset(SECRETS["sock_diag"])
    if protocol != NETLINK_GENERIC or number == GENL_ID_CTRL:
        return _NONE
    return frozenset(one for name in families for one in SECRETS.get(name, ())) if families else ALL


def is_secret(attribute: int, secrets: frozenset[int] | None) -> bool:
    """Whether an attribute is one of those, or all are."""
    return secrets is ALL or attribute in secrets


def as_length(size: int) -> str:
    """What is shown instead of so many bytes."""
    return f"({size} byte{'' if size == 1 else 's'})"
