"""What tests of live scenarios require.

Not here: what they share (``support``).
"""

from __future__ import annotations

import pytest

from support.requirements import require_sandbox

__all__ = ()


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where there is no sandbox, with the reason that it gives."""
    require_sandbox()
