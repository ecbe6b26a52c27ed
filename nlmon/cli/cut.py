"""``nlmon capture cut``: some frames of a capture, with those that they need, as a capture of their own.

Rules:
1. The file is whole or absent, and the capture that is read stays what it is.
2. Where the frames come from stands in the comment of the file, as ``cut``, and is said: frames are numbered anew.

Not here: what frames need (``nlmon.engine.cut``), and the format (``nlmon.capture.write``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from nlmon.capture import ByteOrder, CaptureReader, Frame, open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.cli.common import FilePath, byteorder_option, progress, warn, warn_notes
from nlmon.cli.listening import destination
from nlmon.engine.cut import Cut, Need, Ranges, find_cut
from nlmon.errors import InputError, UsageError
from nlmon.report.text import counted, shown_path
from nlmon.reportfile import refuse_captures

__all__ = ["command"]

_RANGE = re.compile(r"(\d{1,18})?(-)?(\d{1,18})?")
# Characters of the places in the comment; a file that is cut in more pieces says so.
PLACES_SHOWN = 2000
_WORDS: dict[Need, tuple[str, str]] = {
    "link": ("that names interfaces", "that name interfaces"),
    "family": ("that names generic families", "that name generic families"),
    "request": ("with a request", "with requests"),
    "answer": ("with an answer", "with answers"),
    "dump": ("with a part of a dump", "with parts of dumps"),
}


def _ranges(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> Ranges:
    pairs: list[tuple[int, int | None]] = []
    for text in (one.strip() for value in values for one in value.split(",")):
        found = _RANGE.fullmatch(text)
        first, dash, last = found.groups() if found else (None, None, None)
        if first is None and last is None:
            raise click.BadParameter(f"{text!r} is no range of frames; write 120-180, 120-, -180 or 120")
        begin = int(first or 1)
        end = int(last) if last else None if dash else begin
        if begin < 1 or (end is not None and end < begin):
            raise click.BadParameter(f"{text!r} holds no frame; frames are numbered from 1")
        pairs.append((begin, end))
    return Ranges(pairs)


@click.command("cut")
@click.argument("capture", metavar="IN", type=FilePath())
@click.argument("out", type=FilePath(dir_okay=False))
@click.option(
    "--frames",
    "ranges",
    required=True,
    multiple=True,
    metavar="A-B",
    callback=_ranges,
    help="The frames to keep, such as 120-180, 120- or -180. Repeatable.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@byteorder_option
def command(capture: Path, out: Path, ranges: Ranges, force: bool, byteorder: ByteOrder | None) -> None:
    """Write frames of IN into OUT, a pcapng file, with those before them that they need.

    These are frames that name the interfaces and generic families that the frames are about, requests that they answer,
    and the beginning of dumps. So a replay finds the same differences in these frames. What the frames before them say
    of the state of the host is left out: a difference of states (NLD105) at frame N is in the cut --frames -N.

    Exit code: 0 done, 3 IN has none of the frames, is damaged before their end, or OUT cannot be written.
    """
    if str(capture) == "-":
        hint = "name a file; it is read twice"
        raise UsageError("NLM-U031", "standard input cannot be cut", hint=hint)
    refuse_captures(out, [capture], "the capture that is cut")
    out, where = destination(out, force), shown_path(capture)
    with open_capture(capture, byteorder=byteorder) as reader, progress(reader.size, capture.name):
        cut = find_cut(reader.batches(), reader.info.byteorder, ranges)
        dropped, sockets = reader.dropped, [(one.name, one.description) for one in reader.sockets]
        damage = reader.damage
    if not cut.asked:
        if damage is not None:
            raise damage
        why = f"its last frame is {cut.last:,}"
        raise InputError("NLM-C030", "the capture has none of these frames", where=where, why=why)
    with open_capture(capture, byteorder=byteorder) as reader:
        kept: list[int | tuple[int, int | None]] = [
            *cut.needed,
            *(pair for pair in ranges.pairs if pair[0] <= cut.last),
        ]
        places = _places(kept, cut.last)
        metadata = {key: value for key, value in reader.info.metadata.items() if key != "byteorder"}
        metadata["cut"] = f"frames {places} of {_one_line(capture.name)}"
        with PcapngWriter(out, metadata=metadata, byteorder=reader.info.byteorder) as writer:
            _write(writer, _kept(reader, ranges, cut), sockets, dropped)
    warn(f"{counted(cut.asked, 'frame')} in {out}{_and_needed(cut)}; they are frames {places} of {where}")
    if first := ranges.pairs[0][0] - 1:
        states = f"states begin with the cut; a difference of states (NLD105) may need the frames 1-{first}"
        warn(f"note: {states}: --frames -{min(cut.last, ranges.last or cut.last)}")
    if dropped:
        lost = counted(dropped, "message was lost", "messages were lost")
        warn(f"note: {lost} while {where} was recorded, which the cut says, too")
    warn_notes(reader)
    if damage is not None:
        raise damage


def _kept(reader: CaptureReader, ranges: Ranges, cut: Cut) -> Iterator[Frame]:
    for frame in reader:
        if frame.number > cut.last:
            return
        if frame.number in ranges or frame.number in cut.needed:
            yield frame


def _write(writer: PcapngWriter, frames: Iterator[Frame], sockets: list[tuple[str, str]], dropped: int) -> None:
    """Write frames with the sockets that they came from; of a capture that names none there is one."""
    for name, description in sockets or [("netlink", "")]:
        writer.add_socket(name, 0, description=description)
    writer.lost(0, dropped)
    count = max(1, len(sockets))
    for frame in frames:
        writer.write(
            socket=frame.socket if frame.socket < count else 0,
            timestamp=frame.timestamp,
            data=frame.data,
            direction=frame.direction,
            protocol=frame.protocol,
            truncated=frame.truncated,
        )


def _places(kept: Iterable[int | tuple[int, int | None]], last: int) -> str:
    """Numbers and ranges of frames in order: ``2, 7, 120-180``; those that follow each other as one range."""
    pairs = sorted((one, one) if isinstance(one, int) else (one[0], min(last, one[1] or last)) for one in kept)
    joined: list[tuple[int, int]] = []
    for first, end in pairs:
        if joined and first == joined[-1][1] + 1:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((first, end))
    text = ", ".join(f"{first}" if first == end else f"{first}-{end}" for first, end in joined)
    return text if len(text) <= PLACES_SHOWN else f"{text[:PLACES_SHOWN].rpartition(',')[0]}, …"


def _and_needed(cut: Cut) -> str:
    """What is kept beside the frames that were asked for, and what for."""
    if not cut.needed:
        return ""
    counts = Counter(cut.needed.values())
    listed = ", ".join(f"{counts[need]:,} {words[counts[need] > 1]}" for need, words in _WORDS.items() if counts[need])
    return f", and {counted(len(cut.needed), 'frame')} that they need: {listed}"


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
