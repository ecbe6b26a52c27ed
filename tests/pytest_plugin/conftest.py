"""A project for each test.

Not here: what it is (``support.project``).
"""

from __future__ import annotations

import pytest

from support.project import Project
from support.requirements import require_sandbox

__all__ = ()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, as on a machine of somebody."""
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Skips where there is no sandbox, with the reason that it gives."""
    require_sandbox()
