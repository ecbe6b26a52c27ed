"""Programs by name: ``exec:COMMAND``, and those that the settings of a project name.

    [tool.nlmon.implementations.mine]     in pyproject.toml; in nlmon.toml [implementations.mine]
    command = "./my-harness --decode"

Rules:
1. The nearest settings file upwards from the current folder counts, as for every command; a folder in it is relative to
   the file.
2. A name of nlmon's own implementations cannot be given to a program.

Not here: the other settings (``nlmon.project.settings``), and the file (``nlmon.settingsfile``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import BACKENDS, PROGRAM
from nlmon.errors import InputError
from nlmon.harness.command import Command, words
from nlmon.settingsfile import nearest
from nlmon.transport.base import TransportFactory

if TYPE_CHECKING:  # start-up: whoever asks for names starts none of them
    from nlmon.harness.backend import ProgramBackend

__all__ = ["Named", "command_of", "commands_of", "configured", "create_program", "is_configured", "named_schema"]

KEY = "implementations"
# The key that a mistake of ``Named`` is about, as msgspec says it: one that is unknown, or whose value is wrong.
WRONG = re.compile(r"unknown field `([^`]*)`|`\$\.([^`.\[]*)")
MIB = 1 << 20


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """A program as the settings name it. ``directory``: where it is started, relative to the file; ``environment``:
    variables that it gets beside PATH, HOME and TMPDIR; ``timeout``: seconds for each answer, six times as many for the
    greeting; ``memory``: MiB that it may use; ``window``: datagrams that may wait for an answer; ``restarts``: how
    often it is started again."""

    command: str | list[str]
    directory: str = "."
    environment: dict[str, str] = {}
    timeout: float = 5.0
    memory: int = 2048
    window: int = 1
    restarts: int = 3

    def started_in(self, folder: Path, place: str) -> Command:
        """The command, of a file in ``folder`` whose ``place`` is shown. Raises ``UsageError`` (NLM-N014)."""
        argv = words(self.command) if isinstance(self.command, str) else tuple(self.command)
        return Command(
            argv=argv,
            directory=str(folder / self.directory),
            place=place,
            environment=self.environment,
            timeout=self.timeout,
            memory=self.memory * MIB,
            window=self.window,
            restarts=self.restarts,
        )


def create_program(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> ProgramBackend:
    """The program called ``name``. Raises ``UsageError``, ``InputError`` or ``HarnessError``."""
    from nlmon.harness.backend import ProgramBackend  # noqa: PLC0415  (start-up: see above)

    return ProgramBackend(transports, options, command=command_of(name), name="" if _is_command(name) else name)


def command_of(name: str) -> Command:
    """What starts the program called ``name``, which is there. Raises ``UsageError`` or ``InputError``."""
    if _is_command(name):
        return Command(words(name.removeprefix(PROGRAM)))
    return configured()[name]


def is_configured(name: str) -> bool:
    """Whether the settings name a program so. Raises ``InputError``."""
    return name in configured()


def configured() -> Mapping[str, Command]:
    """The programs that the settings name, by name. Raises ``InputError`` for settings that cannot be read, or that do
    not describe a program (NLM-N013)."""
    try:
        file = nearest(Path.cwd())
    except FileNotFoundError:  # the current folder is gone
        return {}
    if file is None or KEY not in file.table:
        return {}
    return commands_of(file.table[KEY], file.path.parent.absolute(), file.place)


def commands_of(table: object, folder: Path, place: Callable[[str], str]) -> Mapping[str, Command]:
    """The programs of a table of settings, by name; ``place``: where a key stands, by the path to it, in a file in
    ``folder``. Raises ``InputError`` (NLM-N013)."""
    if not isinstance(table, dict):
        what, hint = f"{KEY} must be a table of programs", f'such as [{KEY}.mine] and command = "./my-harness"'
        raise InputError("NLM-N013", what, where=place(KEY), hint=hint)
    return {name: _command(name, row, folder, place) for name, row in table.items()}


def named_schema() -> dict[str, Any]:
    """JSON Schema of one program in the settings."""
    schema: dict[str, Any] = msgspec.json.schema(Named)["$defs"]["Named"]
    return schema


def _is_command(name: str) -> bool:
    return name.startswith(PROGRAM)


def _command(name: str, row: object, folder: Path, place: Callable[[str], str]) -> Command:
    path = f"{KEY}.{name}"
    where = place(path)
    if name in BACKENDS or ":" in name:
        what = f"{name} is no name that a program can have"
        why = "an implementation of nlmon has it" if name in BACKENDS else "a colon stands behind a kind of program"
        raise InputError("NLM-N013", what, where=where, why=why, hint="choose another name")
    try:
        found = msgspec.convert(row, Named)
    except msgspec.ValidationError as error:
        what = f"the program {name} is not described"
        hint = f'such as command = "./my-harness"; the keys are {", ".join(Named.__struct_fields__)}'
        key = WRONG.search(str(error))
        where = place(f"{path}.{key[1] or key[2]}") if key else where
        raise InputError("NLM-N013", what, where=where, why=str(error), hint=hint) from None
    limits = {"timeout": found.timeout, "memory": found.memory, "window": found.window, "restarts": found.restarts + 1}
    low = "command" if not found.command else next((key for key, limit in limits.items() if limit <= 0), None)
    if low is not None:
        what, why = f"the program {name} is not described", f"{low} is below its least value"
        why = why if low != "command" else "command is empty"
        hint = "timeout, memory and window are above 0"
        raise InputError("NLM-N013", what, where=place(f"{path}.{low}"), why=why, hint=hint)
    return found.started_in(folder, f"{where}: {name}")
