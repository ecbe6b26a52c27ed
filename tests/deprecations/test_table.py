"""The table of what is old: it follows the guide, and what takes the place of a name is there."""

from __future__ import annotations

import re

import pytest

import nlmon.api
import nlmon.manager
from nlmon.api import NetlinkData, NlmonEvent
from nlmon.api.event import NetlinkFields
from nlmon.compat import __all__ as OLD_NAMES
from nlmon.config.keys import keys
from nlmon.deprecations.table import EVENT_FIELDS, FILTER_FIELDS, FUNCTIONS, LEGACY, MODULE, TABLE, Deprecated
from nlmon.filters.fields import ALIASES, FIELDS


def test_every_old_name_of_compat_has_a_row() -> None:
    """And no function has one that is not there."""
    assert sorted(FUNCTIONS) == sorted(name for name in OLD_NAMES if name.startswith("nlmon_"))


@pytest.mark.parametrize("row", FUNCTIONS.values(), ids=lambda row: row.name)
def test_what_takes_the_place_of_a_function_is_there(row: Deprecated) -> None:
    """In the unified interface."""
    assert row.replacement.removesuffix("()") in nlmon.api.__all__


def test_old_fields_of_filters_are_those_that_filters_know() -> None:
    """The bare names, and each means the field that takes its place."""
    bare = {name: path for name, path in ALIASES.items() if not name.startswith("netlink.")}

    assert {row.name: row.replacement for row in FILTER_FIELDS.values()} == bare
    assert set(bare.values()) <= FIELDS.keys()


def test_old_fields_of_events_are_there_beside_the_new_ones() -> None:
    """An event has both."""
    assert set(EVENT_FIELDS) <= set(NlmonEvent.__struct_fields__)
    assert set(EVENT_FIELDS) <= set(NetlinkFields.__struct_fields__)
    assert NetlinkData.__struct_fields__


def test_the_option_is_a_key() -> None:
    """Of the configuration."""
    assert tuple(LEGACY.name.partition(":")[0].split(".")) in keys()


INSTEAD = [
    ("nlmon_multi_protocol_init", True, "nlmon_netlink_init() or nlmon_nl_manager_init()"),
    ("nlmon_multi_protocol_disable", True, "nlmon_netlink_disable() or Manager.disable()"),
    ("nlmon_multi_protocol_disable", False, "nlmon_netlink_disable()"),
]


@pytest.mark.parametrize(("name", "python", "instead"), INSTEAD)
def test_a_method_is_no_replacement_in_c(name: str, python: bool, instead: str) -> None:
    """That of a class is Python's alone."""
    assert FUNCTIONS[name].instead(python=python) == instead


def test_names_are_unique_by_kind() -> None:
    """A row for each, with a line of the guide, and the module is one of ours."""
    assert len({(row.kind, row.name) for row in TABLE}) == len(TABLE)
    assert [row.name for row in TABLE if row.guide < 1] == []
    assert re.fullmatch(r"nlmon\.\w+", MODULE.name)
