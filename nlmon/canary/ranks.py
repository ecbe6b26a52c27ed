"""The statistical tests of a canary, on one value for each host: whether all hosts shifted, and whether few stand out.

Rules:
1. The host is the unit. Events of one host depend on each other, so that no test is about counts of events.
2. Under the hypothesis that it does not matter which group a host is in, every p-value is valid for values of any
   distribution; that of many hosts' rank sum is by the normal approximation. Where most hosts are equal, as in having
   no losses, and one group is smaller, that finds far too much: hosts above and below the usual value are counted out
   instead (Fisher's exact test).
3. Equal values count against finding something.

Not here: which values are tested, and what follows (``judging``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

__all__ = ["beyond", "beyond_at_random", "hosts_needed", "rank_sum", "shift_found", "spare_hosts", "with_correction"]

# Up to so many hosts of both groups the distribution of the rank sum is counted out.
COUNTED_OUT = 24


def rank_sum(control: Sequence[float], canary: Sequence[float], *, both_ways: bool = True) -> float:
    """The p-value of Wilcoxon's rank sum test: whether the values of the canary are larger as a whole, or with
    ``both_ways`` smaller or larger. Of many hosts that are mostly equal, in groups of
    different size, that of an exact test instead."""
    twice = _twice_the_ranks((*control, *canary))
    found = sum(twice[len(control) :])
    if len(twice) <= COUNTED_OUT:
        return _counted_out(twice, len(canary), found, both_ways=both_ways)
    usual, equal = Counter((*control, *canary)).most_common(1)[0]
    smaller, larger = sorted((len(control), len(canary)))
    # In groups of nearly one size the sum has no long tail, and ranks see more than the side that a host is on.
    if 2 * equal > len(twice) and 4 * smaller < 3 * larger:
        return _unusual(usual, control, canary, both_ways=both_ways)
    hosts, some = len(twice), len(canary)
    mean = some * (hosts + 1)
    ties = sum(one**3 - one for one in Counter(twice).values())
    variance = len(control) * some / 3 * (hosts + 1 - ties / (hosts * (hosts - 1)))
    if not variance:
        return 1.0
    # What is counted goes in steps of one, which is 2 of what is added here.
    distance = abs(found - mean) if both_ways else found - mean
    above = math.erfc((distance - 1) / math.sqrt(2 * variance)) / 2
    return min(1.0, 2 * above) if both_ways else above


def _twice_the_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, equal ones having the mean of theirs: a whole number."""
    counts = Counter(values)
    ranks, below = {}, 0
    for value in sorted(counts):
        ranks[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [ranks[value] for value in values]


def _counted_out(twice: Sequence[int], some: int, found: int, *, both_ways: bool) -> float:
    """The share of all choices of hosts whose sum of ranks is as extreme."""
    ways: list[Counter[int]] = [Counter({0: 1}), *(Counter() for _ in range(some))]
    for rank in twice:
        for chosen in range(some, 0, -1):
            for total, number in ways[chosen - 1].items():
                ways[chosen][total + rank] += number
    mean = some * (len(twice) + 1)
    extreme = sum(
        number
        for total, number in ways[some].items()
        if (abs(total - mean) >= abs(found - mean) if both_ways else total >= found)
    )
    return extreme / math.comb(len(twice), some)


def _unusual(usual: float, control: Sequence[float], canary: Sequence[float], *, both_ways: bool) -> float:
    """The share of all choices of hosts in which those above the usual value are as many more than those below it."""
    hosts, some = len(control) + len(canary), len(canary)
    above, below = (sum(one * sign > usual * sign for one in (*control, *canary)) for sign in (1, -1))
    found = sum((one > usual) - (one < usual) for one in canary)
    equal = hosts - above - below
    # Distances from the mean, times the number of hosts, so that they are whole numbers.
    least = found * hosts - some * (above - below)
    # Logarithms, since the numbers of ways of thousands of hosts are too long to multiply.
    ways_above, ways_below, ways_equal = (_log_ways(number, some) for number in (above, below, equal))
    all_ways = _log_ways(hosts, some)[some]
    extreme = 0.0
    for more in range(min(above, some) + 1):
        for fewer in range(max(0, some - more - equal), min(below, some - more) + 1):
            distance = (more - fewer) * hosts - some * (above - below)
            if abs(distance) >= abs(least) if both_ways else distance >= least:
                extreme += math.exp(ways_above[more] + ways_below[fewer] + ways_equal[some - more - fewer] - all_ways)
    return min(1.0, extreme)


def _log_ways(hosts: int, most: int) -> list[float]:
    """The logarithm of the number of choices of none, one, two … of some hosts."""
    factorial = [math.lgamma(number + 1) for number in range(hosts + 1)]
    return [factorial[hosts] - factorial[some] - factorial[hosts - some] for some in range(min(hosts, most) + 1)]


def spare_hosts(control: int) -> int:
    """How many hosts of the control group may stand out themselves, so that they hide no others: one of a hundred."""
    return control // 100


def beyond(control: Sequence[float], canary: Sequence[float]) -> tuple[list[int], float]:
    """Hosts of the canary whose values are above those of the control group but for its spare ones: where they stand in
    ``canary``, and the p-value (Rosenbaum's test, with an order statistic in place of the maximum)."""
    limit = sorted(control)[-1 - spare_hosts(len(control))]
    found = [at for at, value in enumerate(canary) if value > limit]
    return found, beyond_at_random(len(found), len(control), len(canary))


def beyond_at_random(hosts: int, control: int, canary: int) -> float:
    """The probability that so many hosts of the canary, or more, are above the control group without a reason."""
    if not hosts:
        return 1.0
    spare = spare_hosts(control)
    top = hosts + spare
    ways = sum(math.comb(control, few) * math.comb(canary, top - few) for few in range(spare + 1))
    return ways / math.comb(control + canary, top)


def hosts_needed(level: float, control: int, canary: int) -> int | None:
    """The smallest number of hosts beyond the control group that a test at this level finds; None: it finds none."""
    for hosts in range(1, canary + 1):
        if beyond_at_random(hosts, control, canary) <= level:
            return hosts
    return None


def shift_found(level: float, control: int, canary: int) -> float | None:
    """The probability that a host of the canary has more than one of the control group, from which on the rank sum test
    finds a shift of all hosts in 80 of 100 samples (Noether's approximation); None: no shift is large enough."""
    if 2 / math.comb(control + canary, canary) > level:
        return None
    found = 0.5 + (_normal(1 - level / 2) + _normal(0.8)) * math.sqrt((control + canary + 1) / (12 * control * canary))
    return found if found < 1 else None


def _normal(share: float) -> float:
    """The value that this share of a standard normal distribution is below."""
    from statistics import NormalDist  # noqa: PLC0415  (start-up: only a comparison needs it)

    return NormalDist().inv_cdf(share)


def with_correction(found: Sequence[float]) -> list[float]:
    """The p-values adjusted by Holm's method: the probability of one false alarm or more among all of them is at most
    the level that they are compared with, however they depend on each other."""
    adjusted = [0.0] * len(found)
    largest = 0.0
    for number, at in enumerate(sorted(range(len(found)), key=found.__getitem__)):
        largest = max(largest, min(1.0, (len(found) - number) * found[at]))
        adjusted[at] = largest
    return adjusted
