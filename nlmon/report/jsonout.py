"""Reports as JSON: one object, or a stream of lines with a header and a footer.

A stream without its footer is a run that did not end; ``read_stream`` says so.

Not here: the values (``nlmon.report.model``) and files (``nlmon.reportfile``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from nlmon.errors import InputError
from nlmon.printable import printable_json
from nlmon.report.model import CaptureReport, DifferenceRow, Direction, Report, Verdict
from nlmon.report.policy import Policy

__all__ = [
    "CaptureLine",
    "DifferenceLine",
    "Footer",
    "Header",
    "Line",
    "line_bytes",
    "read_stream",
    "report_bytes",
    "report_schema",
    "schema_of",
    "stream_schema",
]


class Header(Struct, frozen=True, tag_field="record", tag="header"):
    """First line of a stream."""

    tool: str
    version: str
    reference: str
    candidate: str
    select: str
    policy: Policy = Policy()
    arguments: list[str] | None = None
    program: list[str] = []


class DifferenceLine(Struct, frozen=True, tag_field="record", tag="difference"):
    """One difference, as soon as it is found."""

    path: str
    difference: DifferenceRow
    direction: Direction = "migrate"


class CaptureLine(Struct, frozen=True, tag_field="record", tag="capture"):
    """The end of one capture; ``details`` is empty, since each difference had its own line."""

    capture: CaptureReport


class Footer(Struct, frozen=True, tag_field="record", tag="footer"):
    """Last line of a stream that is whole."""

    captures: int
    verdict: Verdict
    verdicts: dict[Direction, Verdict] = {}
    stale: list[int] = []
    expired: list[int] = []


Line: TypeAlias = Header | DifferenceLine | CaptureLine | Footer
_encoder = msgspec.json.Encoder(order="sorted")
_as_declared = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def report_bytes(report: Struct, *, by_name: bool = True) -> bytes:
    """A whole report as one indented JSON object with a newline at its end. ``by_name``: keys by their names, else in
    the order in which their class has them."""
    encoder = _encoder if by_name else _as_declared
    return printable_json(msgspec.json.format(_encoded(report, encoder), indent=2)) + b"\n"


def line_bytes(line: Struct) -> bytes:
    """One record of a stream, with its newline."""
    return printable_json(_encoded(line)) + b"\n"


def _encoded(value: Struct, encoder: msgspec.json.Encoder = _encoder) -> bytes:
    """JSON of a value. The name of a file may hold bytes that are no UTF-8, which Python has as halves of surrogate
    pairs; JSON cannot hold them, and gets their escapes as text."""
    try:
        return encoder.encode(value)
    except UnicodeEncodeError:
        return encoder.encode(_storable(msgspec.to_builtins(value)))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, (list, tuple)) else value


def read_stream(lines: Iterable[bytes], where: str) -> list[Line]:
    """Records of a stream; raises ``InputError`` for a line that is none, and when header or footer is missing."""
    found: list[Line] = []
    for number, text in enumerate(lines, 1):
        place = f"{where}:{number}"
        if found and isinstance(found[-1], Footer):
            hint = "read each by itself"
            raise InputError("NLM-R004", "another report follows the first one", where=place, hint=hint)
        try:
            found.append(_decoder.decode(text))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if found and not text.endswith(b"\n"):
                break  # the last line is not whole
            raise InputError("NLM-R001", "not a line of a report", where=place, why=str(error)) from error
    if not found or not isinstance(found[0], Header):
        raise InputError("NLM-R002", "the report has no header", where=where)
    if not isinstance(found[-1], Footer):
        hint = "the run did not end; run it again"
        raise InputError("NLM-R003", "the report is truncated: it has no footer", where=where, hint=hint)
    return found


def report_schema() -> dict[str, Any]:
    """JSON Schema of ``--format json``."""
    return schema_of(Report, "nlmon replay report")


def stream_schema() -> dict[str, Any]:
    """JSON Schema of one line of ``--format jsonl``."""
    return schema_of(Line, "nlmon replay report, one line of a stream")


def schema_of(kind: Any, title: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a structure."""
    schema = _plain(msgspec.json.schema(kind))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _plain(value: Any) -> Any:
    """A schema that is the same with every Python and msgspec: descriptions have no indentation, which docstrings lose
    from 3.13 on, and the names of a mapping's keys are not listed, which msgspec does from 0.23 on."""
    from inspect import cleandoc  # noqa: PLC0415  (start-up: only a schema needs it)

    if isinstance(value, list):
        return list(map(_plain, value))
    if not isinstance(value, dict):
        return value
    return {
        key: cleandoc(one) if key == "description" and isinstance(one, str) else _plain(one)
        for key, one in value.items()
        if key != "propertyNames"
    }
