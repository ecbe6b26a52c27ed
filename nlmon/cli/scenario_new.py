"""``nlmon scenario new``: a scenario for a capture, which says what a replay of it gives today.

Not here: the replay (``nlmon.engine.run``), and the format (``nlmon.scenario``).
"""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from pathlib import Path

import click

from nlmon.cli.common import FilePath
from nlmon.errors import InputError, ScenarioError, UsageError
from nlmon.printable import printable

__all__ = ["command"]

ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


def _id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not ID.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no id; write lower-case words with dots or hyphens, such as link.flap")
    return value


@click.command()
@click.option(
    "--from",
    "capture",
    required=True,
    type=FilePath(),
    help="The capture that the scenario replays.",
)
@click.option("--id", "name", callback=_id, help="The id of the scenario.  [default: made of the capture's name]")
@click.option("--title", help="What holds, as a sentence.  [default: made of the verdict]")
@click.option(
    "-o",
    "--output",
    type=FilePath(dir_okay=False),
    help="Write the scenario here instead of to stdout, which is for a file in the current folder: the path of the "
    "capture is relative to it. A file that is there is kept.",
)
def command(capture: Path, name: str | None, title: str | None, output: Path | None) -> None:
    """Write a scenario for a capture: its path and digest, and the verdicts that a replay gives in both directions.

    Exit code: 0 done, 3 the capture is damaged or gives no event.
    """
    from nlmon.report.text import shown_path  # noqa: PLC0415
    from nlmon.reportfile import refuse_unwritable, write_report  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.scenario.files import digest_of  # noqa: PLC0415

    output = None if str(output) == "-" else output
    if output is not None and output.exists():
        hint = "name another file, or remove it"
        raise UsageError("NLM-S030", "the scenario would replace a file", where=shown_path(output), hint=hint)
    if output is not None:
        refuse_unwritable(output)
    migrate, rollback = _verdicts(capture)
    words = name or _id_of(capture)
    folder = output.parent if output is not None else Path()
    path = Path(os.path.relpath(capture, folder)).as_posix()
    text = _text(words, title or _title(capture, migrate), path, digest_of(capture), (migrate, rollback))
    if output is None:
        sys.stdout.write(text)
    else:
        write_report(output, text.encode())


def _verdicts(capture: Path) -> tuple[str, str]:
    """The verdicts on the move and on the way back. Raises ``CaptureError`` for a capture that cannot be read, and
    ``InputError`` for one that says nothing."""
    from nlmon.backends.registry import create  # noqa: PLC0415  (start-up: --help needs no replay)
    from nlmon.capture import open_capture  # noqa: PLC0415
    from nlmon.compare.known import KnownDifferences  # noqa: PLC0415
    from nlmon.engine.run import replay_capture  # noqa: PLC0415
    from nlmon.report.model import UNDECIDED  # noqa: PLC0415
    from nlmon.report.text import shown_path  # noqa: PLC0415

    with open_capture(capture) as reader:
        makers = (partial(create, "legacy"), partial(create, "libnl"))
        forward, back = replay_capture(
            reader, shown_path(capture), *makers, known=(KnownDifferences(), KnownDifferences())
        )
        if reader.damage is not None:
            raise reader.damage
    if forward.verdict in UNDECIDED:
        raise InputError("NLM-U002", forward.reason, where=forward.path, hint="see nlmon capture info")
    return forward.verdict, back.verdict


def _id_of(capture: Path) -> str:
    stem = capture.name.partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "scenario"


def _title(capture: Path, migrate: str) -> str:
    same = "give the same for" if migrate in {"equivalent", "lossy"} else "differ on"
    return f"Both implementations {same} the recording {printable(capture.name.partition('.')[0])}."


def _text(name: str, title: str, path: str, digest: str, verdicts: tuple[str, str]) -> str:
    """The file, which is a scenario whatever the capture is called; raises ``UsageError`` where that cannot be."""
    from nlmon.scenario.load import load_scenario  # noqa: PLC0415  (start-up: --help needs none of it)

    text = (
        f"scenario: 1\n"
        f"id: {_quoted(name)}\n"
        f"title: {_quoted(title)}\n"
        f"capture:\n"
        f"  path: {_quoted(path)}\n"
        f"  sha256: {_quoted(digest)}\n"
        f"expect:\n"
        f"  verdict: {{migrate: {verdicts[0]}, rollback: {verdicts[1]}}}\n"
    )
    try:
        load_scenario(text.encode("utf-8", "surrogateescape"), "scenario")
    except ScenarioError as error:
        what = "a scenario cannot be written for this capture"
        raise UsageError("NLM-S031", what, why=error.what, hint="rename it, or give --title") from error
    return text


def _quoted(text: str) -> str:
    """A text as YAML: as it is where that is read as the same text, else in quotes as JSON, which YAML reads alike."""
    import json  # noqa: PLC0415  (start-up: --help needs no JSON)

    from nlmon.scenario.document import read_document  # noqa: PLC0415

    plain = re.fullmatch(r"(\.\./)*[A-Za-z0-9][A-Za-z0-9 _./-]*", text)
    if plain and read_document(text.encode(), "text").value == text:
        return text
    # A byte of a path that is no UTF-8 is written as that byte.
    return "".join(c if "\ud800" <= c <= "\udfff" else printable(c) for c in json.dumps(text, ensure_ascii=False))
