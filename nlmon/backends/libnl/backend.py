"""The libnl implementation: sockets, families, caches and recovery around the decoder of messages.

Deviations can be made by a subclass that replaces an entry of ``decoders``, ``handlers`` or ``groups``, or one of
the methods.

Not here: decoding (``decode``), asking (``requests``), what caches and recovery hold (``cache``, ``recovery``).
"""

from __future__ import annotations

import contextlib
import errno
import struct
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from nlmon.backends.base import methods_of
from nlmon.backends.libnl.cache import CACHES, Cache, CacheStatus
from nlmon.backends.libnl.decode.families import GENL_ID_CTRL, Family
from nlmon.backends.libnl.decode.messages import AUDIT, GENERIC, NETFILTER, ROUTE, SOCK_DIAG, XFRM
from nlmon.backends.libnl.decode.network import GROUPS
from nlmon.backends.libnl.dump import Outcome
from nlmon.backends.libnl.policies.readers import Reading
from nlmon.backends.libnl.pool import Pool
from nlmon.backends.libnl.recovery import DUMPS, Tracker
from nlmon.backends.libnl.requests import NLM_F_DUMP, NLM_F_REQUEST, Requests
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import LayoutStatus
from nlmon.errors import NotFound, Overrun, ResyncIncomplete, TransportError, UsageError
from nlmon.events import Decoded, Event, LinkInfo
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram

__all__ = ["LibnlBackend"]

CTRL_CMD_GETFAMILY = 3
SECOND = 1_000_000_000
# Further attempts to make up for a loss after one whose dumps were interrupted, and seconds between attempts.
RESYNC_ATTEMPTS = 3
PAUSE = 1.0
# So many seconds of a burst are waited for before a loss is made up for.
PATIENCE = 10.0
# The socket is gone in a way that a new one mends: its descriptor is closed, or another file's by now.
LOST = {errno.EBADF, errno.ENOTSOCK, errno.ENOTCONN}


class LibnlBackend(Requests, bulk=True):
    """The rich implementation; see the module."""

    name: ClassVar[str] = "libnl"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType(
        {
            ROUTE: (1, 3, 5, 7, 8, 9, 11, 19),
            # linux/sock_diag.h: destroyed TCP and UDP sockets of both families
            SOCK_DIAG: (1, 2, 3, 4),
            # linux/xfrm.h: acquire, expire, states, policies, aevents
            XFRM: (1, 2, 3, 4, 5),
            AUDIT: (1,),
            # linux/netfilter/nfnetlink_compat.h: flows and expectations, new, updated and destroyed
            NETFILTER: (1, 2, 3, 4, 5, 6),
            # nlctrl's own; the groups of families are joined as nlctrl names them
            GENERIC: (GENL_ID_CTRL,),
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        odd = set(self.options.caches) - CACHES.keys() or set(self.options.extra_groups) - GROUPS.keys()
        if odd:
            known = ", ".join((*CACHES, *GROUPS))
            raise UsageError("NLM-B005", f"there is no cache or group called {min(odd)!r}", hint=f"there are {known}")
        self.cache = Cache(self.options.caches, self.options.cache_size, self.options.cache_ttl)
        self._tracker: Tracker | None = Tracker() if self.options.resync else None
        # When a loss was noticed that no dump has mended yet, as the event that tells of it; and the last mending.
        self._lost: Event | None = None
        self._mended = 0
        # When a message came last, after a loss.
        self._heard = 0
        # How often in a row a loss could not be made up for.
        self._failures = 0
        # Generic groups that were joined, or refused; and whether nlctrl may have said something unheard.
        self._joined: set[int] = set()
        self._unheard = False
        self._pools: dict[int, Pool] = {}

    # -- sockets and groups ------------------------------------------------------------------------------------

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """The usual groups, and for NETLINK_ROUTE those of ``options.extra_groups``."""
        more = [number for name in self.options.extra_groups for number in GROUPS.get(name, ())]
        return (*super().groups_of(protocol), *more) if protocol == ROUTE else super().groups_of(protocol)

    def opened(self, protocol: int, transport: Transport) -> None:
        """Learn the generic families and join the groups of those that are wanted; fill the caches."""
        if self.options.message_pool_size is not None:
            self._pools.setdefault(protocol, Pool(self.options.message_pool_size, self.options.pool_policy))
        if protocol == GENERIC:
            self._joined = set()
            self._learn_families()
        elif protocol == ROUTE:
            for kind in self.options.caches:
                self._fill(self.cache, kind)
            if self._tracker is not None and self._lost is None:
                for dump in DUMPS:
                    self._tracker.seed(self.whole_dump(*dump))

    def refresh(self) -> None:
        """Ask for families again, and for the caches' objects at the next idle moment."""
        self._learn_families()
        self.cache.expire()

    def _learn_families(self) -> None:
        """Ask nlctrl for its families and join what is wanted of them; a family that is not there yet is joined when
        nlctrl announces it."""
        if GENERIC not in self._transports:
            return
        body = struct.pack("BBH", CTRL_CMD_GETFAMILY, 1, 0)
        found, tracker = self._ask(GENERIC, GENL_ID_CTRL, body, NLM_F_REQUEST | NLM_F_DUMP)
        there = [self._follow(datagram, offset, end) for datagram, offset, end in found]
        if tracker.outcome(len(there)) is Outcome.COMPLETE:
            self.families.keep({family.id for family in there if family is not None})
        self._regroup()

    def resolve(self, name: str) -> int:
        """Number of a generic family. Raises ``NotFound`` with the families there are, ``UsageError`` when
        NETLINK_GENERIC is not enabled."""
        if GENERIC not in self._transports:
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
        return tuple(name for name in self.options.generic_families or () if self.families.named(name) is None)

    def observed(self, datagram: Datagram, decoded: Decoded) -> None:
        """Follow families that nlctrl announces, before events of theirs can come."""
        if datagram.protocol == GENERIC:
            told = [event.offset for event in decoded.events if event.msg_type == GENL_ID_CTRL]
            for offset in told:
                self._follow(datagram, offset, offset + self._header(datagram.data, offset)[0])
            if told:
                self._regroup()

    def _follow(self, datagram: Datagram, offset: int, end: int) -> Family | None:
        return self.families.learn(Reading(datagram.data, datagram.frame, []), offset, end)

    def _regroup(self, *, again: bool = False) -> None:
        """Be in the groups of the wanted families and in no others. The kernel ends a membership with its family and
        gives the number away; so a group is left, too, and joined ``again`` where a farewell may have been lost."""
        transport = self._transports[GENERIC]
        families = [family for family in self.families.by_id.values() if self._wants(family)]
        wanted = {group for family in families for group in family.groups.values()} - {GENL_ID_CTRL}
        for group in self._joined - wanted:
            with contextlib.suppress(TransportError):
                transport.leave(group)
        for group in sorted(wanted if again else wanted - self._joined):
            try:
                transport.join(group)
            except TransportError as error:
                # Some groups need CAP_NET_ADMIN (GENL_UNS_ADMIN_PERM); the others still work.
                self.report(error, GENERIC)
        self._joined = wanted

    def _wants(self, family: Family) -> bool:
        wanted = self.options.generic_families
        return wanted is None or family.name.lower() in {name.lower() for name in wanted}

    # -- caches ------------------------------------------------------------------------------------------------

    def link_name(self, protocol: int, ifindex: int) -> str | None:
        """Name of an interface: what the cache knows, or else the transport that a message came from."""
        if self.cache.kinds and "link" in self.cache.kinds - self.cache.expired:
            found = self.cache.link_by_index(ifindex)
            if found is not None:
                return found.ifname
        transport = self._transports.get(protocol) or self._transports.get(ROUTE)
        return None if transport is None else transport.link_name(ifindex)

    def get_link_by_index(self, ifindex: int) -> LinkInfo:
        """A link from the cache, or from the kernel when the cache may lack it or is too old. Raises ``NotFound``,
        ``UsageError`` when the cache is off or NETLINK_ROUTE is not enabled, ``TransportError``."""
        return self._link(lambda cache: cache.link_by_index(ifindex), f"with index {ifindex}")

    def get_link_by_name(self, name: str) -> LinkInfo:
        """A link by its name or an alternative name; see ``get_link_by_index``."""
        return self._link(lambda cache: cache.link_by_name(name), f"called {name!r}")

    def layout_status(self) -> LayoutStatus | None:
        """Counters of the layouts; None when they are turned off."""
        return None if self.layouts is None else self.layouts.status()

    def cache_status(self) -> dict[str, CacheStatus]:
        """Counters of every cache that is on."""
        return self.cache.status()

    def _link(self, look: Callable[[Cache], LinkInfo | None], which: str) -> LinkInfo:
        if "link" not in self.cache.kinds:
            hint = f"name it in the option caches, which holds {', '.join(self.options.caches) or 'none'}"
            raise UsageError("NLM-B007", "the link cache is off", hint=hint)
        if ROUTE not in self._transports:
            raise UsageError("NLM-B002", "NETLINK_ROUTE is not enabled", hint="call enable() first")
        stale = self.cache.stale("link", self._transports[ROUTE].now())
        link = None if stale else look(self.cache)
        if stale or (link is None and "link" in self.cache.lacking):
            # The cache itself is filled when nothing waits, since older notifications would undo it.
            asked = Cache({"link"}, sys.maxsize, None)
            self._fill(asked, "link")
            link = look(asked)
        if link is None:
            raise NotFound("NLM-B006", f"there is no interface {which}")
        return link

    def _fill(self, cache: Cache, kind: str) -> None:
        now = self._transports[ROUTE].now()
        results = [self.whole_dump(*dump) for dump in CACHES[kind]]
        events = [event for result in results for event in result.events]
        cache.fill(kind, events, now, whole=all(result.whole for result in results))

    def _refill(self) -> None:
        """Fill again what has reached its time to live; what does not work now is reported and left for later."""
        now = self._transports[ROUTE].now()
        for kind in self.options.caches:
            if self.cache.stale(kind, now):
                try:
                    self._fill(self.cache, kind)
                except TransportError as error:
                    self.cache.fill(kind, (), now, whole=False)
                    self.report(error, ROUTE)

    # -- recovery ----------------------------------------------------------------------------------------------

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Report an overrun and go on; replace a lost socket by a new one with the same groups, buffers and
        families. What was lost meanwhile is made up for when nothing waits any more."""
        if not isinstance(error, Overrun) and error.errno not in LOST:
            return False
        if protocol == ROUTE and (self._tracker is not None or self.cache.kinds):
            self._lost = self._lost or self._notice()
            self._heard = self._transports[ROUTE].now()
            self._failures = min(self._failures, 1)
        self._unheard = self._unheard or protocol == GENERIC
        if not isinstance(error, Overrun):
            self._reopen(protocol)
        self.report(error)
        return True

    def _reopen(self, protocol: int) -> None:
        """A new socket for a lost one. When the kernel refuses, the protocol keeps the lost socket, closed, and the
        next read tries again."""
        lost, kept = self._transports[protocol], (self._lost, self._tracker)
        self.disable(protocol)
        self._lost, self._tracker = kept
        try:
            self.enable(protocol)
        except TransportError:
            self._transports[protocol] = lost
            self._lost, self._tracker = kept
            raise

    def idle(self, protocol: int) -> bool:
        """Nothing waits: the moment to make up for a loss, since older messages would undo it."""
        if protocol == GENERIC and self._unheard:
            self._unheard = False
            try:
                self._learn_families()
            except TransportError as error:
                self.report(error, GENERIC)
            self._regroup(again=True)
            return True
        if protocol != ROUTE:
            return False
        if self._lost is None:
            self._refill()
            return False
        if self._wait():
            return False
        template, self._mended = self._lost, self._transports[ROUTE].now()
        try:
            for kind in self.options.caches:
                self._fill(self.cache, kind)
            asked = () if self._tracker is None else DUMPS
            results = [(kind, family, self.whole_dump(kind, family)) for kind, family in asked]
        except TransportError as error:
            self._failures = max(self._failures, 1)
            self._incomplete(error.what)
            return False
        # What was interrupted may be whole the next time; what failed otherwise would fail again.
        again = any(result.interrupted for _, _, result in results) and self._failures < RESYNC_ATTEMPTS
        self._failures = self._failures + 1 if again else 0
        self._lost = self._lost if again else None
        if self._tracker is not None:
            events = list(self._tracker.differences(results, template))
            self._counts[ROUTE][0] += len(events)
            self.deliver(events)
        flaws = {result.flaw for _, _, result in results if not result.whole}
        if flaws:
            self._incomplete("dumps were " + ", ".join(sorted(flaws)))
        return True

    def _incomplete(self, why: str) -> None:
        what = "after a loss not everything could be asked for again"
        hint = "what vanished meanwhile may still be shown"
        self.report(ResyncIncomplete("NLM-T011", what, why=why, hint=hint), ROUTE)

    def _wait(self) -> float:
        """Seconds until a loss may be made up for; a failure is not repeated at once, whatever the options say."""
        interval = max(self.options.resync_interval, PAUSE if self._failures else 0.0)
        now = self._transports[ROUTE].now()
        wait = interval - (now - self._mended) / SECOND if self._mended else 0.0
        if self._lost is None or not self.options.resync_quiet:
            return max(0.0, wait)
        calm = self.options.resync_quiet - (now - self._heard) / SECOND
        # What was interrupted, or lost again meanwhile, is no reason to dump into the same burst at once.
        waited = (now - max(self._lost.timestamp, self._mended)) / SECOND
        return max(0.0, wait, min(calm, PATIENCE - waited))

    def due(self) -> float | None:
        """Seconds until a loss may be made up for or a cache is too old, 0 when now or when datagrams wait that were
        read already; None when there is nothing to do unless a descriptor is ready."""
        if self._unheard or any(pool.waits for pool in self._pools.values()):
            return 0.0
        if ROUTE not in self._transports:
            return None
        if self._lost is not None:
            return self._wait()  # it fills the caches, too
        now = self._transports[ROUTE].now() if self.options.caches else 0
        waits = [wait for kind in self.options.caches if (wait := self.cache.wait(kind, now)) is not None]
        return min(waits, default=None)

    def mending(self) -> bool:
        """Whether the tables that a loss concerns are still to be dumped."""
        return self._lost is not None

    def deliver(self, events: Sequence[Event]) -> None:
        """Take note of events for caches and recovery, then hand them over."""
        if self.cache.kinds:
            for event in events:
                self.cache.apply(event)
        if self._tracker is not None:
            for event in events:
                self._tracker.apply(event)
        super().deliver(events)

    def _notice(self) -> Event:
        """What every event about this loss has in common."""
        now = self._transports[ROUTE].now()
        return Event(now, ROUTE, 0, 0, 0, 0, self._frames.get(ROUTE, 0), 0, None, LinkInfo(0, 0, 0), synthetic=True)

    def straight(self, protocol: int) -> bool:
        """Not where families are followed, and not with caches, recovery or a pool."""
        options = self.options
        more = options.caches or options.resync or options.message_pool_size is not None
        return protocol != GENERIC and not more and self._steps_of(LibnlBackend)

    def in_bulk(self, protocol: int) -> bool:
        """Not where families are followed, and not with caches, recovery or a pool."""
        options = self.options
        more = options.caches or options.resync or options.message_pool_size is not None
        return super().in_bulk(protocol) and protocol != GENERIC and not more

    def steady(self) -> bool:
        """So is this class itself."""
        return self._is_still(LibnlBackend, METHODS)

    # -- reading and closing -----------------------------------------------------------------------------------

    def read(self, protocol: int, transport: Transport) -> Datagram | None:
        """The next datagram, from the pool if there is one."""
        pool = self._pools.get(protocol)
        datagram = transport.recv() if pool is None else pool.read(transport)
        if self._lost is not None and datagram is not None:
            self._heard = datagram.timestamp
        return datagram

    @property
    def pool_dropped(self) -> Counter[int]:
        """Datagrams that found no place in the pool, by protocol."""
        return Counter({protocol: pool.dropped for protocol, pool in self._pools.items()})

    def disable(self, protocol: int) -> None:
        """Close the sockets of a protocol; what waits in them and in the pool is gone, and what was lost stays lost."""
        super().disable(protocol)
        if protocol in self._pools:
            self._pools[protocol].clear()
        if protocol == ROUTE:
            self.cache.clear()
            self._lost, self._failures = None, 0
            self._tracker = Tracker() if self.options.resync else None
        elif protocol == GENERIC:
            self._unheard = False  # enabling asks anyway


METHODS = methods_of(LibnlBackend)
