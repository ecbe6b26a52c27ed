"""What the doctor knows of a host: everything that its checks need, looked up once, as values.

Not here: looking it up (``look``).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from nlmon.config import Loaded
from nlmon.monitor.status import MonitorStatus

__all__ = ["ExportFile", "Host", "Port", "Refused", "SocketFile"]


class Refused(Struct, frozen=True):
    """Why a netlink socket could not be opened: the number of the error, and a sentence."""

    errno: int
    why: str


class ExportFile(Struct, frozen=True):
    """A file that an export writes. ``folder``: where it is; ``folder_there``, ``writable``: whether there is that
    folder, and whether this user may make files in it, or make it; ``link``: the path is a symbolic link;
    ``open_to_all``: every user may replace files in the folder; ``locked``: a process writes it. ``free``: bytes of the
    file system that are free, None: unknown; ``used``: bytes of the file and those before it; ``at_most``: bytes that
    all of them may take, None: no bound."""

    export: str
    path: str
    folder: str
    folder_there: bool = True
    writable: bool = True
    link: bool = False
    open_to_all: bool = False
    locked: bool = False
    free: int | None = None
    used: int = 0
    at_most: int | None = 0


class Port(Struct, frozen=True):
    """Where an export listens, and why that is not possible; empty: it is."""

    export: str
    address: str
    port: int
    why: str = ""


class SocketFile(Struct, frozen=True):
    """The control socket. ``mode``: its permissions, None: it is not there; ``folder_open``: every user may replace
    files in its folder."""

    path: str
    mode: int | None = None
    folder_open: bool = False


class Host(Struct, frozen=True, kw_only=True):
    """A host as the doctor sees it. ``capabilities``: what this process may do, a bit for each; ``program``: the path
    of the command, ``file_capabilities``: it has capabilities of its own (capabilities(7)). ``options``: what names
    the configuration on a command line; ``is_root``: who asks is root.

    ``refused``: by protocol why it could not be opened, of those that are configured; ``unresolved``: generic families
    that the kernel does not have, with a hint. ``rmem_max``, ``wmem_max``: the system's bounds on buffers, None: not
    known.

    ``status``: of the monitor that runs with this configuration; None: there is none, and ``trouble`` says why if
    there should be one. ``others``: monitors that run with other control sockets. ``namespace``,
    ``monitor_namespace``: the network namespaces of this process and of the monitor; empty: not known."""

    loaded: Loaded
    options: str = ""
    is_root: bool = False
    capabilities: int = 0
    program: str = "nlmon"
    file_capabilities: bool = False
    refused: Mapping[int, Refused] = {}
    unresolved: Mapping[str, str] = {}
    rmem_max: int | None = None
    wmem_max: int | None = None
    files: tuple[ExportFile, ...] = ()
    ports: tuple[Port, ...] = ()
    socket: SocketFile = SocketFile("")
    status: MonitorStatus | None = None
    trouble: str = ""
    others: tuple[MonitorStatus, ...] = ()
    namespace: str = ""
    monitor_namespace: str = ""

    def may(self, capability: int) -> bool:
        """Whether this process has a capability."""
        return bool(self.capabilities >> capability & 1)

    def command(self, words: str) -> str:
        """A command line of ``nlmon`` about this configuration."""
        return " ".join(filter(None, ("nlmon", words, self.options)))
