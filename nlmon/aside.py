"""What implementations print while they are at work: put aside from the output of a command, which may be JSON.

Rules:
1. It goes to stderr, fit for a terminal.
2. Python's own ``sys.stdout`` is replaced, and no descriptor: a program that an implementation starts writes where it
   will.

Not here: what an implementation raises (``nlmon.engine.guarded``).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, TypeVar

from nlmon.printable import printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["each_aside", "prints_aside"]

T = TypeVar("T")


class _Stderr(io.RawIOBase):
    """A stream whose bytes stderr shows as printable text."""

    def writable(self) -> bool:
        """Yes, and nothing else."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """Show bytes at once."""
        text = bytes(data).decode(errors="backslashreplace")
        sys.stderr.write("\n".join(map(printable, text.split("\n"))))
        return memoryview(data).nbytes


@contextmanager
def prints_aside() -> Iterator[None]:
    """Put aside what is printed meanwhile."""
    # One that closes its stdout closes nobody else's.
    stream = io.TextIOWrapper(_Stderr(), encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]
    with redirect_stdout(stream):
        yield


def each_aside(values: Iterator[T]) -> Iterator[T]:
    """The same values; what is printed while one is made is put aside, and not what is printed in between."""
    while True:
        with prints_aside():
            try:
                value = next(values)
            except StopIteration:
                return
        yield value
