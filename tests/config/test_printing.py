"""What is printed of a configuration: as a file again, and the schema of files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from nlmon.config import Loaded, interpret
from nlmon.config.schema import config_schema
from nlmon.config.show import Effective, as_yaml
from support.configurations import CONFIG, parts, snippets

VECTORS = sorted((CONFIG / "vectors").glob("*.yaml"))
LOADING = [
    text
    for text in (*(path.read_text(encoding="utf-8") for path in VECTORS), *(p for s in snippets() for p in parts(s)))
    if interpret([("a.yaml", text.encode())], {}).config is not None
]
VALIDATOR = Draft202012Validator(config_schema())


def of(text: str) -> Loaded:
    return interpret([("a.yaml", text.encode())], {})


@pytest.mark.parametrize("text", [*LOADING, 'export: {json: {file: "a\\u202e\\x7f: # ${B"}}'])
def test_what_is_shown_can_be_read_again(text: str) -> None:
    """It gives the same values, whatever is in them."""
    loaded = of(text)
    assert loaded.config is not None
    again = of(as_yaml(Effective(loaded.config, loaded.origins)))

    assert again.config == loaded.config


def test_every_value_has_its_origin() -> None:
    """A comment behind it."""
    loaded = of("netlink:\n  use_libnl: off\nfilters:\n- {name: a, expression: netlink.pid==1}\n")
    assert loaded.config is not None
    lines = as_yaml(Effective(loaded.config, loaded.origins)).splitlines()

    assert "  use_libnl: false  # a.yaml:2" in lines
    assert "filters:  # a.yaml:4" in lines
    assert '  - {"name": "a", "expression": "netlink.pid==1", "enabled": true, "action": "log"}' in lines
    assert "  max_events: 10000  # default" in lines
    assert [line for line in lines if "#" not in line and not line.endswith(":") and "- {" not in line] == []


def test_the_schema_is_one() -> None:
    """By the rules of JSON Schema 2020-12."""
    Draft202012Validator.check_schema(config_schema())


def plain(text: str) -> Any:
    """A file as an editor reads it, by YAML 1.2."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text) or {}))


@pytest.mark.parametrize("text", [*LOADING, "nlmon:\n", "nlmon: {core: }\n"])
def test_the_schema_accepts_what_loads(text: str) -> None:
    """So an editor marks nothing in a file that is in order."""
    assert [error.message for error in VALIDATOR.iter_errors(plain(text))] == []


REFUSED = [
    "netlink: {use_libln: true}",
    "netlink: {use_libnl: maybe}",
    "netlink: {buffer_size: {receive: 32K}}",
    "core: {max_events: 5}",
    "nlmon: {core: {max_events: 5}}",
    "output: {syslog: {protocol: quic}}",
    "filters: [{name: a}]",
    "filters: [{name: a, expression: ''}]",
    "logging: {level: loud}",
    "web: {port: 70000}",
    "netlink: {generic_families: nl80211}",
]


@pytest.mark.parametrize("text", REFUSED)
def test_the_schema_refuses_what_does_not_load(text: str) -> None:
    """A key that is not known, a value of a wrong kind or out of bounds."""
    assert (VALIDATOR.is_valid(plain(text)), of(text).config) == (False, None)
