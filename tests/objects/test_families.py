"""What a dump would list is found without looking at other objects, and is what one finds by looking at all.

Not here: what a dump proves (``tests/state/test_tables.py``).
"""

from __future__ import annotations

import random

import pytest

from nlmon.objects.families import FamilyIndex, link_index
from nlmon.objects.keys import Key
from nlmon.state.identity import held_by_dump

AF_BRIDGE = 7
# By kind: the request, and keys as objects of that kind have them.
KEYS: dict[str, tuple[int, list[Key]]] = {
    "addr": (22, [(index, family, "a") for index in (1, 2) for family in (2, 10, AF_BRIDGE)]),
    "route": (26, [(family, table, "d") for table in (254, 255) for family in (2, 10)]),
    "neigh": (30, [(family, index, "n", proxy) for family in (0, 2, 10) for index in (1, 2) for proxy in (0, 8)]),
    "rule": (34, [(family, number) for number in (1, 2) for family in (2, 10, AF_BRIDGE, 128)]),
}
KEYS["neigh"][1].extend((AF_BRIDGE, "self", index, "m") for index in (1, 2))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("seed", range(10))
def test_it_gives_what_a_dump_holds(kind: str, seed: int) -> None:
    """The same keys as looking through the whole table does, whatever came and went; also from a copy."""
    rnd, (get_type, keys) = random.Random(seed), KEYS[kind]
    index, table = FamilyIndex.of_kind(kind), dict[Key, None]()
    for _ in range(30):
        key = rnd.choice(keys)
        if key in table:
            del table[key]
            index.remove(key)
        else:
            table[key] = None
            index.put(key)

    for family in (0, 2, 10, AF_BRIDGE, 128):
        expected = {key for key in table if held_by_dump(get_type, family)[1](key)}
        assert [set(one.listed(family, table)) for one in (index, index.copy())] == [expected, expected]


def test_a_dump_of_links_lists_neither_ports_nor_views() -> None:
    """Of a table that holds them all."""
    index = link_index()
    keys: list[Key] = [("link", 1), ("port", 1), ("view", 1), ("link", 2)]
    for key in keys:
        index.put(key)

    assert [list(index.listed(family, keys)) for family in (0, AF_BRIDGE)] == [[keys[0], keys[3]], [keys[1]]]


def test_nothing_is_kept_of_what_is_gone() -> None:
    """A family of which nothing is left takes no memory."""
    index = FamilyIndex.of_kind("route")
    for family in range(100):
        index.put((family, 254))
        index.remove((family, 254))

    assert index._keys == {}
