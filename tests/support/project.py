"""A project that uses the pytest plugin, and pytest in it.

Not here: the tests of the plugin (``tests/pytest_plugin``).
"""

from __future__ import annotations

import hashlib
import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.paths import CAPTURES

__all__ = ["BASIC", "PLUGIN", "Project"]

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
# A tree whose installation is older than the entry point names the plugin.
PLUGIN = [] if [one for one in entry_points(group="pytest11") if one.name == "nlmon"] else ["-p", "nlmon.pytest_plugin"]


class Project:
    """A project in ``path`` with a folder of scenarios over the first frames of a recording, in which a dummy link
    comes and goes: that way nothing is lost, and back something is."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.path = pytester.path
        self.capture = self.path / "scenarios" / "a.pcap.zst"
        self._pytester = pytester
        (self.path / "scenarios").mkdir()
        shutil.copyfile(BASIC, self.capture)
        self.ini("")

    def ini(self, more: str) -> None:
        """Write the ini file; the cache of pytest is in the project, and warnings are errors."""
        text = f"[pytest]\nnlmon_scenarios = scenarios\nfilterwarnings = error\n{more}\n"
        (self.path / "pytest.ini").write_text(text)

    def scenario(self, name: str, expect: str, more: str = "", frames: str = "1-100") -> Path:
        """Write ``scenarios/NAME.yaml`` with the id ``a.NAME``."""
        digest = hashlib.sha256(BASIC.read_bytes()).hexdigest()
        path = self.path / "scenarios" / f"{name}.yaml"
        path.write_text(
            f"scenario: 1\nid: a.{name}\ntitle: A link comes and goes.\n{more}"
            f"capture: {{path: a.pcap.zst, sha256: {digest}, frames: {frames}}}\nexpect: {expect}\n"
        )
        return path

    def test(self, name: str, text: str) -> Path:
        """Write a file of tests."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *options: object) -> pytest.RunResult:
        """Run pytest in this process."""
        return self._pytester.runpytest_inprocess(*PLUGIN, *map(str, options))

    def run_apart(self, *options: object) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self._pytester.runpytest_subprocess(*PLUGIN, *map(str, options))
