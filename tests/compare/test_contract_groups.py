"""The groups of the contract are those that the implementations join."""

from __future__ import annotations

import pytest

from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.compare.contract import load_contract

GENERIC = 16


@pytest.mark.parametrize("backend", [LegacyBackend, LibnlBackend])
def test_groups_that_are_always_joined(backend: type[LegacyBackend | LibnlBackend]) -> None:
    """By protocol; of generic netlink every family's."""
    expected = {protocol: frozenset(groups) for protocol, groups in backend.groups.items() if protocol != GENERIC}

    assert load_contract().joins(backend.name, ()) == expected


@pytest.mark.parametrize("name", EXTRA_GROUPS)
def test_groups_that_are_asked_for(name: str) -> None:
    """Each of rtnetlink's neighbouring groups by its name, of libnl alone."""
    contract = load_contract()

    assert contract.joins("libnl", (name,))[0] == frozenset((*LibnlBackend.groups[0], *EXTRA_GROUPS[name]))
    assert contract.joins("legacy", (name,)) == contract.joins("legacy", ())


def test_every_group_of_the_contract_can_be_asked_for() -> None:
    """By the names that libnl knows."""
    assert {row.asked for row in load_contract().groups if row.asked} == set(EXTRA_GROUPS)


def test_an_unknown_implementation_owes_no_group() -> None:
    """The contract says nothing of it."""
    assert load_contract().joins("another", ("tc",)) == {}
