"""What several commands share: options, a progress bar, and lines on stderr.

Not here: output (``output``), and anything one command needs alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nlmon.errors import InternalError, NlmonError
from nlmon.report.text import printable

if TYPE_CHECKING:  # start-up: only commands that read captures need it
    from nlmon.compare.side import Side

__all__ = [
    "F",
    "Implementation",
    "feed_options",
    "implementation_option",
    "layouts_option",
    "progress",
    "protocol_names",
    "protocol_option",
    "refuse_crash",
    "show_error",
    "warn",
]

F = TypeVar("F", bound=Callable[..., Any])


def _protocols(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[int, ...]:
    from nlmon.names import protocol_number  # noqa: PLC0415  (start-up: only who names a protocol needs it)

    numbers = []
    for value in values:
        number = protocol_number(value)
        if number is None:
            raise click.BadParameter(f"{value!r} is no netlink protocol; try {protocol_names()}")
        numbers.append(number)
    return tuple(numbers)


def protocol_names() -> str:
    """Every protocol that an implementation reads, as ``--protocol`` takes them."""
    from nlmon.backends.registry import BACKENDS  # noqa: PLC0415  (start-up: only a hint needs them)
    from nlmon.names import PROTOCOLS  # noqa: PLC0415

    numbers: set[int] = set()
    for target in BACKENDS.values():
        module, _, attribute = target.partition(":")
        numbers |= set(getattr(import_module(module), attribute).groups)
    *names, last = (PROTOCOLS[number].removeprefix("NETLINK_").lower() for number in sorted(numbers))
    return f"{', '.join(names)} or {last}"


def protocol_option(function: F) -> F:
    """``--protocol NAME``, repeatable; gives the command a tuple of numbers, empty for all."""
    decorate = click.option(
        "--protocol",
        "protocols",
        multiple=True,
        callback=_protocols,
        metavar="NAME",
        help="Only this protocol, by name or number; repeat for several. Default: all that are supported.",
    )
    return decorate(function)


class Implementation(click.Choice[str]):
    """Type of an option that takes the name of an implementation."""

    def __init__(self) -> None:
        from nlmon.backends.registry import BACKENDS  # noqa: PLC0415  (start-up: not every command has it)

        super().__init__(list(BACKENDS))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            self.fail(f"no implementation is called {value!r}; choose {' or '.join(self.choices)}", param, ctx)
        return str(value)


class _Renamed(click.Option):
    """An option with a former name, the last of its names, which still works and which ``--help`` does not show."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0].replace(f", {self.opts[-1]}", ""), record[1])


def implementation_option(text: str) -> Callable[[F], F]:
    """``-i NAME``, ``--implementation NAME``; the former ``--backend`` is kept for scripts."""
    return click.option(
        *("-i", "--implementation", "--backend", "implementation"),
        cls=_Renamed,
        type=Implementation(),
        default="libnl",
        show_default=True,
        help=text,
    )


def layouts_option(function: F) -> F:
    """``--layouts N``: how many functions, each generated for messages of one form, libnl keeps."""
    from nlmon.backends.options import BackendOptions  # noqa: PLC0415  (start-up: not every command has it)

    decorate = click.option(
        "--layouts",
        type=click.IntRange(min=0),
        default=BackendOptions().layouts,
        show_default=True,
        metavar="N",
        help="How many layouts libnl keeps, functions generated for messages of one form; 0 gives the same, slower.",
    )
    return decorate(function)


@contextmanager
def progress(total: int, description: str) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on stderr over ``total`` bytes; None instead of it when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  (start-up: only a terminal needs it)
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(position: int) -> None:
            bar.update(task, completed=position)

        yield advance


def refuse_crash(side: Side) -> None:
    """Raise ``InternalError`` when an implementation crashed."""
    if side.crash:
        raise InternalError("NLM-X002", f"{side.name} raised {side.crash}", where=side.trace)


def warn(text: str) -> None:
    """One line on stderr, whatever the text holds."""
    click.echo(printable(text), err=True)


def show_error(error: NlmonError) -> None:
    """One line on stderr: code, what, where, why, and what to do."""
    sys.stderr.write(f"error[{error.code}]: {printable(error.text)}\n")


def feed_options(function: F) -> F:
    """One capture and one implementation: ``-i``, ``--protocol``, ``--select``, ``--layouts``."""
    select = click.option(
        "--select",
        type=click.Choice(["notifications", "all"]),
        default="notifications",
        show_default=True,
        help="Replay what the implementation's own sockets would have received, or every recorded message.",
    )
    implementation = implementation_option("The implementation that reads the capture.")
    capture = click.argument("capture", type=click.Path(path_type=Path, readable=False))
    return capture(implementation(protocol_option(select(layouts_option(function)))))
