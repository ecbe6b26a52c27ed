"""What a trial says that a monitor would do."""

from __future__ import annotations

import errno
from pathlib import Path

from nlmon.config import load
from nlmon.errors import PlatformError, TransportError
from nlmon.monitor.control import ControlSocket
from nlmon.monitor.exports import Exports
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


def test_exports_are_tried_as_who_the_monitor_would_be(tmp_path: Path) -> None:
    """The sockets before that, as root; what goes wrong there is reported like all else."""
    kernel, seen = FakeKernel(), []
    loaded = load([], {"NLMON_EXPORT_JSON_ENABLED": "true", "NLMON_EXPORT_JSON_FILE": str(tmp_path / "a")})
    assert loaded.config is not None

    def become() -> None:
        seen.append((len(kernel.opened), (tmp_path / "a").exists()))
        (tmp_path / "a").mkdir()
        raise PlatformError("NLM-M033", "the privileges of root cannot be given up")

    trial = try_out(loaded, plan(loaded.config), lambda _: kernel, None, become)

    assert (seen, trial.ready) == ([(1, False)], False)
    assert [one.code for one in trial.problems] == ["NLM-M033", "NLM-O001"]


def test_what_the_monitor_that_runs_holds_is_a_notice(tmp_path: Path) -> None:
    """So a new configuration can be tried beside it; without one it is a failure."""
    text = f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}\n"
    (tmp_path / "nlmon.yaml").write_text(text, encoding="utf-8")
    loaded = load([tmp_path / "nlmon.yaml"], {})
    assert loaded.config is not None
    planned, running = plan(loaded.config), Exports(10)
    running.change(planned.exports)
    trials = [try_out(loaded, planned, lambda _: FakeKernel(), held=held) for held in ((), ("json",))]
    running.close()

    assert [(one.ready, [(each.code, each.severity) for each in one.problems]) for one in trials] == [
        (False, [("NLM-O004", "error")]),
        (True, [("NLM-O004", "notice")]),
    ]


def test_a_control_socket_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    """A start would end with it."""
    (tmp_path / "nlmon.yaml").write_text("", encoding="utf-8")
    loaded = load([tmp_path / "nlmon.yaml"], {})
    assert loaded.config is not None
    control = ControlSocket(tmp_path / "none" / "there" / "x.sock")
    trial = try_out(loaded, plan(loaded.config), lambda _: FakeKernel(), control=control)

    assert (trial.ready, [one.code for one in trial.problems]) == (False, ["NLM-M021"])


def test_everything_that_fails_is_reported(tmp_path: Path) -> None:
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
