"""A project for each test.

Not here: what it is (``support.project``).
"""

from __future__ import annotations

import pytest

from nlmon.errors import PlatformError
from nlmon.scenario.sandbox import Sandbox
from support.project import Project
from support.requirements import missing, require_program

__all__ = ()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, as on a machine of somebody."""
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where there is no sandbox, with the reason that it gives."""
    require_program("ip")
    try:
        Sandbox().__enter__().close()
    except PlatformError as error:
        missing(str(error))
