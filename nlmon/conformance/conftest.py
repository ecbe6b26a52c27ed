"""``pytest --pyargs nlmon.conformance`` runs the claims against every implementation, without ``nlmon conform``.

Not here: how (``plugin``).
"""

from __future__ import annotations

import pytest

from nlmon.conformance.monitor import registered
from nlmon.conformance.plugin import Conformance

__all__ = ()


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin, unless a run did."""
    if not any(isinstance(plugin, Conformance) for plugin in config.pluginmanager.get_plugins()):
        config.pluginmanager.register(Conformance(registered()), "nlmon-conformance")
