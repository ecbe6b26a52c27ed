"""One capture from its first frame to its report.

Not here: opening files (``nlmon.capture``), many captures (``nlmon.jobs``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nlmon.backends.options import BackendOptions
from nlmon.capture import CaptureReader
from nlmon.compare.difference import Difference
from nlmon.engine.lane import BackendMaker
from nlmon.engine.replay import Replay, Select
from nlmon.engine.summary import capture_report
from nlmon.report.model import CaptureReport
from nlmon.transport.recorded.faults import Fault

__all__ = ["replay_capture"]


def replay_capture(
    reader: CaptureReader,
    path: str,
    reference: BackendMaker,
    candidate: BackendMaker,
    *,
    select: Select = "notifications",
    protocols: Sequence[int] | None = None,
    on_difference: Callable[[Difference], None] | None = None,
    options: BackendOptions | None = None,
    faults: tuple[Fault, ...] = (),
    strict: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> CaptureReport:
    """Replay an open capture to its end and report; ``strict``: warnings turn the verdict, too; ``on_progress`` gets
    the position in the file."""
    replay = Replay(
        reference,
        candidate,
        byteorder=reader.info.byteorder,
        select=select,
        protocols=protocols,
        on_difference=on_difference,
        options=options,
        faults=faults,
        strict=strict,
    )
    for batch in reader.batches():
        replay.take(batch)
        if on_progress is not None:
            on_progress(reader.position)
    replay.finish()
    return capture_report(replay, reader, path)
