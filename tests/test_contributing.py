"""CONTRIBUTING.md names programs, environments, files and tests that exist."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import shlex
import tomllib
from itertools import pairwise

import pytest
from hypothesis import settings

from support.command import typed
from support.examples import examples
from support.paths import REPOSITORY

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh tested\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
TESTS = sorted(set(re.findall(r"`(tests/[\w/.]+)::(\w+)`", PROSE)))
FILES = sorted({*re.findall(r"`([\w.]+/[\w/.]*)`", PROSE), *re.findall(r"\]\(([\w/.]+)\)", PROSE)} - {".venv"})


def programs() -> set[str]:
    """What ``tools/bootstrap --dev`` puts into ``.venv/bin``."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["optional-dependencies"]["dev"], *project["optional-dependencies"]["test"]]
    return {"python", *project["scripts"], *(re.split(r"[>=\[]", one)[0] for one in wanted)}


def tox() -> configparser.ConfigParser:
    """The settings of tox."""
    found = configparser.ConfigParser(interpolation=None)
    found.read(REPOSITORY / "tox.ini", encoding="utf-8")
    return found


def environments() -> set[str]:
    """The environments of tox."""
    return {name.partition(":")[2] for name in tox().sections()}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_can_be_typed(line: str) -> None:
    """Its program is there or is installed by the set-up, and so are the environments, modules and files it names."""
    program, *words = shlex.split(line)
    after = dict(pairwise([*words, ""]))
    modules = [after["-m"]] if program == ".venv/bin/python" and "-m" in after else []
    named = [word for word in words if "/" in word]

    assert program.removeprefix(".venv/bin/") in programs() or (REPOSITORY / program).is_file()
    assert {name for name in after.get("-e", "").split(",") if name} <= environments()
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


# What runs whole suites, which other tests run.
SUITES = {"run", "check", "conform"}
OURS = [line for line in COMMANDS if line.startswith(".venv/bin/nlmon ") and SUITES.isdisjoint(line.split())]


@pytest.mark.parametrize("line", OURS)
def test_a_command_of_ours_does_what_the_page_wants(line: str) -> None:
    """Typed in the repository it exits with 0."""
    done = typed(line.removeprefix(".venv/bin/"), REPOSITORY)

    assert (done.returncode, "Traceback" in done.stdout) == (0, False), done.stdout


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    """A function of that name in that file."""
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_is_named_exists(path: str) -> None:
    """Or a folder."""
    assert (REPOSITORY / path).exists()


def test_there_is_something_to_check() -> None:
    """Commands, tests and files were found in the text."""
    assert (len(COMMANDS) > 10, len(TESTS) > 10, len(FILES) > 15) == (True, True, True)


def test_runs_leave_out_what_is_said() -> None:
    """Each run the markers that are named, with nothing else in its expression; ``quick`` leaves out all but that of
    tests that share something, and tries a quarter of the examples."""
    options = {name: shlex.split(tox()["testenv"][name]) for name in ("all", "usual", "quick")}
    left_out = {name: words[1].removeprefix("not ").split(" and not ") for name, words in options.items()}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    markers = {re.split(r"[:(]", one)[0] for one in project["tool"]["pytest"]["ini_options"]["markers"]}

    assert {name: (words[0], words[2:]) for name, words in options.items()} == {
        "all": ("-m", []),
        "usual": ("-m", []),
        "quick": ("-m", ["--hypothesis-profile", "quick"]),
    }
    assert {name: sorted(words) for name, words in left_out.items()} == {
        "all": ["browser"],
        "usual": ["browser", "long"],
        "quick": sorted(markers - {"xdist_group"}),
    }
    assert [one for one in left_out["quick"] if f"`{one}`" not in PROSE] == []
    assert tox()["testenv:quick"]["commands"] == "pytest {[testenv]parallel} {[testenv]quick} {posargs}"


@pytest.mark.parametrize(("profile", "share"), [("ci", 100), ("quick", 25)])
def test_a_profile_tries_its_share_of_the_examples(profile: str, share: int) -> None:
    """The same ones every time; and one at least."""
    usual = settings.get_current_profile_name()
    try:
        settings.load_profile(profile)
        tried = [examples(count).max_examples for count in (100, 60, 1)]
    finally:
        settings.load_profile(usual)

    assert settings.get_profile(profile).derandomize is True
    assert tried == [share, 60 * share // 100, 1]
