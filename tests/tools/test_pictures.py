"""The pictures of the README: there, and made by one command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.browser import a_browser
from support.paths import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FOLDER = REPOSITORY / "docs" / "pictures"
PNG = b"\x89PNG\r\n\x1a\n"
NAMED = {Path(path).name for path in re.findall(r'"(docs/pictures/[^"]+)"', README)}


def test_the_readme_shows_every_picture() -> None:
    """In light and in dark, and each says what it shows."""
    names = {path.name for path in FOLDER.iterdir()}

    assert (NAMED, len(names)) == (names, 6)
    assert {path.read_bytes()[: len(PNG)] for path in FOLDER.iterdir()} == {PNG}
    assert len(re.findall('<img alt="[^"]{20,}" src="docs/pictures/', README)) == 3


@pytest.mark.browser
def test_one_command_makes_them(tmp_path: Path) -> None:
    """Those that are named, or all."""
    with a_browser():
        pass
    command = [sys.executable, REPOSITORY / "tools" / "pictures.py", tmp_path, "lossy-rollback"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"lossy-rollback-light.png", "lossy-rollback-dark.png"}
    assert {path.read_bytes()[: len(PNG)] for path in tmp_path.iterdir()} == {PNG}
