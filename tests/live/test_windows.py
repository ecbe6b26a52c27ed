"""Windows of loss over live recordings of churn; many more of them by ``python -m support.windows``."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.testing.zoo import ZOO
from support.windows import accusations, churn, replayed, windows

pytestmark = pytest.mark.live


@pytest.mark.parametrize("seed", [6, 8])
def test_no_loss_of_a_live_recording_makes_an_accusation(seed: int, tmp_path: Path) -> None:
    """With recovery the verdict has no regression but what libnl left wrong, which is nothing."""
    path = churn(tmp_path / "churn.pcapng", seed)
    faults = list(windows(path, 6))

    assert (len(faults), accusations(path, faults)) == (18, {})


def test_what_a_recovery_leaves_wrong_is_named(tmp_path: Path) -> None:
    """An implementation that delivers nothing of what it lost is accused, object by object."""
    path = churn(tmp_path / "churn.pcapng", 3)
    report = replayed(path, list(windows(path, 3, sizes=(40,)))[1], candidate=ZOO["silent recovery"].make)

    reasons = [one.reason for one in report.details if one.cls == "state"]
    assert report.verdict == "regression"
    assert {"after the resync of libnl" in one for one in reasons} == {True}


def test_the_state_of_a_live_recording_is_the_kernels(tmp_path: Path) -> None:
    """The dumps at its end show no IPv4 route that came or went otherwise than by the messages and what they imply."""
    report = replayed(churn(tmp_path / "churn.pcapng", 5))

    late = [one.object for one in report.unannounced if "known from the dump" in one.reason]
    assert [one for one in late if one.startswith("route") and ":" not in one.split(" dev ")[0]] == []
