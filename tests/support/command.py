"""The command, run in a process of its own.

Not here: what it prints (``tests/cli``).
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

__all__ = ["nlmon"]


def nlmon(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The outcome of a command line."""
    command = [sys.executable, "-m", "nlmon", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)
