"""The suite of configurations: each scenario holds, can fail, and says what does not hold in every report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from nlmon.errors import ExportError
from nlmon.exporters.files import JsonLinesExporter
from nlmon.exporters.queue import ExportQueue, Patience
from nlmon.report.outcome import CaseResult
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.model import Count, Expect, Exported, LinePattern, ProblemPattern, RewrittenPattern
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import run_scenario
from support.changed import MANY, changed, missed
from support.command import nlmon
from support.configurations import CONFIG
from support.paths import FIXTURES, REPOSITORY
from support.sampled import one_in

FOLDER = REPOSITORY / "scenarios"
KINDS = ("configuration", "migration", "rollback", "config-compat")
SUITE = [path for kind in KINDS for path in sorted((FOLDER / kind).glob("*.yaml"))]
OPTIONS = RunOptions(folders=(str(FOLDER), str(FIXTURES)))
NEVER = Count(MANY, MANY)
# Lanes whose configuration is refused, so that no monitor runs.
REFUSED = {
    **dict.fromkeys(("filter-both-forms", "refused-mix", "refused-mistakes"), ("legacy", "libnl")),
    **dict.fromkeys(("both-layouts-differ", "unknown-key", "unset-variable"), ("legacy", "libnl")),
    "refused-by-one": ("legacy",),
}
# The snippets of the guide, by their line, that are in the texts of both lanes.
PAIRS = {
    "guide-basic": ("0321", "0328"),
    "guide-wifi": ("0345", "0352"),
    "guide-high-traffic": ("0370", "0381"),
    "guide-constrained": ("0417", "0408"),
    "guide-own-program": ("0030", "0018"),
    "parallel": ("0962", "0949"),
    "feature-flag": ("0986", "0986"),
    "options-of-libnl": ("0103", "0103"),
    "filter-both-forms": ("0639", "0639"),
    "caching": ("0793", "0793"),
    "caching-off": ("0503", "0503"),
    "buffer-sizes": ("0534", "0534"),
    "rollback": ("0857", ""),
    "gradual-route": ("", "0912"),
    "gradual-generic": ("", "0921"),
    "gradual-all": ("", "0932"),
}


def _load(path: Path) -> ScenarioFile:
    return load_scenario(path.read_bytes(), str(path))


def _run(file: ScenarioFile, expect: Expect, exported: Exported) -> list[CaseResult]:
    configured = file.scenario.configured
    assert configured is not None
    other = structs.replace(configured, expect=exported)
    return run_scenario(
        structs.replace(file, scenario=structs.replace(file.scenario, expect=expect, configured=other)), OPTIONS
    )


@pytest.mark.parametrize("path", one_in(12, SUITE), ids=lambda path: path.stem)
def test_a_scenario_holds(path: Path) -> None:
    """In both directions where exports are compared."""
    file = _load(path)
    results = run_scenario(file, OPTIONS)
    compared = file.scenario.configured is not None and file.scenario.configured.expect.compare

    assert [(one.id, one.findings) for one in results if one.outcome != "passed"] == []
    assert [one.direction for one in results] == ["migrate", "rollback"][: 1 + compared]


@pytest.mark.slow
@pytest.mark.parametrize("path", one_in(6, SUITE, pytest.mark.long), ids=lambda path: path.stem)
def test_a_scenario_can_fail(path: Path) -> None:
    """Each value of each pattern, changed to one that nothing has, does not hold in any lane that it is about; nor does
    another verdict."""
    file = _load(path)
    assert file.scenario.configured is not None
    wrong = _wrong(file.scenario.configured.expect)
    verdict = structs.replace(file.scenario.expect.verdict, migrate="error") if wrong.compare else None
    expect = structs.replace(file.scenario.expect, **({"verdict": verdict} if verdict else {}))
    found = Counter(kind for one in _run(file, expect, wrong)[0].findings for kind in missed(one.what))
    lanes = [name for name in ("legacy", "libnl") if name not in REFUSED.get(path.stem, ())]

    def times(patterns: Iterable[Any]) -> int:
        return sum(1 if one.by in lanes else len(lanes) if not one.by else 0 for one in patterns)

    lines = [one.event for some in wrong.lines.values() for one in some]
    for kind in ("files", "metrics", "rules", "log", "rewritten"):
        assert (kind, found[kind]) == (kind, times(getattr(wrong, kind) or ()))
    assert found["exports"] == times(iter(lines))
    assert found["verdict"] == wrong.compare
    for kind in ("notices", "changes", "findings"):
        assert (kind, found[kind] >= times(getattr(wrong, kind) or ())) == (kind, True)
    assert found["refused"] >= 1
    assert found.total() > 1


def _wrong(expect: Exported) -> Exported:
    """Expectations of which none holds."""

    def other(pattern: LinePattern) -> Iterator[LinePattern]:
        for one in changed(structs.replace(pattern.event, count=Count())):
            yield structs.replace(pattern, event=one, text="")
        if pattern.text:
            yield structs.replace(pattern, text="none of these", event=structs.replace(pattern.event, count=Count()))
        if pattern.equals is not None:
            yield structs.replace(pattern, equals={}, event=structs.replace(pattern.event, count=Count()))
        yield structs.replace(pattern, event=structs.replace(pattern.event, count=NEVER))

    return Exported(
        compare=expect.compare,
        lines={kind: tuple(one for line in lines for one in other(line)) for kind, lines in expect.lines.items()},
        files=tuple(structs.replace(one, count=NEVER) for one in expect.files),
        metrics=tuple(structs.replace(one, value=NEVER) for one in expect.metrics),
        rules=tuple(structs.replace(one, matched=NEVER) for one in expect.rules),
        log=tuple(structs.replace(one, count=NEVER) for one in expect.log),
        notices=tuple(structs.replace(one, count=NEVER) for one in expect.notices or ()),
        changes=tuple(structs.replace(one, count=NEVER) for one in expect.changes or ()),
        findings=tuple(structs.replace(one, count=NEVER) for one in expect.findings or ()),
        rewritten=None if expect.rewritten is None else tuple(map(_other_rewriting, expect.rewritten)),
        refused=(ProblemPattern("NLM-G001"),),
    )


def _other_rewriting(one: RewrittenPattern) -> RewrittenPattern:
    """With another text, or another exit code where there is no text."""
    return structs.replace(one, text=f"{one.text}#") if one.text else structs.replace(one, exit=one.exit + 1)


def test_the_snippets_of_the_guide_are_there_as_they_are() -> None:
    """The five pairs before and after the move, the patterns and more."""
    for name, numbers in PAIRS.items():
        configured = _load(FOLDER / "configuration" / f"{name}.yaml").scenario.configured
        assert configured is not None
        for lane, number in zip(configured.lanes, numbers, strict=True):
            snippet = (CONFIG / "guide" / f"{number}-guide.yaml").read_text() if number else ""
            assert (name, snippet.strip() in lane.text) == (name, True)


@pytest.mark.slow
def test_the_suite_is_large_enough() -> None:
    """And most of it compares the exports of both."""
    compared = [one for one in map(_load, SUITE) if one.scenario.configured and one.scenario.configured.expect.compare]

    assert (len(SUITE) >= 20, len(compared) >= 20) == (True, True)


FAILING = """scenario: 1
id: a.b
title: A filter keeps what it names.
capture: {{path: {path}, frames: 37-90}}
configuration:
  legacy: |
    export: {{json: {{file: /a.json}}}}
  libnl: |
    export: {{json: {{file: /a.json}}}}
    filter: netlink.link.ifname == "d0"
expect:
  compare: exports
  verdict: equivalent
  exports:
    json:
      - {{msg_type: RTM_NEWLINK, link: {{mtu: 9000}}}}
"""


def test_reports_say_what_does_not_hold(tmp_path: Path) -> None:
    """Which line of which export is nearest, and the first difference of each kind, in every report."""
    path = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
    (tmp_path / "a.pcap.zst").write_bytes(path.read_bytes())
    (tmp_path / "a.yaml").write_text(FAILING.format(path="a.pcap.zst"))
    kinds = ("junit", "html", "markdown", "jsonl")
    reports = [f"--report={kind}:{tmp_path / kind}" for kind in kinds]
    done = nlmon("run", tmp_path / "a.yaml", *reports)

    assert done.returncode == 1
    for words in (
        r"a\.yaml:16:9: legacy: exports: json 1: expected at least 1, found 0",
        r"it is line \d+ of a\.json: \{",
        r"verdict \(migrate\): expected equivalent, got regression",
        r"NLD103 missing RTM_NEWROUTE — frame \d+, .*; line \d+ of a\.json of legacy",
    ):
        assert re.search(words, done.stdout)
    for kind in kinds:
        assert (kind, "exports: json 1" in (tmp_path / kind).read_text()) == (kind, True)


HOSTILE = [
    ("export: {json: {file: /../../../../etc/nlmon/a.json}}", "passed", ""),
    (f"export: {{json: {{file: /{'a' * 300}/a.json}}}}", "errored", "NLM-S053"),
    ("export: {json: {file: /a}, pcap: {file: /a/b}}", "errored", "NLM-O001"),
    ("export: {syslog: {enabled: true, server: 203.0.113.1, protocol: tcp}}", "passed", ""),
    ("export: {prometheus: {enabled: true, address: 0.0.0.0, port: 1, path: '/a b?c'}}", "passed", ""),
    ("export: {console: {enabled: true}}", "passed", ""),
]


@pytest.mark.parametrize(("text", "outcome", "code"), HOSTILE)
def test_a_configuration_reaches_nothing_but_its_folder(
    text: str, outcome: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever files, servers and ports it names; what cannot be done is said."""
    path = FIXTURES / "captures" / "linux-6.12" / "06-generic.pcap.zst"
    (tmp_path / "a.pcap.zst").write_bytes(path.read_bytes())
    head = "scenario: 1\nid: a.b\ntitle: It is so.\ncapture: a.pcap.zst\n"
    (tmp_path / "a.yaml").write_text(f"{head}configuration: |\n  {text}\nexpect: {{refused: []}}\n")
    (result,) = run_scenario(_load(tmp_path / "a.yaml"), OPTIONS)

    assert (result.outcome, result.code) == (outcome, code)
    assert capsys.readouterr() == ("", "")
    assert {one.name for one in tmp_path.iterdir()} == {"a.pcap.zst", "a.yaml"}


# What is expected of a lane whose configuration is refused, as it should be, and what is said of it.
WITHOUT_MONITOR = [
    ("compare: exports, verdict: equivalent", ["legacy: compare"]),
    ("exports: {json: [{type: netlink, count: 0, by: legacy}]}", ["legacy: exports"]),
    ("exports: {json: [{type: netlink}]}", ["legacy: exports"]),
    ("files: [{path: a.json, by: legacy}], log: [{text: a, count: 0, by: legacy}]", ["legacy: files", "legacy: log"]),
    ("metrics: [{name: a, value: 0, by: legacy}]", ["legacy: metrics"]),
    ("notices: [{code: NLM-G030, by: legacy}]", ["legacy: notices"]),
    ("exports: {json: [{type: netlink, by: libnl}]}, rules: [{name: filter, matched: {min: 1}, by: libnl}]", []),
    ("exports: {syslog: [{type: netlink, by: libnl}]}", []),
]


@pytest.mark.parametrize(("expect", "found"), WITHOUT_MONITOR)
def test_nothing_holds_of_a_monitor_that_does_not_run(expect: str, found: list[str], tmp_path: Path) -> None:
    """Also where the configuration is refused as expected; an export that one lane has is asked of that one alone."""
    libnl = "filter: netlink.addr.prefixlen > 24, export: {json: {file: a.json}, syslog: {enabled: true}}"
    texts = f'{{legacy: "export: {{json: {{fil: a}}}}", libnl: "{{{libnl}}}"}}'
    result = _played(tmp_path, texts, f"{expect}, refused: [{{code: NLM-G011, by: legacy}}]")

    assert [": ".join(one.what.split(": ")[:2]) for one in result.findings] == found


def _played(folder: Path, configuration: str, expect: str, *more: str) -> CaseResult:
    """The result of a scenario over a recording of routes, in a folder of its own."""
    path = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
    (folder / "a.pcap.zst").write_bytes(path.read_bytes())
    lines = ("scenario: 1", "id: a.b", "title: It is so.", "capture: a.pcap.zst", *more)
    text = "\n".join((*lines, f"configuration: {configuration}", f"expect: {{{expect}}}\n"))
    (folder / "a.yaml").write_text(text)
    return run_scenario(_load(folder / "a.yaml"), OPTIONS)[0]


JSON = '"export: {json: {file: a.json}}"'


@pytest.mark.parametrize(("frame", "code"), [(484, ""), (9999, "NLM-S054")])
def test_a_configuration_that_is_never_read_is_a_mistake(frame: int, code: str, tmp_path: Path) -> None:
    """Since the recording ends before its frame."""
    result = _played(tmp_path, JSON, "notices: []", f"reloads: [{{frame: {frame}, configuration: {JSON}}}]")

    assert (result.code, result.findings) == (code, ())


@pytest.mark.slow
@pytest.mark.parametrize("where", ["write", "flush"])
def test_an_export_that_loses_events_is_no_evidence(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However equal what is left is in both."""
    raised = {"write": ValueError("a bug"), "flush": ExportError("NLM-O005", "events cannot be written")}[where]

    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setitem(ExportQueue.__init__.__kwdefaults__, "patience", Patience(1, 0.0, 0.0))
    monkeypatch.setattr(JsonLinesExporter, where, fail)
    result = _played(tmp_path, JSON, "exports: {json: [{type: netlink, count: 0}]}")

    assert (result.outcome, result.code) == ("errored", "NLM-S055")
