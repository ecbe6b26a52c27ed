"""The consumer of an implementation that recovers from losses: what it was told, and what is wrong with that.

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

__all__ = ["tell"]


def tell(judge: Judges, lanes: Sequence[Lane], sides: Sequence[Side], kernel: RecordedKernel) -> None:
    """Tell the consumer of the one that recovers what came of a datagram, and the judge what is wrong with it."""
    for number, (side, lane) in enumerate(zip(sides, lanes, strict=True)):
        if not lane.guarded.statement.recovers or not foldable((side,)):
            continue
        for synthetic, group in groupby(side.events, lambda event: event.synthetic):
            events = list(group)
            if synthetic and side.lossy:
                judge.synthetic(number, flaws(events, _known(lane.ledger, events, kernel)))
            else:
                for event in events:
                    lane.ledger.told.apply(event)


def _known(ledger: Ledger, events: Sequence[Event], kernel: RecordedKernel) -> RecoveryFacts:
    """What is known when these events are told."""
    names: dict[int, set[str | None]] = {}
    told = {key[0] for key in ledger.told.tables["link"]}
    tables = (ledger.told.tables[kind].values() for kind in ("link", "port"))
    for link in (*chain.from_iterable(tables), *(event.payload for event in events)):
        if isinstance(link, LinkInfo):
            # A bridge port has the name of its link, which one may take from there or not.
            alone = link.family == AF_BRIDGE and link.ifindex not in told
            names.setdefault(link.ifindex, set()).update([link.ifname, None] if alone else [link.ifname])
    for index, name in kernel.names.items():
        # Of what goes on a link that nobody told of, the name is not known.
        names.setdefault(index, set()).update([name] if index in told else [name, None])
    return RecoveryFacts(None if ledger.sockets else ledger.places, None if kernel.lacks_links else names, ledger.told)
