"""Somebody who has a Python of his own and nlmon from a folder of wheels, and nothing else of ours.

Rules:
1. pip finds no network: the folders of wheels are all that it may ask.

Not here: what the stranger does with nlmon (``test_stranger``, ``test_examples``, ``test_tutorial``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.paths import REPOSITORY
from support.requirements import missing

__all__ = ["WHEELS", "build_wheel", "clean_environment", "make_python", "run", "wheels"]

WHEELS = REPOSITORY / ".wheels"
OURS = ("COV", "GITHUB_", "NLMON_", "PIP_", "PYTEST", "TOX_")
QUIET = ("-m", "pip", "--quiet", "--disable-pip-version-check")


def clean_environment(*folders: Path, **more: str) -> dict[str, str]:
    """The environment without what this project sets in it. Where ``folders`` of wheels are given, pip asks no
    other place."""
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTHONPATH", "VIRTUAL_ENV"}}
    environment = {name: value for name, value in environment.items() if not name.startswith(OURS)}
    if folders:
        environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": " ".join(map(str, folders))}
    return {**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


def run(*command: object, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The outcome of a program that knows nothing of this project's environment."""
    environment = clean_environment() if env is None else env
    return subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )


def wheels() -> Path:
    """The folder with all that an installation needs; skips where nobody has collected it."""
    if not WHEELS.is_dir():
        missing("there are no wheels; tools/bootstrap --test collects them")
    return WHEELS


def build_wheel(folder: Path) -> Path:
    """A wheel of this tree, in ``folder``."""
    offline = ("--no-index", "--find-links", wheels())
    built = run(_maker(), *QUIET, "wheel", *offline, "--no-deps", "--wheel-dir", folder, REPOSITORY, cwd=folder)
    assert (built.returncode, built.stderr) == (0, "")
    return next(folder.glob("nlmon-*.whl"))


def make_python(folder: Path, *requirements: str) -> Path:
    """A Python in a new environment in ``folder``, with ``requirements`` installed from wheels."""
    made = folder / "venv" / "bin" / "python"
    commands: list[tuple[object, ...]] = [(_maker(), "-m", "venv", folder / "venv")]
    if requirements:
        # The pip of another Python installs into it: to make one for it takes as long as all that it installs.
        commands[0] += ("--without-pip",)
        offline = ("--no-index", "--find-links", wheels())
        commands.append((_maker(), *QUIET, "--python", made, "install", *offline, *requirements))
    for command in commands:
        done = run(*command, cwd=folder)
        assert (done.returncode, done.stderr) == (0, "")
    return made


def _maker() -> Path:
    """The Python for which the wheels were collected."""
    ours = REPOSITORY / ".venv" / "bin" / "python"
    return ours if ours.exists() else Path(sys.executable)
