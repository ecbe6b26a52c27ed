"""What a scenario needs is tried in the sandbox, and what is not there is a reason in words."""

from __future__ import annotations

import platform

import pytest

from nlmon.scenario.model import Needs, Scenario
from nlmon.scenario.needs import lacking, lacking_families
from nlmon.scenario.sandbox import Sandbox

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

LACKING = [
    (Needs(live=True, devices=("veth", "bridge"), programs=("ip",)), ""),
    (Needs(devices=("veth", "nonesuch")), "the kernel makes no links of kind nonesuch here"),
    (Needs(programs=("no-such-program",)), "the program no-such-program is not installed"),
    (Needs(commands=("ip link add veth0 type veth peer name veth1", "ip link set veth1 up")), ""),
    (Needs(commands=("ip link set nowhere up",)), 'ip link set nowhere up: Cannot find device "nowhere"'),
    (Needs(root=True), "it needs root, and steps run as a user without privilege"),
]


def test_what_is_lacking_is_said() -> None:
    """And nothing is left of trying."""
    with Sandbox(allow_run=True) as sandbox:
        before = sandbox.run("ip -json link").stdout
        found = [lacking(Scenario("a.b", "", needs=needs), sandbox) for needs, _ in LACKING]
        kernels = [lacking(Scenario("a.b", "", kernel=wanted), sandbox) for wanted in (">=2.6", "<2.6")]
        after = sandbox.run("ip -json link").stdout

    assert found == [why for _, why in LACKING]
    assert kernels == ["", f"it is for kernels <2.6, and this is Linux {platform.release()}"]
    assert after == before


def test_a_family_is_looked_for_among_those_that_the_kernel_lists() -> None:
    """By its name."""
    scenario = Scenario("a.b", "", needs=Needs(families=("nlctrl", "nonesuch")))

    assert lacking_families(scenario, {"nlctrl": 16}) == "the kernel has no family nonesuch here"
