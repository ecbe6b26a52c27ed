"""``nlmon capture info``: counts what a capture file holds, without any implementation.

Not here: decoding; messages are counted by their headers (``nlmon.framing``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click
from msgspec import Struct

from nlmon.capture import ByteOrder, CaptureReader, open_capture
from nlmon.capture.segment import Role, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.tally import FURTHER, Tally
from nlmon.cli.bounds import interruption, max_messages_option, say_end
from nlmon.cli.common import FilePath, byteorder_option, progress, refuse_unread
from nlmon.cli.output import console, print_json
from nlmon.engine.bounds import Bounds, Watch
from nlmon.framing import types
from nlmon.limits import KINDS_KEPT, OTHERS, PROTOCOLS_KEPT, count_kinds
from nlmon.names import PROTOCOLS, message_type
from nlmon.printable import printable
from nlmon.report.model import Damage, Stop
from nlmon.report.text import counted, counted_roles, shown_path
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import NETLINK_GENERIC

__all__ = ["CaptureSummary", "command", "summarise"]


class CaptureSummary(Struct, frozen=True):
    """What a capture holds. ``roles``: datagrams by their part in the conversation; ``families``: generic families
    by name, from recorded nlctrl replies; ``repeats``: notifications equal to the one before them; ``dropped``:
    messages that the kernel dropped while it was recorded, as the file says; ``skipped``: packets that are no netlink;
    ``notes``: what one must know to read the file. Types of NETLINK_GENERIC are families; of more than ``KINDS_KEPT``
    types the others are counted together. ``stop``: what ended the reading before the file ended."""

    path: str
    format: str
    compression: str
    byteorder: str
    kernel: str
    frames: int
    messages: int
    protocols: dict[str, dict[str, int]]
    roles: dict[str, int]
    repeats: int
    families: dict[str, int]
    sockets: list[str]
    metadata: dict[str, str]
    assumed: list[str]
    skipped: int
    dropped: int
    notes: list[str]
    damage: Damage | None
    stop: Stop | None


@click.command("info")
@click.argument("file", type=FilePath())
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@max_messages_option
@byteorder_option
def command(file: Path, form: str, byteorder: ByteOrder | None, max_messages: int | None) -> None:
    """Count what FILE holds: messages per protocol and type, kernel, families, damage.

    Exit code: 0 done, 3 the file is damaged, longer than --max-messages, or holds no message, 130 interrupted; what
    was read is printed.
    """
    with open_capture(file, byteorder=byteorder) as reader, interruption() as interrupted:
        watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
        tally = Tally()
        summary = summarise(reader, shown_path(file), watch, tally)
    if form == "json":
        print_json(summary)
    else:
        _print(summary)
    say_end(reader, watch.stop, summary.path)
    refuse_unread(reader, tally, summary.path)


def summarise(
    reader: CaptureReader, path: str, watch: Watch | None = None, tally: Tally | None = None
) -> CaptureSummary:
    """Read a capture to its end, or as far as ``watch`` lets it be read, and count; frames in ``tally``, too."""
    order = reader.info.byteorder
    segmenter, tally, kernel = Segmenter(order), tally or Tally(), RecordedKernel(order)
    protocols: dict[int, Counter[int]] = {}

    def take(segments: list[Segment]) -> None:
        for segment in segments:
            tally.add(segment)
            if segment.place.role is not Role.REQUEST:
                kernel.learn(segment.datagrams)

    with progress(reader.size, Path(path).name) as advance:
        for batch in reader.batches() if watch is None else watch.batches(reader.batches()):
            protocol = batch.protocol
            if protocol not in protocols and len(protocols) >= PROTOCOLS_KEPT:
                protocol = FURTHER
            counts = protocols.setdefault(protocol, Counter())
            for data in batch.data:
                found = types(data, order)
                if len(counts) + len(found) <= KINDS_KEPT:
                    counts.update(found)
                else:
                    count_kinds(counts, found, FURTHER)
            take(segmenter.segments(batch))
            if advance is not None:
                advance(reader.position)
        take(segmenter.flush())
    damage = reader.damage
    return CaptureSummary(
        path=path,
        format=reader.info.format,
        compression=reader.info.compression,
        byteorder=order,
        kernel=reader.kernel,
        frames=tally.frames,
        messages=tally.messages,
        protocols=_named(protocols, {number: name for name, (number, _) in kernel.families.items()}),
        roles=dict(sorted((role.value, count) for role, count in tally.roles.items())),
        repeats=tally.repeats.total(),
        families={name: number for name, (number, _) in sorted(kernel.families.items())},
        sockets=[socket.name for socket in reader.sockets],
        metadata={key: value for key, value in reader.info.metadata.items() if key != "kernel" or reader.kernel},
        assumed=list(reader.info.assumed),
        skipped=reader.skipped,
        dropped=reader.dropped,
        notes=list(reader.notes),
        damage=None if damage is None else Damage(damage.code, damage.what, damage.offset),
        stop=None if watch is None else watch.stop,
    )


def _named(protocols: Mapping[int, Mapping[int, int]], families: Mapping[int, str]) -> dict[str, dict[str, int]]:
    """Counts by the names of protocols and of types; ``families``: what the capture calls generic families."""

    def name(protocol: int, kind: int) -> str:
        if kind == FURTHER:
            return OTHERS
        return (families.get(kind) if protocol == NETLINK_GENERIC else None) or message_type(protocol, kind)

    return {
        OTHERS if protocol == FURTHER else PROTOCOLS.get(protocol, str(protocol)): {
            name(protocol, kind): count for kind, count in sorted(counts.items())
        }
        for protocol, counts in sorted(protocols.items())
    }


def _print(summary: CaptureSummary) -> None:
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    out = console()
    packed = f", {summary.compression}" if summary.compression else ""
    out.print(f"[bold]{escape(printable(summary.path))}[/]  {summary.format}{packed}, {summary.byteorder}-endian")
    out.print(f"{counted(summary.frames, 'frame')}, {counted(summary.messages, 'message')}")
    for key, value in sorted(summary.metadata.items()):
        out.print(escape(printable(f"{key}: {value}")))
    table = Table("protocol", "type", "messages")
    for protocol, counts in summary.protocols.items():
        for kind, count in counts.items():
            table.add_row(protocol, escape(printable(kind)), f"{count:,}")
    out.print(table)
    if summary.roles:
        out.print(f"datagrams: {counted_roles(summary.roles)}")
    if summary.families:
        listed = ", ".join(f"{name} {number}" for name, number in summary.families.items())
        out.print(escape(printable(f"families: {listed}")))
    if summary.skipped:
        skipped = counted(summary.skipped, "packet that is no netlink", "packets that are no netlink")
        out.print(f"skipped: {skipped}")
    if summary.dropped:
        out.print(f"lost while recording: {counted(summary.dropped, 'message')}")
    for assumption in summary.assumed:
        out.print(escape(printable(f"assumed: {assumption}")))
