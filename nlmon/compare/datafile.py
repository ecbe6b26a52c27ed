"""A YAML file of the package that follows a JSON schema, and what stands for it compiled.

Reading YAML and checking it by its schema would take a quarter of a short replay. So the content of such a file is kept
as JSON, too, with the digests of the file and of its schema, and stands for a file of just these bytes. Any other is
read and checked.

Not here: what the content means (``contract``, ``statement``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from nlmon.errors import ContractError

__all__ = ["Compiled", "DataFile", "compiled_file", "read_data"]


class DataFile(Struct, frozen=True):
    """Where a file and its schema are. ``refused`` makes the error that is raised: of the file, the path of keys that
    breaks the schema, None where it cannot be read at all, and why."""

    source: Path
    schema: Path
    refused: Callable[[Path, str | None, str], ContractError]


class Compiled(Struct, frozen=True):
    """Digests (SHA-256) of a file and of its schema, and what they give."""

    source: str
    schema: str
    data: dict[str, Any]


def read_data(file: DataFile, compiled: Compiled | None) -> dict[str, Any]:
    """The content of a file, from the compiled form where that is of these bytes; raises ``ContractError``."""
    try:
        text = file.source.read_bytes()
    except OSError as error:
        raise file.refused(file.source, None, str(error)) from error
    schema = file.schema.read_bytes()
    if compiled is not None and (compiled.source, compiled.schema) == (_digest(text), _digest(schema)):
        return compiled.data
    return checked_data(text, file, schema)


def compiled_file(file: DataFile) -> Compiled:
    """The compiled form of a file; raises ``ContractError``."""
    text, schema = file.source.read_bytes(), file.schema.read_bytes()
    return Compiled(_digest(text), _digest(schema), checked_data(text, file, schema))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checked_data(text: bytes, file: DataFile, schema: bytes) -> dict[str, Any]:
    """The content of a text that follows a schema; raises ``ContractError`` naming the path of keys."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (start-up: only a file of one's own needs it)
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        data = YAML(typ="safe").load(text.decode("utf-8"))
    except (UnicodeDecodeError, YAMLError) as error:
        raise file.refused(file.source, None, str(error)) from error
    for found in Draft202012Validator(msgspec.json.decode(schema)).iter_errors(data):
        raise file.refused(file.source, "/".join(map(str, found.absolute_path)), found.message)
    checked: dict[str, Any] = data
    return checked
