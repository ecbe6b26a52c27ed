"""The doctor: the troubleshooting of the guide as checks of a host, its configuration, and a monitor that runs.

    report = examine(look(files, socket, os.environ))

``host`` is everything that checks know, and ``look`` looks it up. A check takes a ``Host`` and gives findings
(``finding``): ``system`` has those of what the system allows, ``configured`` those of a configuration, ``running``
those of a monitor that runs. ``CHECKS`` names them all.

Rules:
1. A check is a pure function: whatever it needs to know is in the ``Host``.
2. A finding says what is wrong, why that matters, and what to type.

Not here: the command (``nlmon.cli.doctor``), and the status of a monitor (``nlmon.monitor.status``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from nlmon.monitor.doctor import configured, running, system
from nlmon.monitor.doctor.finding import DoctorReport, Finding, report_of
from nlmon.monitor.doctor.host import Host

__all__ = ["CHECKS", "Check", "examine"]

Check: TypeAlias = Callable[[Host], Iterator[Finding]]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "configuration": configured.configuration,
        "privilege": system.privilege,
        "file capabilities": system.file_capabilities,
        "protocols": system.protocols,
        "families": system.families,
        "buffers": system.buffers,
        "filters": configured.filters,
        "files": configured.files,
        "disk": configured.disk,
        "ports": configured.ports,
        "others": configured.others,
        "running": running.running,
        "control socket": running.control_socket,
        "namespace": running.namespace,
        "arrivals": running.arrivals,
        "losses": running.losses,
        "reconnects": running.reconnects,
        "exports": running.exports,
        "memory": running.memory,
    }
)


def examine(host: Host) -> DoctorReport:
    """What all checks find on a host."""
    return report_of((name, finding) for name, check in CHECKS.items() for finding in check(host))
