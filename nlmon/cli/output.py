"""The standard streams of a command, which hold every text and may fail.

Rules:
1. Output that cannot be written is one typed error (NLM-U006), whoever wrote it; a warning that cannot be
   written is no error.
2. What programs read is UTF-8 whatever the locale is; lines for people are in the encoding of the terminal.

Not here: what is printed, and files (``nlmon.reportfile``).
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

from nlmon.errors import PlatformError

if TYPE_CHECKING:  # start-up: --help needs none of it
    from msgspec import Struct
    from rich.console import Console

__all__ = ["console", "guard_streams", "print_bytes", "print_json"]


class _Descriptor(io.FileIO):
    """A standard stream that says once, and in our words, that it cannot be written; ``quiet``: not even that."""

    def __init__(self, number: int, *, quiet: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self._quiet = quiet

    def write(self, data: Any, /) -> int:
        """Write, or raise ``PlatformError``; afterwards the rest goes nowhere, so that nothing is said twice."""
        if not self._quiet:
            try:
                return super().write(data)
            except OSError as error:
                self._quiet = True
                what = "the output cannot be written"
                raise PlatformError("NLM-U006", what, where="stdout", why=error.strerror or "") from error
        try:
            return super().write(data)
        except OSError:
            return len(data)


def guard_streams() -> None:
    """Make stdout and stderr hold every text in any locale, and fail as this module says, even when closed."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # A descriptor that cannot be written, so that no file that is opened next becomes our output.
            null = os.open(os.devnull, os.O_RDONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        raw = _Descriptor(number, quiet=name == "stderr")
        encoding = "utf-8" if stream is None else stream.encoding
        text = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=number == 2 or raw.isatty()
        )
        setattr(sys, name, text)


def print_json(report: Struct, *, by_name: bool = True) -> None:
    """A report on stdout as one indented JSON object. ``by_name``: keys by their names, else as they are declared."""
    from nlmon.report.jsonout import report_bytes  # noqa: PLC0415  (start-up: only this form needs it)

    print_bytes(report_bytes(report, by_name=by_name))


def print_bytes(data: bytes) -> None:
    """Bytes on stdout, behind the lines that were printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def console() -> Console:
    """What tables are printed on: as wide as the terminal, elsewhere 160 columns."""
    from rich.console import Console  # noqa: PLC0415  (start-up: only people need it)

    return Console(width=None if sys.stdout.isatty() else 160, emoji=False)
