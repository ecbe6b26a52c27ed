"""An entry of the known differences, for tests of what it may hold and of what it allows.

Not here: the file (``tests/project/test_known.py``) and the rules (``tests/compare/test_known.py``).
"""

from __future__ import annotations

from typing import Any

from nlmon.compare.known import KnownDifference

__all__ = ["USUAL", "entry"]

USUAL: dict[str, Any] = {
    "code": "NLD102",
    "message": "RTM_NEWLINK",
    "field": "mtu",
    "reason": "late",
    "owner": "net-team",
}


def entry(**values: Any) -> KnownDifference:
    """The usual entry, with other values."""
    return KnownDifference(**(USUAL | values))
