"""Membership: the groups of generic netlink families that a socket has joined.

The kernel ends a membership when the family goes, and gives the group's number to the next family that comes. So a
group is left when its family has gone, and joined again where the announcement of that may have been lost.

Rules of this file:
1. A socket is in the groups of the wanted families and in no others, but for nlctrl's own.
2. A group that the kernel refuses is reported, and the others are joined all the same.

Not here: learning families from nlctrl's messages (``decode.families``), and asking nlctrl (``backend``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from nlmon.backends.libnl.decode.families import GENL_ID_CTRL, Families, Family
from nlmon.errors import TransportError
from nlmon.transport.base import Transport

__all__ = ["Membership"]


class Membership:
    """The groups that one socket of NETLINK_GENERIC has joined. ``wanted`` names families, None: all there are.
    ``report`` takes what the kernel refuses. ``outdated``: announcements of nlctrl may have been lost."""

    def __init__(
        self, families: Families, wanted: Iterable[str] | None, report: Callable[[TransportError], None]
    ) -> None:
        self._families = families
        self._wanted = None if wanted is None else tuple(wanted)
        self._report = report
        # Groups that were joined, or refused.
        self._joined: frozenset[int] = frozenset()
        self.outdated = False

    def opened(self) -> None:
        """Forget the groups of the last socket: there is a new one, which has joined none."""
        self._joined = frozenset()

    def unresolved(self) -> tuple[str, ...]:
        """Families that are wanted and that nlctrl has not named yet."""
        return tuple(name for name in self._wanted or () if self._families.named(name) is None)

    def update(self, transport: Transport, *, rejoin: bool = False) -> None:
        """Join the groups of the wanted families that there are now, and leave all others. ``rejoin``: join those anew
        that were joined before, as they may be of a family that went and came back."""
        families = [family for family in self._families.by_id.values() if self._wants(family)]
        groups = frozenset(group for family in families for group in family.groups.values()) - {GENL_ID_CTRL}
        for group in self._joined - groups:
            with contextlib.suppress(TransportError):
                transport.leave(group)
        for group in sorted(groups if rejoin else groups - self._joined):
            try:
                transport.join(group)
            except TransportError as error:
                # Some groups need CAP_NET_ADMIN (GENL_UNS_ADMIN_PERM).
                self._report(error)
        self._joined = groups

    def _wants(self, family: Family) -> bool:
        return self._wanted is None or family.name.lower() in {name.lower() for name in self._wanted}
