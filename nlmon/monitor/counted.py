"""The status of a monitor, put together from what its parts have counted.

Not here: what a status looks like (``status``), and counting (``pipeline``, ``nlmon.backends``, ``nlmon.exporters``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from msgspec import Struct

from nlmon import __version__
from nlmon.backends.base import Backend
from nlmon.backends.status import BackendStatus
from nlmon.exporters.base import ExportStatus
from nlmon.exporters.metrics import Counts, Durations
from nlmon.exporters.metrics import Protocol as ProtocolCounts
from nlmon.monitor.pipeline import Pipeline
from nlmon.monitor.plan import Plan
from nlmon.monitor.status import (
    CacheStatus,
    FamilyStatus,
    MemoryStatus,
    MonitorStatus,
    PhaseStatus,
    ProtocolStatus,
    RuleStatus,
)
from nlmon.names import PROTOCOLS
from nlmon.uapi import NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG

__all__ = ["ProcessFacts", "metrics", "status_of"]

# netlink.protocols of a configuration.
CONFIGURABLE = (NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER)
FULL = "receive buffer full"


class ProcessFacts(Struct, frozen=True, kw_only=True):
    """What is said of a monitor beside its counters; a recording has none of it."""

    instance: str = ""
    pid: int = 0
    user: str = ""
    started: int = 0
    files: tuple[str, ...] = ()
    version: int = 1
    notices: tuple[str, ...] = ()
    memory: MemoryStatus = MemoryStatus(0, 0, 0)
    reloads: int = 0
    reload_failures: int = 0
    configured: str = ""
    configured_by: str = ""
    switches: int = 0
    phases: tuple[PhaseStatus, ...] = ()


def status_of(
    run: ProcessFacts,
    plan: Plan,
    backend: Backend,
    counts: BackendStatus,
    pipeline: Pipeline,
    exports: tuple[ExportStatus, ...],
    reconnects: Mapping[int, int] = MappingProxyType({}),
) -> MonitorStatus:
    """The status of a monitor whose implementation is ``backend``, of which ``counts`` is the status. ``reconnects``:
    how often a lost socket was opened again, by protocol."""
    return MonitorStatus(
        instance=run.instance,
        pid=run.pid,
        version=__version__,
        user=run.user,
        implementation=plan.listening.implementation,
        configured=run.configured or plan.listening.implementation,
        configured_by=run.configured_by,
        started=run.started,
        config_files=run.files,
        config_version=run.version,
        events=pipeline.events,
        dropped=dict(sorted(pipeline.dropped.items())),
        protocols=tuple(_protocols(plan, counts, reconnects)),
        rules=tuple(
            RuleStatus(rule.name, "alert" if rule.alert else "log", pipeline.matched[rule.name]) for rule in plan.rules
        ),
        exports=exports,
        caches=tuple(_caches(backend)),
        families=tuple(_families(plan, backend)),
        memory=run.memory,
        notices=run.notices,
        reloads=run.reloads,
        reload_failures=run.reload_failures,
        switches=run.switches,
        phases=run.phases,
    )


def metrics(
    plan: Plan,
    counts: BackendStatus,
    errors: Mapping[int, Counter[str]],
    exports: tuple[ExportStatus, ...],
    durations: Durations,
) -> Counts:
    """The counters as who scrapes them reads them."""
    found = []
    for protocol in _numbers(plan, counts):
        one = counts.protocols.get(protocol)
        name = PROTOCOLS.get(protocol, str(protocol))
        if one is None:
            found.append(ProtocolCounts(name, False, 0))
            continue
        messages = one.events + one.control + sum(one.unknown.values())
        drops = {} if one.transport is None else {FULL: one.transport.drops}
        found.append(ProtocolCounts(name, one.enabled, messages, dict(errors.get(protocol, {})), drops))
    return Counts(found, exports, Durations(list(durations.buckets), durations.sum))


def _protocols(plan: Plan, counts: BackendStatus, reconnects: Mapping[int, int]) -> Iterator[ProtocolStatus]:
    for protocol in _numbers(plan, counts):
        one = counts.protocols.get(protocol)
        name = PROTOCOLS.get(protocol, str(protocol))
        asked, again = protocol in plan.listening.protocols, reconnects.get(protocol, 0)
        if one is None:
            yield ProtocolStatus(name, asked, -1, 0, 0, 0, again)
        else:
            drops = 0 if one.transport is None else one.transport.drops
            yield ProtocolStatus(name, asked, one.fd, one.events, one.errors, drops, again)


def _numbers(plan: Plan, counts: BackendStatus) -> list[int]:
    """Every protocol that a configuration may name, listened to or not."""
    return sorted({*CONFIGURABLE, *plan.listening.protocols, *counts.protocols})


@runtime_checkable
class _Resolves(Protocol):
    """What libnl has beside the interface of every implementation."""

    def resolve(self, name: str) -> int: ...


class _Cache(Protocol):
    kinds: frozenset[str]

    def count(self, kind: str) -> int: ...


@runtime_checkable
class _Caches(Protocol):
    cache: _Cache


def _families(plan: Plan, backend: Backend) -> Iterator[FamilyStatus]:
    wanted = plan.listening.options.generic_families or ()
    if not wanted or NETLINK_GENERIC not in plan.listening.protocols:
        return
    unresolved = set(backend.unresolved())
    for name in wanted:
        there = name not in unresolved and isinstance(backend, _Resolves) and backend.fileno(NETLINK_GENERIC) != -1
        yield FamilyStatus(name, backend.resolve(name) if there and isinstance(backend, _Resolves) else None)


def _caches(backend: Backend) -> Iterator[CacheStatus]:
    if isinstance(backend, _Caches):
        for kind in sorted(backend.cache.kinds):
            yield CacheStatus(kind, backend.cache.count(kind))
