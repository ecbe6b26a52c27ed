"""What several commands share: options, a progress bar, and lines on stderr.

Not here: the standard streams (``output``), and anything one command needs alone.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from nlmon.cli import complete
from nlmon.errors import FilterError, InputError, InternalError, NlmonError, UsageError
from nlmon.printable import printable
from nlmon.uapi import MAX_LINKS

if TYPE_CHECKING:  # start-up: only commands that read captures need it
    from nlmon.capture import CaptureReader
    from nlmon.capture.tally import Tally
    from nlmon.compare.side import Side

__all__ = [
    "F",
    "FilePath",
    "ImplementationName",
    "against_option",
    "byteorder_option",
    "compared",
    "control_option",
    "duration_option",
    "fault_option",
    "feed_options",
    "implementation_option",
    "layouts_option",
    "program",
    "progress",
    "protocol_option",
    "refuse_crash",
    "refuse_stdin_twice",
    "say_where_explained",
    "select_option",
    "show_error",
    "usage_error",
    "warn",
    "warn_notes",
    "warn_unread",
]

F = TypeVar("F", bound=Callable[..., Any])


# Seconds; poll(2) counts milliseconds in 32 bits.
LONGEST = 2_000_000


def _protocols(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[int, ...]:
    if not values:
        return ()
    from nlmon.backends.registry import READS, protocol_names  # noqa: PLC0415  (start-up: only who names one needs it)
    from nlmon.names import PROTOCOLS, protocol_number  # noqa: PLC0415

    numbers = []
    for value in values:
        number = protocol_number(value)
        if number is None or number >= MAX_LINKS:
            raise click.BadParameter(f"{value!r} is no netlink protocol; try {protocol_names()}")
        if not any(number in reads for reads in READS.values()):
            name = PROTOCOLS.get(number, f"protocol {number}")
            raise UsageError("NLM-U004", f"no implementation reads {name}", hint=f"try {protocol_names()}")
        numbers.append(number)
    return tuple(numbers)


def protocol_option(function: F) -> F:
    """``--protocol NAME``, repeatable; gives the command a tuple of numbers, empty for all."""
    decorate = click.option(
        "--protocol",
        "protocols",
        multiple=True,
        callback=_protocols,
        shell_complete=complete.protocols,
        metavar="NAME",
        help="Only this protocol, by name or number; repeat for several. Default: all that are supported.",
    )
    return decorate(function)


class FilePath(click.Path):
    """Type of an argument that is a file; ``-`` is a standard stream, and ``./-`` a file of that name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, readable=False, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(super().convert(value, param, ctx))  # type: ignore[arg-type]
        # A path drops what its name begins with, and whoever opens it would take it for the stream.
        return path.absolute() if str(path) == "-" != str(value) else path


class ImplementationName(click.ParamType):  # type: ignore[type-arg]
    """Type of an option that takes the name of an implementation: one of nlmon's, ``exec:COMMAND``, ``events:FILE``,
    ``live:COMMAND``, or a program that the settings name."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from nlmon.backends.registry import choices, is_known  # noqa: PLC0415  (start-up: not every command has it)

        if not is_known(value):
            self.fail(f"no implementation is called {value!r}; choose {choices()}", param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in complete.implementations(ctx, param, incomplete)]


def control_option(function: F) -> F:
    """``--control``: the reference is compared with itself; see ``compared``."""
    decorate = click.option(
        "--control",
        is_flag=True,
        help="Compare the reference with itself: what differs then is noise, and no difference of implementations.",
    )
    return decorate(function)


def compared(against: str, implementation: str, *, control: bool) -> tuple[str, str]:
    """The reference and the candidate, which with ``--control`` is the reference, too. Raises ``UsageError`` if another
    one was named."""
    if not control:
        return against, implementation
    source = click.get_current_context().get_parameter_source("implementation")
    if source is ParameterSource.COMMANDLINE and implementation != against:
        what, hint = (
            f"--control does not go with -i {implementation}",
            f"leave out -i: {against} is compared with itself",
        )
        raise UsageError("NLM-U027", what, hint=hint)
    return against, against


class _Renamed(click.Option):
    """An option with a former name, the last of its names, which still works and which neither ``--help`` nor an error
    shows."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0].replace(f", {self.opts[-1]}", ""), record[1])

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return " / ".join(map(repr, self.opts[:-1]))


def implementation_option(text: str) -> Callable[[F], F]:
    """``-i NAME``, ``--implementation NAME``; the former ``--backend`` is kept for scripts."""
    return click.option(
        "-i",
        "--implementation",
        "--backend",
        "implementation",
        cls=_Renamed,
        type=ImplementationName(),
        default="libnl",
        show_default=True,
        help=text,
    )


byteorder_option = click.option(
    "--byteorder", type=click.Choice(["little", "big"]), help="Override the recording's byte order."
)
fault_option = click.option(
    "--fault",
    "faults",
    multiple=True,
    help="Lose notifications: overrun@120+50 drops 50 of NETLINK_ROUTE from frame 120 on, overrun@120+50/generic of "
    "another protocol. Repeatable.",
)


def against_option(function: F) -> F:
    """``--against NAME``: the reference."""
    decorate = click.option(
        "--against",
        type=ImplementationName(),
        default="legacy",
        show_default=True,
        help="The reference: the implementation in use, which the candidate is compared with.",
    )
    return decorate(function)


def _seconds(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise UsageError("NLM-U014", "the duration is no number of seconds", hint="such as --duration 60")
    return value


def duration_option(function: F) -> F:
    """``--duration SECONDS``; None: no end."""
    seconds = click.FloatRange(0, LONGEST, min_open=True)
    return click.option("--duration", type=seconds, callback=_seconds, help="End after this many seconds.")(function)


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
def progress(total: int, description: str, *, of_bytes: bool = True) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on stderr over ``total`` bytes, or other things; None instead of it when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  (start-up: only a terminal needs it)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(description), total=total)

        def advance(position: int) -> None:
            bar.update(task, completed=position)

        yield advance


def program() -> str:
    """What nlmon is called by: ``nlmon``, or its path, as it was typed, where a shell finds another one, or none."""
    called = sys.argv[0]
    if Path(called).name != "nlmon" or called == "nlmon":
        return "nlmon"
    import shutil  # noqa: PLC0415  (start-up: only a command that is printed needs it)

    found = shutil.which("nlmon")
    return "nlmon" if found is not None and Path(found).resolve() == Path(called).resolve() else called


def refuse_stdin_twice(paths: Iterable[Path]) -> None:
    """Raise ``UsageError`` when several of the files that are read are standard input."""
    if sum(str(path) == "-" for path in paths) > 1:
        what, why = "standard input is named more than once", "it can be read only once"
        raise UsageError("NLM-U032", what, why=why, hint="name files")


def refuse_crash(side: Side) -> None:
    """Raise ``HarnessError`` when a program failed, ``InternalError`` when an implementation of ours crashed."""
    if side.failure is not None:
        raise side.failure
    if side.crash:
        raise InternalError("NLM-X002", f"{side.name} raised {side.crash}", where=side.trace)


def refuse_unread(reader: CaptureReader, tally: Tally, where: str) -> None:
    """Raise ``InputError`` when a capture that was read to its end holds no message."""
    from nlmon.capture.tally import why_unread  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.report.text import counted  # noqa: PLC0415

    if reader.skipped and not tally.frames:
        why = f"none of its {counted(reader.skipped, 'packet')} is netlink"
        hint = "record on an nlmon device or with nlmon record"
        raise InputError("NLM-U010", "the capture holds no netlink", where=where, why=why, hint=hint)
    why = why_unread(reader.info, tally) if tally.frames else "it holds no packet"
    if why:
        raise InputError("NLM-U002", "no message in this capture", where=where, why=why)


def usage_error(error: click.ClickException) -> UsageError:
    """A mistake that the parser of the command line found, as an error of ours."""
    text = " ".join(error.format_message().rstrip(".").split())  # click puts choices into lines of their own
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see {context.command_path} --help" if context is not None else ""
    return UsageError("NLM-U021", text[:1].lower() + text[1:], hint=hint)


def warn_unread(implementation: str, protocols: Iterable[int]) -> None:
    """Say which protocols that were asked for an implementation does not read."""
    from nlmon.backends.registry import READS  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.names import PROTOCOLS  # noqa: PLC0415

    for number in protocols if implementation in READS else ():
        if number not in READS[implementation]:
            warn(f"{implementation} does not read {PROTOCOLS[number]}")


def warn(text: str) -> None:
    """One line on stderr, whatever the text holds."""
    click.echo(printable(text), err=True)


def warn_notes(reader: CaptureReader) -> None:
    """Say what one must know to read a capture, which was read to its end."""
    for note in reader.notes:
        warn(f"note: {note}")


def show_error(error: NlmonError) -> None:
    """One line on stderr: code, what, where, why, and what to do."""
    sys.stderr.write(f"error[{error.code}]: {printable(error.text)}\n")
    if isinstance(error, FilterError):
        for line in error.marked:
            sys.stderr.write(f"  {printable(line)}\n")


def say_where_explained(codes: Iterable[str], stream: TextIO) -> None:
    """Name the command that explains codes, to who looks at a terminal; whatever else reads ``stream`` gets no more
    than the codes."""
    if (words := " ".join(dict.fromkeys(codes))) and stream.isatty():
        stream.write(f"(nlmon explain {words})\n")


def select_option(text: str) -> Callable[[F], F]:
    """``--select``, which messages of a capture are read."""
    return click.option(
        "--select", type=click.Choice(["notifications", "all"]), default="notifications", show_default=True, help=text
    )


def feed_options(function: F) -> F:
    """One capture and one implementation: ``-i``, ``--protocol``, ``--select``, ``--layouts``."""
    select = select_option(
        "Replay what the implementation's own sockets would have received, or every recorded message."
    )
    implementation = implementation_option("The implementation that reads the capture.")
    capture = click.argument("capture", type=FilePath())
    return capture(implementation(protocol_option(select(layouts_option(function)))))
