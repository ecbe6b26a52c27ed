"""The consumer of an implementation that recovers from losses: what was delivered to it, and what is wrong with that.

Not here: the rules (``nlmon.compare.recovered``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby

from nlmon.compare.directions import Judges
from nlmon.compare.recovered import RecoveryFacts, flaws
from nlmon.compare.side import Side
from nlmon.engine.comparison import foldable
from nlmon.engine.lane import Lane
from nlmon.engine.losses import Ledger
from nlmon.events import Event, LinkInfo
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import AF_BRIDGE

__all__ = ["deliver"]


def deliver(judge: Judges, lanes: Sequence[Lane], sides: Sequence[Side], kernel: RecordedKernel) -> None:
    """Deliver what came of a datagram to the consumer of one that recovers, and what is wrong with it to the judge."""
    for number, (side, lane) in enumerate(zip(sides, lanes, strict=True)):
        if not lane.guarded.statement.recovers or not foldable((side,)):
            continue
        for synthetic, group in groupby(side.events, lambda event: event.synthetic):
            events = list(group)
            if synthetic and side.lossy:
                judge.synthetic(number, flaws(events, _known(lane.ledger, events, kernel)))
            else:
                for event in events:
                    lane.ledger.delivered.apply(event)


def _known(ledger: Ledger, events: Sequence[Event], kernel: RecordedKernel) -> RecoveryFacts:
    """What is known when these events are delivered."""
    names: dict[int, set[str | None]] = {}
    links = {key[0] for key in ledger.delivered.tables["link"]}
    tables = (ledger.delivered.tables[kind].values() for kind in ("link", "port"))
    for link in (*chain.from_iterable(tables), *(event.payload for event in events)):
        if isinstance(link, LinkInfo):
            # A bridge port has the name of its link, which one may take from there or not.
            alone = link.family == AF_BRIDGE and link.ifindex not in links
            names.setdefault(link.ifindex, set()).update([link.ifname, None] if alone else [link.ifname])
    for index, name in kernel.names.items():
        # A link that was delivered to nobody may have a name or none.
        names.setdefault(index, set()).update([name] if index in links else [name, None])
    places = None if ledger.sockets else ledger.places
    return RecoveryFacts(places, None if kernel.lacks_links else names, ledger.delivered)
