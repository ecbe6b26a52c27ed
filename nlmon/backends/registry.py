"""Implementations by name, loaded when they are asked for.

Not here: what an implementation is (``base``).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.errors import UsageError
from nlmon.transport.base import TransportFactory

__all__ = ["BACKENDS", "create"]

BACKENDS: Mapping[str, str] = {
    "legacy": "nlmon.backends.legacy:LegacyBackend",
    "libnl": "nlmon.backends.libnl:LibnlBackend",
}


def create(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> Backend:
    """The implementation called ``name``; raises ``UsageError`` for a name that is not in ``BACKENDS``."""
    target = BACKENDS.get(name)
    if target is None:
        raise UsageError("NLM-B003", f"no implementation is called {name!r}", hint="choose " + " or ".join(BACKENDS))
    module, _, attribute = target.partition(":")
    backend: Backend = getattr(import_module(module), attribute)(transports, options)
    return backend
