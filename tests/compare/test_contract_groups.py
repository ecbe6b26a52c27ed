"""The groups of the contract are those that the implementations join."""

from __future__ import annotations

import pytest

from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.compare.statement import ours, statement_of

GENERIC = 16


@pytest.mark.parametrize("backend", [LegacyBackend, LibnlBackend])
def test_groups_that_are_always_joined(backend: type[LegacyBackend | LibnlBackend]) -> None:
    """By protocol; of generic netlink every family's."""
    expected = {protocol: frozenset(groups) for protocol, groups in backend.groups.items() if protocol != GENERIC}

    assert statement_of(backend.name).joins(()) == expected


@pytest.mark.parametrize("name", EXTRA_GROUPS)
def test_groups_that_are_asked_for(name: str) -> None:
    """Each of rtnetlink's neighbouring groups by its name, of libnl alone."""
    legacy, libnl = map(statement_of, ("legacy", "libnl"))

    assert libnl.joins((name,))[0] == frozenset((*LibnlBackend.groups[0], *EXTRA_GROUPS[name]))
    assert legacy.joins((name,)) == legacy.joins(())


def test_every_group_of_the_contract_can_be_asked_for() -> None:
    """By the names that libnl knows."""
    assert {row.asked for one in ours() for row in one.groups if row.asked} == set(EXTRA_GROUPS)


def test_an_unknown_implementation_has_to_join_no_group() -> None:
    """The contract says nothing of it."""
    assert statement_of("another").joins(("tc",)) == {}
