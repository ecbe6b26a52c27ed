"""Configurations that the C program was given have the documented result, and a list says where that is another one."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from support.configurations import CONFIG, c_values, found, observed, our_values

ROWS: list[dict[str, Any]] = tomllib.loads((CONFIG / "vectors.toml").read_text(encoding="utf-8"))["vector"]
OBSERVED = observed()
NOT_OBSERVED = {"u_top_caching.yaml"}


def text_of(row: dict[str, Any]) -> str:
    return (CONFIG / "vectors" / row["file"]).read_text(encoding="utf-8")


def test_no_configuration_is_missing() -> None:
    """Each has a row, and each but one was given to the C program."""
    names = [row["file"] for row in ROWS]

    assert sorted(names) == sorted(path.name for path in (CONFIG / "vectors").glob("*.yaml"))
    assert {name for name in names if name not in OBSERVED} == NOT_OBSERVED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_the_documented_result(row: dict[str, Any]) -> None:
    """A configuration, or none, with these problems at these places."""
    loaded, problems = found(text_of(row), {})

    assert (loaded.config is None, problems) == (row["refused"]["nlmon"], row["problems"])


@pytest.mark.parametrize("row", [row for row in ROWS if row["file"] in OBSERVED], ids=lambda row: row["file"])
def test_every_difference_from_the_c_program_is_in_the_list(row: dict[str, Any]) -> None:
    """Where both have a configuration, its values are those of the C program but for those that the list names."""
    printed = OBSERVED[row["file"]]
    config = found(text_of(row), {})[0].config
    refused = "load rc=0" not in printed or "validate rc=0" not in printed
    differs = {}
    if config is not None:
        theirs = c_values(printed)
        ours = our_values(config, theirs)
        differs = {name: [ours[name], theirs[name]] for name in theirs if ours[name] != theirs[name]}

    assert (refused, differs) == (row["refused"]["c"], row.get("differs", {}))


def test_the_variable_with_a_default_is_read() -> None:
    """The C program chooses legacy whatever the variable says, since it knows no default."""
    name = "d_env_default"
    theirs = c_values(OBSERVED[f"{name} with NLMON_USE_LIBNL=true"])["netlink.use_libnl"]
    text = (CONFIG / "vectors" / f"{name}.yaml").read_text(encoding="utf-8")
    config = found(text, {"NLMON_USE_LIBNL": "true"})[0].config

    assert config is not None
    assert (config.netlink.use_libnl, theirs) == (True, False)


def test_variables_that_both_read() -> None:
    """Numbers that override a file are the same in both."""
    theirs = c_values(OBSERVED["ctx env overrides"])
    config = found("", {"NLMON_MAX_EVENTS": "777", "NLMON_WEB_PORT": "1234"})[0].config

    assert config is not None
    assert (config.core.max_events, config.web.port) == (theirs["core.max_events"], theirs["web.port"]) == (777, 1234)
