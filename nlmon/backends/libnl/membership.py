"""Membership: the groups of generic netlink families that a socket has joined.

The kernel ends a membership when the family goes, and gives the group's number to the next family that comes. So a
group is left when its family has gone, and joined again where the announcement of that may have been lost.

Rules of this file:
1. A socket is in the groups of the wanted families and in no others, but for nlctrl's own.
2. A group that the kernel refuses is reported, and the others are joined all the same.
3. What a message of nlctrl costs depends on the groups that it changes, not on all there are.

Not here: learning families from nlctrl's messages (``decode.families``), and asking nlctrl (``backend``).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable

from nlmon.backends.libnl.decode.families import Families
from nlmon.backends.libnl.uapi import GENL_ID_CTRL
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
        self._names = frozenset(name.lower() for name in self._wanted or ())
        self._report = report
        # Groups of wanted families, with how many have each, and those that were joined, or refused.
        self._used = Counter[int]()
        self._joined: set[int] = set()
        self.outdated = False

    def opened(self) -> None:
        """Forget the groups of the last socket: there is a new one, which has joined none."""
        self._joined.clear()

    def unresolved(self) -> tuple[str, ...]:
        """Families that are wanted and that nlctrl has not named yet."""
        return tuple(name for name in self._wanted or () if self._families.named(name) is None)

    def update(self, transport: Transport, *, rejoin: bool = False) -> None:
        """Join the groups of the wanted families that there are now, and leave all others. ``rejoin``: join those anew
        that were joined before, as they may be of a family that went and came back."""
        changed = self._changed()
        if rejoin or not self._joined:
            changed |= self._used.keys()
        for group in (changed & self._joined) - self._used.keys():
            self._joined.discard(group)
            with contextlib.suppress(TransportError):
                transport.leave(group)
        for group in sorted(changed & self._used.keys()):
            if rejoin or group not in self._joined:
                self._joined.add(group)
                try:
                    transport.join(group)
                except TransportError as error:
                    # Some groups need CAP_NET_ADMIN (GENL_UNS_ADMIN_PERM).
                    self._report(error)

    def _changed(self) -> set[int]:
        """The groups that wanted families got or lost since this was asked for last."""
        regroupings, self._families.regroupings = self._families.regroupings, []
        changed = set()
        for name, group, there in regroupings:
            if group != GENL_ID_CTRL and self._wants(name):
                self._used[group] += 1 if there else -1
                changed.add(group)
        for group in changed:
            if not self._used[group]:
                del self._used[group]
        return changed

    def _wants(self, name: str) -> bool:
        return self._wanted is None or name.lower() in self._names
