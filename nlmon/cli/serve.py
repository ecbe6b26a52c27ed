"""``nlmon serve``: one of nlmon's implementations as a program that speaks the harness protocol.

Not here: the protocol (``nlmon.harness``, ``docs/harness.md``).
"""

from __future__ import annotations

import sys

import click

from nlmon.backends.base import Backend
from nlmon.backends.registry import BACKENDS, create
from nlmon.harness.serve import served
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory

__all__ = ["command"]


@click.command()
@click.option(
    "-i",
    "--implementation",
    type=click.Choice(list(BACKENDS)),
    default="libnl",
    show_default=True,
    help="The implementation that answers.",
)
def command(implementation: str) -> None:
    """Answer the harness protocol on stdin and stdout, so that nlmon's own implementation can be put wherever a program
    can (docs/harness.md).

    Exit code: 0 after end, or when stdin ends, 3 a line is none of the protocol.
    """

    def make(kernel: RecordedKernel) -> Backend:
        return create(implementation, RecordedFactory(kernel))

    out = sys.stdout.buffer
    for line in served(make, sys.stdin.buffer):
        out.write(line)
        out.flush()
