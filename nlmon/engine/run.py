"""One capture from its first frame to its end, through two implementations to a report.

Not here: opening files (``nlmon.capture``), one implementation alone (``read``), many captures (``nlmon.jobs``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nlmon.aside import prints_aside
from nlmon.backends.options import BackendOptions
from nlmon.capture import CaptureReader
from nlmon.compare.difference import Difference
from nlmon.compare.known import KnownDifferences
from nlmon.engine.bounds import Bounds, Watch
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.engine.segments import Select
from nlmon.engine.summary import capture_reports
from nlmon.engine.where import Where
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.transport.recorded.faults import Fault

if TYPE_CHECKING:  # start-up: most replays have no filter
    from nlmon.filters import Filter

__all__ = ["replay_capture"]


@prints_aside()
def replay_capture(
    reader: CaptureReader,
    path: str,
    reference: BackendMaker,
    candidate: BackendMaker,
    *,
    select: Select = "notifications",
    protocols: Sequence[int] | None = None,
    on_difference: Callable[[Difference], None] | None = None,
    on_reverse: Callable[[Difference], None] | None = None,
    options: BackendOptions | None = None,
    faults: tuple[Fault, ...] = (),
    known: Sequence[KnownDifferences] = (),
    policy: Policy | None = None,
    control: bool = False,
    on_progress: Callable[[int], None] | None = None,
    bounds: Bounds | None = None,
    where: Filter | None = None,
    answers: bool = True,
) -> tuple[CaptureReport, ...]:
    """Replay an open capture to its end and report. ``known``: differences that are allowed, of the move from the
    reference to the candidate; with a second one of the way back that is judged, too, and has the second report.
    ``on_difference``, ``on_reverse``: get each difference of the one and of the other at once; what they print is put
    aside, too.
    ``policy``: what a verdict needs; ``control``: an implementation is compared with itself on purpose;
    ``on_progress`` gets the position in the file; ``bounds`` may end the replay before the capture ends;
    ``where``: events that are compared, None: all; ``answers``: recorded answers to dumps are compared, too."""
    replay = Replay(
        reference,
        candidate,
        byteorder=reader.info.byteorder,
        select=select,
        protocols=protocols,
        on_difference=on_difference,
        on_reverse=on_reverse,
        options=options,
        faults=faults,
        known=known,
        where=None if where is None else Where(where),
        answers=answers,
    )
    watch = Watch(bounds, reader.info.byteorder)
    for batch in watch.batches(reader.batches()):
        replay.add(batch)
        watch.look(replay.held, replay.states.bytes_held)
        if on_progress is not None:
            on_progress(reader.position)
    replay.finish()
    return capture_reports(replay, reader, path, policy, control=control, stop=watch.stop)
