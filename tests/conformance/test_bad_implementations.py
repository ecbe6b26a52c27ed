"""A claim can fail: bad implementations, and which claims find each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.dump import DumpResult, Outcome
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus
from nlmon.conformance.claim import all_claims
from nlmon.conformance.monitor import Subject
from nlmon.conformance.run import conform
from nlmon.errors import NlmonError, TransportError
from nlmon.events import Decoded, Event
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.upstream import OF_LIFE
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram

pytestmark = pytest.mark.slow


class KeepsSockets(LibnlBackend):
    """Forgets the socket of a protocol that is disabled, and does not close it."""

    def disable(self, protocol: int) -> None:
        self._transports.pop(protocol, None)


class OpensAgain(LibnlBackend):
    """Opens a new socket whenever it is asked to enable."""

    def enable(self, protocol: int) -> None:
        self.disable(protocol)
        super().enable(protocol)


class ReadsAll(LibnlBackend):
    """Reads all that waits with one call."""

    def process(self, protocol: int) -> bool:
        read = False
        while super().process(protocol):
            read = True
        return read


class OneCallback(LibnlBackend):
    """Takes one callback and keeps it."""

    taken = False

    def set_callback(
        self, on_event: Callable[[Event], None] | None, on_error: Callable[[NlmonError], None] | None = None
    ) -> None:
        if not self.taken:
            super().set_callback(on_event, on_error)
        self.taken = True


class SmallBuffers(LegacyBackend):
    """Leaves the buffers to the kernel."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        wanted = options or BackendOptions()
        super().__init__(transports, structs.replace(wanted, receive_buffer=None, send_buffer=None))


class SilentRefusal(LibnlBackend):
    """Says nothing when the kernel refuses a socket."""

    def enable(self, protocol: int) -> None:
        with contextlib.suppress(TransportError):
            super().enable(protocol)


class AlwaysCaches(LibnlBackend):
    """Caches links whether it is asked to or not."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        wanted = options or BackendOptions()
        super().__init__(transports, structs.replace(wanted, caches=wanted.caches or ("link",)))


class NeverFillsAgain(LibnlBackend):
    """Leaves an old cache as it is."""

    def refill_caches(self) -> None:
        """Does nothing."""


class DumpsAreEvents(LibnlBackend):
    """Delivers what it asked for."""

    def dump(self, *arguments: Any, **named: Any) -> DumpResult:
        result = super().dump(*arguments, **named)
        self.deliver(result.events)
        return result


class EveryDumpIsWhole(LibnlBackend):
    """Does not look how a dump ended."""

    def dump(self, *arguments: Any, **named: Any) -> DumpResult:
        return structs.replace(super().dump(*arguments, **named), outcome=Outcome.COMPLETE)


class NeverRefuses(LibnlBackend):
    """Does nothing, instead of refusing what cannot be done."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, structs.replace(options or BackendOptions(), extra_groups=()))

    def enable(self, protocol: int) -> None:
        if protocol in self.groups:
            super().enable(protocol)

    def process(self, protocol: int) -> bool:
        return protocol in self._transports and super().process(protocol)

    def dump(self, protocol: int, *arguments: Any, **named: Any) -> DumpResult:
        if protocol not in self._transports:
            return DumpResult([], [], Outcome.COMPLETE, 0)
        return super().dump(protocol, *arguments, **named)

    def resolve(self, name: str) -> int:
        found = self.families.named(name)
        return 0 if found is None else found.id


class ShortStatus(LibnlBackend):
    """Has a status of what is enabled alone."""

    def status(self) -> BackendStatus:
        found = super().status()
        return structs.replace(found, protocols={key: one for key, one in found.protocols.items() if one.enabled})


class NeverReports(LibnlBackend):
    """Joins, asks, reads and reports nothing."""

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        return ()

    def opened(self, protocol: int, transport: Transport) -> None:
        """Asks nothing."""

    def refill_caches(self) -> None:
        """Asks nothing."""

    def decode(self, datagram: Datagram) -> Decoded:
        return Decoded([], [])

    def dump(self, *arguments: Any, **named: Any) -> DumpResult:
        return structs.replace(super().dump(*arguments, **named), events=[], outcome=Outcome.UNFINISHED)

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        return True

    def fileno(self, protocol: int) -> int:
        return -1


class Loud(LibnlBackend):
    """Reports everything twice, and does what nobody asked for."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        wanted = options or BackendOptions()
        super().__init__(transports, structs.replace(wanted, resync=True, caches=("link", "addr", "route")))

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        return structs.replace(found, events=[*found.events, *found.events], errors=[*found.errors, *found.errors])


class OpensMore(LibnlBackend):
    """Listens to sockets, too, whatever it is asked to listen to."""

    def enable(self, protocol: int) -> None:
        super().enable(protocol)
        super().enable(4)


class KeepsMessages(LibnlBackend):
    """Keeps every datagram that it has read."""

    def decode(self, datagram: Datagram) -> Decoded:
        vars(self).setdefault("kept", []).append(bytes(bytearray(datagram.data)))
        return super().decode(datagram)


class CountsOn(LibnlBackend):
    """Counts what monitors before it have counted."""

    before = 0

    def close(self) -> None:
        CountsOn.before += 1
        super().close()

    def status(self) -> BackendStatus:
        found = super().status()
        rows = {key: structs.replace(one, events=one.events + self.before) for key, one in found.protocols.items()}
        return structs.replace(found, protocols=rows)


class NeverReportsLegacy(LegacyBackend):
    """Listens from the start to NETLINK_ROUTE alone, receives nothing, and never stops."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        super().enable(0)

    def enable(self, protocol: int) -> None:
        """Does nothing."""

    def disable(self, protocol: int) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""

    def process(self, protocol: int) -> bool:
        return False

    def fileno(self, protocol: int) -> int:
        return -1


OURS: dict[type[Backend], set[str]] = {
    KeepsSockets: {
        *("connection.again", "direct.reconnect", "life.close", "life.disable", "trouble.reconnect"),
        *("unified.destroy", "unified.disable"),
    },
    OpensAgain: {"connection.resync", "life.twice"},
    ReadsAll: {"life.process", "pool.ahead", "unified.process"},
    OneCallback: {"life.callback"},
    SmallBuffers: {"life.buffers", "options.buffers"},
    SilentRefusal: {"connection.again", "connection.enable", "trouble.permission", "unified.errors"},
    AlwaysCaches: {
        *("cache.off", "cache.queries", "dump.interrupted", "dump.refused", "loss.resync.off", "loss.resync.whole"),
        *("route.order.big", "options.caching.off"),
    },
    NeverFillsAgain: {"cache.age"},
    DumpsAreEvents: {
        *("cache.bounded", "cache.silent", "connection.resync", "dump.silent", "loss.resync"),
        *("loss.resync.interrupted", "loss.resync.nothing", "loss.resync.values"),
        *("direct.link", "options.rollback", "options.same"),
    },
    EveryDumpIsWhole: {"dump.interrupted", "dump.refused", "loss.resync.interrupted", "loss.resync.whole"},
    NeverRefuses: {
        *("direct.resolve", "dump.off", "generic.resolve", "life.disable", "life.off", "protocols.unknown"),
        *("route.extra", "route.extra.nexthop", "route.groups.unknown"),
    },
    ShortStatus: {"life.status"},
}
OF_THE_ZOO: dict[str, set[str]] = {
    "N02: no rules": {"route.rule", "route.delete", "structure.rule"},
    "N06: no subcommand": {"generic.vendor", "structure.vendor.old"},
    "N07: counters in the other byte order": {"conntrack.counters"},
    "N08: UDP is TCP": {"sockets.protocol", "sockets.protocol.asked"},
    "N15: no family": {"route.link.port"},
    "N16: the peer's address": {"route.addr.own"},
    "N17: narrow routes": {"route.route.hops", "route.route.table", "route.route.via"},
    "N18: six bytes": {"route.link.address"},
    "N22: header first": {"reading.counters", "reading.header"},
    "L01: no IPv6 rules": {"route.groups"},
    "L02: short buffer": {"reading.large", "reading.many"},
    "L06: unix is internet": {"sockets.unix"},
    "L03: done stops": {"reading.done"},
    "L04: control events": {"reading.noop"},
    "L05: no minimum": {"reading.counters", "reading.header"},
    "L07: eight bits": {"generic.vendor", "structure.vendor.old"},
    "L08: any command": {"generic.vendor.command"},
    "L09: no protocol": {"sockets.protocol.asked"},
    "L10: swallowed errors": {"reading.error", "reading.counters"},
    "N10: errors are nothing": {
        *("reading.counters", "reading.error", "reading.error.text", "reading.limit.control"),
        "reading.overrun-message",
    },
    "N12: empty cache": {
        *("cache.bounded", "cache.filled", "cache.followed", "cache.lookup", "cache.queries", "cache.silent"),
        *("direct.link", "loss.resync.cache", "options.rollback", "options.same"),
    },
    "N13: long lost": {"reading.large"},
    "N14: whole seconds": {"reading.time"},
    "raises on refresh": {"generic.refresh"},
    "no expectations": {"conntrack.expect"},
    "silent to the end": {
        *(
            "connection.reported",
            "generic.groups.reported",
            "loss.resync.interrupted",
            "loss.resync.whole",
            "loss.reported",
        ),
    },
    "recovery of wrong values": {"loss.resync.values"},
    "silent overrun": {
        "loss.resync.nothing",
        "loss.reported",
        "loss.unknown",
        "pool.newest",
        "pool.oldest",
        "trouble.overrun",
    },
    "L12: no netfilter": {
        *("conntrack.counters", "conntrack.destroy", "conntrack.expect", "conntrack.fields", "conntrack.groups"),
        *("conntrack.more", "conntrack.reply", "protocols.four", "protocols.sequence"),
        *("options.all-protocols", "structure.conntrack"),
    },
}
OF_THE_LIFE: dict[str, set[str]] = {
    "N09: keeps listening": {
        *("connection.again", "connection.families", "direct.reconnect", "life.close", "life.disable"),
        *("unified.destroy", "unified.disable"),
    },
    "L11: enabled from the start": {"life.off"},
}
# Claims in which a monitor moves compare all that both implementations give, so that nearly every mistake breaks some
# of them; they are tested with these.
MOVES = "test_migration or test_patterns or test_validation"
OF_MOVES: dict[type[Backend] | str, set[str]] = {
    KeepsMessages: {"validation.memory"},
    CountsOn: {"pattern.count", "pattern.switch", "rollback.restart", "validation.load"},
    SmallBuffers: {"migration.constrained"},
    DumpsAreEvents: {
        *("migration.basic", "migration.explicit", "migration.traffic", "migration.wifi"),
        *("rollback.again", "rollback.filters", "rollback.rewritten"),
    },
    "N07: counters in the other byte order": {
        *("migration.common", "migration.traffic", "rollback.rewritten"),
        *("pattern.gradual.beside", "pattern.parallel", "pattern.parallel.lines", "pattern.switch"),
    },
    "L12: no netfilter": {
        *("migration.common", "migration.explicit", "migration.fields", "migration.traffic"),
        *("pattern.canary", "pattern.count", "pattern.gradual", "pattern.gradual.beside", "pattern.parallel"),
        *("pattern.parallel.lines", "pattern.switch"),
        *("rollback.again", "rollback.filters", "rollback.restart", "rollback.rewritten"),
    },
}
# These break most claims at once, so that nothing is learned from which; but each claim must be able to fail.
GROSS = (NeverReports, Loud, OpensMore, NeverReportsLegacy)


def failed(subjects: list[Subject], select: str) -> dict[str, set[str]]:
    """The claims that each fails, of some of all claims."""
    found: dict[str, set[str]] = {subject.name: set() for subject in subjects}
    for claim, result in conform(subjects, select=select).unexpected():
        found[result.implementation].add(claim.id)
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    """The claims that each of them fails."""
    ours = (*OURS, *GROSS)
    subjects = [Subject(cls.__name__, cls, "legacy" if issubclass(cls, LegacyBackend) else "libnl") for cls in ours]
    bad = [*(ZOO[name] for name in OF_THE_ZOO), *OF_LIFE.values()]
    subjects += [Subject(one.name, one.make, one.base) for one in bad]
    return failed(subjects, f"not ({MOVES})")


@pytest.fixture(scope="module")
def found_by_moves() -> dict[str, set[str]]:
    """The claims of moves that some of them fail."""
    subjects = [
        Subject(one, ZOO[one].make, ZOO[one].base)
        if isinstance(one, str)
        else Subject(one.__name__, one, "legacy" if issubclass(one, LegacyBackend) else "libnl")
        for one in (*OF_MOVES, *GROSS)
    ]
    return failed(subjects, MOVES)


def test_each_is_found_by_the_claims_that_it_breaks(found: dict[str, set[str]]) -> None:
    """By these, and by no others."""
    expected = {cls.__name__: claims for cls, claims in OURS.items()} | OF_THE_ZOO | OF_THE_LIFE

    assert {name: found[name] for name in expected} == expected


def test_each_is_found_by_moves_that_it_breaks(found_by_moves: dict[str, set[str]]) -> None:
    """By these, and by no others."""
    expected = {one if isinstance(one, str) else one.__name__: claims for one, claims in OF_MOVES.items()}

    assert {name: found_by_moves[name] for name in expected} == expected


def test_every_claim_can_fail(found: dict[str, set[str]], found_by_moves: dict[str, set[str]]) -> None:
    """There is an implementation that it finds."""
    assert {claim.id for claim in all_claims()} - set().union(*found.values(), *found_by_moves.values()) == set()


def test_what_no_replay_shows_is_found_by_the_claim_that_it_names(found: dict[str, set[str]]) -> None:
    """Each of the known bugs of the C program that are about enabling and disabling."""
    assert [bad.name for claim, bad in OF_LIFE.items() if claim not in found[bad.name]] == []
