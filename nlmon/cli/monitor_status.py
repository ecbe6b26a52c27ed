"""``nlmon --status``, which is not there yet.

Not here: the options (``monitor``).
"""

from __future__ import annotations

from nlmon.cli.monitor import MonitorOptions
from nlmon.errors import UsageError

__all__ = ["status"]


def status(options: MonitorOptions) -> None:
    """Refuse."""
    raise UsageError("NLM-M001", "there is no --status yet")
