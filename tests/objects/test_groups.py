"""The routes of a group in the kernel's order, and what a new one replaces."""

from __future__ import annotations

from time import process_time

import pytest

from nlmon.objects.groups import RouteGroups
from nlmon.objects.keys import Key
from nlmon.uapi import AF_BRIDGE, AF_INET, AF_INET6, NLM_F_APPEND, NLM_F_CREATE, NLM_F_MULTI, NLM_F_REPLACE

CREATE, APPEND, REPLACE = NLM_F_CREATE, NLM_F_CREATE | NLM_F_APPEND, NLM_F_REPLACE
# Groups begin with their address family.
GROUP4: Key = (AF_INET, "group")
GROUP6: Key = (AF_INET6, "group")


def keys(names: str) -> list[Key]:
    """A key for each letter."""
    return [(name,) for name in names]


@pytest.mark.parametrize(
    ("messages", "order", "replaced"),
    [
        ([("a", CREATE), ("b", APPEND), ("c", CREATE)], "cab", ""),
        ([("a", NLM_F_MULTI), ("b", NLM_F_MULTI)], "ab", ""),
        ([("a", CREATE), ("b", APPEND), ("c", REPLACE)], "cb", "a"),
        ([("a", CREATE), ("b", CREATE), ("c", REPLACE), ("d", REPLACE)], "da", "bc"),
        ([("a", CREATE), ("b", APPEND), ("b", CREATE)], "ab", ""),
        ([("a", CREATE), ("b", APPEND), ("N", APPEND), ("N", REPLACE)], "abN", ""),
        ([("a", CREATE), ("b", APPEND), ("b", REPLACE)], "b", "a"),
        ([("a", CREATE), ("a", REPLACE)], "a", ""),
    ],
)
def test_ipv4(messages: list[tuple[str, int]], order: str, replaced: str) -> None:
    """A replacement takes the first place, an appended route the last; a replaced nexthop object (N) moves none."""
    groups, gone = RouteGroups(), []
    for name, flags in messages:
        one = groups.put4(GROUP4, (name,), flags, nexthop=name == "N")
        gone += [] if one is None else [one]

    assert (groups.of(GROUP4), gone) == (keys(order), keys(replaced))


@pytest.mark.parametrize(
    ("messages", "order", "replaced"),
    [
        # Letters: siblings s, t, u; D, E direct or of an advertisement; N over a nexthop object.
        ([("s", CREATE), ("st", CREATE), ("D", CREATE)], "Dst", ""),
        ([("stu", CREATE), ("D", REPLACE)], "D", "stu"),
        ([("stu", CREATE), ("D", CREATE), ("E", REPLACE)], "Estu", "D"),
        ([("D", CREATE), ("E", CREATE), ("s", REPLACE)], "Es", "D"),
        ([("D", CREATE), ("stu", CREATE), ("tu", REPLACE)], "Dtu", "s"),
        ([("st", CREATE), ("tu", CREATE)], "tu", "s"),
        ([("D", CREATE), ("st", CREATE)], "Dst", ""),
        ([("s", CREATE), ("N", APPEND)], "Ns", ""),
        ([("D", CREATE), ("N", CREATE), ("N", REPLACE)], "DN", ""),
        ([("D", CREATE), ("E", CREATE), ("E", CREATE)], "DE", ""),
        ([("D", CREATE), ("DE", CREATE | NLM_F_MULTI), ("E", REPLACE)], "E", "D"),
    ],
)
def test_ipv6(messages: list[tuple[str, int]], order: str, replaced: str) -> None:
    """Siblings are replaced together, of other routes the first of all; where there is none of the like, the others."""
    groups, gone = RouteGroups(), []
    for names, flags in messages:
        sibling = names.islower()
        for part in [names] if sibling else list(names):
            gone += groups.put6(
                GROUP6, keys(part), flags, sibling=sibling, listed=sibling and len(part) > 1, nexthop=part == "N"
            )

    assert (groups.of(GROUP6), sorted(gone)) == (keys(order), keys(replaced))


def test_a_route_that_turns_out_to_be_a_sibling() -> None:
    """A program's own route of an advertisement is listed as a hop later: it is in its group once."""
    groups = RouteGroups()
    groups.put6(GROUP6, keys("a"), CREATE, sibling=False, listed=False, nexthop=False)
    groups.put6(GROUP6, keys("ab"), CREATE, sibling=True, listed=True, nexthop=False)
    groups.remove(GROUP6, ("a",))

    assert groups.of(GROUP6) == keys("b")


def test_a_copy_is_its_own() -> None:
    """What is done to a copy is not done to the original."""
    groups = RouteGroups()
    for name in "abc":
        groups.put4(GROUP4, (name,), APPEND, nexthop=False)
    one = groups.copy()
    one.listed(GROUP4, ("a",), sibling=False)
    one.remove(GROUP4, ("b",))

    assert (groups.of(GROUP4), one.of(GROUP4)) == (keys("abc"), keys("ca"))


def test_routes_of_a_family() -> None:
    """One group after the other, of IPv6 siblings last; no other family has any."""
    groups, other = RouteGroups(), (AF_INET6, "other")
    groups.put4(GROUP4, ("a",), CREATE, nexthop=False)
    groups.put6(GROUP6, keys("s"), CREATE, sibling=True, listed=False, nexthop=False)
    groups.put6(other, keys("D"), CREATE, sibling=False, listed=False, nexthop=False)
    groups.put4(GROUP4, ("b",), APPEND, nexthop=False)

    assert {family: groups.of_family(family) for family in (AF_INET, AF_INET6, AF_BRIDGE)} == {
        AF_INET: keys("ab"),
        AF_INET6: keys("Ds"),
        AF_BRIDGE: [],
    }


def grown(count: int) -> float:
    """Seconds for so many routes in one group that come first, are replaced and go, of both families."""
    groups, begun = RouteGroups(), process_time()
    for number in range(count):
        groups.put4(GROUP4, (number,), CREATE, nexthop=False)
        groups.put6(GROUP6, [(number,)], CREATE, sibling=bool(number % 2), listed=False, nexthop=False)
    for number in range(count):
        groups.put4(GROUP4, (number, ""), REPLACE, nexthop=False)
        groups.put6(GROUP6, [(number, "")], REPLACE, sibling=False, listed=False, nexthop=False)
    for number in range(count):
        groups.remove(GROUP4, (number, ""))
        groups.remove(GROUP6, (number,))
    return process_time() - begun


@pytest.mark.slow
def test_a_group_of_any_size_takes_the_same_time_for_each_route() -> None:
    """Eight times as many routes take less than thirty times as long; a walk for each would take sixty-four."""
    small = min(grown(2000) for _ in range(3))

    assert min(grown(16000) for _ in range(2)) < 30 * small
