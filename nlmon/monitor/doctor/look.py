"""Looks at a host for the doctor.

Rules:
1. Nothing is changed: sockets and ports are closed again, and no file is made.
2. What cannot be looked up is unknown, and no failure.

Not here: what is found in it (``nlmon.monitor.doctor``).
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from nlmon.api.config import NetlinkConfig
from nlmon.backends.registry import create
from nlmon.config import Config, load, standard_files
from nlmon.config.model import JsonExport, PcapExport
from nlmon.errors import NlmonError, NotFound, PlatformError, TransportError, reason_of
from nlmon.exporters.rotation import rotated_files
from nlmon.monitor.asking import NOT_RUNNING, ask
from nlmon.monitor.doctor.host import ExportFile, Host, Port, Refused, SocketFile
from nlmon.monitor.runtime import default_path, instances, this_user
from nlmon.monitor.status import MonitorStatus, read_status
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.uapi import NETLINK_GENERIC

__all__ = ["look"]

# Seconds for the answer of another monitor.
PATIENCE = 0.5
_PROC = Path("/proc")


def look(named: Sequence[Path], control: Path | None, environ: Mapping[str, str]) -> Host:
    """The host as it is now, for a configuration. ``named``: its files, none: the standard ones; ``control``: the
    control socket of the monitor, None: the one that belongs to the files."""
    loaded = load(tuple(named) or standard_files(environ), environ)
    path = control or default_path(loaded.files, environ)
    status, trouble = _status(path)
    host = Host(
        loaded=loaded,
        options=_options(named, control),
        is_root=not this_user(),
        capabilities=_capabilities(),
        program=(program := shutil.which("nlmon") or sys.argv[0]),
        file_capabilities=_has_capabilities(program),
        rmem_max=_number(_PROC / "sys/net/core/rmem_max"),
        wmem_max=_number(_PROC / "sys/net/core/wmem_max"),
        socket=_socket(path),
        status=status,
        trouble=trouble,
        others=tuple(_others(path, environ)),
        namespace=_namespace("self"),
        monitor_namespace="" if status is None else _namespace(str(status.pid)),
    )
    return host if loaded.config is None else _with_configuration(host, loaded.config)


def _with_configuration(host: Host, config: Config) -> Host:
    refused, unresolved = _opened(config)
    return replace(
        host,
        refused=refused,
        unresolved=unresolved,
        files=tuple(_files(config)),
        ports=tuple(_ports(config)) if host.status is None else (),
    )


def _options(named: Sequence[Path], control: Path | None) -> str:
    words = [word for path in named for word in ("--config", str(path))]
    return shlex.join([*words, *(("--socket", str(control)) if control else ())])


# -- privilege and sockets -----------------------------------------------------------------------------------------


def _capabilities() -> int:
    with suppress(OSError, ValueError):
        for line in (_PROC / "self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    return 0


def _has_capabilities(program: str) -> bool:
    if sys.platform == "linux":
        with suppress(OSError):
            return bool(os.getxattr(program, "security.capability"))
    return False


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _opened(config: Config) -> tuple[dict[int, Refused], dict[str, str]]:
    """Protocols that cannot be opened, and families that the kernel does not have, as a monitor would find them."""
    netlink = NetlinkConfig.of(config.netlink)
    refused: dict[int, Refused] = {}
    unresolved: dict[str, str] = {}
    # A cache would be filled with all objects of the host.
    options = replace(netlink.options, caches=())
    for protocol in netlink.protocols:
        backend = create(netlink.implementation, KernelFactory(), options)
        try:
            backend.enable(protocol)
            if protocol == NETLINK_GENERIC:
                unresolved = {name: _hint(backend, name) for name in backend.unresolved()}
        except TransportError as error:
            refused[protocol] = Refused(error.errno, error.text)
        finally:
            backend.disable(protocol)
    return refused, unresolved


def _hint(backend: object, name: str) -> str:
    resolve = getattr(backend, "resolve", None)
    if resolve is not None:
        try:
            resolve(name)
        except NotFound as error:
            return error.hint
        except NlmonError as error:
            return error.text
    return ""


# -- exports -------------------------------------------------------------------------------------------------------


def _files(config: Config) -> Iterator[ExportFile]:
    sections: tuple[tuple[str, JsonExport | PcapExport], ...] = (
        ("json", config.export.json),
        ("pcap", config.export.pcap),
    )
    locked = _locked()
    for name, section in sections:
        if section.enabled and section.file:
            yield _file(name, Path(section.file), section.rotate_size, section.rotate_count, locked)


def _file(name: str, path: Path, size: int, count: int, locked: frozenset[tuple[int, int]]) -> ExportFile:
    folder = path.absolute().parent
    at_most = size * (count + 1) if size else None
    try:
        facts = folder.stat()
    except OSError:
        above = next((one for one in folder.parents if one.exists()), folder)
        makeable = os.access(above, os.W_OK | os.X_OK)
        return ExportFile(name, str(path), str(folder), folder_there=False, writable=makeable, at_most=at_most)
    free = None
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
    used, own = 0, None
    for one in (path, *rotated_files(path, count)):
        with suppress(OSError):
            used += one.lstat().st_size
    with suppress(OSError):
        own = path.lstat()
    return ExportFile(
        *(name, str(path), str(folder)),
        writable=os.access(folder, os.W_OK | os.X_OK) and (own is None or os.access(path, os.W_OK)),
        link=own is not None and stat.S_ISLNK(own.st_mode),
        open_to_all=_open_to_all(facts),
        locked=own is not None and (own.st_dev, own.st_ino) in locked,
        free=free,
        used=used,
        at_most=at_most,
    )


def _open_to_all(folder: os.stat_result) -> bool:
    """Whether every user may replace what is in a folder."""
    return bool(folder.st_mode & stat.S_IWOTH) and not folder.st_mode & stat.S_ISVTX


def _locked() -> frozenset[tuple[int, int]]:
    """Device and inode of every file that a process has locked (proc(5): /proc/locks)."""
    found: set[tuple[int, int]] = set()
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            for line in (_PROC / "locks").read_text("ascii", "replace").splitlines():
                major, minor, inode = line.partition("->")[0].split()[5].split(":")
                found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
    return frozenset(found)


def _ports(config: Config) -> Iterator[Port]:
    one = config.export.prometheus
    if one.enabled:
        yield Port("prometheus", one.address, one.port, _refusal(one.address, one.port))


def _refusal(address: str, port: int) -> str:
    """Why nobody can listen there; empty: one can."""
    try:
        family, kind, number, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, number) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(where)
            made.listen(1)
    except OSError as error:
        return reason_of(error)
    return ""


# -- monitors that run ---------------------------------------------------------------------------------------------


def _status(path: Path, patience: float | None = None) -> tuple[MonitorStatus | None, str]:
    """The status of the monitor at a control socket, or why there is none; empty: none runs."""
    try:
        line = ask(path, "status") if patience is None else ask(path, "status", patience)
        return read_status(line, str(path)), ""
    except PlatformError as error:
        return None, "" if error.code == NOT_RUNNING else error.text


def _others(path: Path, environ: Mapping[str, str]) -> Iterable[MonitorStatus]:
    for one in instances(environ):
        if one != path:
            status, _ = _status(one, PATIENCE)
            if status is not None:
                yield status


def _socket(path: Path) -> SocketFile:
    try:
        mode, folder = stat.S_IMODE(path.lstat().st_mode), path.parent.stat()
    except OSError:
        return SocketFile(str(path))
    return SocketFile(str(path), mode, _open_to_all(folder))


def _namespace(process: str) -> str:
    try:
        return (_PROC / process / "ns/net").readlink().name
    except OSError:
        return ""
