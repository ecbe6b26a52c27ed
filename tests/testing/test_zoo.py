"""The zoo: every bad implementation is found as it says, and what shows it shows nothing of a good one."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture.base import Frame
from nlmon.compare.difference import Class, Severity
from nlmon.engine.replay import Replay
from nlmon.report.model import CaptureReport
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.testing.zoo.upstream import NOT_HERE, OF_LIFE
from nlmon.testing.zoo.values import VALUES
from nlmon.transport.recorded.faults import Fault
from support.verdicts import verdict

pytestmark = pytest.mark.slow

# Those of ``values`` have tests of their own, on recordings of two kernels (tests/engine/test_verdict_values.py).
OTHERS = {name: bad for name, bad in ZOO.items() if name not in {value.name for value in VALUES}}
RECORDED = {name: bad for name, bad in OTHERS.items() if bad.recording}
BY_HAND = {name: bad for name, bad in OTHERS.items() if bad.messages}
# Of those that long recordings show, the first that is found in a way; scenarios find the others in the usual run, too
# (tests/scenario/test_deviations.py).
LONG = {"02-route-topology", "03-nl80211"}
FIRST = {(bad.recording, bad.found_as, bad.verdict): bad.name for bad in reversed(RECORDED.values())}
USUAL = {name for name, bad in RECORDED.items() if bad.recording not in LONG} | set(FIRST.values())
GRAVE = {cls.label for cls in Class if cls.severity is Severity.REGRESSION}


@cache
def good(base: str, recording: str, options: BackendOptions, faults: tuple[Fault, ...]) -> CaptureReport:
    """What is said of the good implementation, against the other, on a recording."""
    return judged(partial(create, base), base, recording, options, faults)


def judged(
    candidate: Any, base: str, recording: str, options: BackendOptions, faults: tuple[Fault, ...]
) -> CaptureReport:
    """The report on an implementation against the other one."""
    reference = partial(create, "legacy" if base == "libnl" else "libnl")
    return verdict(recording, reference=reference, candidate=candidate, options=options, faults=faults)


def fed(bad: BadImplementation, candidate: Any) -> set[Class]:
    """Classes of the differences that make a regression, once the messages were fed to it and to the other one."""
    reference = partial(create, "legacy" if bad.base == "libnl" else "libnl")
    replay = Replay(reference, candidate, byteorder="little", select="all")
    for number, data in enumerate(bad.messages, 1):
        replay.play([Frame(number, 0, bad.protocol, data)])
    replay.finish()
    assert sum(lane.counts["events"] + lane.counts["errors"] for lane in replay.lanes) > 0
    return {cls for cls in replay.judge.counts if cls.severity is Severity.REGRESSION}


@pytest.mark.xdist_group("zoo")
@pytest.mark.parametrize(
    "bad",
    [bad if name in USUAL else pytest.param(bad, marks=pytest.mark.long) for name, bad in RECORDED.items()],
    ids=RECORDED.keys(),
)
def test_a_recording_shows_the_mistake(bad: BadImplementation) -> None:
    """With the verdict and the classes of difference that it names; without the mistake there is no regression."""
    report = judged(bad.make, bad.base, bad.recording, bad.options, bad.faults)
    sound = good(bad.base, bad.recording, bad.options, bad.faults)

    assert {cls.label for cls in bad.found_as} <= set(report.differences)
    assert (report.verdict, sound.verdict) == (bad.verdict, "equivalent" if bad.base == "libnl" else "lossy")


@pytest.mark.parametrize("bad", BY_HAND.values(), ids=BY_HAND.keys())
def test_messages_show_the_mistake(bad: BadImplementation) -> None:
    """The same messages make no difference without it, and the expected classes with it."""
    assert fed(bad, partial(create, bad.base)) == set()
    assert fed(bad, bad.make) >= bad.found_as


def test_names_and_evidence() -> None:
    """No two have the same name; each has a sentence, and either a recording or messages."""
    assert len(ZOO) == len(OTHERS) + len(VALUES) > 250
    assert [bad.name for bad in ZOO.values() if bool(bad.recording) == bool(bad.messages)] == []
    assert [bad.name for bad in ZOO.values() if not bad.description.endswith(".") or "\n" in bad.description] == []


def test_a_known_bug_has_one_implementation_or_a_reason() -> None:
    """Of the 54 ids each is in the name of one implementation, or says why of none."""
    named = [bad.name[:3] for bad in (*ZOO.values(), *OF_LIFE.values()) if re.match(r"[NLS]\d\d: ", bad.name)]

    assert (len(named), len(set(named) | set(NOT_HERE)), len(named) + len(NOT_HERE)) == (33, 54, 54)
    assert {bad.name for bad in OF_LIFE.values()} & set(ZOO) == set()
