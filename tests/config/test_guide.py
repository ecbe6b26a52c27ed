"""Every YAML snippet of the migration guide works as it is written, under both implementations."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from support.configurations import CONFIG, Snippet, found, parts, snippets

ROWS: dict[int, dict[str, Any]] = {
    row["line"]: row for row in tomllib.loads((CONFIG / "guide.toml").read_text(encoding="utf-8"))["snippet"]
}
SNIPPETS = list(snippets())
FLAGS = {"libnl": "true", "legacy": "false"}


def test_no_snippet_is_missing() -> None:
    """The guide has 38 blocks of YAML; the list has each file of them, and no other."""
    files = [int(path.name.partition("-")[0]) for path in sorted((CONFIG / "guide").iterdir())]

    assert (files, len(files)) == (list(ROWS), 38)


@pytest.mark.parametrize("implementation", FLAGS)
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda one: str(one.line))
def test_a_snippet_loads_or_is_refused_as_the_list_says(snippet: Snippet, implementation: str) -> None:
    """Its notices are those of the list, with their places; the implementation is the one that was asked for."""
    row = ROWS[snippet.line]
    loaded, problems = found(snippet.text, {"NLMON_USE_LIBNL": FLAGS[implementation]})

    assert (loaded.config is None, problems) == (row["refused"], row[implementation])
    for text in parts(snippet):
        config = found(text, {"NLMON_USE_LIBNL": FLAGS[implementation]})[0].config
        assert config is not None
        assert config.netlink.use_libnl == (implementation == "libnl")


def test_one_snippet_shows_two_files() -> None:
    """What is refused gives one key twice, an old filter and a new one; each of them loads."""
    refused = [one for one in SNIPPETS if ROWS[one.line]["refused"]]

    assert [one.heading for one in refused] == ["Issue: Different event data between implementations"]
    assert [found(text, {})[0].config.filter for text in parts(refused[0])] == [  # type: ignore[union-attr]
        "protocol == NETLINK_ROUTE",
        "netlink.protocol == NETLINK_ROUTE",
    ]


@pytest.mark.parametrize(("value", "libnl"), [(None, True), ("", True), ("true", True), ("false", False)])
def test_the_feature_flag(value: str | None, libnl: bool) -> None:
    """Pattern 3 chooses libnl unless the variable says otherwise."""
    text = next(one.text for one in SNIPPETS if "${" in one.text)
    config = found(text, {} if value is None else {"NLMON_USE_LIBNL": value})[0].config

    assert config is not None
    assert config.netlink.use_libnl == libnl


def test_an_export_with_a_file_is_on() -> None:
    """Pattern 2 names the file alone, and compares what was written."""
    text = next(one.text for one in SNIPPETS if "events-legacy.json" in one.text)
    config = found(text, {})[0].config

    assert config is not None
    assert (config.export.json.enabled, config.export.json.file) == (True, "/var/log/nlmon/events-legacy.json")
