"""A feed that decodes no recorded answers, as decode and the player of a monitor have it, with caches."""

from __future__ import annotations

from functools import partial

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.feed import Feed
from nlmon.events import Event
from tests.support.paths import CAPTURES

CACHES = ("link", "addr", "route")
TOPOLOGY = CAPTURES / "linux-6.12" / "02-route-topology.pcap.zst"


def events_until(frame: int, *, caches: tuple[str, ...], answers: bool) -> list[Event]:
    """What libnl makes of the notifications of a recording before a frame."""
    found: list[Event] = []
    with open_capture(TOPOLOGY) as reader:
        options = BackendOptions(caches=caches)
        feed = Feed([partial(create, "libnl")], reader.info.byteorder, options=options, answers=answers)
        feed.start()
        for batch in reader.batches():
            for step in feed.steps(batch):
                if step.what == "fed":
                    found += [event for side in step.results[0].sides() for event in side.events]
            if found and found[-1].frame >= frame:
                break
        feed.close()
    return [event for event in found if event.frame < frame]


@pytest.mark.parametrize("answers", [False, True])
def test_caches_name_the_links_that_recorded_answers_list(*, answers: bool) -> None:
    """Interface 8 is another one in each namespace; which, a dump in the recording says, whoever decodes it."""
    cached = events_until(600, caches=CACHES, answers=answers)
    assert cached == events_until(600, caches=(), answers=answers)
    assert {event.interface for event in cached if event.frame == 573} == {"ip6tnl0"}
