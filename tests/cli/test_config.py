"""The commands about a configuration: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nlmon.cli.schema import SCHEMAS
from support.command import nlmon
from support.paths import REPOSITORY

MISTAKEN = "netlink:\n  use_libln: false\n  buffer_size:\n    receive: 32K\nexport:\n  pcap:\n    enabled: true\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two files, and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("NLMON_")]:
        monkeypatch.delenv(name)
    (tmp_path / "good.yaml").write_text("core:\n  max_events: 500\n")
    (tmp_path / "bad.yaml").write_text(MISTAKEN)
    return tmp_path


def test_problems_are_shown_as_the_page_shows_them() -> None:
    """Each with its place, its line and a mark; a summary at the end."""
    page = (REPOSITORY / "docs" / "how-to" / "check-a-configuration.md").read_text(encoding="utf-8")
    shown = "".join(f"{line[4:]}\n" for line in re.findall(r"^    .*", page.partition("prints them all")[2], re.M)[:10])
    done = nlmon("config", "check", "bad.yaml")

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == shown.replace("mistaken.yaml", "bad.yaml").replace(" \n", "\n")


def test_a_file_in_order() -> None:
    """One line, and exit code 0."""
    done = nlmon("config", "check", "good.yaml")

    assert (done.returncode, done.stderr) == (0, "good.yaml: in order\n")


def test_without_files_the_standard_ones_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the user, if it is there, and what NLMON_CONFIG names."""
    (folder / ".nlmon").mkdir()
    (folder / ".nlmon" / "config.yaml").write_text("core: {rate_limit: 7}\n")
    monkeypatch.setenv("NLMON_CONFIG", "good.yaml")
    done = nlmon("config", "show", "--format", "json")
    shown = json.loads(done.stdout)

    assert (shown["config"]["core"]["rate_limit"], shown["config"]["core"]["max_events"]) == (7, 500)
    assert shown["origins"]["core.max_events"] == "good.yaml:2"


@pytest.mark.parametrize("name", ["good.yaml", "bad.yaml", "none.yaml"])
def test_json_follows_its_schema(name: str) -> None:
    """With problems and without."""
    done = nlmon("config", "check", name, "--format", "json")
    report = json.loads(done.stdout)

    assert list(Draft202012Validator(SCHEMAS["config-check"]()).iter_errors(report)) == []
    assert (report["valid"], done.returncode) == (name == "good.yaml", 0 if name == "good.yaml" else 3)


def test_show_follows_its_schema() -> None:
    """The values and their origins."""
    report = json.loads(nlmon("config", "show", "good.yaml", "--format", "json").stdout)

    assert list(Draft202012Validator(SCHEMAS["config-show"]()).iter_errors(report)) == []


def test_annotations_of_github() -> None:
    """One for each problem, with file, line and column."""
    done = nlmon("config", "check", "bad.yaml", "--format", "github")

    assert done.returncode == 3
    assert [line.partition("::NLM")[0].split("::")[1] for line in done.stdout.splitlines()] == [
        "error file=bad.yaml,line=2,col=3,title=nlmon%3A NLM-G011",
        "error file=bad.yaml,line=4,col=14,title=nlmon%3A NLM-G013",
        "error file=bad.yaml,line=7,col=14,title=nlmon%3A NLM-G016",
    ]


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--strict",), 3)])
def test_notices_fail_a_strict_check(folder: Path, options: tuple[str, ...], code: int) -> None:
    """And no other."""
    (folder / "old.yaml").write_text("netlink: {use_libnl: false, caching: {enabled: true}}\n")
    done = nlmon("config", "check", "old.yaml", *options)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (code, "old.yaml: 1 notice")


def test_nothing_is_shown_of_a_configuration_with_an_error() -> None:
    """The problems are printed instead."""
    done = nlmon("config", "show", "bad.yaml")

    assert (done.returncode, done.stdout, done.stderr.count("error[")) == (3, "", 3)


def test_what_is_shown_acts_on_no_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in values nor in lines of the file."""
    (folder / "evil.yaml").write_text('export: {json: {file: "\\u009b2J\\u202e"}}\nlogging: {level: "a\u202e"}\n')
    done = nlmon("config", "check", "evil.yaml")
    monkeypatch.setenv("NLMON_LOGGING_LEVEL", "info")
    (folder / "evil.yaml").write_text('export: {json: {file: "\\u009b2J\\u202e"}}\n')
    other = nlmon("config", "show", "evil.yaml")
    assert other.returncode == 0

    assert not re.search("[\x80-\x9f\u202e]", done.stderr + other.stdout + other.stderr)


def test_the_schema_is_that_of_nlmon_schema() -> None:
    """Under both names."""
    assert nlmon("config", "schema").stdout == nlmon("schema", "config").stdout
