"""Takes annotations of GitHub Actions apart, as the runner does.

    ::error file=a.yaml,line=3,title=nlmon%3A a::what

Not here: writing them (``nlmon.report.annotations``).
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["parsed"]

_COMMAND = re.compile(r"::(?P<command>[a-z]+)(?: (?P<properties>.*?))?::(?P<message>.*)")
_ESCAPES = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
_ESCAPED, _ESCAPED_PROPERTY = re.compile("%(25|0D|0A)"), re.compile("%(25|0D|0A|3A|2C)")


def parsed(line: str) -> dict[str, Any]:
    """The command, the properties and the message of a line."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    properties = {}
    for pair in (found["properties"] or "").split(","):
        name, equals, value = pair.partition("=")
        assert equals, line
        properties[name] = _ESCAPED_PROPERTY.sub(_escape, value)
    return {"command": found["command"], "properties": properties, "message": _ESCAPED.sub(_escape, found["message"])}


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]
