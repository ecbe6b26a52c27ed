"""``nlmon coverage``: what of all that the kernel defines two implementations read, and what a capture holds of it.

Not here: who reads what (``nlmon.engine.coverage``), and the verdict on a capture (``replay``).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import against_option, implementation_option, protocol_option

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.report.coverage import KernelCoverage, MessageCoverage

__all__ = ["command"]


@click.command()
@implementation_option("The second implementation.")
@against_option
@protocol_option
@click.option("-v", "--verbose", is_flag=True, help="Also name every attribute that not both read.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(implementation: str, against: str, protocols: tuple[int, ...], verbose: bool, form: str) -> None:
    """Print which attributes of the kernel two implementations read: both, one alone, neither, and which nobody need
    read.

    Exit code: 0.
    """
    from nlmon.report.jsonout import report_bytes  # noqa: PLC0415  (start-up: --help needs none of it)

    found = _found((against, implementation), protocols)
    if form == "json":
        sys.stdout.write(report_bytes(found).decode())
    else:
        _print(found)
        if verbose:
            _list(found)


def _found(names: tuple[str, str], protocols: tuple[int, ...]) -> KernelCoverage:
    from nlmon.backends.registry import backend_class  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.compare.contract import load_contract  # noqa: PLC0415
    from nlmon.engine.coverage.kernel import kernel_coverage  # noqa: PLC0415

    return kernel_coverage(tuple(map(backend_class, names)), names, load_contract(), protocols)


def _print(found: KernelCoverage) -> None:
    from rich import box  # noqa: PLC0415  (start-up: only people need it)
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    heads = ["attributes", "both", *(f"{name} alone" for name in found.implementations), "neither", "ignored"]
    table = Table("messages", *heads, box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    for column in table.columns[1:]:
        column.justify = "right"
    plain, alike = _alike(found)
    rows = [(message.message, message.counts) for message in plain]
    if alike:
        counts = {state: sum(one.counts[state] for one in alike) for state in found.counts}
        rows.append((f"{len(alike)} more generic families", counts))
    for name, counts in [*rows, ("all", found.counts)]:
        if name == "all":
            table.add_section()
        table.add_row(name, *(f"{number:,}" for number in (sum(counts.values()), *counts.values())))
    table.show_footer = False
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    click.echo(f"as Linux {found.kernel} defines them; nlmon coverage -v names those that not both read")


def _alike(found: KernelCoverage) -> tuple[list[MessageCoverage], list[MessageCoverage]]:
    """Messages with a line of their own, and generic families of which one implementation keeps all as it is."""
    alike = [
        message
        for message in found.messages
        if message.protocol == "NETLINK_GENERIC" and sum(map(bool, message.counts.values())) == 1
    ]
    return [message for message in found.messages if message not in alike], alike


def _list(found: KernelCoverage) -> None:
    from nlmon.report.coverage import listed  # noqa: PLC0415  (start-up: --help needs none of it)

    for message in _alike(found)[0]:
        lines = list(listed(message, found.implementations))
        if lines:
            click.echo(f"\n{message.message} ({message.protocol})")
            click.echo("\n".join(f"  {line}" for line in lines))
