"""The tutorial, line by line in one shell, in a copy of what a clone has: what is shown is what is printed.

    $ a command          is typed; it exits with 0, unless the next one asks for ``$?``
    what it prints       is compared where it is shown; a line ``…`` stands for any lines, a duration for any other

Not here: commands of the how-to pages (``test_how_to``).
"""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from support.paths import REPOSITORY
from support.stranger import clean_environment, run, wheels

PAGE = REPOSITORY / "docs" / "tutorial.md"
CLONE = ("LICENSE", "README.md", "docs", "fixtures", "nlmon", "pyproject.toml", "scenarios", "tools")
BLOCK = re.compile(r"^```(?:(console)|\w+ file=(\S+))\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```\w", re.MULTILINE)
# One of pytest, of more than a minute, is followed by the same in hours.
DURATION = re.compile(r"\b\d+(?:\.\d+)?(?= ?s\b)|(?<=\ds) \(\d:\d\d:\d\d\)")


@dataclass(frozen=True)
class Command:
    """A line that is typed, and what stands below it."""

    line: str
    shown: str


def steps(page: str) -> list[Command | tuple[str, str]]:
    """Commands, and files as name and text, in the order of the page."""
    found: list[Command | tuple[str, str]] = []
    for console, name, text in BLOCK.findall(page):
        if not console:
            found.append((name, text))
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append(Command(line, shown))
    return found


def script(page: str, out: Path) -> str:
    """A script of the whole page, which puts what a command prints and its exit code into files of ``out``."""
    lines = []
    for number, step in enumerate(steps(page)):
        if isinstance(step, Command):
            lines.append(f"{{ {step.line}\n}} >{out}/{number}.txt 2>&1 </dev/null; code=$?")
            lines.append(f"echo $code >{out}/{number}.code; (exit $code)")
        else:
            lines.append(f"printf %s {shlex.quote(step[1])} >{step[0]}")
    return "\n".join(lines)


def comparable(text: str) -> str:
    """Lines without what differs from run to run: durations, and blanks that nobody sees."""
    return "\n".join(DURATION.sub("", line.rstrip()) for line in text.strip().splitlines())


def matches(shown: str, printed: str) -> bool:
    """Whether a page may show this where that is printed."""
    parts = re.split(r"^…$", comparable(shown), flags=re.MULTILINE)
    return re.fullmatch(r"[\s\S]*".join(map(re.escape, parts)), comparable(printed)) is not None


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a reader has: a clone that nothing was done in."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in CLONE:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("stranger")
def test_every_line_does_what_is_shown(tmp_path: Path, clone: Path) -> None:
    """Its output where there is some on the page, and its exit code."""
    page = PAGE.read_text(encoding="utf-8")
    out, home = tmp_path / "out", tmp_path / "home"
    for folder in (out, home):
        folder.mkdir()
    opened = tmp_path / "opened.html"
    environment = clean_environment(wheels(), BROWSER=f"cp %s {opened}", HOME=str(home), LC_ALL="C.UTF-8")
    done = run("bash", "-c", script(page, out), cwd=clone, env=environment)
    typed = [(number, step) for number, step in enumerate(steps(page)) if isinstance(step, Command)]
    asked = {number for (number, _), (_, after) in pairwise(typed) if after.line == "echo $?"}

    assert (done.stdout, done.stderr) == ("", "")
    for number, step in typed:
        printed = (out / f"{number}.txt").read_text(encoding="utf-8")
        code = int((out / f"{number}.code").read_text())
        assert number in asked or code == 0, f"{step.line} exits with {code}:\n{printed}"
        assert not step.shown or matches(step.shown, printed), f"{step.line} prints:\n{printed}"
    assert "<html" in opened.read_text(encoding="utf-8")


def test_every_block_is_executed() -> None:
    """Each is a console or a file; the page has both."""
    page = PAGE.read_text(encoding="utf-8")

    assert len(BLOCK.findall(page)) == len(FENCE.findall(page))
    assert {type(step) for step in steps(page)} == {Command, tuple}


@pytest.mark.parametrize(
    ("shown", "printed", "equal"),
    [
        ("a\n", "a  \n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\n", "a\nb\nc\n", True),
        ("a\n…\nc\n", "a\nb\nd\n", False),
        ("2 passed in 0.42s\n", "2 passed in 12.01s\n", True),
        ("2 passed in 0.42s\n", "2 passed in 72.01s (0:01:12)\n", True),
        ("2 passed in 0.42s\n", "3 passed in 0.42s\n", False),
        ("… and 2 more like it\n", "… and 3 more like it\n", False),
    ],
)
def test_what_a_page_may_show(shown: str, printed: str, equal: bool) -> None:
    """What is printed, but for lines that are left out, and durations."""
    assert matches(shown, printed) is equal
