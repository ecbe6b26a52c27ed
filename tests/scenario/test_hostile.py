"""Nothing that a command does in a sandbox changes the host."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest

from support.hostile import HOSTILE, Hostile
from support.users import python

pytestmark = [pytest.mark.slow, pytest.mark.live, pytest.mark.usefixtures("namespaces")]

USERS = ("this user", "nobody")
Attacks: TypeAlias = Callable[[str], Any]


@pytest.fixture(scope="module")
def attacks() -> Attacks:
    """How all hostile commands came out for a user; both users run them once, at the same time."""
    with ThreadPoolExecutor() as pool:
        runs = {user: pool.submit(python, user, "-m", "support.hostile") for user in USERS}
    return lambda user: runs[user].result()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_hostile_command_changes_nothing_outside(case: Hostile, user: str, attacks: Attacks) -> None:
    """Links, rules, mounts, files, settings and processes of the host are as before, nothing is left, and the sandbox
    can still be used."""
    found = dict(attacks(user)[case.name])

    assert found.pop("comes to") in case.comes_to.split(" or ")
    assert found == {"still usable": True, "changed": [], "left": []}


@pytest.mark.parametrize("user", USERS)
def test_what_the_user_himself_changes_is_seen(user: str, attacks: Attacks) -> None:
    """What a hostile command is after could have been changed, and the comparison finds it."""
    assert attacks(user)["seen"] == ["files", "texts", "victim"]


def test_there_are_many_hostile_commands() -> None:
    """At least thirty, each with a name of its own."""
    assert len({case.name for case in HOSTILE}) == len(HOSTILE) >= 30
