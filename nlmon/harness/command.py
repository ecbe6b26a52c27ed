"""What is started: the words of a command, its folder and environment, its limits, and the file that it is.

Rules:
1. A command is taken apart as a shell does, and nothing else that a shell does is done.
2. A mistake of a command that the settings name is said with its place there, and with the folder in which it is.

Not here: the child process (``program``).
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from nlmon.errors import UsageError

__all__ = ["Command", "found", "words"]

# Of our environment a program gets these, and nothing else.
KEPT = ("PATH", "HOME", "TMPDIR")


class Command(Struct, frozen=True):
    """What is started. ``timeout``: seconds until a line must be answered, six times as many for the greeting;
    ``memory``: resident bytes; ``window``: datagrams that may wait for an answer at once; ``restarts``: how often it is
    started again; ``place``: where the settings name it, for people."""

    argv: tuple[str, ...]
    directory: str | None = None
    environment: Mapping[str, str] = {}
    timeout: float = 5.0
    memory: int = 2 << 30
    window: int = 1
    restarts: int = 3
    place: str = ""

    @property
    def text(self) -> str:
        """As it would be typed."""
        return shlex.join(self.argv)

    def environ(self) -> dict[str, str]:
        """The environment of the program."""
        return (
            {name: os.environ[name] for name in KEPT if name in os.environ}
            | {"LC_ALL": "C.UTF-8"}
            | dict(self.environment)
        )


def words(text: str) -> tuple[str, ...]:
    """The words of a command line, as a shell takes it apart; nothing else that a shell does is done.

    Raises ``UsageError`` (NLM-N014)."""
    try:
        found = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(
            "NLM-N014", f"{text!r} is no command", why=str(error).lower(), hint="close the quote"
        ) from None
    if not found:
        raise UsageError("NLM-N014", "no command is named", hint="such as exec:./my-harness")
    return found


def found(command: Command) -> str:
    """The file of a command. Raises ``UsageError``: no such command (NLM-N001), not executable (NLM-N002)."""
    name = command.argv[0]
    if "/" in name:
        path = Path(command.directory or ".", name).absolute()
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
        if path.exists():
            why = "it is a folder" if path.is_dir() else "it is not executable"
            hint = f"name a file in {name}" if path.is_dir() else f"chmod +x {path if command.place else name}"
            raise UsageError("NLM-N002", f"{name} cannot be started", where=command.place, why=why, hint=hint)
    elif path_found := shutil.which(name, path=command.environ().get("PATH")):
        return path_found
    raise _missing(command, name)


def _missing(command: Command, name: str) -> UsageError:
    """The error for a command that is not there (NLM-N001)."""
    folder = Path(command.directory or ".")
    why, hint = "", "a command is a path, or a name that PATH finds"
    if not folder.is_dir():
        why, hint = f"there is no folder {folder}", "correct directory, which is relative to the file"
    elif "/" not in name and (folder / name).is_file():
        hint = f"./{name} is the file in this folder"
    elif command.place and "/" in name:
        why = f"it is looked for in {folder}"
    return UsageError("NLM-N001", f"there is no command {name!r}", where=command.place, why=why, hint=hint)
