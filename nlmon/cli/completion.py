"""``nlmon completion``: the script by which a shell completes commands, options and their values, and where it goes.

The script asks nlmon itself, whose options and arguments know what they take; so it need not be written again when they
change.

Rules:
1. Who completes waits for it: nothing that a command needs to do its work is imported.
2. A file of the user is added to at most once, and only where the shell would not find the script without.

Not here: what an option takes (its own module), and how a shell asks (click).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class

from nlmon.cli.common import warn
from nlmon.cli.complete import VARIABLE
from nlmon.reportfile import unwritable

__all__ = ["command", "complete_by_words"]

SHELLS = ("bash", "zsh", "fish")
# What lets zsh find functions in a folder of the user; it has none by itself. The remark says that it is there.
REMARK = "# nlmon completion"
ZSHRC = "\nfpath=({folder} $fpath)  {remark}\nautoload -Uz compinit && compinit\n"
NEXT = {
    "bash": "a new shell completes nlmon if it has the package bash-completion; without it, add this to ~/.bashrc: "
    'eval "$(nlmon completion bash)"',
    "zsh": "a new shell completes nlmon",
    "fish": "a new shell completes nlmon",
}


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--install", is_flag=True, help="Put the script where the shell looks for it, for this user alone.")
def command(shell: str, install: bool) -> None:
    """Print the script by which SHELL completes nlmon: commands, options, implementations, protocols, fields of
    filters, codes and files. With --install it goes where the shell looks for it, and a new shell has it.

    Exit code: 0 done, 3 the file cannot be written.
    """
    text = _script(shell)
    if not install:
        click.echo(text, nl=False)
        return
    path = _place(shell, os.environ)
    _write(path, text)
    warn(f"wrote {path}")
    if shell == "zsh" and (changed := _let_zsh_find(path.parent)):
        warn(f"added {path.parent} to fpath in {changed}")
    warn(NEXT[shell])


def complete_by_words() -> None:
    """Let click read the words of bash as they are, which has ``=`` for one of its own (``--protocol=ro``)."""

    class Bash(BashComplete):
        def get_completion_args(self) -> tuple[list[str], str]:
            words, begun = super().get_completion_args()
            return [word for word in words if word != "="], begun

    add_completion_class(Bash)


def _script(shell: str) -> str:
    """The script of a shell, as click writes it for a program of this name."""
    found = get_completion_class(shell)
    assert found is not None  # SHELLS are click's
    made = found(click.get_current_context().find_root().command, {}, "nlmon", VARIABLE)
    return made.source_template % made.source_vars() + "\n"


def _place(shell: str, environ: Mapping[str, str]) -> Path:
    """Where a shell looks for the completions of a user."""
    home = Path.home()
    if shell == "bash":
        data = environ.get("XDG_DATA_HOME") or home / ".local" / "share"
        user = environ.get("BASH_COMPLETION_USER_DIR") or Path(data) / "bash-completion"
        return Path(user) / "completions" / "nlmon"
    if shell == "zsh":
        return Path(environ.get("ZDOTDIR") or home) / ".zfunc" / "_nlmon"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "fish" / "completions" / "nlmon.fish"


def _write(path: Path, text: str) -> None:
    from nlmon.atomic import write_whole  # noqa: PLC0415  (start-up: printing needs none of it)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path.resolve(), text.encode())
    except OSError as error:
        raise unwritable(path, error.strerror or "") from error


def _let_zsh_find(folder: Path) -> Path | None:
    """Add a folder to those where zsh looks for functions, if nlmon has not done so before. Returns what it changed."""
    path = folder.parent / ".zshrc"
    before = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if REMARK in before:
        return None
    import shlex  # noqa: PLC0415  (start-up: printing needs none of it)

    added = ZSHRC.format(folder=shlex.quote(str(folder)), remark=REMARK)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(added)
    except OSError as error:
        raise unwritable(path, error.strerror or "") from error
    return path
