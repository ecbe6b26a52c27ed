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
from nlmon.conformance.monitor import Subject
from nlmon.conformance.run import conform
from nlmon.errors import NlmonError, TransportError
from nlmon.events import Event
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory

pytestmark = pytest.mark.slow


class KeepsSockets(LibnlBackend):
    """Forgets the socket of a protocol that is disabled, and does not close it."""

    def disable(self, protocol: int) -> None:
        self._transports.pop(protocol, None)


class OpensAgain(LibnlBackend):
    """Opens a new socket whenever it is told to enable."""

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


OURS: dict[type[Backend], set[str]] = {
    KeepsSockets: {"connection.again", "life.close", "life.disable"},
    OpensAgain: {"connection.resync", "life.twice"},
    ReadsAll: {"life.process", "pool.ahead"},
    OneCallback: {"life.callback"},
    SmallBuffers: {"life.buffers"},
    SilentRefusal: {"connection.again", "connection.enable"},
    AlwaysCaches: {
        *("cache.off", "cache.queries", "dump.interrupted", "dump.refused", "loss.resync.off", "loss.resync.whole"),
        "route.order.big",
    },
    NeverFillsAgain: {"cache.age"},
    DumpsAreEvents: {
        *("cache.bounded", "cache.silent", "connection.resync", "dump.silent", "loss.resync"),
        *("loss.resync.interrupted", "loss.resync.nothing", "loss.resync.values"),
    },
    EveryDumpIsWhole: {"dump.interrupted", "dump.refused", "loss.resync.interrupted", "loss.resync.whole"},
}
OF_THE_ZOO: dict[str, set[str]] = {
    "no rules": {"route.rule", "route.delete"},
    "no subcommand": {"generic.vendor"},
    "mark in the other byte order": {"conntrack.counters"},
    "UDP is TCP": {"sockets.protocol", "sockets.protocol.asked"},
    "no family": {"route.link.port"},
    "the peer's address": {"route.addr.own"},
    "narrow routes": {"route.route.hops", "route.route.table", "route.route.via"},
    "six bytes": {"route.link.address"},
    "header first": {"reading.counters", "reading.header"},
    "no IPv6 rules": {"route.groups"},
    "done stops": {"reading.done"},
    "control events": {"reading.noop"},
    "no minimum": {"reading.counters", "reading.header"},
    "eight bits": {"generic.vendor"},
    "any command": {"generic.vendor.command"},
    "no protocol": {"sockets.protocol.asked"},
    "swallowed errors": {"reading.error", "reading.counters"},
    "whole seconds": {"reading.time"},
    "raises on refresh": {"generic.refresh"},
    "no expectations": {"conntrack.expect"},
    "silent to the end": {"loss.told", "loss.resync.interrupted", "loss.resync.whole", "connection.told"},
    "recovery of wrong values": {"loss.resync.values"},
}


def test_each_is_found_by_the_claims_that_it_breaks() -> None:
    """By these, and by no others."""
    subjects = [Subject(cls.__name__, cls, "legacy" if issubclass(cls, LegacyBackend) else "libnl") for cls in OURS]
    subjects += [Subject(name, ZOO[name].make, ZOO[name].base) for name in OF_THE_ZOO]
    found: dict[str, set[str]] = {subject.name: set() for subject in subjects}
    for claim, result in conform(subjects).unexpected():
        found[result.implementation].add(claim.id)

    assert found == {cls.__name__: claims for cls, claims in OURS.items()} | OF_THE_ZOO
