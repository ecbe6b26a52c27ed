"""A monitor that moves from one implementation to the other: what it gives before and after.

    def test_it(program: Program) -> None:
        before, after = given(program, OLD, other(program)), given(program, NEW, {})
        assert differing(common(before), common(after)) == []

Rules:
1. The other implementation is the one that nlmon has; the one under test stands under its name (``program``).
2. Each monitor runs on a kernel of its own, which says the same to all of them: what both have events for.
3. What is compared is what the contract says that both provide.

Not here: rewriting configurations (``nlmon.migrate``) and the contract (``nlmon.compare.contract``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from nlmon.compare.contract import kind_name, load_contract
from nlmon.compare.provided import only_provided
from nlmon.compare.statement import statement_of
from nlmon.conformance.program import Program
from nlmon.conformance.test_generic import NL80211, host
from nlmon.conformance.test_others import flow, inet
from nlmon.conformance.test_route import rule
from nlmon.events import Event
from nlmon.migrate import rewrite
from nlmon.migrate.model import Implementation
from nlmon.monitor.filterfields import provides
from nlmon.names import message_type
from nlmon.testing.messages import addr, attr, generic, link, message, neigh, number, route
from nlmon.testing.transport import GENERIC, ROUTE, FakeKernel
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_SOCK_DIAG

__all__ = ["NAMES", "TRAFFIC", "common", "differing", "given", "network", "other", "rewritten"]

NAMES = ("legacy", "libnl")
TRAFFIC: tuple[tuple[int, bytes], ...] = (
    (ROUTE, message(16, link(3, "lan0"))),
    (ROUTE, message(20, addr(3, "192.0.2.1"))),
    (ROUTE, message(24, route("198.51.100.0/24", 3, "192.0.2.254", metric=100))),
    (ROUTE, message(28, neigh(3, "192.0.2.9"))),
    (ROUTE, message(32, rule(2, 1000))),
    (ROUTE, message(25, route("198.51.100.0/24", 3, "192.0.2.254", metric=100))),
    (ROUTE, message(21, addr(3, "192.0.2.1"))),
    (ROUTE, message(16, link(3, "lan0", up=False, mtu=1400))),
    (GENERIC, generic(NL80211, 34, attr(3, number("I", 3)), attr(4, b"wlan0\0"))),
    (NETLINK_SOCK_DIAG, inet()),
    (NETLINK_NETFILTER, flow()),
    (NETLINK_NETFILTER, flow(0x102)),
)


def network() -> FakeKernel:
    """A kernel with a link and an address, whose generic families have names."""
    kernel = host()
    kernel.names[3] = "lan0"
    kernel.objects[16, 3] = link(3, "lan0")
    kernel.objects[20, 3] = addr(3, "192.0.2.1")
    return kernel


def other(program: Program) -> dict[str, str]:
    """The environment in which a configuration runs under the implementation that is not under test."""
    return {"NLMON_NETLINK_USE_LIBNL": str(not program.use_libnl).lower()}


def given(program: Program, text: str, environment: Mapping[str, str] | None = None) -> list[Event]:
    """What a monitor of a configuration gives, on a kernel of its own, until it is closed."""
    program.kernel = network()
    monitor = program.configured(text, environment)
    enabled = monitor.protocols
    received = [program.receive(monitor, data, protocol=protocol) for protocol, data in TRAFFIC if protocol in enabled]
    monitor.close()
    return [one.event for events in received for one in events]


def common(events: Iterable[Event]) -> list[Event]:
    """Events that both implementations provide, with what both provide of them."""
    return list(_common(events))


def _common(events: Iterable[Event]) -> Iterator[Event]:
    statements = [statement_of(name) for name in NAMES]
    for event in events:
        if all(kind_name(event.payload) in one.events for one in statements):
            for statement in statements:
                event = only_provided(statement, event)
            yield event


def differing(before: Iterable[Event], after: Iterable[Event]) -> list[str]:
    """What differs between the events before and after a move, by their messages; empty if they are the same, and in
    the same order."""
    old, new = ([(repr(one), message_type(one.protocol, one.msg_type)) for one in events] for events in (before, after))
    lost, more = Counter(old) - Counter(new), Counter(new) - Counter(old)
    found = [f"{name} is missing or has other values" for _, name in lost.elements()]
    found += [f"{name} is new or has other values" for _, name in more.elements()]
    return found or ([] if old == new else ["the order of the events is another one"])


def rewritten(text: str, to: Implementation) -> str:
    """A configuration as ``nlmon migrate`` or ``nlmon rollback`` rewrites it."""
    provided = partial(provides, statement_of(to))
    done = rewrite(text.encode(), "nlmon.yaml", to, environ={}, provided=provided, contract=load_contract())
    assert done.data is not None
    return done.data.decode()
