"""Generated files are those that their generators write, and each decision is in its form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOLS = REPOSITORY / "tools"
DECISIONS = sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))


def generate(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a generator."""
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_generated_file_is_fresh() -> None:
    """The contract, the manifest, the schemas and the index of decisions are what ``tools/generated.py`` writes."""
    done = generate(TOOLS / "generated.py", "--check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stale_file_is_named_and_then_written(tmp_path: Path) -> None:
    """``--check`` exits with 1 and writes nothing; without it the file is written; then it is fresh."""
    tools, folder = tmp_path / "tools", tmp_path / "docs" / "decisions"
    tools.mkdir()
    folder.mkdir(parents=True)
    for name in ("generated.py", "decisions.py"):
        (tools / name).write_bytes((TOOLS / name).read_bytes())
    (folder / "0001-one.md").write_text("# 1. One\n\nDate: 2026-11-29\n", encoding="utf-8")
    index, script = folder / "README.md", tools / "decisions.py"

    checked = generate(script, "--check")
    assert (checked.returncode, checked.stdout) == (1, "docs/decisions/README.md: stale\n")
    assert not index.exists()
    written = generate(script)
    assert (written.returncode, written.stdout) == (0, "docs/decisions/README.md: written\n")
    assert index.read_text(encoding="utf-8").endswith("| 1 | [One](0001-one.md) | 2026-11-29 |\n")
    assert (generate(script, "--check").returncode, generate(script, "--check").stdout) == (0, "")


def test_a_decision_has_context_decision_and_consequences() -> None:
    """In this order, and none is empty."""
    for path in DECISIONS:
        title, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        sections = [name for name, _, text in (part.partition("\n\n") for part in parts) if text.strip()]

        assert (path.name, title.startswith(f"# {int(path.name[:4])}. ")) == (path.name, True)
        assert (path.name, sections) == (path.name, ["Context", "Decision", "Consequences"])


def test_decisions_are_numbered_without_gaps() -> None:
    """From 1 on, each number once."""
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert DECISIONS
