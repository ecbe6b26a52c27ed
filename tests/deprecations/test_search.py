"""The search in files and folders: what is read, what is left out, and what is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nlmon.deprecations import found, search
from nlmon.deprecations.search import LARGEST_FILE

OLD = "nlmon_multi_protocol_init();\n"
needs_links = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs the files of Unix")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str = OLD) -> None:
    """A file, with its folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def files(*paths: str) -> list[str]:
    """The files with a use."""
    return [Path(use.file).as_posix() for use in search.search([Path(path) for path in paths]).uses]


def codes(*paths: str) -> list[tuple[str, str]]:
    """What could not be searched."""
    return [(Path(one.file).as_posix(), one.code) for one in search.search([Path(path) for path in paths]).unread]


def test_a_folder_is_searched_to_its_end() -> None:
    """By the ends of names, in any case."""
    for name in ("a.c", "b/a.h", "b/c/A.C", "b/notes.txt", "b/Makefile"):
        write(name)

    assert files(".") == ["a.c", "b/a.h", "b/c/A.C"]


@pytest.mark.parametrize(
    "left_out", [".git", ".venv", "venv", "build", "dist", "__pycache__", "node_modules", "a.egg-info"]
)
def test_what_nobody_wrote_is_left_out(left_out: str) -> None:
    """Unless it is named."""
    write(f"{left_out}/a.c")
    write(".hidden.c")

    assert (files("."), files(left_out)) == ([], [f"{left_out}/a.c"])


def test_an_environment_is_known_by_its_file() -> None:
    """Whatever it is called."""
    write("mine/pyvenv.cfg")
    write("mine/a.c")

    assert files(".") == []


@needs_links
def test_links_are_not_followed(folder: Path) -> None:
    """Neither to a folder, such as the one around it, nor to a file; one that is named is."""
    write("real/a.c")
    Path("real/loop").symlink_to(folder)
    Path("link.c").symlink_to("real/a.c")

    assert (files("."), files("link.c")) == (["real/a.c"], ["link.c"])


def test_a_file_is_read_once() -> None:
    """Even if it is named twice."""
    write("b/a.c")

    assert files("b", "b/a.c", ".") == ["b/a.c"]


def test_what_is_not_there_is_reported() -> None:
    """And what is not searched by its name."""
    write("notes.txt")
    write("good.c")

    assert codes("gone.c", "gone", "notes.txt", "good.c") == [
        ("gone.c", "NLM-H001"),
        ("gone", "NLM-H001"),
        ("notes.txt", "NLM-H007"),
    ]


@needs_links
def test_a_pipe_is_not_waited_for() -> None:
    """It is no file."""
    os.mkfifo("pipe.c")

    assert codes("pipe.c", ".") == [("pipe.c", "NLM-H001"), ("pipe.c", "NLM-H001")]


def test_what_is_broken_does_not_end_the_search() -> None:
    """Every other file is searched."""
    write("a.py", "def f(:\n")
    write("b.yaml", "a: [\n")
    write("c.yaml", "filter: a =\n")
    write("d.c", "x" * (LARGEST_FILE + 1))
    write("e.c")

    assert codes(".") == [("a.py", "NLM-H004"), ("b.yaml", "NLM-H003"), ("c.yaml", "NLM-H005"), ("d.c", "NLM-H002")]
    assert files(".") == ["e.c"]


def test_so_many_files_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is left out is reported."""
    monkeypatch.setattr(search, "MOST_FILES", 2)
    for name in ("a.c", "b.c", "c.c", "d.c"):
        write(name)

    assert (files("."), codes(".")) == (["a.c", "b.c"], [("c.c", "NLM-H006")])


def test_of_many_uses_the_worst_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are counted."""
    monkeypatch.setattr(found, "USES_KEPT", 2)
    write("a.yaml", "filter: state == 1 OR state == 2\nnetlink: {use_libnl: false}\n")
    write("b.c")
    report = search.search([Path()])

    assert [use.kind for use in report.uses] == ["function", "option"]
    assert (report.total, report.left_out) == (4, 2)
    assert report.counts == {"filter field": 2, "function": 1, "option": 1}
