"""The kinds of reports that can be made of a run, by the name that an option takes.

    report_as("markdown", run)

Rules:
1. A writer is a function of a run that returns the text of its report; it is imported when it is used.

Not here: the writers (``runstream``, ``junit``, ``page``, ``markdown``, ``annotations``, ``codequality``, ``badge``),
and files.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # start-up: an option needs the names alone
    from nlmon.report.outcome import Run
    from nlmon.report.places import Places

__all__ = ["KINDS", "STDOUT", "Kind", "kind_and_path", "report_as"]


class Kind(NamedTuple):
    """A kind of report. ``module``, ``writer``: where its writer is; ``meaning``: what it is, in a few words;
    ``with_places``: whether its writer is given the place of the repository, too."""

    module: str
    writer: str
    meaning: str
    with_places: bool = False


KINDS = {
    "jsonl": Kind("runstream", "stream_text", "the stream of the run, from which nlmon report makes the others"),
    "junit": Kind("junit", "junit_text", "JUnit XML"),
    "html": Kind("page", "html_page", "a page for people, which needs no other file and no network"),
    "markdown": Kind("markdown", "markdown", "a summary for people, such as the job summary of GitHub"),
    "github": Kind("annotations", "github_annotations", "annotations of GitHub Actions"),
    "gitlab": Kind("codequality", "codequality", "code quality of GitLab", with_places=True),
    "badge": Kind("badge", "badge", "a badge for shields.io"),
}

# What ``-`` is, as for captures; ``./-`` is a file of that name.
STDOUT = "/dev/stdout"
# What people type who think of the file's name.
SUFFIXES = {"md": "markdown", "xml": "junit", "htm": "html"}


def report_as(kind: str, run: Run, places: Places | None = None) -> bytes:
    """The report of a run, as a file of one of ``KINDS``. ``places``: where the repository is, if that is known."""
    made = KINDS[kind]
    writer = getattr(import_module(f"nlmon.report.{made.module}"), made.writer)
    text: str = writer(run, places) if made.with_places and places is not None else writer(run)
    return text.encode("utf-8", "backslashreplace")


def kind_and_path(text: str, bare: str = "", possible: Collection[str] = KINDS) -> tuple[str, str]:
    """The kind and the path of ``KIND:PATH``; of a path alone the kind is ``bare``, if there is one. ``possible``: the
    kinds that there are. Raises ``ValueError`` for anything else, with what would be right."""
    kind, colon, path = text.partition(":")
    kinds = (*possible, *filter(None, (bare,)))
    if kind in kinds and path:
        return kind, STDOUT if path == "-" else path
    small = kind.lower()
    # One letter is a drive, and a folder is no kind; nor is a word with a capital, if it is not a kind spelt so.
    meant = bool(colon) and len(kind) > 1 and kind.isalpha() and (kind == small or small in {*kinds, *SUFFIXES})
    if bare and text and not meant:
        return bare, STDOUT if text == "-" else text
    from difflib import get_close_matches  # noqa: PLC0415  (start-up: only a mistake needs it)

    meant_so = SUFFIXES.get(small, "junit")
    first = meant_so if meant_so in kinds else next(iter(possible))
    near = get_close_matches(small, kinds if meant else possible, 1) or [first]
    file = f", or ./{text} for a file of that name" if bare and meant else ""
    raise ValueError(f"{text!r} is no report; try {near[0]}:PATH, or another of {', '.join(possible)}{file}")
