"""What tests of live scenarios require.

Not here: what they share (``support``).
"""

from __future__ import annotations

import pytest

from nlmon.errors import PlatformError
from nlmon.scenario.sandbox import Sandbox
from support.requirements import missing, require_program

__all__ = ()


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where there is no sandbox, with the reason that it gives."""
    require_program("ip")
    try:
        Sandbox().__enter__().close()
    except PlatformError as error:
        missing(str(error))
