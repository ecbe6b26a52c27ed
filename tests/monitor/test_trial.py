"""What a trial says that a monitor would do."""

from __future__ import annotations

import errno
from pathlib import Path

from nlmon.config import load
from nlmon.errors import TransportError
from nlmon.monitor.plan import plan
from nlmon.monitor.trial import Trial, trial_text, try_out
from nlmon.testing.transport import FakeKernel


def tried(folder: Path, text: str, kernel: FakeKernel) -> Trial:
    """The trial of a configuration in a folder."""
    path = folder / "nlmon.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load([path], {})
    assert loaded.config is not None
    return try_out(loaded, plan(loaded.config), lambda _: kernel)


def test_all_is_well(tmp_path: Path) -> None:
    """Everything can be opened, and nothing stays open."""
    kernel = FakeKernel()
    text = f"filter: interface == 'lo'\nexport: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}\n"
    trial = tried(tmp_path, text, kernel)

    assert (trial.ready, trial.problems, [one.closed for one in kernel.opened]) == (True, (), [True])
    assert trial_text(trial) == (
        f"configuration:  {tmp_path}/nlmon.yaml\n"
        "implementation: libnl\n"
        "listens to:     NETLINK_ROUTE\n"
        'rule:           filter (log): interface == "lo"\n'
        f"export:         json to {tmp_path}/a\n"
        "ready\n"
    )


def test_everything_that_fails_is_told(tmp_path: Path) -> None:
    """A socket, and each export, with their codes; what can be opened is tried all the same."""
    kernel = FakeKernel()
    kernel.open_errors.append(TransportError("NLM-T002", "the kernel refuses a socket", errno=errno.EPERM))
    text = (
        "netlink: {protocols: {generic: true}, generic_families: [nl80211]}\n"
        "export: {json: {file: /nowhere/a}, pcap: {file: /nowhere/b}}\n"
    )
    trial = tried(tmp_path, text, kernel)

    assert (trial.ready, [one.code for one in trial.problems]) == (False, ["NLM-T002", "NLM-O001", "NLM-O001"])
    assert [(one.name, one.opens) for one in trial.exports] == [("json", False), ("pcap", False), ("console", True)]
    assert trial.unresolved == ("nl80211",)
