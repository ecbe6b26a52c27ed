"""The stream of a run: JSON lines that are written as the run goes on, and read as a whole or not at all.

    NLM-R001   a line is no record
    NLM-R002   the stream has no header
    NLM-R003   the stream is truncated: it has no footer
    NLM-R004   several streams stand one behind the other
    NLM-R005   the stream was changed: its digest, or a count, is not that of its lines
    NLM-R006   the stream is of a newer version

Rules:
1. Every record is handed over at once, as one whole line, so that a run that is killed leaves what it found.

Not here: the records (``outcome``), and files (``nlmon.reportfile``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import structs

from nlmon.errors import InputError
from nlmon.report.jsonout import line_bytes, schema_of
from nlmon.report.outcome import STREAM, CaseResult, Run, RunFooter, RunHeader, RunLine, count_outcomes

__all__ = ["RunStream", "read_run", "run_schema", "stream_text"]

_decoder = msgspec.json.Decoder(RunLine)


class RunStream:
    """Writes the records of one run with ``write``, which is given whole lines."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._digest = hashlib.sha256()

    def add(self, record: RunLine) -> None:
        """Write the next record; the header says the version that is written, and the footer gets the digest of all
        before it."""
        if isinstance(record, RunHeader):
            record = structs.replace(record, stream=STREAM)
        if isinstance(record, RunFooter):
            record = structs.replace(record, digest=self._digest.hexdigest())
        line = line_bytes(record)
        self._digest.update(line)
        self._write(line)


def stream_text(run: Run) -> str:
    """The stream of a whole run."""
    lines = bytearray()
    stream = RunStream(lines.extend)
    for record in run.records:
        stream.add(record)
    return lines.decode()


def read_run(lines: Iterable[bytes], where: str) -> list[RunLine]:
    """The records of a stream; raises ``InputError`` when it is not one whole stream as it was written."""
    found: list[RunLine] = []
    digest = hashlib.sha256()
    for number, text in enumerate(lines, 1):
        place = f"{where}:{number}"
        if found and isinstance(found[-1], RunFooter):
            raise InputError(
                "NLM-R004", "another report follows the first one", where=place, hint="read each by itself"
            )
        try:
            record = _decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if not text.endswith(b"\n"):
                break  # the last line is not whole
            _refuse_newer(text, place)
            raise InputError("NLM-R001", "not a line of a report", where=place, why=str(error)) from error
        if not found and not isinstance(record, RunHeader):
            break
        if found and isinstance(record, RunHeader):
            raise InputError(
                "NLM-R004", "another report begins before the end", where=place, hint="read each by itself"
            )
        if isinstance(record, RunHeader):
            _refuse_newer(text, place)
        found.append(record)
        if isinstance(record, RunFooter):
            _refuse_changed(found, record, digest.hexdigest(), place)
        digest.update(text)
    if not found:
        raise InputError("NLM-R002", "the report has no header", where=where)
    if not isinstance(found[-1], RunFooter):
        hint = "the run did not end; run it again"
        raise InputError("NLM-R003", "the report is truncated: it has no footer", where=where, hint=hint)
    return found


def _refuse_newer(text: bytes, where: str) -> None:
    """Raise ``InputError`` for the header of a version that is not known here."""
    try:
        header = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    version = header.get("stream") if isinstance(header, dict) and header.get("record") == "header" else None
    if isinstance(version, int) and version > STREAM:
        why = f"it has version {version}, and this nlmon reads versions up to {STREAM}"
        raise InputError("NLM-R006", "the report is too new", where=where, why=why, hint="install a newer nlmon")


def _refuse_changed(found: list[RunLine], footer: RunFooter, digest: str, where: str) -> None:
    """Raise ``InputError`` when the footer is not that of the lines before it."""
    outcomes = count_outcomes(record for record in found if isinstance(record, CaseResult))
    if footer.digest != digest or footer.outcomes != outcomes:
        why = "its footer does not belong to the lines before it"
        raise InputError("NLM-R005", "the report was changed", where=where, why=why, hint="run it again")


def run_schema() -> dict[str, Any]:
    """JSON Schema of one line of the stream."""
    return schema_of(RunLine, "nlmon run, one line of its stream")
