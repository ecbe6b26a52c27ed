"""Messages that say less of an object than the kernel knows: what they leave out stays as it was.

- link: wireless extensions announce an event by RTM_NEWLINK with IFLA_WIRELESS, flags and name
  (net/wireless/wext-core.c, rtnetlink_ifinfo_prep). A whole description always has IFLA_MTU and IFLA_OPERSTATE
  (net/core/rtnetlink.c, rtnl_fill_ifinfo); a message with neither is none. Bridge ports have no such messages.
- entry of a forwarding database: behind the announcement of the device itself comes one of net/core/rtnetlink.c
  (rtnl_fdb_notify) with address and vlan alone.

Not here: which object a message is about (``keys``).
"""

from __future__ import annotations

from typing import Protocol

from nlmon.objects.values import Neighbour
from nlmon.uapi import NTF_SELF

__all__ = ["PARTIAL_LINK", "DescribedLink", "is_echo", "is_partial_link"]

# What a message of a part of a link may give; a name that it leaves out stays, too.
PARTIAL_LINK = ("flags", "ifname")


class DescribedLink(Protocol):
    """What the kernel says of each link."""

    @property
    def mtu(self) -> object: ...
    @property
    def operstate(self) -> object: ...


def is_partial_link(link: DescribedLink) -> bool:
    """Whether RTM_NEWLINK gives flags and name of a link, and nothing else of it."""
    return link.mtu is None and link.operstate is None


def is_echo(before: Neighbour | None, entry: Neighbour) -> bool:
    """Whether a message repeats without a destination what is known with one."""
    return before is not None and before.dst is not None and entry.dst is None and bool(entry.flags & NTF_SELF)
