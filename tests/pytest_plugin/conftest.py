"""A project for each test.

Not here: what it is (``support.project``).
"""

from __future__ import annotations

import pytest

from support.project import Project

__all__ = ()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project, as on a machine of somebody."""
    monkeypatch.delenv("CI", raising=False)
    return Project(pytester)
