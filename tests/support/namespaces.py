"""Runs scripts in a network namespace of their own. What the scripts share is in ``support.live``.

Not here: anything that runs inside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from support.paths import TESTS
from support.requirements import require_netns, require_program

__all__ = ["inside"]

PLACE = str(TESTS)
# Seconds for a script, in which what it waits for may be late.
PATIENCE = 240


def inside(script: str, *arguments: str, prefix: Sequence[str] = ()) -> Any:
    """What a Python script prints as JSON, run in a fresh network namespace; a warning of its is an error. ``prefix``:
    what makes the namespace, by default what a user without privilege may."""
    require_program("ip")
    command = [*(prefix or require_netns()), sys.executable, "-P", "-W", "error", "-c", script, *arguments]
    path = os.pathsep.join(filter(None, (PLACE, os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environment)
    if ran.returncode or ran.stderr:
        # When it was broken off, what it left open is expected.
        said = ran.stderr.split("Exception ignored in")[0] if ran.returncode else ran.stderr
        pytest.fail(f"the script ended with {ran.returncode}\n{said}", pytrace=False)
    return json.loads(ran.stdout)
