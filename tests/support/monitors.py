"""A status of a monitor, and a monitor that does nothing but answer on its control socket.

Not here: monitors that listen to a kernel.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nlmon.exporters.base import ExportStatus
from nlmon.monitor.control import Answer, ControlSocket, Request
from nlmon.monitor.status import (
    CacheStatus,
    FamilyStatus,
    MemoryStatus,
    MonitorStatus,
    ProtocolStatus,
    RuleStatus,
    status_json,
)

__all__ = ["STATUS", "answering", "serving"]

STATUS = MonitorStatus(
    instance="/run/nlmon/nlmon-0123456789ab.sock",
    pid=4711,
    version="1.2.3",
    user="nlmon (uid 990), CAP_NET_ADMIN CAP_AUDIT_READ",
    implementation="libnl",
    configured="libnl",
    started=1_800_000_000 * 10**9,
    config_files=("/etc/nlmon/nlmon.yaml",),
    config_version=2,
    events=130,
    dropped={"rate limit": 3, "no rule": 0},
    protocols=(
        ProtocolStatus("route", True, 7, 127, 0, -1),
        ProtocolStatus("generic", True, 8, 3, 1, 12, 2),
        ProtocolStatus("sock_diag", False, -1, 0, 0, 0),
        ProtocolStatus("netfilter", False, -1, 0, 0, 0),
    ),
    rules=(RuleStatus("big links", "drop", 4),),
    exports=(
        ExportStatus("json", "failing", 100, 3, {"queue full": 20, "failed": 7}, 2, "No space left on device"),
        ExportStatus("prometheus", "working", 130, 0, {}, 0),
    ),
    caches=(CacheStatus("link", 5),),
    families=(FamilyStatus("nl80211", 28), FamilyStatus("taskstats", None)),
    memory=MemoryStatus(40 << 20, 32 << 20, 41 << 20),
    notices=("netlink.caching has no effect under legacy",),
    reloads=1,
    reload_failures=0,
)


def answering(request: Request) -> bytes:
    """What a monitor answers that knows the one command."""
    return status_json(STATUS) if request.command == "status" else b'{"error":"unknown"}\n'


@contextmanager
def serving(path: Path, answer: Answer = answering) -> Iterator[ControlSocket]:
    """A monitor that answers until the block ends."""
    control = ControlSocket(path)
    control.open()
    ended = threading.Event()
    thread = threading.Thread(target=_serve, args=(control, answer, ended))
    thread.start()
    try:
        yield control
    finally:
        ended.set()
        thread.join()
        control.close()


def _serve(control: ControlSocket, answer: Answer, ended: threading.Event) -> None:
    while not ended.is_set():
        for ready in select.select(control.descriptors(), [], [], 0.01)[0]:
            control.serve(ready, answer)
