"""Recipes: their names are enough for all expressions, and cannot be taken for others."""

from __future__ import annotations

import keyword
from typing import Any

import pytest

from nlmon.backends.libnl.decode.generic import GenericDecoder
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.backends.libnl.layouts.messages import PARAMETERS
from nlmon.backends.libnl.policies.recipes import NAMES, NL80211, ROUTE, Either, Recipe, builder, text_of
from nlmon.backends.libnl.policies.resolve import header_codes
from nlmon.events import UNSET, AddrInfo
from support.policies import CARRIERS, policy_of

RECIPES = {**ROUTE, "nl80211": NL80211}


def policy(recipe: Recipe) -> Any:
    return getattr(GenericDecoder if recipe is NL80211 else RouteDecoder, recipe.policy)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_no_two_names_are_alike(recipe: Recipe) -> None:
    """Those of the header, of the policy, and of what a function of a layout is given."""
    names = ["msg_type", *recipe.header, *policy(recipe).fields, *PARAMETERS.split(", "), "m", "seq", "pid", *NAMES]

    assert len(set(names)) == len(names)


def test_fields_can_be_variables() -> None:
    """Each field of a policy is a name, and none that the functions of layouts use for themselves."""
    fields = {field for carrier in CARRIERS for field in policy_of(carrier.policy).fields}

    assert [field for field in fields if not field.isidentifier() or keyword.iskeyword(field)] == []
    assert fields & {"data", "at", "m", "str", "from_bytes"} == set()
    assert [field for field in fields if field != field.lower()] == []


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_a_header_has_a_name_for_each_number(recipe: Recipe) -> None:
    """As many as the struct has, padding aside."""
    codes = [code for code in header_codes(policy(recipe)) if not code.endswith("x")]

    assert len(recipe.header) == len(codes)


@pytest.mark.parametrize(
    ("local", "address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1", ("10.0.0.1", None)),
        ("10.0.0.1", "10.0.0.2", ("10.0.0.1", "10.0.0.2")),
        ("10.0.0.1", None, ("10.0.0.1", None)),
        (UNSET, "10.0.0.2", ("10.0.0.2", None)),
        (UNSET, None, (None, None)),
        (None, "10.0.0.2", (None, None)),
    ],
)
def test_the_own_address_and_the_peer(local: Any, address: Any, expected: tuple[Any, Any]) -> None:
    """IFA_LOCAL is the own address; without it IFA_ADDRESS is; if it could not be read nothing is known."""
    fields = RouteDecoder.addr_policy.fields
    values = {**dict.fromkeys(fields), "local": local, "address": address}
    info, index, name = builder(ROUTE["addr"], fields)(20, 2, 24, 0, 0, 3, *values.values())

    assert isinstance(info, AddrInfo)
    assert ((info.addr, info.peer), index, name) == (expected, 3, None)


@pytest.mark.parametrize(
    ("known", "expected"),
    [({}, "short if table is None else table"), ({"table": None}, "short"), ({"table": 254}, "table")],
)
def test_what_is_known_is_not_asked_for(known: dict[str, int | None], expected: str) -> None:
    """The text of a choice is what it comes to, where that is known when it is written."""
    assert text_of(Either("table", "short"), known) == expected
