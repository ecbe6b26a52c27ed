"""The libnl implementation: sockets, families, caches and resynchronization around the decoder of messages.

Deviations can be made by a subclass that replaces an entry of ``decoders``, ``handlers`` or ``groups``, or one of
the methods.

Not here: decoding (``decode``), asking (``requests``), caches (``lookups``), which groups of families are joined
(``membership``), and what is done about a loss (``resync``).
"""

from __future__ import annotations

import errno
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from msgspec import structs

from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.libnl.cache import CACHES
from nlmon.backends.libnl.decode.families import Family
from nlmon.backends.libnl.dump import Outcome
from nlmon.backends.libnl.lookups import Lookups
from nlmon.backends.libnl.membership import Membership
from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.pool import Pool
from nlmon.backends.libnl.resync import Resync
from nlmon.backends.libnl.uapi import (
    CTRL_CMD_GETFAMILY,
    GENL_ID_CTRL,
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLM_F_DUMP,
    NLM_F_REQUEST,
)
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus
from nlmon.errors import NotFound, Overrun, ResyncIncomplete, TransportError, UsageError
from nlmon.events import Decoded, Event
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram

__all__ = ["LibnlBackend"]

# Errors of a socket that a new one does not have: its descriptor is closed, or another file's by now.
LOST = {errno.EBADF, errno.ENOTSOCK, errno.ENOTCONN}


class LibnlBackend(Lookups, bulk=True, layouts=True):
    """The rich implementation; see the module."""

    name: ClassVar[str] = "libnl"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType(
        {
            NETLINK_ROUTE: (1, 3, 5, 7, 8, 9, 11, 19),
            # linux/sock_diag.h: destroyed TCP and UDP sockets of both families
            NETLINK_SOCK_DIAG: (1, 2, 3, 4),
            # linux/xfrm.h: acquire, expire, states, policies, aevents
            NETLINK_XFRM: (1, 2, 3, 4, 5),
            NETLINK_AUDIT: (1,),
            # linux/netfilter/nfnetlink_compat.h: flows and expectations, new, updated and destroyed
            NETLINK_NETFILTER: (1, 2, 3, 4, 5, 6),
            # nlctrl's own; the groups of families are joined as nlctrl names them
            NETLINK_GENERIC: (GENL_ID_CTRL,),
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        for what, given, known in (
            ("cache", self.options.caches, CACHES),
            ("group", self.options.extra_groups, EXTRA_GROUPS),
        ):
            if odd := set(given) - known.keys():
                hint = f"there are {', '.join(known)}"
                raise UsageError("NLM-B005", f"there is no {what} called {min(odd)!r}", hint=hint)
        self._resync = Resync(self.options)
        self._membership = Membership(
            self.families, self.options.generic_families, lambda error: self.report(error, NETLINK_GENERIC)
        )
        self._pools: dict[int, Pool] = {}

    # -- sockets and groups ------------------------------------------------------------------------------------

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """The usual groups, and for NETLINK_ROUTE those of ``options.extra_groups``."""
        more = [number for name in self.options.extra_groups for number in EXTRA_GROUPS.get(name, ())]
        return (*super().groups_of(protocol), *more) if protocol == NETLINK_ROUTE else super().groups_of(protocol)

    def opened(self, protocol: int, transport: Transport) -> None:
        """Learn the generic families and join the groups of those that are wanted; fill the caches."""
        if self.options.message_pool_size is not None:
            self._pools.setdefault(protocol, Pool(self.options.message_pool_size, self.options.pool_policy))
        if protocol == NETLINK_GENERIC:
            self._membership.opened()
            self._learn_families()
        elif protocol == NETLINK_ROUTE:
            for kind in self.options.caches:
                self.fill_cache(self.cache, kind)
            if self._resync.tracker is not None and self._resync.loss is None:
                for dump in self._resync.dumps:
                    self._resync.tracker.begin(*dump, self.whole_dump(*dump))

    def disable(self, protocol: int) -> None:
        """Close the sockets of a protocol; what waits in them and in the pool is gone, and what was lost stays lost."""
        super().disable(protocol)
        if protocol in self._pools:
            self._pools[protocol].clear()
        if protocol == NETLINK_ROUTE:
            self.cache.clear()
            self._resync.clear()
        elif protocol == NETLINK_GENERIC:
            self._membership.outdated = False  # enabling asks anyway

    def refresh(self) -> None:
        """Ask for families again, and for the caches' objects at the next idle moment."""
        self._learn_families()
        self.cache.expire()

    # -- generic families --------------------------------------------------------------------------------------

    def resolve(self, name: str) -> int:
        """Number of a generic family. Raises ``NotFound`` with the families there are, ``UsageError`` when
        NETLINK_GENERIC is not enabled."""
        if NETLINK_GENERIC not in self._transports:
            raise UsageError("NLM-B002", "NETLINK_GENERIC is not enabled", hint="call enable() first")
        found = self.families.named(name)
        if found is None:
            self._learn_families()
            found = self.families.named(name)
        if found is None:
            near, names = self.families.suggestions(name)
            hint = f"did you mean {near}?" if near else "load the kernel module that provides it"
            raise NotFound(
                "NLM-B004", f"Failed to resolve family '{name}'", why="families here: " + ", ".join(names), hint=hint
            )
        return found.id

    def unresolved(self) -> tuple[str, ...]:
        """Families that the options ask for and nlctrl has not named yet."""
        return self._membership.unresolved()

    def observed(self, datagram: Datagram, decoded: Decoded) -> None:
        """Follow families that nlctrl announces, before events of theirs can come."""
        if datagram.protocol == NETLINK_GENERIC:
            families = [event.offset for event in decoded.events if event.msg_type == GENL_ID_CTRL]
            for offset in families:
                self._learn_family(datagram, offset, offset + self._header(datagram.data, offset)[0])
            if families:
                self._membership.update(self._transports[NETLINK_GENERIC])

    def _learn_families(self) -> None:
        """Ask nlctrl for its families and join what is wanted of them; a family that is not there yet is joined when
        nlctrl announces it."""
        if NETLINK_GENERIC not in self._transports:
            return
        body = struct.pack("BBH", CTRL_CMD_GETFAMILY, 1, 0)
        found, tracker = self._ask(NETLINK_GENERIC, GENL_ID_CTRL, body, NLM_F_REQUEST | NLM_F_DUMP)
        there = [self._learn_family(datagram, offset, end) for datagram, offset, end in found]
        if tracker.outcome(len(there)) is Outcome.COMPLETE:
            self.families.keep({family.id for family in there if family is not None})
        self._membership.update(self._transports[NETLINK_GENERIC])

    def _learn_family(self, datagram: Datagram, offset: int, end: int) -> Family | None:
        return self.families.learn(DecodeContext(datagram.data, datagram.frame, []), offset, end)

    # -- losses ------------------------------------------------------------------------------------------------

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Report an overrun and go on; replace a lost socket by a new one with the same groups, buffers and
        families. The tables are dumped when nothing waits any more."""
        if not isinstance(error, Overrun) and error.errno not in LOST:
            return False
        if protocol == NETLINK_ROUTE and (self._resync.tracker is not None or self.cache.kinds):
            self._resync.note_loss(self._transports[NETLINK_ROUTE].now(), self._frames.get(NETLINK_ROUTE, 0))
        elif protocol == NETLINK_GENERIC:
            self._membership.outdated = True
        if not isinstance(error, Overrun):
            self._reopen(protocol)
        self.report(error)
        return True

    def _reopen(self, protocol: int) -> None:
        """A new socket for a lost one. When the kernel refuses, the protocol keeps the lost socket, closed, and the
        next read tries again."""
        lost, loss = self._transports[protocol], self._resync.saved()
        self.disable(protocol)
        self._resync.restore(loss)
        try:
            self.enable(protocol)
        except TransportError:
            self._transports[protocol] = lost
            self._resync.restore(loss)
            raise

    def idle(self, protocol: int) -> bool:
        """Nothing waits: the moment to dump after a loss, since older messages would undo it."""
        if protocol == NETLINK_GENERIC and self._membership.outdated:
            self._membership.outdated = False
            try:
                self._learn_families()
            except TransportError as error:
                self.report(error, NETLINK_GENERIC)
            self._membership.update(self._transports[NETLINK_GENERIC], rejoin=True)
            return True
        if protocol != NETLINK_ROUTE:
            return False
        if self._resync.loss is None:
            self.refill_caches()
            return False
        now = self._transports[NETLINK_ROUTE].now()
        return not self._resync.wait(now) and self._resynchronize(now)

    def _resynchronize(self, now: int) -> bool:
        """Dump the tables and deliver what changed; whether all dumps were answered."""
        self._resync.begin(now)
        try:
            for kind in self.options.caches:
                self.fill_cache(self.cache, kind)
            results = [(kind, family, self.whole_dump(kind, family)) for kind, family in self._resync.dumps]
        except TransportError as error:
            self._resync.fail()
            self._report_incomplete(error.what)
            return False
        events = self._resync.finish(results)
        self._counts[NETLINK_ROUTE][0] += len(events)
        self.deliver(events)
        flaws = {result.flaw for _, _, result in results if not result.whole}
        if flaws:
            self._report_incomplete("dumps were " + ", ".join(sorted(flaws)))
        return True

    def _report_incomplete(self, why: str) -> None:
        what = "the resync after a loss is incomplete"
        hint = "objects that were deleted meanwhile may still be reported"
        self.report(ResyncIncomplete("NLM-T011", what, why=why, hint=hint), NETLINK_ROUTE)

    def due(self) -> float | None:
        """Seconds until tables are dumped after a loss or a cache is too old, 0 when now or when datagrams wait that
        were read already; None when there is nothing to do unless a descriptor is ready."""
        if self._membership.outdated or any(pool.waits for pool in self._pools.values()):
            return 0.0
        if NETLINK_ROUTE not in self._transports:
            return None
        if self._resync.loss is not None:
            return self._resync.wait(self._transports[NETLINK_ROUTE].now())  # it fills the caches, too
        now = self._transports[NETLINK_ROUTE].now() if self.options.caches else 0
        waits = [wait for kind in self.options.caches if (wait := self.cache.wait(kind, now)) is not None]
        return min(waits, default=None)

    def resyncing(self) -> bool:
        """Whether the tables that a loss concerns are still to be dumped."""
        return self._resync.loss is not None

    # -- reading and delivering --------------------------------------------------------------------------------

    def read(self, protocol: int, transport: Transport) -> Datagram | None:
        """The next datagram, from the pool if there is one."""
        pool = self._pools.get(protocol)
        datagram = transport.recv() if pool is None else pool.read(transport)
        if self._resync.loss is not None and datagram is not None:
            self._resync.received(datagram.timestamp)
        return datagram

    def deliver(self, events: Sequence[Event]) -> None:
        """Take note of events for caches and resynchronization, then hand them over."""
        if self.cache.kinds:
            for event in events:
                self.cache.apply(event)
        if self._resync.tracker is not None:
            for event in events:
                if not event.synthetic:  # else the tracker has made it
                    self._resync.tracker.apply(event)
        super().deliver(events)

    def in_bulk(self, protocol: int, transport: Transport | None) -> bool:
        """Not where families are followed, and not with caches, recovery or a pool."""
        options = self.options
        more = options.caches or options.resync or options.message_pool_size is not None
        return super().in_bulk(protocol, transport) and protocol != NETLINK_GENERIC and not more

    # -- counters ----------------------------------------------------------------------------------------------

    def status(self) -> BackendStatus:
        """Counters and socket settings, and the layouts unless they are turned off."""
        layouts = None if self.layouts is None else self.layouts.status()
        return structs.replace(super().status(), layouts=layouts)

    @property
    def pool_waiting(self) -> Counter[int]:
        """Datagrams in the pool that are not delivered yet, by protocol."""
        return Counter({protocol: pool.waiting for protocol, pool in self._pools.items()})
