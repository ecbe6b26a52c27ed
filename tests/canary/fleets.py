"""Fleets of hosts for tests of the canary, with a known defect on some hosts of the new group.

Rates vary from host to host by a log-normal factor (sigma 0.4, busy hosts are busy in everything, sigma 0.3), counts
within a host are negative binomial (Poisson of a Gamma), and losses are rare: the overdispersion of real fleets.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from nlmon.canary.judging import GroupFacts, Host

HOSTS = 200
SECONDS = 3600.0
# Events in an hour of a usual host.
TYPES = {
    "RTM_NEWLINK": 60,
    "RTM_DELLINK": 12,
    "RTM_NEWADDR": 30,
    "RTM_DELADDR": 30,
    "RTM_NEWROUTE": 200,
    "RTM_DELROUTE": 180,
    "RTM_NEWNEIGH": 900,
    "RTM_DELNEIGH": 400,
}


def _poisson(random_: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(random_.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), random_.random(), 0
    while product > limit:
        product *= random_.random()
        count += 1
    return count


def host(random_: random.Random, name: str) -> Host:
    """A host that is in order."""
    busy = random_.lognormvariate(0, 0.3)
    counts = {
        kind: _poisson(random_, mean * busy * random_.lognormvariate(0, 0.4) * random_.gammavariate(10, 0.1))
        for kind, mean in TYPES.items()
    }
    # One host in twenty loses messages at times.
    overruns = _poisson(random_, random_.gammavariate(0.5, 4)) if random_.random() < 0.05 else 0
    return Host(name, counts, {"overruns": overruns}, SECONDS)


def with_losses(random_: random.Random, one: Host) -> Host:
    """The host with a monitor that loses messages, and says so."""
    return one._replace(bad={"overruns": one.bad["overruns"] + 2 + _poisson(random_, 6)})


def with_repeats(random_: random.Random, one: Host) -> Host:
    """The host with a monitor that exports each event of a link sixteen times."""
    return one._replace(types={**one.types, "RTM_NEWLINK": 16 * one.types["RTM_NEWLINK"]})


def without_a_type(random_: random.Random, one: Host) -> Host:
    """The host with a monitor that exports no address that goes."""
    return one._replace(types={kind: number for kind, number in one.types.items() if kind != "RTM_DELADDR"})


def with_doubles(random_: random.Random, one: Host) -> Host:
    """The host with a monitor that exports each event of a link twice, less than hosts differ by themselves."""
    return one._replace(types={**one.types, "RTM_NEWLINK": 2 * one.types["RTM_NEWLINK"]})


DEFECTS: dict[str, Callable[[random.Random, Host], Host]] = {
    "losses": with_losses,
    "link events sixteen times": with_repeats,
    "no address that goes": without_a_type,
    "link events twice": with_doubles,
}


def fleet(seed: int, defect: str = "losses", share: float = 0.0, hosts: int = HOSTS) -> tuple[list[Host], list[Host]]:
    """A control group and a canary, of which a share has the defect."""
    random_ = random.Random(f"{seed} {defect} {share}")
    control = [host(random_, f"old{number}") for number in range(hosts)]
    canary = [host(random_, f"new{number}") for number in range(hosts)]
    bad = round(share * hosts)
    return control, [DEFECTS[defect](random_, one) if at < bad else one for at, one in enumerate(canary)]


def facts(group: list[Host]) -> GroupFacts:
    """What a report says of a group."""
    return GroupFacts(len(group), len(group), sum(sum(one.types.values()) for one in group), 0, 0)
