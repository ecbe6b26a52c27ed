"""The two implementations as classes that do not declare bulk decoding, and all that a replay found, to compare.

Not here: laws of bulk decoding (``tests/engine``, ``tests/backends/test_decode_all.py``).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.engine.replay import Replay
from nlmon.state.tables import State

__all__ = ["LegacyOneByOne", "LibnlOneByOne", "Pair", "contents", "outcome"]

Pair: TypeAlias = tuple[type[Backend], type[Backend]]


class LegacyOneByOne(LegacyBackend):
    """The legacy implementation, which is given every datagram by itself."""


class LibnlOneByOne(LibnlBackend):
    """The implementation with libnl, which is given every datagram by itself."""


def contents(state: State) -> list[Any]:
    """All that is in a state."""
    members = [(group, state.order(group)) for group in {key[:-1]: None for key in state.tables["route"]}]
    tables = [list(table.items()) for table in state.tables.values()]
    return [tables, members, state.unannounced, state.unannounced_counts]


def outcome(replay: Replay) -> dict[str, Any]:
    """All that a replay has found so far."""
    tally, judge, kernel = replay.feed.tally, replay.judge, replay.feed.kernel
    objects = replay.states.objects(1)
    replay.states.diverge()
    found: dict[str, Any] = {
        "tally": vars(tally),
        "compared": (replay.compared, replay.not_subscribed, replay.dumps.interrupted),
        "differences": (judge.details, judge.groups, judge.totals()),
        "provided by one": (judge.enhancements, judge.services),
        "kernel": (kernel.time, kernel.names, kernel.links, kernel.links_changed, kernel.families),
        "states": (objects, [contents(state) for state in replay.states.both]),
    }
    for number, lane in enumerate(replay.lanes):
        ledger = {name: value for name, value in vars(lane.ledger).items() if not name.startswith("_")}
        ledger["delivered"] = contents(lane.ledger.delivered)
        status = lane.backend.status().protocols
        found[f"lane {number}"] = (lane.counts, lane.problems, lane.unknown, status, lane.backend._frames, ledger)
    return found
