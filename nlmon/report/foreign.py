"""JSON Schemas of reports that others define, written from their documentation.

    github    one annotation of GitHub Actions, after its line is taken apart into command, properties and message
    gitlab    the code quality report of GitLab
    badge     the endpoint badge of shields.io

Not here: the writers, and the reports whose schema is made from our own structures (``jsonout``, ``runstream``).
"""

from __future__ import annotations

from typing import Any

__all__ = ["badge_schema", "github_schema", "gitlab_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"type": "string", "pattern": "^[1-9][0-9]*$"}
_LINE = {"type": "integer", "minimum": 1}
_COLOURS = ["brightgreen", "green", "yellowgreen", "yellow", "orange", "red", "blue", "lightgrey"]


def github_schema() -> dict[str, Any]:
    """One workflow command (docs.github.com, "Workflow commands for GitHub Actions"): its message and properties are
    unescaped; a line or a column is nothing without its file, a column nothing without its line."""
    properties = {
        "title": {"type": "string", "minLength": 1, "maxLength": 255},
        "file": {"type": "string", "minLength": 1},
        **dict.fromkeys(("line", "endLine", "col", "endColumn"), _NUMBER),
    }
    return {
        "$schema": _DIALECT,
        "title": "nlmon, one annotation of GitHub Actions",
        "type": "object",
        "properties": {
            "command": {"enum": ["error", "warning", "notice"]},
            "properties": {
                "type": "object",
                "properties": properties,
                "dependentRequired": {"line": ["file"], "endLine": ["line"], "col": ["line"], "endColumn": ["col"]},
                "additionalProperties": False,
            },
            "message": {"type": "string", "minLength": 1, "maxLength": 65536},
        },
        "required": ["command", "properties", "message"],
        "additionalProperties": False,
    }


def gitlab_schema() -> dict[str, Any]:
    """The list (docs.gitlab.com, "Code Quality report format"): a path starts at the top of the repository. What
    else an issue may have is from the specification of Code Climate, which it is a part of."""
    location = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "not": {"pattern": r"^(/|\.\.?/)"}},
            "lines": {"type": "object", "properties": {"begin": _LINE, "end": _LINE}, "required": ["begin"]},
        },
        "required": ["path", "lines"],
        "additionalProperties": False,
    }
    issue = {
        "type": "object",
        "properties": {
            "type": {"const": "issue"},
            "check_name": {"type": "string", "minLength": 1},
            "description": {"type": "string", "minLength": 1},
            "content": {"type": "object", "properties": {"body": {"type": "string"}}, "required": ["body"]},
            "categories": {"type": "array", "items": {"type": "string"}},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": location,
        },
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
    }
    return {
        "$schema": _DIALECT,
        "title": "nlmon, code quality of GitLab",
        "type": "array",
        "items": issue,
        "uniqueItems": True,
    }


def badge_schema() -> dict[str, Any]:
    """The badge (shields.io, "Endpoint Badge"), with those of its properties that are used here."""
    return {
        "$schema": _DIALECT,
        "title": "nlmon, an endpoint badge of shields.io",
        "type": "object",
        "properties": {
            "schemaVersion": {"const": 1},
            "label": {"type": "string"},
            "message": {"type": "string", "minLength": 1},
            "color": {"enum": _COLOURS},
            "isError": {"type": "boolean"},
        },
        "required": ["schemaVersion", "label", "message"],
        "additionalProperties": False,
    }
