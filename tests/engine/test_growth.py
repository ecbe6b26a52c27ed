"""The work of a replay grows with its recording: no message makes it look through a table, nor through all that is on
an interface.

Not here: time (``benchmarks/growth.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.membership import Membership
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.replay import Replay
from nlmon.objects.families import FamilyIndex
from nlmon.objects.linked import LinkedRoutes
from nlmon.objects.living import Condition
from nlmon.state.indexes import InterfaceIndex
from nlmon.testing.squares import SQUARES, square
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.reading import MessageReader
from support.bombs import write_pcap
from support.sampled import one_in

OPTIONS = {
    "plain": BackendOptions(),
    "recovery": BackendOptions(resync=True, resync_interval=0.0),
    "caches": BackendOptions(caches=("link", "addr", "route")),
}


class Table(dict[Any, Any]):
    """Counts how often all that is in it is looked through."""

    walks = 0

    def __iter__(self) -> Iterator[Any]:
        Table.walks += bool(self)
        return super().__iter__()

    def items(self) -> Any:
        """Keys and values."""
        Table.walks += bool(self)
        return super().items()

    def values(self) -> Any:
        """Values."""
        Table.walks += bool(self)
        return super().values()


def replayed(path: Path, name: str, size: int, options: BackendOptions) -> int:
    """How often a replay looks through a table, until its recording ends."""
    protocol, given = square(name, size)
    messages = list(given)
    write_pcap(path, protocol, messages)
    faults = (Fault(5, 2), Fault(len(messages) - 4, 2)) if options.resync else ()
    makers = partial(create, "legacy"), partial(create, "libnl")
    replay = Replay(*makers, byteorder="little", options=options, faults=faults)
    libnl = replay.lanes[1].backend
    assert isinstance(libnl, LibnlBackend)
    states = [
        *replay.states.both,
        libnl.cache._state,
        *([libnl._resync.tracker.state] if libnl._resync.tracker else []),
    ]
    for state in states:
        state.tables = {kind: Table(table) for kind, table in state.tables.items()}
    if replay.kernel._objects is not None:
        replay.kernel._objects._tables = {kind: Table(t) for kind, t in replay.kernel._objects._tables.items()}
    Table.walks = 0
    with open_capture(path) as reader:
        for batch in reader.batches():
            replay.add(batch)
    return Table.walks


@pytest.mark.parametrize("how", one_in(3, OPTIONS))
@pytest.mark.parametrize("name", one_in(3, SQUARES, pytest.mark.long))
def test_no_message_makes_a_replay_look_through_a_table(tmp_path: Path, name: str, how: str) -> None:
    """A host of four times as many links or routes is looked through as often as a small one: after a loss near the
    beginning, and one near the end."""
    found = [replayed(tmp_path / f"{size}.pcap", name, size, OPTIONS[how]) for size in (10, 40)]

    assert found[0] == found[1]


@pytest.mark.parametrize("how", one_in(3, OPTIONS))
@pytest.mark.parametrize("name", one_in(3, SQUARES, pytest.mark.long))
def test_as_many_objects_are_looked_at_as_there_are_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    """Objects that an index gives, hops and generic families that are looked at, and messages of the recorded kernel
    that are read: on a host of four times the size four times as many, and not sixteen times."""
    looked = Counter[str]()
    on, listed, ended = InterfaceIndex.on, FamilyIndex.listed, LinkedRoutes.ended
    lives, read, wants = Condition.lives, MessageReader.route, Membership._wants

    def counting(what: str, give: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **more: Any) -> Any:
            found = give(*arguments, **more)
            looked[what] += len(found) if isinstance(found, Collection) else 1
            return found

        return counted

    monkeypatch.setattr(InterfaceIndex, "on", counting("on an interface", on))
    monkeypatch.setattr(FamilyIndex, "listed", counting("of a family", listed))
    monkeypatch.setattr(LinkedRoutes, "ended", counting("ended", ended))
    monkeypatch.setattr(Condition, "lives", counting("hops", lives))
    monkeypatch.setattr(MessageReader, "route", counting("read", read))
    monkeypatch.setattr(Membership, "_wants", counting("families", wants))
    found = []
    for size in (10, 40):
        looked.clear()
        replayed(tmp_path / f"{size}.pcap", name, size, OPTIONS[how])
        found.append(dict(looked))

    assert {what: count for what, count in found[1].items() if count > 5 * found[0].get(what, 0) + 10} == {}
