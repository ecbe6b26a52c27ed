"""Lets the frames of a recording pass through the faults of a scenario.

Rules:
1. Streaming: beside what a stage holds back, the first ``CHOICE`` frames are kept, and those only while the seed has a
   place to choose.
2. Batches that no fault is about are handed on as they are.

Not here: what a fault changes (``order``, ``content``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from msgspec import structs

from nlmon.capture.base import Batch, ByteOrder, Frame, alike
from nlmon.capture.conversation import Conversation
from nlmon.errors import ScenarioError
from nlmon.scenario.faults.content import InterruptedDump, LongerStructure, ShortPayload, Truncate, UnknownAttribute
from nlmon.scenario.faults.order import Drop, Duplicate, Merge, Reorder, Split
from nlmon.scenario.faults.stage import PlacedFrame, Stage
from nlmon.scenario.model import Fault

__all__ = ["CHOICE", "STAGES", "apply_faults"]

# Among so many frames of the recording the seed chooses a place that the scenario leaves open.
CHOICE = 256
STAGES: dict[str, type[Stage]] = {
    "drop": Drop,
    "duplicate": Duplicate,
    "reorder": Reorder,
    "split": Split,
    "merge": Merge,
    "truncate": Truncate,
    "interrupted_dump": InterruptedDump,
    "unknown_attribute": UnknownAttribute,
    "short_payload": ShortPayload,
    "longer_structure": LongerStructure,
}


def apply_faults(
    batches: Iterable[Batch], faults: Sequence[Fault], seed: int, *, byteorder: ByteOrder = "little"
) -> Iterator[Batch]:
    """The batches of a recording with the faults that change frames; others are left to the sockets. ``byteorder``:
    that of the recording. Raises ``ScenarioError`` at the end where a fault found nothing to change."""
    stages = [
        _Placed(fault, byteorder, f"{seed} {number}") for number, fault in enumerate(faults) if fault.kind in STAGES
    ]
    conversation = Conversation(byteorder)
    for batch in batches:
        if all(stage.done for stage in stages):
            yield batch
            continue
        frames = [PlacedFrame.of(frame, conversation.place(frame).role) for frame in batch.frames()]
        if all(stage.passes(frames[-1].number) for stage in stages):
            yield batch
        else:
            yield from _batches(_through(frames, stages), more=batch.more)
    for number, stage in enumerate(stages):
        yield from _batches(_through(stage.end(), stages[number + 1 :]), more=False)
    for stage in stages:
        stage.check()


class _Placed:
    """A fault at the frame that the scenario names, or at one that the seed chooses among the first of the recording
    where something can be changed."""

    def __init__(self, fault: Fault, byteorder: ByteOrder, seed: str) -> None:
        self._fault = fault
        self._byteorder: ByteOrder = byteorder
        self._seed = seed
        self._waiting: list[PlacedFrame] = []
        self._stage = self._make(fault.at) if fault.at else None

    def _make(self, at: int) -> Stage:
        random = Random(f"{self._seed} change")
        return STAGES[self._fault.kind](structs.replace(self._fault, at=at), self._byteorder, random)

    @property
    def done(self) -> bool:
        """Whether the fault has happened, and nothing waits."""
        return self._stage is not None and self._stage.done and not self._stage.holds

    def passes(self, last: int) -> bool:
        """Whether frames up to this one are none of its business."""
        stage = self._stage
        return self.done or (stage is not None and not stage.holds and last < stage.at)

    def take(self, frame: PlacedFrame) -> Iterable[PlacedFrame]:
        """A frame of the recording; gives what goes on."""
        if self._stage is not None:
            return self._stage.take(frame)
        self._waiting.append(frame)
        return self._choose() if len(self._waiting) == CHOICE else ()

    def end(self) -> Iterator[PlacedFrame]:
        """The recording is over: what was kept back."""
        if self._stage is None:
            yield from self._choose()
        if self._stage is not None:
            yield from self._stage.end()

    def _choose(self) -> list[PlacedFrame]:
        """Choose the place, and give the frames that waited for it."""
        frames, self._waiting = self._waiting, []
        places = sorted({frame.number for frame in frames})
        Random(f"{self._seed} place").shuffle(places)
        for at in places:
            trial = self._make(at)
            for frame in frames:
                trial.take(frame)
            if trial.struck:
                break
        else:
            at = 1  # nothing can be changed here: the first place behind
        self._stage = self._make(at)
        return [one for frame in frames for one in self._stage.take(frame)]

    def check(self) -> None:
        """Raise ``ScenarioError`` where nothing was changed."""
        if self._stage is None or not self._stage.struck:
            fault = self._fault
            where = f" from frame {fault.at} on" if fault.at else ""
            of = "" if fault.kind == "reorder" else f" of {fault.protocol}"
            what = f"the fault {fault.kind} hit nothing: the recording has no datagram{of} for it{where}"
            raise ScenarioError("NLM-S040", what, hint="nlmon decode --select all shows the frames")


def _through(frames: Iterable[PlacedFrame], stages: Sequence[_Placed]) -> Iterator[PlacedFrame]:
    """Frames through one stage behind the other."""
    for frame in frames:
        passing: list[PlacedFrame] = [frame]
        for stage in stages:
            passing = [one for given in passing for one in stage.take(given)]
        yield from passing


def _batches(frames: Iterable[Frame], *, more: bool) -> Iterator[Batch]:
    """Frames in batches; ``more``: another one follows at once behind the last. Behind a frame whose number is not
    below the next one's, nothing follows at once: the two must not be read as one stretch."""
    waiting: list[Frame] = []
    for frame in frames:
        if waiting and not alike(waiting[-1], frame):
            yield structs.replace(Batch.of(waiting), more=waiting[-1].number < frame.number)
            waiting = []
        waiting.append(frame)
    if waiting:
        yield structs.replace(Batch.of(waiting), more=more)
