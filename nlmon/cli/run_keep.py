"""Keeps what is needed to run again what failed: a folder for each scenario.

    DIR/ID/scenario.yaml      the scenario; its capture is the one beside it
    DIR/ID/CAPTURE            the recording, as it is; of a live run, ID.pcapng
    DIR/ID/events-NAME.jsonl  what the implementation NAME made of it, as nlmon decode prints it
    DIR/ID/result.json        the results of its cases
    DIR/ID/reproduce.sh       the command

Rules:
1. A folder is whole or absent: it is filled under another name and renamed.
2. What was kept before gives way, and nothing else does: a folder of that name that this module did not fill stays, and
   is an error.

Not here: what fails (``nlmon.scenario``).
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import BACKENDS, create
from nlmon.capture import open_capture
from nlmon.engine.feed import Feed
from nlmon.engine.run import read_capture
from nlmon.errors import InputError, NlmonError
from nlmon.eventjson.write import events_to_json
from nlmon.report.jsonout import report_bytes
from nlmon.report.outcome import DID_NOT_PASS, CaseResult
from nlmon.scenario.check import capture_path
from nlmon.scenario.files import read_scenario
from nlmon.scenario.load import ScenarioFile

__all__ = ["keep_failed"]

# What every folder holds that was kept.
_OURS = ("scenario.yaml", "result.json", "reproduce.sh")
# Another run may keep the same scenario at the same time.
_TRIES = 5


def keep_failed(
    folder: Path, files: Sequence[ScenarioFile], results: Sequence[CaseResult], record: str = ""
) -> list[Path]:
    """Keep each scenario that has a case that failed or errored; gives the folders. ``record``: the folder with the
    recordings of live runs. Raises ``InputError``."""
    kept = []
    for file in files:
        bad = [one for one in results if one.scenario == file.scenario.id and one.outcome in DID_NOT_PASS]
        if bad:
            try:
                kept.append(_keep(folder, file, bad, record))
            except OSError as error:
                what, why = "what failed cannot be kept", error.strerror or str(error)
                raise InputError("NLM-U023", what, where=str(folder), why=why) from error
    return kept


def _keep(folder: Path, file: ScenarioFile, results: Sequence[CaseResult], record: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.scenario.id
    part = Path(tempfile.mkdtemp(prefix=f".{file.scenario.id}-", dir=folder))
    try:
        part.chmod(0o755)
        text, capture = read_scenario(Path(file.where)), file.scenario.capture
        source = Path(record, f"{file.scenario.id}.pcapng") if capture is None else Path(capture_path(file))
        ran = any(one.report is not None for one in results)  # else its capture was refused, or is not there
        if ran if capture is not None else source.is_file():
            shutil.copyfile(source, part / source.name)
            if capture is not None:
                text = text.replace(capture.path.encode(), source.name.encode(), 1)
            for one in file.scenario.implementations:
                if one.name in BACKENDS:
                    _write_events(part / f"events-{one.name}.jsonl", file, source, one.name)
        (part / "scenario.yaml").write_bytes(text)
        (part / "result.json").write_bytes(b"".join(map(report_bytes, results)))
        script = part / "reproduce.sh"
        script.write_text('#!/bin/sh\ncd "$(dirname "$0")" && exec nlmon run scenario.yaml\n', encoding="utf-8")
        script.chmod(0o755)
        _replace(target, part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def _replace(target: Path, part: Path) -> None:
    """Put a folder in the place of what was kept before; raises ``InputError`` for what was not."""
    for _ in range(_TRIES):
        if target.is_symlink() or (target.exists() and not all((target / name).is_file() for name in _OURS)):
            what, hint = "the folder was not made by --keep-on-failure", "name another folder, or remove it"
            raise InputError("NLM-U023", what, where=str(target), hint=hint)
        before = Path(tempfile.mkdtemp(prefix=f"{part.name}-", dir=part.parent))
        try:
            if target.exists():
                target.rename(before)
            part.rename(target)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}:
                raise
            continue
        finally:
            shutil.rmtree(before, ignore_errors=True)
        return
    raise OSError(errno.EBUSY, "another run keeps it at the same time")


def _write_events(path: Path, file: ScenarioFile, capture: Path, name: str) -> None:
    """The events of an implementation, as far as the capture can be read."""
    select = file.scenario.capture.select if file.scenario.capture is not None else "notifications"
    try:
        with path.open("wb") as out, open_capture(capture) as reader:
            feed = Feed(
                (partial(create, name),), reader.info.byteorder, select=select, options=BackendOptions(), answers=False
            )
            for side in read_capture(feed, reader):
                out.write(events_to_json(side.events))
            feed.close()
    except NlmonError:
        return  # the result says what is wrong
