"""Work that takes long, during which a monitor goes on reading.

    made = meanwhile(load, read)    # what load() returns; read() is called until it has

Rules:
1. The work is done in a thread of its own, so it touches nothing that reading touches.
2. It has ended when this returns or raises, whoever of the two has failed.

Not here: what is loaded and what is read (``sources``, ``exchange``).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["PAUSE", "meanwhile"]

# Seconds between two reads; a receive buffer of the default size lasts longer under any rate that can be read at all.
PAUSE = 0.002

Made = TypeVar("Made")


def meanwhile(work: Callable[[], Made], read: Callable[[], object]) -> Made:
    """What ``work`` returns or raises. Until then ``read`` is called here, again and again."""
    with ThreadPoolExecutor(1, "nlmon-meanwhile") as worker:
        working = worker.submit(work)
        while wait([working], PAUSE).not_done:
            read()
    return working.result()
