"""Programs by name: ``exec:COMMAND``, and those that the settings of a project name.

    [tool.nlmon.implementations.mine]     in pyproject.toml; in nlmon.toml [implementations.mine]
    command = "./my-harness --decode"

Rules:
1. The nearest settings file upwards from the current folder counts, as for every command; a folder in it is relative to
   the file.
2. A name of nlmon's own implementations cannot be given to a program.

Not here: the other settings (``nlmon.cli.settings``).
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import BACKENDS, PROGRAM
from nlmon.errors import InputError
from nlmon.harness.backend import ProgramBackend
from nlmon.harness.program import Command, words
from nlmon.transport.base import TransportFactory

__all__ = ["Named", "command_of", "configured", "create_program", "is_configured"]

MIB = 1 << 20


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """A program as the settings name it. ``timeout``: seconds; ``memory``: MiB."""

    command: str | list[str]
    directory: str = "."
    environment: dict[str, str] = {}
    timeout: float = 5.0
    memory: int = 2048
    window: int = 1
    restarts: int = 3

    def started_in(self, folder: Path) -> Command:
        """The command, of a file in ``folder``."""
        argv = words(self.command) if isinstance(self.command, str) else tuple(self.command)
        return Command(
            argv=argv,
            directory=str(folder / self.directory),
            environment=self.environment,
            timeout=self.timeout,
            memory=self.memory * MIB,
            window=self.window,
            restarts=self.restarts,
        )


def create_program(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> ProgramBackend:
    """The program called ``name``. Raises ``UsageError``, ``InputError`` or ``HarnessError``."""
    return ProgramBackend(transports, options, command=command_of(name), name="" if _is_command(name) else name)


def command_of(name: str) -> Command:
    """What starts the program called ``name``, which is there. Raises ``UsageError`` or ``InputError``."""
    if _is_command(name):
        return Command(words(name.removeprefix(PROGRAM)))
    return configured()[name]


def is_configured(name: str) -> bool:
    """Whether the settings name a program so. Raises ``InputError`` (NLM-N013)."""
    return name in configured()


def configured() -> Mapping[str, Command]:
    """The programs that the settings name, by name. Raises ``InputError`` (NLM-N013)."""
    return _configured(Path.cwd())


def _is_command(name: str) -> bool:
    return name.startswith(PROGRAM)


@functools.cache
def _configured(start: Path) -> Mapping[str, Command]:
    for folder in (start, *start.parents):
        for file, keys in (("nlmon.toml", ()), ("pyproject.toml", ("tool", "nlmon"))):
            table = _table(folder / file, keys)
            if table is not None:
                return {name: _command(name, row, folder / file) for name, row in table.items()}
    return {}


def _table(path: Path, keys: tuple[str, ...]) -> dict[str, Any] | None:
    """The programs of a settings file; None where it is no settings file of ours. What else is wrong with it, those say
    who read the settings."""
    try:
        found: Any = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    table = found.get("implementations", {}) if isinstance(found, dict) else {}
    return table if isinstance(table, dict) else {}


def _command(name: str, row: object, path: Path) -> Command:
    where = f"{path.name}: implementations.{name}"
    if name in BACKENDS or name.startswith(PROGRAM):
        raise InputError("NLM-N013", f"{name} is a name of nlmon's own", where=where, hint="choose another name")
    try:
        return msgspec.convert(row, Named).started_in(path.parent)
    except msgspec.ValidationError as error:
        hint = 'such as command = "./my-harness"'
        raise InputError(
            "NLM-N013", f"the program {name} is not described", where=where, why=str(error), hint=hint
        ) from None
