"""NETLINK_XFRM: message types, modes, directions and actions of policies.

Source: linux/xfrm.h.

Not here: algorithms, which the kernel names itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MESSAGES", "TABLES"]

_MESSAGES = """
    NEWSA DELSA GETSA NEWPOLICY DELPOLICY GETPOLICY ALLOCSPI ACQUIRE EXPIRE UPDPOLICY UPDSA POLEXPIRE FLUSHSA
    FLUSHPOLICY NEWAE GETAE REPORT MIGRATE NEWSADINFO GETSADINFO NEWSPDINFO GETSPDINFO MAPPING SETDEFAULT GETDEFAULT
"""

MESSAGES: Mapping[int, str] = MappingProxyType(
    {number: f"XFRM_MSG_{name}" for number, name in enumerate(_MESSAGES.split(), 16)}
)
TABLES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "xfrm_mode": dict(enumerate(["TRANSPORT", "TUNNEL", "ROUTEOPTIMIZATION", "IN_TRIGGER", "BEET", "IPTFS"])),
        "xfrm_dir": dict(enumerate(["IN", "OUT", "FWD"])),
        "xfrm_action": dict(enumerate(["ALLOW", "BLOCK"])),
    }
)
