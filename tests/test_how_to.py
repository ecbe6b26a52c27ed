"""The commands of the how-to pages that need no kernel, and their files, as they stand there, in their order."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from support.command import typed
from support.paths import REPOSITORY
from support.project import PLUGIN

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
# A block of commands says what each of them exits with, and one that is a file says which.
BLOCK = re.compile(r"^```(?:sh tested=(\d)|\w+ file=(\S+))\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[tuple[str, int]]:
    """Commands of a page with their exit codes."""
    return [(line, int(code)) for code, _, block in blocks(page) if code for line in block.splitlines()]


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Blocks of a page: of commands with their exit code, of files with their name, and the text."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


TESTED = [page for page in PAGES if commands(page)]


def test_pages_have_commands() -> None:
    """At least this page is tested, so that the pattern still finds something."""
    assert REPOSITORY / "docs" / "how-to" / "accept-known-differences.md" in TESTED


@pytest.mark.slow
@pytest.mark.parametrize("page", TESTED, ids=lambda page: page.stem)
def test_every_command_exits_as_the_page_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed one after another in a folder that has the recordings, each does what is written above it."""
    (tmp_path / "fixtures").symlink_to(REPOSITORY / "fixtures")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PYTEST_PLUGINS", ",".join(PLUGIN[1:]))
    monkeypatch.delenv("CI", raising=False)
    outcomes = []
    for _, name, text in blocks(page):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
            continue
        for line in text.splitlines():
            done = typed(line, tmp_path)
            outcomes.append((line, done.returncode))
            assert "Traceback" not in done.stdout
            assert done.returncode == dict(commands(page))[line], done.stdout

    assert outcomes == commands(page)
    assert shutil.which("nlmon", path=path) is not None
