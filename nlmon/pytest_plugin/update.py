"""Changes scenario files to what a run gave: ``--nlmon-update``.

    create    the digest of a capture, and a verdict, where the file states none
    fix       the verdict that was given, where another one was expected

Rules:
1. Comments, order and style of a file stay. What is written is read again before it takes the place of the file, and
   must differ in what was meant alone; else the file stays, and an error says so (NLM-Y007).
2. Only a verdict is written: ``inconclusive`` and ``error`` say that there is none.

Not here: known differences that allow nothing (``gather``), and scenarios for captures (``nlmon.cli.scenario_new``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import structs

from nlmon.errors import NlmonError, UsageError
from nlmon.report.outcome import CaseResult
from nlmon.reportfile import write_report
from nlmon.scenario.check import capture_path
from nlmon.scenario.files import digest_of
from nlmon.scenario.load import ScenarioFile, load_scenario
from nlmon.scenario.model import Scenario

__all__ = ["update_scenarios"]

_WRITTEN = {"equivalent", "lossy", "regression"}


def update_scenarios(
    files: Sequence[ScenarioFile], results: Sequence[CaseResult], words: Collection[str]
) -> Iterator[str]:
    """Change what ``words`` name, ``create`` or ``fix``; a line for each file that was changed. Raises
    ``UsageError``."""
    for file in files:
        own = [one for one in results if one.scenario == file.scenario.id]
        verdicts = _verdicts(file, own, words)
        digest = _digest(file) if "create" in words and any(one.report is not None for one in own) else ""
        if not verdicts and not digest:
            continue
        write_report(Path(file.path), _changed(file, verdicts, digest))
        said = [f"{direction} {verdict}" for direction, verdict in verdicts.items()] + ["the digest"] * bool(digest)
        yield f"updated {file.where}: {', '.join(said)}"


def _verdicts(file: ScenarioFile, results: Sequence[CaseResult], words: Collection[str]) -> dict[str, str]:
    """The verdicts to write, by direction; several implementations share one, which must be that of all."""
    found: dict[str, set[str]] = {}
    stated = structs.asdict(file.scenario.expect.verdict)
    for result in results:
        asked = "create" if stated[result.direction] is None else "fix"
        if asked in words and result.verdict in _WRITTEN and not result.id.endswith("[control]"):
            found.setdefault(result.direction, set()).add(result.verdict)
    one = {direction: verdicts.pop() for direction, verdicts in found.items() if len(verdicts) == 1}
    return {direction: verdict for direction, verdict in one.items() if verdict != stated[direction]}


def _digest(file: ScenarioFile) -> str:
    """The digest to write; empty if the file states one, or has no capture."""
    capture = file.scenario.capture
    if capture is None or capture.sha256:
        return ""
    return digest_of(Path(capture_path(file)))


def _changed(file: ScenarioFile, verdicts: dict[str, str], digest: str) -> bytes:
    """The text of the file with the changes in it."""
    text = Path(file.path).read_bytes().decode()
    changed = _edited(text, verdicts, digest).encode()
    scenario = file.scenario
    stated = structs.replace(scenario.expect.verdict, **verdicts)
    wanted = structs.replace(scenario, expect=structs.replace(scenario.expect, verdict=stated))
    if digest and scenario.capture is not None:
        wanted = structs.replace(wanted, capture=structs.replace(scenario.capture, sha256=digest))
    try:
        same = _without_places(load_scenario(changed, file.path).scenario) == _without_places(wanted)
    except NlmonError:
        same = False
    if not same:
        hint = "write " + ", ".join([f"{key}: {value}" for key, value in verdicts.items()] + [digest] * bool(digest))
        raise UsageError("NLM-Y007", "this scenario cannot be changed by a program", where=file.where, hint=hint)
    return changed


def _without_places(scenario: Scenario) -> Scenario:
    """A scenario but for where its steps stand."""
    return structs.replace(
        scenario,
        setup=tuple(structs.replace(step, place="") for step in scenario.setup),
        steps=tuple(structs.replace(step, place="") for step in scenario.steps),
    )


def _edited(text: str, verdicts: dict[str, str], digest: str) -> str:
    from ruamel.yaml import YAML  # noqa: PLC0415  (only a file that is changed needs it)
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    if re.search(r"^ +- ", text, re.MULTILINE):
        yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    if digest:
        capture = document["capture"]
        if isinstance(capture, str):
            document["capture"] = capture = CommentedMap(path=capture)
            capture.fa.set_flow_style()
        capture["sha256"] = digest
    if verdicts:
        expect = document.setdefault("expect", CommentedMap())
        stated = expect.get("verdict")
        if not isinstance(stated, dict):
            both = CommentedMap() if stated is None else CommentedMap(migrate=stated)
            both.fa.set_flow_style()
            expect["verdict"] = both if stated is None or set(verdicts) != {"migrate"} else verdicts["migrate"]
        if isinstance(expect["verdict"], dict):
            expect["verdict"].update(verdicts)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()
