"""Reads a scenario file as plain values, with the line and column of each.

What is read is the part of YAML 1.2 that JSON has, too, so that whoever reads the file in another language gets the
same: mappings with keys that are text, lists, text, numbers, ``true``, ``false`` and ``null``. So ``no`` and ``on`` are
text, and so are the date 2026-01-31 and the hardware address 00:00:5e:00:53:01.

Not here: reading YAML (``nlmon.yamlfile``), and what the keys mean (``schema``).
"""

from __future__ import annotations

import re
from typing import Any

from nlmon import yamlfile
from nlmon.errors import ScenarioError
from nlmon.yamlfile import NULLS, Codes, Document, Format, Path, Position

__all__ = ["SIZE", "Document", "Path", "Position", "read_document"]

SIZE = 64 * 1024
DIGITS = 20

# Of YAML 1.2's core schema what JSON can hold.
_CONSTANTS: dict[str, bool | None] = dict.fromkeys(NULLS)
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def read_document(data: bytes, where: str) -> Document:
    """The document of a file that is called ``where``; raises ``ScenarioError``."""
    return yamlfile.read_document(data, where, _FORMAT)


def _scalar(text: str) -> Any:
    """What a text without quotes is."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        if len(text) > DIGITS:
            raise ValueError(f"a number has at most {DIGITS} digits")
        return int(text, 10 if text[:2] not in {"0x", "0o"} else 0)
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text} is no number that JSON has", "put a text in quotes")
    if _FLOAT.fullmatch(text):
        number = float(text)
        if abs(number) == float("inf"):
            raise ValueError(f"{text} is no number that JSON has")
        # As in JSON Schema, 1.0 is the integer 1.
        return int(number) if number.is_integer() else number
    return text


_FORMAT = Format(
    noun="scenario",
    error=ScenarioError,
    codes=Codes(
        encoding="NLM-S001",
        size="NLM-S002",
        syntax="NLM-S003",
        tab="NLM-S004",
        twice="NLM-S005",
        alias="NLM-S006",
        documents="NLM-S007",
        depth="NLM-S008",
        value="NLM-S009",
    ),
    size=SIZE,
    too_large="give messages in a capture and not in the scenario",
    scalar=_scalar,
)
