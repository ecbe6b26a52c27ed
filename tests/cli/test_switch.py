"""``nlmon switch --write``: whether there is a file to write is known before anything is switched."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nlmon.monitor.control import Request
from nlmon.monitor.status import status_json, status_text
from support.command import nlmon
from support.monitors import STATUS, serving

# What the status says of its files, what is in their place, and what the command answers.
ROWS = [
    (("a.yaml", "b.yaml"), "a.yaml:3", "NLM-M106", "the monitor has 2 files, and netlink.use_libnl is from a.yaml:3"),
    ((), "default", "NLM-M106", "the monitor has no files"),
    (("a.yaml",), "environment NLMON_USE_LIBNL", "NLM-M106", "the variable NLMON_USE_LIBNL decides"),
    (("link.yaml",), "link.yaml:1", "NLM-V033", "a symbolic link is not replaced"),
    (("none.yaml",), "none.yaml:1", "NLM-V0", "none.yaml"),
]


@pytest.mark.parametrize(("files", "by", "code", "words"), ROWS, ids=[row[1] for row in ROWS])
def test_without_a_file_to_write_nothing_is_switched(
    files: tuple[str, ...], by: str, code: str, words: str, tmp_path: Path
) -> None:
    """The monitor is asked for its status alone."""
    (tmp_path / "a.yaml").write_text("netlink: {use_libnl: false}\n", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    status = replace(STATUS, config_files=tuple(str(tmp_path / one) for one in files), configured_by=by)
    asked: list[str] = []

    def answer(request: Request) -> bytes:
        asked.append(request.command)
        return status_json(status)

    path = tmp_path / "s" / "nlmon.sock"
    with serving(path, answer):
        ran = nlmon("switch", "libnl", "--socket", str(path), "--write")

    assert (ran.returncode != 0, code in ran.stderr, words in ran.stderr, asked) == (True, True, True, ["status"])


def test_the_status_says_where_the_next_implementation_is_from() -> None:
    """Where it is another one than now."""
    lines = status_text(replace(STATUS, configured="legacy", configured_by="nlmon.yaml:2")).splitlines()

    assert "implementation: libnl, legacy from the next start on (nlmon.yaml:2)" in lines
