"""Python programs that run as another user, with the code that is tested.

Rules:
1. Another user may not read where this code is installed, such as a home or the folder of tox; so it has a copy.

Not here: what they run (``support.hostile``).
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

import nlmon
from support.paths import TESTS
from support.requirements import missing

__all__ = ["NOBODY", "as_user", "environment", "python"]

NOBODY = 65534
PACKAGES = (Path(nlmon.__file__).parent, Path(msgspec.__file__).parent, TESTS / "support")


@functools.cache
def _copy() -> str:
    """A folder with what the programs import, which everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="nlmon-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    for package in PACKAGES:
        shutil.copytree(package, folder / package.name)
    return str(folder)


def environment() -> dict[str, str]:
    """For a Python that is not this one and runs the same code."""
    return os.environ | {"PYTHONPATH": _copy(), "PYTHONDONTWRITEBYTECODE": "1"}


def as_user(user: str) -> tuple[list[str], dict[str, Any]]:
    """Beginning of a command for Python, and how it is started as this user or as nobody."""
    options: dict[str, Any] = {"env": environment()}
    if user == "nobody":
        if os.geteuid():
            pytest.skip("only root can become nobody")
        options |= {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([program, "-P", "-c", "import nlmon, msgspec"], check=True, capture_output=True, **options)
        except (OSError, subprocess.CalledProcessError):
            continue
        return [program, "-P"], options
    missing(f"{user} may not run this Python, and there is no other of its version")
    return [], {}


def python(user: str, *arguments: str) -> Any:
    """What a Python program of a user prints as JSON."""
    command, options = as_user(user)
    ran = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=300, **options)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)
