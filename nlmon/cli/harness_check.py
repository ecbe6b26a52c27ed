"""``nlmon harness check``: what a program gets wrong in the harness protocol.

Not here: the check (``nlmon.harness.check``), and the samples (``harness_samples``).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from nlmon.errors import ExitCode, UsageError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.harness.protocol import Hello

__all__ = ["command"]

# Characters of a line that are shown.
SHOWN = 300


@click.command()
@click.argument("program", metavar="COMMAND")
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    help="Seconds for each answer; for hello six times as many.  [default: 5]",
)
def command(program: str, timeout: float | None) -> None:
    """Give COMMAND, or a program that the settings name, datagrams by the harness protocol (docs/harness.md), and print
    what is wrong with what it writes: one line for each problem, and below it the line that it is about.

    Exit code: 0 nothing is wrong, 1 something is, 2 there is no such command.
    """
    from msgspec import structs  # noqa: PLC0415  (start-up: --help needs none of it)

    from nlmon.backends.registry import BACKENDS, PROGRAM, is_known  # noqa: PLC0415
    from nlmon.cli.harness_samples import samples  # noqa: PLC0415
    from nlmon.harness.check import check_program  # noqa: PLC0415
    from nlmon.harness.named import command_of, configured  # noqa: PLC0415
    from nlmon.printable import printable  # noqa: PLC0415
    from nlmon.report.text import counted  # noqa: PLC0415
    from nlmon.uapi import NETLINK_NETFILTER, NETLINK_SOCK_DIAG, NETLINK_XFRM  # noqa: PLC0415

    if program in BACKENDS:
        configured()  # settings that give a program this name are wrong, and say so
        why, hint = "an implementation of nlmon has this name", f'"nlmon serve -i {program}", or ./{program} for a file'
        raise UsageError("NLM-N001", f"there is no command {program!r}", why=why, hint=hint)
    what = command_of(program if is_known(program) else f"{PROGRAM}{program}")
    if timeout is not None:
        what = structs.replace(what, timeout=timeout)
    begun = time.monotonic()
    others = NETLINK_SOCK_DIAG, NETLINK_XFRM, NETLINK_NETFILTER
    found = check_program(what, sys.byteorder, samples(sys.byteorder, others))
    for problem in found.problems:
        more = f", and {problem.others:,} more like it" if problem.others else ""
        click.echo(printable(f"{problem.code}: {problem.text}{more}"))
        if problem.line:
            click.echo(f"    {printable(problem.line[:SHOWN])}{' …' * (len(problem.line) > SHOWN)}")
    counts = f"{counted(found.datagrams, 'datagram')}, {counted(found.events, 'entry', 'entries')} in answers"
    problems = counted(len(found.problems), "problem")
    seconds = time.monotonic() - begun
    click.echo(printable(f"{_called(found.hello) or what.text}: {counts}, {problems}, in {seconds:.1f} s"))
    if found.problems:
        sys.exit(ExitCode.FAILED)


def _called(hello: Hello | None) -> str:
    """The name, version and language of a program; empty where it did not say them."""
    language = "" if hello is None or not hello.language else f"({hello.language})"
    return "" if hello is None else " ".join(filter(None, (hello.name, hello.version, language)))
