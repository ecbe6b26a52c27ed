"""Implementations that are programs of others: one JSON object a line on stdin and stdout (``docs/harness.md``).

Not here: what is compared, and who is right (``nlmon.compare``, ``nlmon.engine``).
"""

from __future__ import annotations

__all__: list[str] = []
