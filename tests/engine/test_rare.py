"""Captures with values that are rare and attributes that do not fit: the good implementations agree on them, and an
implementation that keeps silent about what does not fit is found.

Not here: implementations that give wrong values of them (``tests/testing/test_zoo.py``).
"""

from __future__ import annotations

import pytest
from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.events import Decoded
from nlmon.testing.zoo.base import decoding
from nlmon.testing.zoo.rare import FILLED, MALFORMED
from nlmon.wire import Datagram
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import legacy, libnl, verdict

GROUPS = BackendOptions(extra_groups=("nexthop", "tc"))
NAMES = sorted(
    f"{folder}/{path.name.partition('.')[0]}"
    for folder in ("by-hand", "linux-6.18")
    for path in (CAPTURES / folder).glob("*.pcap*")
)


@pytest.mark.parametrize("name", NAMES)
def test_the_good_ones_agree(name: str) -> None:
    """No difference but what libnl alone provides, and the same of all messages of the capture."""
    report = verdict(name, options=GROUPS)

    assert (report.verdict, set(report.differences), report.state) == ("equivalent", {"enhancement"}, "same")


@pytest.mark.parametrize("name", NAMES)
def test_the_way_back_loses_and_accuses_nobody(name: str) -> None:
    """From libnl to legacy."""
    report = verdict(name, reference=libnl, candidate=legacy, options=GROUPS)

    assert (report.verdict, set(report.differences)) == ("lossy", {"loss-of-service"})


@pytest.mark.parametrize("path", one_in(3, sorted(FILLED)))
def test_silence_about_what_does_not_fit_is_found(path: str) -> None:
    """Also where one implementation alone reads the attribute, and its value is rightly none."""

    def change(_: Datagram, decoded: Decoded) -> Decoded:
        return structs.replace(decoded, errors=[e for e in decoded.errors if getattr(e, "path", "") != path])

    report = verdict(MALFORMED, candidate=decoding(change))

    assert report.verdict == "regression"
    assert set(report.differences) & {"error", "contradicted"} != set()
