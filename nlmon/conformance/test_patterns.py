"""Claims about the patterns of a migration, and about answers of the FAQ: gradual, parallel, by a flag, by a canary,
and while the monitor runs.

Not here: commands and their files (``nlmon compare``, ``nlmon canary``, ``nlmon switch``).
"""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import structs

from nlmon.api import Monitor, nlmon_netlink_enable
from nlmon.backends.options import BackendOptions
from nlmon.canary.judging import GroupFacts, Host, Rules, judge
from nlmon.canary.pairs import Line, LogSummary, Pairs
from nlmon.conformance.claim import by_design, claim
from nlmon.conformance.moving import NAMES, TRAFFIC, common, differing, given, network, other
from nlmon.conformance.program import Program
from nlmon.eventjson.read import event_from_json
from nlmon.events import Event
from nlmon.exporters.layout import exported_line, in_event_form
from nlmon.monitor.plan import Listening
from nlmon.monitor.sources import KernelSource
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_SOCK_DIAG

__all__ = ()

STEPS = (
    """netlink:
  use_libnl: true
  protocols:
    route: true
    # Keep others disabled initially
""",
    """netlink:
  use_libnl: true
  protocols:
    route: true
    generic: true
  generic_families:
    - nl80211
""",
    """netlink:
  use_libnl: true
  protocols:
    route: true
    generic: true
    sock_diag: true
    netfilter: true
""",
)
FLAG = """netlink:
  use_libnl: ${NLMON_USE_LIBNL:-true}  # Environment variable
  protocols:
    route: true
"""
ALL = "netlink: {protocols: {route: true, generic: true, sock_diag: true, netfilter: true}}"
HOSTS = 30


def _beside(program: Program, own: str, others: str) -> tuple[Monitor, Monitor]:
    """Two monitors on one kernel: of the implementation under test, and of the other one."""
    program.kernel = network()
    return program.configured(own), program.configured(others, other(program))


def _received(program: Program, monitor: Monitor) -> list[Event]:
    """What a monitor has from what waits in its sockets."""
    return [one.event for protocol in monitor.protocols for one in program.receive(monitor, protocol=protocol)]


def _placed(events: list[Event]) -> list[Event]:
    """Events without their place in a stream."""
    return [structs.replace(one, frame=0) for one in events]


def _say(program: Program) -> None:
    for protocol, data in TRAFFIC:
        program.kernel.notify(data, protocol)


@claim(
    "pattern.gradual",
    "Each step of a gradual move gives what the step before gave, and the events of the protocols that it adds.",
    source="guide#pattern-1-gradual-migration",
)
def test_gradual(program: Program) -> None:
    steps = [given(program, text) for text in STEPS]
    protocols = [(ROUTE,), (ROUTE, GENERIC), (ROUTE, GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER)]
    assert [tuple(dict.fromkeys(one.protocol for one in found)) for found in steps] == protocols
    for wanted, step in zip(protocols, steps, strict=True):
        assert differing(step, [one for one in steps[2] if one.protocol in wanted]) == []


@claim(
    "pattern.gradual.beside",
    "Protocols that do not move yet are received by a monitor of the other implementation beside it, without a gap.",
    source="guide#pattern-1-gradual-migration; guide#q-can-i-use-libnl-for-some-protocols-and-legacy-for-others",
)
def test_gradual_beside(program: Program) -> None:
    moved = "netlink: {protocols: {route: true}}"
    rest = "netlink: {protocols: {route: false, generic: true, sock_diag: true, netfilter: true}}"
    whole = common(given(program, ALL))
    monitors = _beside(program, moved, rest)
    _say(program)
    found = [_received(program, monitor) for monitor in monitors]
    received = [{one.protocol for one in events} for events in found]
    assert received == [{ROUTE}, {GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER}]
    assert differing(_placed(whole), _placed(common([*found[0], *found[1]]))) == []


@claim(
    "pattern.one",
    "A call that asks a monitor for the other implementation is refused and opens nothing, and the monitor goes on.",
    source="guide#q-can-i-use-libnl-for-some-protocols-and-legacy-for-others; guide#for-application-developers",
)
def test_one(program: Program) -> None:
    ctx = program.context()
    assert nlmon_netlink_enable(ctx, ROUTE, program.use_libnl) == 0
    assert nlmon_netlink_enable(ctx, GENERIC, not program.use_libnl) < 0
    assert (program.kernel.sockets(GENERIC), len(program.receive(ctx, TRAFFIC[0][1]))) == ([], 1)


@claim(
    "pattern.parallel",
    "Beside a monitor of the other implementation each has every event, and when one ends the other goes on.",
    source="guide#pattern-2-parallel-deployment; guide#q-is-there-a-way-to-test-compatibility-before-migrating",
)
def test_parallel(program: Program) -> None:
    own, others = _beside(program, ALL, ALL)
    _say(program)
    found = [common(_received(program, one)) for one in (own, others)]
    assert (differing(*found), len(found[0])) == ([], len(TRAFFIC))
    others.close()
    _say(program)
    assert len(_received(program, own)) == len(TRAFFIC)


def _compared(lines: tuple[list[bytes], list[bytes]]) -> LogSummary:
    """What ``nlmon compare`` says of the lines of legacy and of libnl."""
    pairs = Pairs(NAMES, 10)
    for side, own in enumerate(lines):
        for place, line in enumerate(own, 1):
            event = event_from_json(msgspec.json.encode(in_event_form(line)))
            list(pairs.add(side, Line(f"{NAMES[side]}.json:{place}", line.decode(), event)))
    list(pairs.finish())
    return pairs.summary(1, (False, False), ())


@claim(
    "pattern.parallel.lines",
    "The lines that it exports and those of the other implementation pair without a difference.",
    source="guide#pattern-2-parallel-deployment; guide#pre-migration-testing",
)
def test_lines(program: Program) -> None:
    own, others = ([exported_line(one) for one in given(program, ALL, of)] for of in (None, other(program)))
    found = _compared((others, own) if program.use_libnl else (own, others))
    assert (found.differences, found.paired, found.verdict) == ({}, len(TRAFFIC), "same")


@claim(
    "pattern.count",
    "It counts as many events of each protocol as the other implementation.",
    source="guide#q-how-do-i-know-if-migration-was-successful",
)
def test_count(program: Program) -> None:
    own, others = _beside(program, ALL, ALL)
    _say(program)
    for monitor in (own, others):
        _received(program, monitor)
    counted = [{key: one.events for key, one in sorted(each.status().protocols.items())} for each in (own, others)]
    assert (counted[0], counted[1]) == (counted[1], {ROUTE: 8, NETLINK_SOCK_DIAG: 1, NETLINK_NETFILTER: 2, GENERIC: 1})


@claim(
    "pattern.flag",
    "A variable of the environment that use_libnl refers to chooses it, and the file stays as it is.",
    source="guide#pattern-3-feature-flag-migration",
)
def test_flag(program: Program) -> None:
    flag = {"NLMON_USE_LIBNL": str(program.use_libnl).lower()}
    monitor = program.configured(FLAG, flag)
    assert monitor.config.use_libnl == program.use_libnl
    events = [common(given(program, FLAG, one)) for one in (flag, other(program))]
    assert (differing(*events), len(events[0])) == ([], 8)


@claim(
    "pattern.flag.unset",
    "It is chosen where the variable is not set, and the text behind :- says true.",
    source="guide#pattern-3-feature-flag-migration",
    legacy=by_design("what stands behind the variable chooses libnl"),
)
def test_flag_unset(program: Program) -> None:
    monitor = program.configured(FLAG, {})
    assert (monitor.config.use_libnl, len(program.receive(monitor, TRAFFIC[0][1]))) == (program.use_libnl, 1)


def _group(program: Program, name: str, environment: dict[str, str] | None) -> list[Host]:
    """Hosts by the events that a monitor gives on each of them; a host repeats them by its number."""
    types = Counter(str(one.msg_type) for one in given(program, ALL, environment))
    return [
        Host(f"{name}{at}", {kind: count * (10 + at) for kind, count in types.items()}, {}, 60.0) for at in range(HOSTS)
    ]


@claim(
    "pattern.canary",
    "Beside hosts with the other implementation nothing is found on hosts that run it, and a canary is promoted.",
    source="guide#pattern-4-canary-deployment",
)
def test_canary(program: Program) -> None:
    control, canary = _group(program, "old", other(program)), _group(program, "new", None)
    facts = [
        GroupFacts(len(one), len(one), sum(sum(host.types.values()) for host in one), 0, 0) for one in (control, canary)
    ]
    report = judge(control, canary, Rules(share=0.5), facts=(facts[0], facts[1]))
    assert (report.verdict, [one.measure for one in report.findings if one.found]) == ("promote", [])


@claim(
    "pattern.switch",
    "A monitor that runs with the other implementation goes on with it; what waits and what follows is given once.",
    source="guide#q-can-i-switch-between-implementations-without-downtime; decision 80",
)
def test_switch(program: Program) -> None:
    program.kernel = network()
    found: list[Event] = []
    here = "libnl" if program.use_libnl else "legacy"
    there = "legacy" if program.use_libnl else "libnl"
    protocols = (ROUTE, GENERIC, NETLINK_SOCK_DIAG, NETLINK_NETFILTER)
    source = KernelSource(
        Listening(there, protocols, BackendOptions()), lambda event, _: found.append(event), lambda _: program.kernel
    )
    source.open()
    _say(program)
    source.change(Listening(here, protocols, BackendOptions()))
    _say(program)
    for protocol in protocols:
        while source.process(protocol):
            pass
    counted = sum(one.events for one in source.status().protocols.values())
    source.close()
    expected = _placed(common(given(program, ALL, other(program))))
    assert differing(sorted(expected * 2, key=repr), sorted(_placed(common(found)), key=repr)) == []
    assert counted == 2 * len(TRAFFIC)
