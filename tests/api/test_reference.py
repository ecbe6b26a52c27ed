"""The reference of the interfaces names what there is, with the codes and texts that it has."""

from __future__ import annotations

import re
from inspect import isfunction
from types import ModuleType
from typing import get_type_hints

import pytest

import nlmon.api
import nlmon.compat
import nlmon.manager
from nlmon.api import Code, EventType, Monitor, NetlinkConfig, NetlinkData, NetlinkFields, NlmonEvent
from nlmon.api.results import strerror
from nlmon.manager import Manager
from support.paths import REPOSITORY

TEXT = (REPOSITORY / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `?([^`\n]+)`?\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def words(section: str) -> set[str]:
    """Every word in code of a section."""
    return {word for code in re.findall(r"`([^`\n]+)`", SECTIONS[section]) for word in re.findall(r"\w+", code)}


@pytest.mark.parametrize("module", [nlmon.api, nlmon.manager, nlmon.compat], ids=lambda module: str(module.__name__))
def test_every_public_name_is_in_the_reference(module: ModuleType) -> None:
    """In the section of its module; protocols are listed once."""
    named = words(module.__name__) | {name for name in words("nlmon.api") if name.startswith("NLMON_PROTO_")}

    assert [name for name in module.__all__ if name not in named] == []


@pytest.mark.parametrize("module", [nlmon.api, nlmon.manager, nlmon.compat], ids=lambda module: str(module.__name__))
def test_types_can_be_read_by_a_program(module: ModuleType) -> None:
    """As tools for documentation and injection do."""
    found = [getattr(module, name) for name in module.__all__]
    made = [Monitor.__init__, Manager.__init__]

    assert all(get_type_hints(one) for one in [*filter(isfunction, found), *made])


def test_the_table_of_codes_is_the_code() -> None:
    """Number, name and text of each, in their order."""
    rows = re.findall(r"^\| (-?\d+) \| `(\w+)` \| (.+) \|$", SECTIONS["Results"], re.MULTILINE)

    assert rows == [(str(int(code)), code.name, strerror(code)) for code in Code]


def test_every_field_and_method_is_in_the_reference() -> None:
    """Of events, of configurations and of monitors."""
    fields = [
        *NlmonEvent.__struct_fields__,
        *NetlinkFields.__struct_fields__,
        *NetlinkData.__struct_fields__,
        *(one.name for one in EventType),
    ]
    methods = [name for name in vars(Monitor) if not name.startswith("_")]
    more = [name for name in vars(nlmon.manager.Manager) if not name.startswith("_")]

    assert [name for name in fields if name not in words("Events")] == []
    assert [name for name in (*NetlinkConfig.__struct_fields__, *methods) if name not in words("nlmon.api")] == []
    assert [name for name in more if name not in words("nlmon.manager")] == []
