"""A program that prints events, played a recording: a library that is preloaded answers its netlink sockets.

    recording ─► what its sockets would have received ─► kernel-shim.so, in the program ─► its lines, as of a log

Rules:
1. The program is started twice: first with nothing to receive, for its ready line, which says what it joins.
2. It has received all when the library ends it, which leaves a file. One that ends otherwise has failed, whatever it
   printed and whatever its exit status.
3. It has no network, as one that speaks the harness protocol has none.

Not here: the library (``tools/kernel-shim``), and which line belongs to which message (``events``).
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import LIVE
from nlmon.errors import HarnessError, InputError, UsageError
from nlmon.events import Decoded
from nlmon.harness.command import Command, words
from nlmon.harness.events import Reader
from nlmon.harness.lines import LineReader, Ready
from nlmon.harness.logfile import LARGEST, LINES_KEPT, Log, log_of
from nlmon.harness.program import Program
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram

__all__ = ["Gathering", "played", "shim"]

# Where ``tools/harnesses`` puts the library, from the current folder upwards.
SHIM = Path(".harnesses", "kernel-shim.so")
# Seconds for a line, of which there is none while a program passes over messages.
PATIENCE = 60.0
Put: TypeAlias = Callable[[Datagram], object]


class Gathering(Reader):
    """What the sockets of a program would have received, which is given to ``put`` and not read."""

    def __init__(
        self,
        transports: TransportFactory,
        options: BackendOptions | None = None,
        *,
        name: str,
        ready: Ready,
        put: Put,
    ) -> None:
        super().__init__(transports, options, name=name, ready=ready)
        self._put = put
        if self.byteorder != sys.byteorder:
            what = f"{name} reads messages of this machine's byte order alone"
            raise UsageError("NLM-N059", what, why=f"the recording is {self.byteorder}-endian", hint="see nlmon decode")

    def decode(self, datagram: Datagram) -> Decoded:
        """Nothing."""
        self._put(datagram)
        return Decoded([], [])


def shim() -> Path:
    """The library. Raises ``UsageError`` (NLM-N064) where it is not built."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SHIM).is_file() and _is_trusted(folder / SHIM):
            return folder / SHIM
    what = f"a program that prints events is played a recording by {SHIM}, which is not there"
    hint = "tools/kernel-shim in nlmon's sources says how it is built; nlmon live compares without it"
    raise UsageError("NLM-N064", what, why="it is looked for from the current folder upwards", hint=hint)


def _is_trusted(library: Path) -> bool:
    """Whether a file that is preloaded is of the user who runs this or of root, and nobody else writes it: whoever may
    write into a folder above the current one must not choose what runs here."""
    found = library.stat()
    trusted = {0}
    if sys.platform != "win32":
        trusted.add(os.geteuid())
    return found.st_uid in trusted and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def played(name: str, write: Callable[[Ready, Put], object]) -> Log:
    """What the program called ``name`` prints of a recording. ``write``: gives what the sockets of a program with this
    ready line would have received.

    Raises ``UsageError`` or ``HarnessError`` where it cannot be started or is not ready, ``InputError`` for too many
    lines or bytes (NLM-N050)."""
    with tempfile.TemporaryDirectory(prefix="nlmon-") as folder:
        recording = Path(folder, "recording")
        recording.touch()
        # A path that is preloaded must have no blank and no colon.
        library = Path(folder, SHIM.name)
        library.symlink_to(shim())
        ended = Path(folder, "ended")
        ready = _ready(name, _started(name, recording, library, ended))
        ended.unlink(missing_ok=True)
        with recording.open("wb") as file:
            write(ready, lambda one: file.write(struct.pack("=II", one.protocol, len(one.data)) + one.data))
        lines, failure = _lines(name, _started(name, recording, library, ended), ended)
    log = log_of(lines, name)
    if failure is None:
        return structs.replace(log, whole=True)
    return structs.replace(log, problems=(failure, *log.problems))


def _started(name: str, recording: Path, library: Path, ended: Path) -> Program:
    variables = {
        "LD_PRELOAD": str(library),
        "NLMON_SHIM_RECORDING": str(recording),
        "NLMON_SHIM_ENDED": str(ended),
    }
    return Program(Command(words(name.removeprefix(LIVE)), environment=variables, timeout=PATIENCE))


def _ready(name: str, program: Program) -> Ready:
    """What a program says of itself before its first event."""
    reader = LineReader(name)
    try:
        reader.read(program.read())
    finally:
        program.kill()
    if reader.ready is None:
        hint = 'its first line is {"ready": {"name": "mine"}}, once its sockets are open'
        raise HarnessError("NLM-N062", f"{name} does not say that it is ready", hint=hint)
    return reader.ready


def _lines(name: str, program: Program, ended: Path) -> tuple[bytes, HarnessError | None]:
    """All that a program prints, and why that is not all that it would have. ``ended``: what the library leaves."""
    found: list[bytes] = []
    size, failure = 0, None
    try:
        while len(found) <= LINES_KEPT and size <= LARGEST:
            found.append(program.read())
            size += len(found[-1]) + 1
        what = f"{LARGEST:,} bytes" if size > LARGEST else f"{LINES_KEPT:,} lines"
        raise InputError("NLM-N050", f"{name} prints more than {what}", hint="nlmon capture cut")
    except HarnessError as error:
        if not ended.exists():
            failure = error
    finally:
        program.kill()
    return b"".join(line + b"\n" for line in found) + program.unended, failure
