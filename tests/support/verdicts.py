"""Verdicts on one recording, and implementations that change what libnl decodes.

Not here: what a verdict must be (``tests/engine``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.lane import BackendMaker
from nlmon.engine.replay import Select
from nlmon.engine.run import replay_capture
from nlmon.events import Decoded, Event
from nlmon.report.model import CaptureReport
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram
from support.paths import CAPTURES

__all__ = ["KERNELS", "changed", "legacy", "libnl", "verdict"]

KERNELS = ("linux-6.1", "linux-6.12")
legacy = partial(create, "legacy")
libnl = partial(create, "libnl")


def verdict(
    name: str,
    kernel: str = "linux-6.12",
    *,
    reference: BackendMaker = legacy,
    candidate: BackendMaker = libnl,
    select: Select = "notifications",
    protocols: tuple[int, ...] | None = None,
    strict: bool = False,
    options: BackendOptions | None = None,
) -> CaptureReport:
    """The report on one recording."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        return replay_capture(
            reader, name, reference, candidate, select=select, protocols=protocols, strict=strict, options=options
        )


def changed(change: Callable[[Event], Any]) -> BackendMaker:
    """A libnl whose decoder changes each event; a list gives several, None none."""

    class Broken(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            decoded = super().decode(datagram)
            made = [change(event) for event in decoded.events]
            flat = [one for some in made for one in (some if isinstance(some, list) else [some])]
            return structs.replace(decoded, events=[one for one in flat if one is not None])

    def make(transports: TransportFactory, options: BackendOptions) -> Backend:
        return Broken(transports, options)

    return make
