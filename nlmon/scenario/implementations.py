"""The implementations that take part in a scenario, with the options that it gives them.

Rules:
1. What one of two implementations needs from a transport, both are given: they read the same.

Not here: the implementations themselves (``nlmon.backends``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.scenario.model import Implementation
from nlmon.transport.base import TransportFactory

__all__ = ["backend_options", "make_backend", "make_planned", "options_of_both"]


def make_backend(implementation: Implementation, factory: TransportFactory, _: BackendOptions) -> Backend:
    """The backend of an implementation, with its own options instead of those of the run."""
    return create(implementation.name, factory, backend_options(implementation))


def make_planned(name: str, factory: TransportFactory, options: BackendOptions) -> Backend:
    """The backend of a monitor, with the options that its configuration gives it."""
    return create(name, factory, options)


def backend_options(implementation: Implementation) -> BackendOptions:
    """The options of an implementation."""
    limits: dict[str, Any] = {
        name: value
        for name in implementation.limits.__struct_fields__
        if (value := getattr(implementation.limits, name)) is not None
    }
    if implementation.layouts is not None:
        limits["layouts"] = implementation.layouts
    return BackendOptions(
        generic_families=implementation.families,
        extra_groups=implementation.groups,
        caches=implementation.caches,
        resync=implementation.recover,
        resync_interval=0.0,
        **limits,
    )


def options_of_both(implementations: Iterable[Implementation]) -> BackendOptions:
    """The options of a run: what one of its implementations needs, it gives."""
    options = [backend_options(one) for one in implementations]
    named = [one.generic_families for one in options if one.generic_families is not None]
    sizes = [one.message_pool_size for one in options if one.message_pool_size is not None]
    return BackendOptions(
        generic_families=tuple(dict.fromkeys(name for names in named for name in names)) or None,
        extra_groups=tuple(dict.fromkeys(name for one in options for name in one.extra_groups)),
        caches=tuple(dict.fromkeys(name for one in options for name in one.caches)),
        resync=any(one.resync for one in options),
        resync_interval=0.0,
        message_pool_size=min(sizes, default=None),
    )
