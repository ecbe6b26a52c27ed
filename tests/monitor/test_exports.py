"""Open exports: what stays open over a reload, and what becomes of one that cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.errors import ExportError
from nlmon.exporters.base import ExportStatus
from nlmon.monitor.exports import Exports
from support.planned import event, plan_of


def test_an_export_whose_section_did_not_change_stays_open(tmp_path: Path) -> None:
    """The very queue, with what waits in it; another one takes its place where something is otherwise."""
    exports = Exports(100)
    text = f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}, pcap: {{file: {tmp_path}/b%s}}}}"
    exports.change(plan_of(text % "").exports)
    json, pcap = exports.queues
    exports.change(plan_of(text % "2").exports)
    again, other = exports.queues
    exports.close()

    assert (again is json, other is pcap) == (True, False)
    assert pcap.status().state == json.status().state == "closed"


def test_another_bound_makes_all_anew(tmp_path: Path) -> None:
    """A queue has its bound from when it was made; what was in it is written."""
    exports = Exports(100)
    planned = plan_of(f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}").exports
    exports.change(planned)
    before = exports.queues[0]
    before.put(event(), b"")
    exports.change(planned, limit=200)
    after = exports.queues[0]
    exports.close()

    assert (after is before, before.status().written) == (False, 1)


def test_one_that_cannot_be_opened_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    """It is tried again with the next events, and then works."""
    told: list[ExportStatus] = []
    folder = tmp_path / "later"
    text = f"export: {{console: {{enabled: false}}, json: {{file: {folder}/a}}, pcap: {{file: {tmp_path}/b}}}}"
    exports = Exports(100, on_change=told.append)
    exports.change(plan_of(text).exports)
    folder.mkdir()
    for queue in exports.queues:
        queue.put(event(), b"")
    statuses = exports.close()

    assert [(one.name, one.state, one.error[:9]) for one in told] == [("json", "failing", "NLM-O001:")]
    assert [one.written for one in statuses] == [1, 1]


def test_who_is_strict_is_given_the_error() -> None:
    """For a trial and a recording, which can be repeated."""
    exports = Exports(100)
    with pytest.raises(ExportError, match="NLM-O001"):
        exports.change(plan_of("export: {json: {file: /nowhere/a}}").exports, strict=True)

    assert exports.close() == ()
