"""A host as Linux keeps it, in memory: what may happen to it, what it announces, and what a state has otherwise.

Not here: what is tried with it (``tests/backends/libnl/test_recovery_law.py``, ``tests/engine/test_windows.py``).
"""

from __future__ import annotations

from hypothesis import strategies as st

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.recovery import DUMPS
from nlmon.events import RouteInfo
from nlmon.state.dumps import changed_fields
from nlmon.state.tables import KINDS, State
from nlmon.testing.messages import addr, link, message, route
from nlmon.testing.transport import ROUTE, FakeKernel

__all__ = ["APPEND", "CREATE", "REPLACE", "Model", "changes", "differences"]

LINK, ADDR, ROUTES = 16, 20, 24
REPLACE, CREATE, APPEND = 0x100, 0x400, 0x800
INDICES, NAMES, GATEWAYS = (2, 3, 4), ("a", "b", "c"), (1, 2, 3)


class Model(FakeKernel):
    """Links with addresses and routes, changed as Linux changes them: IPv4 routes go with their link, or with its last
    IPv4 address, in silence; the rest is announced."""

    def __init__(self) -> None:
        super().__init__()
        self.ups: dict[int, bool] = {}
        self.groups: dict[str, list[tuple[int, int]]] = {}
        self.lost = False

    def link(self, index: int, name: str, up: bool) -> None:
        """A link appears or changes; no two have the same name."""
        if name in {other for number, other in self.names.items() if number != index}:
            return
        self.names[index] = name
        if self.ups.get(index) and not up:
            self._flush(index)
        self.ups[index] = up
        self.new(LINK, link(index, name, up=up), index, lost=self.lost)

    def unlink(self, index: int) -> None:
        """A link goes."""
        if self.ups.pop(index, None) is None:
            return
        del self.names[index]
        self._flush(index)
        for kind, key in [one for one in self.objects if one[0] != LINK and one[1][0] == index]:
            self.delete(kind, key, lost=self.lost)
        self.delete(LINK, index, lost=self.lost)

    def address(self, index: int, host: int, there: bool) -> None:
        """An address appears or goes."""
        key = (index, "addr", host)
        if there and index in self.ups:
            self.new(ADDR, addr(index, f"192.0.2.{host}"), key, lost=self.lost)
        elif (ADDR, key) in self.objects:
            self.delete(ADDR, key, lost=self.lost)
            if not any(kind == ADDR and other[0] == index for kind, other in self.objects):
                self._flush(index)

    def route6(self, index: int, host: int, there: bool) -> None:
        """An IPv6 route appears or goes."""
        key = (index, "route6", host)
        if there and index in self.ups:
            self.new(ROUTES, route("2001:db8::/32", index, f"fe80::{host}"), key, lost=self.lost, flags=CREATE | APPEND)
        elif (ROUTES, key) in self.objects:
            self.delete(ROUTES, key, lost=self.lost)

    def route4(self, dst: str, index: int, host: int, flags: int | None) -> None:
        """An IPv4 route comes first, last or for the first one; without flags it goes."""
        group, one = self.groups.setdefault(dst, []), (index, host)
        if flags is None or (one not in group and self.ups.get(index)):
            if flags is None and one not in group:
                return
            if flags is None:
                group.remove(one)
            elif flags & REPLACE and group:
                group[0] = one
            else:
                group.insert(len(group) if flags & APPEND else 0, one)
            self._list(dst)
            body = route(dst, index, f"192.0.2.{host}")
            self.notify(message(ROUTES + (flags is None), body, flags=flags or 0), lost=self.lost)

    def _flush(self, index: int) -> None:
        for dst, group in self.groups.items():
            group[:] = [one for one in group if one[0] != index]
            self._list(dst)

    def _list(self, dst: str) -> None:
        """The objects of a group, in its order."""
        others = {key: body for key, body in self.objects.items() if key[0] != ROUTES or key[1][1] != dst}
        self.objects = others
        for index, host in self.groups[dst]:
            self.objects[ROUTES, (index, dst, host)] = route(dst, index, f"192.0.2.{host}")


index, host = st.sampled_from(INDICES), st.sampled_from(GATEWAYS)
dst = st.sampled_from(("10.0.0.0/8", "10.1.0.0/16"))
changes = st.one_of(
    st.tuples(st.just("link"), index, st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("link"), index, st.sampled_from(NAMES), st.just(True)),
    st.tuples(st.just("unlink"), index),
    st.tuples(st.just("address"), index, host, st.booleans()),
    st.tuples(st.just("route6"), index, host, st.booleans()),
    st.tuples(
        st.just("route4"), dst, index, host, st.sampled_from((CREATE, CREATE | APPEND, CREATE | REPLACE, REPLACE, None))
    ),
)


def differences(kernel: Model, state: State) -> list[object]:
    """What a state has otherwise than the kernel, order of IPv4 routes included."""
    truth, expected = LibnlBackend(kernel), State(notes=False)
    truth.enable(ROUTE)
    for msg_type, family in DUMPS:
        for event in truth.dump(ROUTE, msg_type, family).events:
            expected.apply(event)
    truth.close()
    found: list[object] = []
    for kind in KINDS:
        table, other = expected.tables[kind], state.tables[kind]
        found += [(kind, key) for key in table.keys() ^ other.keys()]
        found += [(kind, key) for key in table.keys() & other.keys() if changed_fields(kind, table[key], other[key])]
    groups = {
        key[:-1] for key, one in expected.tables["route"].items() if isinstance(one, RouteInfo) and one.family == 2
    }
    return found + [group for group in groups if expected.order(group) != state.order(group)]
