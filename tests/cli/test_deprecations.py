"""The command that lists uses of what is old: its lines, forms and exit codes."""

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

PAGE = REPOSITORY / "docs" / "how-to" / "find-deprecated-uses.md"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files of the page."""
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_uses_are_shown_as_the_page_shows_them() -> None:
    """A line for each, the worst first, and one with the counts."""
    shown = re.findall(r"^    (\S.*:.*)$", PAGE.read_text(encoding="utf-8").partition("prints each")[2], re.M)
    done = nlmon("deprecations", "watch.c", "watch.py", "nlmon.yaml")

    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, shown, "")


CODES = [
    (["."], 0),
    (["--strict", "."], 1),
    (["new.c"], 0),
    (["--strict", "new.c"], 0),
    (["gone.c"], 3),
    (["gone.c", "nlmon.yaml", "--strict"], 1),
    (["broken.py"], 3),
    (["sub"], 0),
    (["sub", "--strict"], 3),
    ([], 2),
]


@pytest.mark.parametrize(("words", "code"), CODES, ids=str)
def test_exit_codes(words: list[str], code: int, folder: Path) -> None:
    """What is found in a folder and cannot be searched counts with --strict alone."""
    (folder / "sub").mkdir()
    for name, text in (("new.c", "nlmon_netlink_init(&config);\n"), ("broken.py", "(\n"), ("sub/broken.py", "(\n")):
        (folder / name).write_text(text)

    assert nlmon("deprecations", *words).returncode == code


def test_nothing_old(folder: Path) -> None:
    """One line."""
    (folder / "new.c").write_text("int x;\n")

    assert nlmon("deprecations", "new.c").stdout == "1 file searched: nothing old\n"


def test_json_follows_its_schema() -> None:
    """With what could not be searched."""
    done = nlmon("deprecations", "--format", "json", ".", "gone.c")
    report = json.loads(done.stdout)
    Draft202012Validator(SCHEMAS["deprecations"]()).validate(report)

    assert (report["files"], report["total"], report["counts"]["function"]) == (3, 7, 2)
    assert [one["code"] for one in report["unread"]] == ["NLM-H001"]
    assert report["uses"][0] == {
        "file": "watch.c",
        "line": 1,
        "column": 10,
        "language": "c",
        "kind": "header",
        "old": "netlink_multi_protocol.h",
        "replacement": "nlmon_netlink_api.h or nlmon_netlink.h",
        "since": "2.0",
        "removal": "removed",
        "guide": 434,
    }


def test_annotations() -> None:
    """A warning for what will be removed, a notice for what stays, a warning for what could not be searched."""
    done = nlmon("deprecations", "--format", "github", "nlmon.yaml", "gone.c")

    assert done.stdout.splitlines() == [
        "::warning file=nlmon.yaml,line=2,col=14,title=nlmon%3A old option::netlink.use_libnl: false -> "
        "netlink.use_libnl: true (may be removed in 3.0)",
        "::notice file=nlmon.yaml,line=3,col=10,title=nlmon%3A old filter field::protocol -> netlink.protocol "
        "(still works)",
        "::warning file=gone.c,title=nlmon%3A NLM-H001::it cannot be read: No such file or directory; check the path",
    ]


@pytest.mark.skipif(os.name == "nt", reason="no file of Windows is called so")
def test_names_of_files_obey_nobody(folder: Path) -> None:
    """A line stays a line, whatever a file is called."""
    (folder / "a\x1b[31m\n.c").write_text("nlmon_multi_protocol_init();\n")
    done = nlmon("deprecations", ".")

    assert "\x1b" not in done.stdout
    assert len([line for line in done.stdout.splitlines() if "_init" in line]) == 3
