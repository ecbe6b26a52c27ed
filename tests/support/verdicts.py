"""The verdict on one recording.

Not here: what it must be (``tests/engine``), and implementations with mistakes (``nlmon.testing.zoo``).
"""

from __future__ import annotations

from functools import partial

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.engine.segments import Select
from nlmon.filters import Filter
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.transport.recorded.faults import Fault
from support.paths import CAPTURES

__all__ = ["KERNELS", "legacy", "libnl", "verdict"]

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
    policy: Policy | None = None,
    options: BackendOptions | None = None,
    faults: tuple[Fault, ...] = (),
    control: bool = False,
    where: Filter | None = None,
) -> CaptureReport:
    """The report on one recording, of a kernel or, as ``by-hand/01-rare-values``, of a folder."""
    (path,) = CAPTURES.glob(f"{name if '/' in name else f'{kernel}/{name}'}.pcap*")
    with open_capture(path) as reader:
        return replay_capture(
            reader,
            name,
            reference,
            candidate,
            select=select,
            protocols=protocols,
            policy=policy,
            options=options,
            faults=faults,
            control=control,
            where=where,
        )[0]
