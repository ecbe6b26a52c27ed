"""The legacy implementation; its one public name is ``LegacyBackend``."""

from __future__ import annotations

from nlmon.backends.legacy.backend import LegacyBackend

__all__ = ["LegacyBackend"]
