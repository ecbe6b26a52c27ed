"""Finds runs in a batch of a capture: notifications that both implementations may take together.

Rules:
1. A run is of packets that hold one whole message each, of types that are judged at once, and that tell the kernel's
   side no news but the time; so what comes of each is the same, whether it is taken alone or with others.
2. It is bounded, in packets and in bytes.

Not here: what is done with a run, and with what is in none (``replay``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from nlmon.capture.base import Batch
from nlmon.capture.conversation import Conversation
from nlmon.transport.recorded.kernel import NEWS
from nlmon.transport.recorded.transport import ReplayFactory

__all__ = ["MOST", "MOST_BYTES", "Runs"]

ROUTE = 0
MOST, MOST_BYTES = 128, 64 * 1024
# Fewer are as soon taken alone.
LEAST = 3
# Types of messages that tell news, in either byte order.
LINKS = {kind.to_bytes(2, order) for kind in NEWS[ROUTE] for order in ("little", "big")}


class Runs:
    """Finds runs of NETLINK_ROUTE; ``types``: of messages that may be taken together, none: there are no runs."""

    def __init__(self, conversation: Conversation, factories: Sequence[ReplayFactory], types: Collection[int]) -> None:
        self._run_end = conversation.run_end
        self._factories = factories
        self._types = frozenset(types)
        self._plain = self._types - NEWS[ROUTE]

    def parts(self, batch: Batch) -> Iterator[tuple[int, int, bool]]:
        """The batch in parts, begin and end of each, and whether it is a run; a part is found when those before it were
        taken."""
        begin, size = 0, len(batch.data)
        if batch.protocol != ROUTE or batch.truncated or not self._types:
            yield begin, size, False
            return
        while begin < size:
            end = self._end(batch, begin)
            is_run = end - begin >= LEAST
            end = max(end, begin + 1)
            yield begin, end, is_run
            begin = end

    def _end(self, batch: Batch, begin: int) -> int:
        """Where a run ends that begins at a place; there, if none does."""
        at, last, room = begin, min(begin + MOST, len(batch.data)), MOST_BYTES
        while at < last and room > 0:
            end = self._run_end(batch, at, last, self._plain, room)
            if end == at and batch.data[at][4:6] in LINKS and self._is_no_news(batch, at):
                end = at + 1
            if end == at:
                break
            room -= sum(map(len, batch.data[at:end]))
            at = end
        return at

    def _is_no_news(self, batch: Batch, at: int) -> bool:
        """Whether a message calls a link what it was called before; what else it says of it is noted."""
        data = batch.data[at]
        return self._run_end(batch, at, at + 1, self._types, len(data)) > at and all(
            factory.renew(data) for factory in self._factories
        )
