"""Claims about the move from one implementation to the other and back: quick start, steps, scenarios, rollback.

Where the guide has a configuration before and one after, legacy is moved to from the one after: the way back.

Not here: writing files, and what a configuration would lose (``nlmon.migrate``).
"""

from __future__ import annotations

from msgspec import UNSET

from nlmon.api import (
    NetlinkConfig,
    nlmon_netlink_destroy,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_init,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)
from nlmon.compare.contract import KIND_TYPES, kind_name
from nlmon.compare.statement import statement_of
from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.moving import TRAFFIC, common, differing, given, network, other, rewritten
from nlmon.conformance.program import Program
from nlmon.events import Event
from nlmon.filters import compile_filter
from nlmon.migrate.model import Implementation
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_SOCK_DIAG

__all__ = ()

DEFAULT = by_design("libnl is the default")
ROUTE_AND_GENERIC = "protocols: {route: true, generic: true}"
COMMON = """netlink:
  protocols:
    route: true          # NETLINK_ROUTE
    generic: true        # NETLINK_GENERIC
    sock_diag: true      # NETLINK_SOCK_DIAG
    netfilter: true      # NETLINK_NETFILTER
  buffer_size:
    receive: 32768
    send: 32768
"""
OF_LIBNL = """  caching:
    enabled: true
    link_cache: true     # Cache network interfaces
    addr_cache: true     # Cache IP addresses
    route_cache: false   # Cache routing table (optional)
  generic_families:
    - nl80211
    - taskstats
  multicast_groups:
    - link
    - ipv4_ifaddr
    - ipv6_ifaddr
"""
BASIC = (
    "netlink:\n  protocols:\n    route: true\n",
    """netlink:
  use_libnl: true  # Explicitly enable (or omit, as it's default)
  protocols:
    route: true
  caching:
    enabled: true
    link_cache: true
""",
)
WIFI = (
    "netlink:\n  protocols:\n    generic: true\n",
    """netlink:
  use_libnl: true
  protocols:
    generic: true
  generic_families:
    - nl80211
  caching:
    enabled: true
""",
)
TRAFFIC_OF_MANY = (
    """netlink:
  protocols:
    route: true
    generic: true
    netfilter: true
  buffer_size:
    receive: 65536
""",
    """netlink:
  use_libnl: true
  protocols:
    route: true
    generic: true
    netfilter: true
  buffer_size:
    receive: 65536
    send: 32768
  caching:
    enabled: true
    link_cache: true
    addr_cache: true
    route_cache: true
  limits:
    max_message_size: 16384
    message_pool_size: 2048
""",
)
CONSTRAINED = """netlink:
  use_libnl: false  # Explicitly use legacy
  protocols:
    route: true
  buffer_size:
    receive: 16384
"""


def _name(program: Program) -> Implementation:
    return "libnl" if program.use_libnl else "legacy"


def _there(program: Program) -> Implementation:
    return "legacy" if program.use_libnl else "libnl"


def _move(program: Program, before: str, after: str) -> list[Event]:
    """What a monitor gives before it moves to the implementation under test; it gives the same afterwards, with the
    configuration of the guide, and with the one that nlmon makes of the one before."""
    there, here = (before, after) if program.use_libnl else (after, before)
    before_it = common(given(program, there, other(program)))
    assert differing(before_it, common(given(program, here))) == []
    assert differing(before_it, common(given(program, rewritten(there, _name(program)), {}))) == []
    return before_it


@claim(
    "quick.default",
    "A configuration that chooses no implementation runs it.",
    source="guide#using-the-new-implementation-default",
    legacy=DEFAULT,
)
def test_default(program: Program) -> None:
    monitor = program.configured(f"netlink: {{{ROUTE_AND_GENERIC}}}", {})
    assert monitor.config.implementation == _name(program)
    assert [one.msg_type for one in program.receive(monitor, TRAFFIC[0][1])] == [16]


@claim(
    "quick.chosen",
    "A configuration that chooses it by use_libnl runs it, and it gives the events of the protocols that are on.",
    source="guide#using-the-new-implementation-default; guide#using-the-legacy-implementation",
)
def test_chosen(program: Program) -> None:
    text = f"netlink: {{use_libnl: {str(program.use_libnl).lower()}, {ROUTE_AND_GENERIC}}}"
    assert program.configured(text, {}).config.implementation == _name(program)
    assert {one.protocol for one in given(program, text, {})} == {ROUTE, GENERIC}


@claim(
    "migration.common",
    "A configuration of options that both have gives what it gave with the other implementation.",
    source="guide#q-will-my-existing-configuration-work-with-libnl; guide#common-options-both-implementations",
)
def test_common(program: Program) -> None:
    before, after = (common(given(program, COMMON, one)) for one in (other(program), None))
    assert {one.protocol for one in before} == {ROUTE, GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER}
    assert differing(before, after) == []


@claim(
    "migration.explicit",
    "A configuration that was rewritten for it names it, and runs it whatever the default is.",
    source="guide#option-1-migrate-to-new-implementation-recommended; guide#rollback-procedure",
)
def test_explicit(program: Program) -> None:
    text = rewritten(COMMON, _name(program))
    assert f"use_libnl: {str(program.use_libnl).lower()}" in text
    assert len(given(program, text, {})) == len(TRAFFIC)


@claim(
    "migration.fields",
    "Of every event that it gives it provides the fields that its statement says, and no others.",
    source="guide#event-structure-changes; guide#q-what-happens-to-my-filters-after-migration",
)
def test_fields(program: Program) -> None:
    statement = statement_of(_name(program))
    payloads = [one.payload for one in given(program, COMMON)]
    wrong = [
        (kind_name(payload), field)
        for payload in payloads
        for field in payload.__struct_fields__
        if (getattr(payload, field) is not UNSET)
        != statement.provides(kind_name(payload), field, getattr(payload, "family", None))
    ]
    assert (wrong, {kind_name(one) for one in payloads} - KIND_TYPES.keys()) == ([], set())
    assert len(payloads) == len(TRAFFIC)


@claim(
    "migration.basic",
    "A move of the guide's basic monitoring loses no event and changes no value.",
    source="guide#scenario-1-basic-monitoring-setup",
)
def test_basic(program: Program) -> None:
    assert len(_move(program, *BASIC)) == 8


@claim(
    "migration.wifi",
    "A move of the guide's monitoring of nl80211 loses no event and changes no value.",
    source="guide#scenario-2-wifi-monitoring",
)
def test_wifi(program: Program) -> None:
    assert {one.protocol for one in _move(program, *WIFI)} == {ROUTE, GENERIC}


@claim(
    "migration.traffic",
    "A move of the guide's monitoring of high traffic loses no event and changes no value.",
    source="guide#scenario-3-high-traffic-production-environment",
)
def test_traffic(program: Program) -> None:
    assert {one.protocol for one in _move(program, *TRAFFIC_OF_MANY)} == {ROUTE, GENERIC, NETLINK_NETFILTER}


@claim(
    "migration.constrained",
    "With the guide's configuration for small hosts one socket with the small buffer is open, and nothing is asked.",
    source="guide#scenario-4-resource-constrained-environment",
    libnl=not_applicable("the configuration chooses legacy"),
)
def test_constrained(program: Program) -> None:
    assert len(given(program, CONSTRAINED, {})) == 8
    assert [(one.protocol, one.buffers[0]) for one in program.kernel.opened] == [(ROUTE, 16384)]
    assert program.kernel.requests == []


def _as_the_guide_writes_it(program: Program, use_libnl: bool) -> list[Event]:
    """What the guide's program receives from the unified interface."""
    program.kernel = network()
    received: list[Event] = []
    ctx = nlmon_netlink_init(NetlinkConfig(use_libnl=use_libnl, enable_route=True), transports=program.kernel)
    nlmon_netlink_enable(ctx, ROUTE, use_libnl)
    nlmon_netlink_set_callback(ctx, lambda event, _: received.append(event.event), None, use_libnl)
    assert nlmon_netlink_get_fd(ctx, ROUTE, use_libnl) >= 0
    for _, data in TRAFFIC[:8]:
        program.kernel.notify(data)
        assert nlmon_netlink_process(ctx, ROUTE, use_libnl) == 0
    nlmon_netlink_destroy(ctx, use_libnl)
    return received


@claim(
    "migration.program",
    "A program of the unified interface receives the same from both, and nothing but use_libnl is written differently.",
    source="guide#scenario-5-custom-application-integration; guide#q-will-my-custom-code-need-changes",
)
def test_program(program: Program) -> None:
    flags = not program.use_libnl, program.use_libnl
    before, after = (common(_as_the_guide_writes_it(program, flag)) for flag in flags)
    assert (differing(before, after), len(after)) == ([], 8)


@claim(
    "rollback.rewritten",
    "A configuration with the options of libnl, rewritten for it, gives what it gave with the other implementation.",
    source="guide#rollback-procedure; guide#option-2-continue-with-legacy-implementation",
)
def test_rewritten(program: Program) -> None:
    before = common(given(program, COMMON + OF_LIBNL, other(program)))
    after = common(given(program, rewritten(COMMON + OF_LIBNL, _name(program)), {}))
    assert (differing(before, after), len(after)) == ([], len(TRAFFIC))


@claim(
    "rollback.again",
    "After a move to the other implementation and back it gives what it gave before.",
    source="guide#rollback-procedure; guide#q-what-if-i-encounter-a-bug-in-libnl",
)
def test_again(program: Program) -> None:
    away = rewritten(COMMON, _there(program))
    assert f"use_libnl: {str(not program.use_libnl).lower()}" in away
    before, after = given(program, COMMON), given(program, rewritten(away, _name(program)), {})
    assert (differing(before, after), len(after)) == ([], len(TRAFFIC))


@claim(
    "rollback.restart",
    "A monitor that is started again receives what the first one would have received, and counts from 0.",
    source="guide#rollback-procedure",
)
def test_restart(program: Program) -> None:
    first = given(program, COMMON)
    program.kernel = network()
    program.configured(COMMON).close()
    monitor = program.configured(COMMON)
    assert {one.events for one in monitor.status().protocols.values()} == {0}
    received = [program.receive(monitor, data, protocol=protocol) for protocol, data in TRAFFIC]
    assert len(first) == len(TRAFFIC)
    assert differing(first, [one.event for events in received for one in events]) == []


FILTERS = """filters:
  - {name: old, expression: protocol == NETLINK_ROUTE}
  - {name: new, expression: netlink.protocol == NETLINK_ROUTE}
  - {name: type, expression: msg_type == RTM_NEWROUTE}
  - {name: several, expression: netlink.msg_type == RTM_NEWLINK and protocol == NETLINK_ROUTE}
"""


@claim(
    "rollback.filters",
    "Filters that were rewritten for it match the events that they matched with the other implementation.",
    source="guide#q-what-happens-to-my-filters-after-migration; guide#rollback-procedure",
)
def test_filters(program: Program) -> None:
    before, after = COMMON + FILTERS, rewritten(COMMON + FILTERS, _name(program))
    sides = []
    for text, environment in ((before, other(program)), (after, {})):
        filters = [compile_filter(one.expression) for one in program.config(text, environment).filters]
        events = given(program, text, environment)
        sides.append([[at for at, one in enumerate(events) if each.matches(one)] for each in filters])
    assert (sides[1], [len(one) for one in sides[1]]) == (sides[0], [8, 8, 1, 2])
