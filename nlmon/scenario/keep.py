"""Keeps what is needed to run again what failed: a folder for each scenario.

    DIR/ID/scenario.yaml      the scenario; its capture is the one beside it
    DIR/ID/CAPTURE            the recording, as it is; of a live run, ID.pcapng
    DIR/ID/events-NAME.jsonl  what the implementation NAME made of it in the run, as nlmon decode prints it
    DIR/ID/result.json        the results of its cases
    DIR/ID/reproduce.sh       the command

Rules:
1. A folder is whole or absent: it is filled under another name and renamed.
2. What was kept before gives way, and nothing else does: a folder of that name that this module did not fill stays, and
   is an error.
3. A folder and what is in it are their owner's alone: recordings can hold keys.

Not here: what fails (``cases``).
"""

from __future__ import annotations

import errno
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from nlmon.backends.registry import BACKENDS
from nlmon.capture import open_capture
from nlmon.errors import InputError, NlmonError, reason_of
from nlmon.eventjson.write import events_to_json
from nlmon.report.jsonout import report_bytes
from nlmon.report.outcome import DID_NOT_PASS, CaseResult
from nlmon.report.policy import Policy
from nlmon.scenario.check import capture_path
from nlmon.scenario.files import read_scenario
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Implementation
from nlmon.scenario.options import RunOptions
from nlmon.scenario.recorded import recorded_sides
from nlmon.scenario.run import with_names

__all__ = ["keep_failed"]

# What every folder holds that was kept.
_OURS = ("scenario.yaml", "result.json", "reproduce.sh")
# Another run may keep the same scenario at the same time.
_TRIES = 5


def keep_failed(
    folder: Path,
    files: Sequence[ScenarioFile],
    results: Sequence[CaseResult],
    options: RunOptions,
    program: str = "",
) -> list[Path]:
    """Keep each scenario that has a case that failed or errored; gives the folders. ``options``: those of the run;
    ``program``: what the script calls, in words of a shell; empty: nlmon. Raises ``InputError``."""
    kept = []
    for file in files:
        bad = [one for one in results if one.scenario == file.scenario.id and one.outcome in DID_NOT_PASS]
        if bad:
            try:
                kept.append(_keep(folder, with_names(file, options.names), bad, options, program or _nlmon()))
            except OSError as error:
                what, why = "what failed cannot be kept", reason_of(error)
                raise InputError("NLM-U023", what, where=str(folder), why=why) from error
    return kept


def _keep(folder: Path, file: ScenarioFile, results: Sequence[CaseResult], options: RunOptions, program: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file.scenario.id
    part = Path(tempfile.mkdtemp(prefix=f".{file.scenario.id}-", dir=folder))
    try:
        text, capture = read_scenario(Path(file.path)), file.scenario.capture
        source = Path(options.record, f"{file.scenario.id}.pcapng") if capture is None else Path(capture_path(file))
        ran = any(one.report is not None for one in results)  # else its capture was refused, or is not there
        if ran if capture is not None else source.is_file():
            name = source.name if not _is_ours(source.name) else f"capture-{source.name}"
            shutil.copyfile(source, part / name)
            text = _with_capture(text, file, name)
            for one in file.scenario.implementations:
                if one.name in BACKENDS:
                    _write_events(part / f"events-{one.name}.jsonl", file, source, one, options.seed)
        (part / "scenario.yaml").write_bytes(text)
        (part / "result.json").write_bytes(b"".join(map(report_bytes, results)))
        script = part / "reproduce.sh"
        command = shlex.join(["run", *_arguments(options), "scenario.yaml"])
        line = f'cd "$(dirname "$0")" && exec {program} {command}'
        script.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        for path in part.iterdir():  # so far the folder, made by mkdtemp(), kept others out
            path.chmod(0o700 if path == script else 0o600)
        _replace(target, part)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def _nlmon() -> str:
    """What finds nlmon, and where there is none that of this environment."""
    own = shlex.quote(str(Path(sys.executable).with_name("nlmon")))
    return f'"$(command -v nlmon || echo {own})"'


def _arguments(options: RunOptions) -> Iterator[str]:
    """What of the options of a run changes its outcomes, as it is typed; settings files may be others there."""
    reference, candidate = options.names or ("", "")
    policy = options.policy
    for option, value in (
        ("--against", reference),
        ("--implementation", candidate),
        ("--seed", "" if options.seed is None else str(options.seed)),
        ("--time-scale", str(options.time_scale) if options.time_scale != 1 else ""),
        *(("--fail-on", word) for word in policy.fail_on),
        ("--min-events", str(policy.min_events) if policy.min_events != Policy().min_events else ""),
        ("--max-lost", str(policy.max_lost) if policy.max_lost != Policy().max_lost else ""),
        *(("--require-protocol", name) for name in policy.require_protocols),
        *(("--allow", name) for name in policy.allow),
        ("--known", str(Path(policy.known).absolute()) if policy.known else ""),
    ):
        if value:
            yield f"{option}={value}"


def _is_ours(name: str) -> bool:
    """Whether a file of that name would be one that this module writes."""
    return name in _OURS or name.startswith("events-")


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


def _write_events(path: Path, file: ScenarioFile, capture: Path, one: Implementation, seed: int | None) -> None:
    """The events of an implementation, as far as the capture can be read."""
    byteorder = file.scenario.capture.byteorder if file.scenario.capture is not None else None
    try:
        with path.open("wb") as out, open_capture(capture, byteorder=byteorder) as reader:
            for side in recorded_sides(file, one, reader, seed):
                out.write(events_to_json(side.events))
    except NlmonError:
        return  # the result says what is wrong


def _with_capture(text: bytes, file: ScenarioFile, name: str) -> bytes:
    """The text of a scenario with ``name`` as the path of its capture, which stands there in quotes or without."""
    capture = file.scenario.capture
    if capture is None or capture.path == name:
        return text
    values = file.document.values
    place = values.get(("capture", "path")) or values["capture",]
    # The reader of YAML begins a new line where str.splitlines does, and a byte order mark takes no column.
    lines = text.decode("utf-8-sig").splitlines(keepends=True)
    at = sum(map(len, lines[: place.line - 1])) + place.column - 1
    whole = "".join(lines)
    for quote in ("'", '"', ""):
        if whole.startswith(quote + capture.path, at):
            new = quote + name if quote else json.dumps(name, ensure_ascii=False)
            return (whole[:at] + new + whole[at + len(quote + capture.path) :]).encode()
    return text
