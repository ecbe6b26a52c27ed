"""``--export``: events of a capture into the exports of a monitor, one after another.

A recording can wait, so there is no queue: what cannot be written ends the command.

Not here: exporters (``nlmon.exporters``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.errors import UsageError

if TYPE_CHECKING:  # start-up: only who exports needs it
    from nlmon.events import Event
    from nlmon.exporters.base import Exporter

__all__ = ["export_option", "exporting"]

export_option = click.option(
    "--export",
    "exports",
    multiple=True,
    metavar="KIND:PLACE",
    help="Write the events there, as a monitor would, instead of printing them: json:FILE adds to a file, "
    "syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT or syslog:/dev/log sends messages. Repeatable.",
)


@contextmanager
def exporting(texts: Iterable[str]) -> Iterator[Callable[[Iterable[Event]], None]]:
    """What takes events for the exports that are named, which are open meanwhile."""
    exporters = [_exporter(text) for text in texts]

    def take(events: Iterable[Event]) -> None:
        for event in events:
            for exporter in exporters:
                exporter.write(event, b"")
        for exporter in exporters:
            exporter.flush()

    try:
        for exporter in exporters:
            exporter.open()
        yield take
    finally:
        for exporter in exporters:
            exporter.close()


def _exporter(text: str) -> Exporter:
    kind, _, place = text.partition(":")
    if kind == "json" and place:
        from nlmon.exporters.files import JsonLinesExporter  # noqa: PLC0415  (start-up: only who exports needs it)

        return JsonLinesExporter(Path(place))
    if kind == "syslog" and place:
        from nlmon.exporters.syslog import SyslogExporter, parse_server  # noqa: PLC0415

        return SyslogExporter(parse_server(place))
    hint = "write json:FILE, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT or syslog:/dev/log"
    raise UsageError("NLM-O007", f"{text!r} is no export", hint=hint)
