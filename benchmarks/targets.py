"""What is wanted, and whether a run has it.

A ratio is taken within each round, and its median counts; of a fact that must hold, the worst round.

Not here: measuring.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from benchmarks.filtering import RATIO
from benchmarks.growth import BOMBS, GROWTH, LARGE, SMALL
from benchmarks.sample import Clock, Sample

__all__ = ["TARGETS", "Outcome", "Target", "outcome"]

Verdict = Literal["met", "missed", "not measured"]


class Target(Struct, frozen=True):
    """``value`` of the measurement ``of``, over that of ``against`` if there is one; ``value``: ``rate``, ``memory``
    or a fact. ``goal`` is hoped for, ``least`` and ``most`` are wanted. ``wall``: whatever clock was asked for, it is a
    matter of the one on the wall. ``ratio``: the fact is one of two of the same round."""

    what: str
    value: str
    of: str
    against: str = ""
    least: float | None = None
    most: float | None = None
    goal: float | None = None
    wall: bool = False
    ratio: bool = False

    @property
    def wanted(self) -> str:
        """In words."""
        unit = " times" if self.against else ""
        parts = [f"≥ {self.least:g}{unit}"] if self.least is not None else []
        parts += [f"≤ {self.most:g}{unit}"] if self.most is not None else []
        return ", ".join(parts) + (f", goal {self.goal:g}{unit}" if self.goal is not None else "")


class Outcome(Struct, frozen=True):
    """What came of a target; ``rounds``: the value of each round; ``why`` it was not measured."""

    what: str
    wanted: str
    verdict: Verdict
    value: float | None = None
    goal_met: bool | None = None
    rounds: list[float] = []
    why: str = ""


def _of_peer(
    what: str, memory: str, file: str, peer: str, least: float, goal: float | None = None
) -> tuple[Target, Target]:
    """What is wanted against a peer that has messages in memory: of ours where it has them there, too, and where it
    reads a capture file and cuts it into packets besides."""
    name = peer.partition(",")[0].removesuffix(" lines")
    return (
        Target(f"{what}, against {name}", "rate", memory, peer, least=least, goal=goal),
        Target(f"{what}, from a file, against {name} from memory", "rate", file, peer, least=least, goal=goal),
    )


KERNEL = "running kernel"
TARGETS = [
    *_of_peer("libnl, mixed", "libnl in memory, mixed", "libnl warm, mixed", "pyroute2, mixed", 40),
    *_of_peer("libnl, mixed", "libnl in memory, mixed", "libnl warm, mixed", "libnl-3 lines, mixed", 0.8, 1),
    Target("libnl, mixed, against ip monitor file", "rate", "libnl warm, mixed", "ip monitor file, mixed", least=2.5),
    *_of_peer("libnl from cold, mixed", "libnl cold in memory, mixed", "libnl cold, mixed", "pyroute2, mixed", 25),
    *_of_peer("libnl, links", "libnl in memory, links", "libnl warm, links", "pyroute2, links", 100),
    *_of_peer("libnl, links", "libnl in memory, links", "libnl warm, links", "libnl-3 lines, links", 1.6),
    *_of_peer("legacy, mixed", "legacy in memory, mixed", "legacy, mixed", "pyroute2, mixed", 12),
    Target("dual run with verdict, against pyroute2", "rate", "dual, mixed", "pyroute2, mixed", least=8, goal=14),
    Target(
        "dual run with verdict, as recorded, against pyroute2",
        *("rate", "dual, recording", "pyroute2, recording"),
        least=4,
    ),
    Target("nlmon decode, against tshark -T ek", "rate", "nlmon decode, mixed", "tshark ek, mixed", least=4),
    Target(
        "nlmon decode by a harness in C, against libnl",
        *("rate", "decode by a program with a window, mixed", "nlmon decode, mixed"),
        least=0.33,
    ),
    Target(
        "libnl, conntrack, against pyroute2", "rate", "libnl warm, conntrack", "pyroute2 conntrack, conntrack", least=10
    ),
    Target("libnl, nl80211, against pyroute2", "rate", "libnl warm, nl80211", "pyroute2 nl80211, nl80211", least=10),
    Target("two jobs against one", "rate", "jobs 2, mixed", "jobs 1, mixed", least=1.8, wall=True),
    Target(
        "no two layouts alike: without the layout cache against with it",
        *("rate", "layouts off, strangers", "layouts on, strangers"),
        most=1.3,
    ),
    Target("the filter that costs most, against the same by hand", RATIO, "filters, recording", most=4, ratio=True),
    Target("peak memory, 10 million messages against 1", "memory", "memory 10 M, mixed", "memory 1 M, mixed", most=1.1),
    *(
        Target(f"{key}: eight times the size", "rate", f"{key}, {LARGE}", f"{key}, {SMALL}", least=0.8)
        for key in GROWTH
    ),
    *(
        Target(
            f"peak memory, bomb of {key} against 16 MB of links",
            *("memory", f"bomb of {key}, bombs", "bomb of many links, bombs"),
            most=6,
        )
        for key in BOMBS[1:]
    ),
    Target("burst, 1 MiB: messages lost", "lost", f"burst 1 MiB, {KERNEL}", most=0),
    Target("burst, 32 KiB: overruns seen", "overruns", f"burst 32 KiB, {KERNEL}", least=1),
    Target("burst, 32 KiB: final state is right", "state is right", f"burst 32 KiB, {KERNEL}", least=1),
    Target(
        "burst, 32 KiB: lost, of what ip monitor lost",
        *("lost, of ip monitor", f"burst 32 KiB, {KERNEL}"),
        most=1,
        ratio=True,
    ),
    Target(
        "drain of a full socket, against pyroute2", "rate", f"drain, {KERNEL}", f"drain by pyroute2, {KERNEL}", least=10
    ),
]


def outcome(
    target: Target, samples: Mapping[str, Sequence[Sample]], missing: Mapping[str, str], clock: Clock
) -> Outcome:
    """Hold the samples of a run against a target. ``missing``: why a measurement has none."""
    ours, theirs = samples.get(target.of, ()), samples.get(target.against, ())
    if not ours or (target.against and not theirs):
        absent = target.of if not ours else target.against
        return Outcome(target.what, target.wanted, "not measured", why=missing.get(absent, "not asked for"))
    if target.against:
        rounds = [
            _value(one, target, clock) / _value(other, target, clock) for one, other in zip(ours, theirs, strict=False)
        ]
        value = statistics.median(rounds)
    else:
        rounds = [_value(one, target, clock) for one in ours]
        value = min(rounds) if target.least is not None else max(rounds)
        value = statistics.median(rounds) if target.ratio else value
    least = -math.inf if target.least is None else target.least
    most = math.inf if target.most is None else target.most
    return Outcome(
        target.what,
        target.wanted,
        "met" if least <= value <= most else "missed",
        value,
        None if target.goal is None else value >= target.goal,
        rounds,
    )


def _value(sample: Sample, target: Target, clock: Clock) -> float:
    if target.value == "rate":
        return sample.rate("wall" if target.wall else clock)
    return float(sample.memory) if target.value == "memory" else sample.facts[target.value]
