"""Both implementations on the kernel of a sandbox, for tests of live scenarios.

Not here: the sandbox itself (``nlmon.scenario.sandbox``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.compare.side import Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.live import Live
from nlmon.scenario.sandbox import Sandbox
from nlmon.scenario.sentinel import Sentinel
from nlmon.scenario.watch import Watch
from nlmon.transport.base import RECEIVE_BUFFER
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.transport.recorder import Sink

__all__ = ["listening"]


@contextlib.contextmanager
def listening(
    sandbox: Sandbox,
    *,
    candidate: BackendMaker | None = None,
    receive_buffer: int = RECEIVE_BUFFER,
    on_side: Callable[[int, Side], None] | None = None,
    sink: Sink | None = None,
    groups: tuple[str, ...] = (),
) -> Iterator[Watch]:
    """legacy, and libnl or ``candidate``, that have begun to listen; libnl to more ``groups``."""
    with Sentinel(sandbox.open_socket) as sentinel:
        live = Live(
            partial(create, "legacy"),
            candidate or partial(create, "libnl"),
            factory=lambda: KernelFactory(opener=sandbox.open_socket),
            options=BackendOptions(receive_buffer=receive_buffer, extra_groups=groups),
            on_side=on_side,
            sink=sink,
        )
        watch = Watch(live, sentinel)
        try:
            watch.start()
            yield watch
        finally:
            watch.finish()
