"""``nlmon --status``: what monitors that run say of themselves.

Rules:
1. ``--socket`` or ``--config`` names one monitor, which must run. Without them all are asked that this user may ask;
   one of them that does not answer is named after the others.

Not here: the options (``monitor``), asking (``nlmon.monitor.asking``), and what a status looks like
(``nlmon.monitor.status``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nlmon.cli.common import show_error
from nlmon.cli.monitor import MonitorOptions
from nlmon.errors import NlmonError, PlatformError
from nlmon.monitor.asking import NOT_RUNNING, ask
from nlmon.monitor.runtime import default_path, instances, this_user
from nlmon.monitor.status import MonitorStatus, read_status, status_json, status_text

__all__ = ["status"]


def status(options: MonitorOptions) -> None:
    """Print the status of the monitor that is meant, or of all, as lines for people or a line of JSON for each."""
    named = options.socket is not None or bool(options.config)
    paths = [options.socket or default_path(options.config, os.environ)] if named else instances(os.environ)
    found, failures = _asked(paths, dead_is_failure=named)
    if options.form == "json":
        sys.stdout.write(b"".join(map(status_json, found)).decode())
    else:
        sys.stdout.write("\n".join(map(status_text, found)))
    if not found and not failures:
        what, hint = "no monitor runs", "start one with nlmon --config FILE"
        if this_user():
            what, hint = "no monitor of this user runs", f"{hint}; ask as root for one that root or systemd has started"
        failures = [PlatformError("NLM-M024", what, hint=hint)]
    for failure in failures[:-1]:
        show_error(failure)
    if failures:
        raise failures[-1]


def _asked(paths: Sequence[Path], *, dead_is_failure: bool) -> tuple[list[MonitorStatus], list[NlmonError]]:
    """The statuses of those that answer, and what is wrong with the others; a socket that a dead one has left is
    nothing of either, unless it was named."""
    found: list[MonitorStatus] = []
    failures: list[NlmonError] = []
    for path in paths:
        try:
            found.append(read_status(ask(path, "status"), str(path)))
        except NlmonError as error:
            if dead_is_failure or error.code != NOT_RUNNING:
                failures.append(error)
    return found, failures
