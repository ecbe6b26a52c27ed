"""The statistical tests of a canary, beside published values and beside every choice counted out."""

from __future__ import annotations

from itertools import combinations

import pytest

from nlmon.canary.ranks import beyond, beyond_at_random, hosts_needed, rank_sum, shift_found, with_correction


@pytest.mark.parametrize(
    ("control", "canary", "both_ways", "p"),
    [
        pytest.param([1, 2, 3], [4, 5, 6], True, 0.1, id="apart"),
        pytest.param([1, 2, 3], [4, 5, 6], False, 0.05, id="apart one way"),
        pytest.param([4, 5, 6], [1, 2, 3], False, 1.0, id="the other way"),
        pytest.param([1, 1, 1], [1, 1, 1], True, 1.0, id="all equal"),
        # Hollander and Wolfe, permeability of membranes: W = 30, one way 0.2544 (upper tail).
        pytest.param(
            [1.15, 0.88, 0.90, 0.74, 1.21],
            [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
            False,
            0.1272,
            id="permeability",
        ),
    ],
)
def test_rank_sum(control: list[float], canary: list[float], both_ways: bool, p: float) -> None:
    """Few hosts are counted out."""
    assert rank_sum(control, canary, both_ways=both_ways) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize("values", [[0, 0, 1, 3, 3, 3, 7, 9], [5, 1, 1, 2, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8]])
def test_equal_values_are_counted_out(values: list[float]) -> None:
    """The p-value is the share of all choices of hosts that are as extreme."""
    ordered = sorted(values)
    rank = {one: ordered.index(one) + (ordered.count(one) + 1) / 2 for one in values}
    sums = [sum(rank[values[at]] for at in chosen) for chosen in combinations(range(8), 3)]
    found = sum(rank[one] for one in values[5:])

    assert rank_sum(values[:5], values[5:], both_ways=False) == sum(one >= found for one in sums) / len(sums)
    assert rank_sum(values[:5], values[5:]) == sum(abs(one - 13.5) >= abs(found - 13.5) for one in sums) / len(sums)


def test_many_hosts_are_near_what_is_counted_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The normal approximation, where it begins, agrees to two thousandths."""
    control, canary = [float(2 * one) for one in range(12)], [float(2 * one + 7) for one in range(12)]
    exact = rank_sum(control, canary)
    monkeypatch.setattr("nlmon.canary.ranks.COUNTED_OUT", 0)

    assert rank_sum(control, canary) == pytest.approx(exact, abs=0.002)


@pytest.mark.parametrize(
    ("control", "canary", "both_ways", "p"),
    [
        # Fisher's exact test of 3 of 10 and 7 of 200 hosts; the normal approximation says 0.00007.
        pytest.param([0] * 193 + [4] * 7, [0] * 7 + [4] * 3, False, 0.007898, id="losses"),
        pytest.param([0] * 193 + [4] * 7, [0] * 10, False, 1.0, id="no losses"),
        pytest.param([5] * 40, [5] * 19 + [4], True, 1 / 3, id="one is below"),
        pytest.param([5] * 40, [5] * 10 + [0] * 10, True, 0.000002, id="half are below"),
        pytest.param([5] * 40, [5] * 10 + [0] * 10, False, 1.0, id="half are below, one way"),
        pytest.param([5] * 40, [5] * 16 + [4, 4, 6, 6], True, 1.0, id="as many above as below"),
    ],
)
def test_hosts_that_are_mostly_equal_are_counted_out(
    control: list[float], canary: list[float], both_ways: bool, p: float
) -> None:
    """However many there are, and however much larger one group is."""
    assert rank_sum(control, canary, both_ways=both_ways) == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize(
    ("control", "canary", "hosts", "p"),
    [
        pytest.param([1, 2, 3], [4, 5, 6], [0, 1, 2], 1 / 20, id="all"),
        pytest.param([1, 2, 3], [3, 3, 3], [], 1.0, id="equal ones are not beyond"),
        pytest.param([1, 2, 3], [0, 9, 1], [1], 1 / 2, id="one"),
    ],
)
def test_hosts_beyond_the_control_group(control: list[float], canary: list[float], hosts: list[int], p: float) -> None:
    """How many, and how often that happens without a reason."""
    assert beyond(control, canary) == (hosts, p)


def test_a_host_of_the_control_group_hides_nothing() -> None:
    """Of a hundred hosts one may stand out."""
    hosts, p = beyond([*range(99), 10_000], [*range(90), *range(500, 510)])

    assert (hosts, p < 0.01) == (list(range(90, 100)), True)


@pytest.mark.parametrize(
    ("level", "control", "canary", "hosts"), [(0.05, 3, 3, 3), (0.01, 3, 3, None), (0.01, 200, 200, 12)]
)
def test_hosts_needed(level: float, control: int, canary: int, hosts: int | None) -> None:
    """One fewer is not found."""
    assert hosts_needed(level, control, canary) == hosts
    if hosts is not None:
        assert beyond_at_random(hosts, control, canary) <= level < beyond_at_random(hosts - 1, control, canary)


def test_shifts_that_are_found() -> None:
    """Noether's formula: with 200 and 200 hosts a small one, with 3 and 3 none."""
    assert (round(shift_found(0.05, 200, 200) or 0, 3), shift_found(0.05, 3, 3)) == (0.581, None)


def test_holm() -> None:
    """Each p-value is multiplied by the number of those that are not smaller, and no larger one is found before it."""
    assert with_correction([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
