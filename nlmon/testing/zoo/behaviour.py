"""Mistakes in the life of an implementation: what it joins, where it raises, what it hides, how it recovers.

Not here: what it makes of a message (``nlmon.testing.zoo.decoding``, ``nlmon.testing.zoo.events``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.difference import Class
from nlmon.errors import NlmonError
from nlmon.events import Decoded, Event, LinkInfo, RouteInfo
from nlmon.testing.zoo.base import BadImplementation, Make
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram, Datagrams

__all__ = ["BEHAVIOUR"]

ROUTE, SOCK_DIAG, XFRM, NETFILTER = 0, 4, 6, 12
BASIC, TOPOLOGY, WIRELESS = "01-route-basic", "02-route-topology", "03-nl80211"
# The number that the recorded kernel gave to the multicast group "scan" of nl80211.
NL80211_SCAN = 20


# -- it raises -----------------------------------------------------------------------------------------------------


class RaisesOnEnable(LibnlBackend):
    """Raises when a protocol is enabled."""

    def enable(self, protocol: int) -> None:
        raise RuntimeError("boom")


class RaisesOnRefresh(LibnlBackend):
    """Raises when it is to look again for families."""

    def refresh(self) -> None:
        raise RuntimeError("boom")


class RaisesOnClose(LibnlBackend):
    """Raises when it is closed."""

    def close(self) -> None:
        raise RuntimeError("boom")


class NeverDone(LibnlBackend):
    """Says for ever that it read something."""

    def process(self, protocol: int) -> bool:
        return super().process(protocol) or True


class RaisesOnce(LibnlBackend):
    """Raises on one datagram."""

    def decode(self, datagram: Datagram) -> Decoded:
        if datagram.frame == 53:
            raise IndexError("boom")
        return super().decode(datagram)


class RaisesInBulk(LibnlBackend, bulk=True):
    """Declares that it decodes in bulk, and raises then, always and one by one, too."""

    def decode(self, datagram: Datagram) -> Decoded:
        raise RuntimeError("boom")

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        raise RuntimeError("boom")


# -- it does not receive -------------------------------------------------------------------------------------------


class NoIpv6Rules(LibnlBackend):
    """Does not join the group of IPv6 rules."""

    groups: ClassVar = {**LibnlBackend.groups, ROUTE: tuple(one for one in LibnlBackend.groups[ROUTE] if one != 19)}


class NotAllGroups(LibnlBackend):
    """Joins neither nl80211's group "scan" nor that of UDP sockets of IPv4."""

    groups: ClassVar = {**LibnlBackend.groups, SOCK_DIAG: (1, 3, 4)}

    def opened(self, protocol: int, transport: Any) -> None:
        join = transport.join
        transport.join = lambda group: None if group == NL80211_SCAN else join(group)
        super().opened(protocol, transport)


class NoIpsec(LibnlBackend):
    """Does not support NETLINK_XFRM."""

    groups: ClassVar = {key: value for key, value in LibnlBackend.groups.items() if key != XFRM}


class NoExpectations(LibnlBackend):
    """Joins the groups of flows alone, not those of expectations."""

    groups: ClassVar = {**LibnlBackend.groups, NETFILTER: (1, 2, 3)}


class NotAsked(LibnlBackend):
    """Joins no more groups than usual, whatever it is asked."""

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        return self.groups[protocol]


# -- it hides ------------------------------------------------------------------------------------------------------


class SilentOverrun(LibnlBackend):
    """Goes on after an overrun and reports none."""

    def deliver(self, events: Sequence[Event]) -> None:
        super().deliver([event for event in events if event.type != "overrun"])


class SilentErrors(LibnlBackend):
    """Reports no error, that of an overrun neither."""

    def report(self, error: NlmonError, protocol: int | None = None) -> None:
        """Says nothing."""


# -- it recovers wrongly -------------------------------------------------------------------------------------------

LOSSES = Fault(100, 30), Fault(700, 300)


class NoRecovery(LibnlBackend):
    """Forgets what it lost, instead of asking the kernel."""

    def idle(self, protocol: int) -> bool:
        self._resync.loss = None
        return super().idle(protocol)


def _recovering(change: Callable[[Event], Event | None]) -> Make:
    """A libnl that believes to have delivered its resync, of which ``change`` gives something else."""

    class WrongRecovery(LibnlBackend):
        def set_callback(
            self, on_event: Callable[[Event], None] | None, on_error: Callable[[NlmonError], None] | None = None
        ) -> None:
            def changed(event: Event) -> None:
                found = change(event) if event.synthetic else event
                if found is not None and on_event is not None:
                    on_event(found)

            super().set_callback(changed, on_error)

    return WrongRecovery


def _wrong_values(event: Event) -> Event:
    """Another MTU of a link, another interface of a route."""
    if isinstance(event.payload, LinkInfo):
        return structs.replace(event, payload=structs.replace(event.payload, mtu=1))
    if isinstance(event.payload, RouteInfo):
        return structs.replace(event, payload=structs.replace(event.payload, oif=77))
    return event


class LossyRecovery(LibnlBackend):
    """Loses every third link behind an overrun, though it recovers what was lost in it."""

    after = 0

    def deliver(self, events: Sequence[Event]) -> None:
        kept = []
        for event in events:
            if isinstance(event.payload, LinkInfo) and not event.synthetic and self.status().protocols[ROUTE].errors:
                self.after += 1
                if self.after % 3 == 0:
                    continue
            kept.append(event)
        super().deliver(kept)


# -- what shows them -----------------------------------------------------------------------------------------------


def _bad(
    name: str,
    mistake: type[LibnlBackend],
    recording: str,
    found_as: Class,
    *groups: str,
    faults: tuple[Fault, ...] = (),
) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=(mistake.__doc__ or "").strip(),
        make=mistake,
        found_as=frozenset({found_as}),
        recording=recording,
        options=BackendOptions(extra_groups=groups),
        faults=faults,
    )


def _after_a_loss(name: str, description: str, make: Make, *more: Class) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=description,
        make=make,
        found_as=frozenset({Class.STATE, *more}),
        recording=TOPOLOGY,
        options=BackendOptions(resync=True, resync_interval=0.0),
        faults=LOSSES,
    )


BEHAVIOUR = (
    _bad("raises on enable", RaisesOnEnable, WIRELESS, Class.CRASH),
    _bad("raises on refresh", RaisesOnRefresh, WIRELESS, Class.CRASH),
    _bad("raises on close", RaisesOnClose, WIRELESS, Class.CRASH),
    _bad("never done", NeverDone, WIRELESS, Class.CRASH),
    _bad("raises once", RaisesOnce, TOPOLOGY, Class.CRASH),
    _bad("raises in bulk", RaisesInBulk, TOPOLOGY, Class.CRASH),
    _bad("no group of IPv6 rules", NoIpv6Rules, BASIC, Class.MISSING),
    _bad("not all groups of nl80211", NotAllGroups, WIRELESS, Class.MISSING),
    _bad("not all groups of sockets", NotAllGroups, "05-sock_diag", Class.MISSING),
    _bad("no IPsec", NoIpsec, "06-xfrm", Class.MISSING),
    _bad("no expectations", NoExpectations, "04-conntrack", Class.MISSING),
    _bad("no more groups", NotAsked, "08-tc", Class.MISSING, "tc"),
    _bad("silent overrun", SilentOverrun, BASIC, Class.ERROR, faults=(Fault(100, 20),)),
    _bad("silent to the end", SilentErrors, BASIC, Class.ERROR, faults=(Fault(600, 100_000),)),
    _after_a_loss("no recovery", "Forgets what it lost.", NoRecovery),
    _after_a_loss("silent recovery", "Delivers nothing of what it lost.", _recovering(lambda _: None)),
    _after_a_loss(
        "recovery of what came",
        "Delivers what came while it missed messages, and not what went.",
        _recovering(lambda e: e if e.msg_type & 3 == 0 else None),
    ),
    _after_a_loss(
        "recovery the wrong way round",
        "Delivers what came as gone.",
        _recovering(lambda e: structs.replace(e, msg_type=e.msg_type | 1)),
    ),
    _after_a_loss("recovery of wrong values", "Delivers wrong values of what it lost.", _recovering(_wrong_values)),
    _after_a_loss(
        "recovery without routes",
        "Delivers no routes of those that it lost.",
        _recovering(lambda e: None if isinstance(e.payload, RouteInfo) else e),
    ),
    _after_a_loss("loses later", "Loses links after its resync.", LossyRecovery, Class.MISSING),
)
