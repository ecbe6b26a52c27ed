"""Says what a scenario needs and does not have, tried in the sandbox that it would run in.

Rules:
1. What is not there is a reason to skip, in words for people; it is never an error.
2. Devices and commands are tried in a namespace of their own, which nobody listens to.

Not here: whether there is a sandbox at all (``sandbox``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nlmon.capture.write import this_machine
from nlmon.compare.known import in_range
from nlmon.errors import NlmonError
from nlmon.scenario.model import Scenario
from nlmon.scenario.sandbox import Sandbox

__all__ = ["lacking", "lacking_families"]

PROBE = "nlmon-probe"
UNKNOWN = ("Unknown device type", "not supported")


def lacking(scenario: Scenario, sandbox: Sandbox) -> str:
    """Why a scenario cannot run here; empty if it can."""
    return ", ".join(_lacking(scenario, sandbox))


def lacking_families(scenario: Scenario, families: Collection[str]) -> str:
    """The same of the families of NETLINK_GENERIC that the kernel lists."""
    lost = [name for name in scenario.needs.families if name not in families]
    return ", ".join(f"the kernel has no family {name} here" for name in lost)


def _lacking(scenario: Scenario, sandbox: Sandbox) -> Iterator[str]:
    needs, kernel = scenario.needs, this_machine()["kernel"]
    if scenario.kernel and not in_range(kernel, scenario.kernel):
        yield f"it is for kernels {scenario.kernel}, and this is {kernel}"
    if needs.root:
        yield "it needs root, and steps run as a user without privilege"
    for program in needs.programs:
        try:
            sandbox.run(f"{program} -V")
        except NlmonError as error:
            yield error.what
    if needs.devices or needs.commands:
        sandbox.add_namespace(PROBE)
        yield from _devices(needs.devices, sandbox)
        yield from _commands(needs.commands, sandbox)
        sandbox.delete_namespace(PROBE)


def _devices(kinds: Collection[str], sandbox: Sandbox) -> Iterator[str]:
    """Kinds of links that the kernel does not know. A kind that needs more than its name is known."""
    for kind in kinds:
        said = sandbox.run(f"ip link add name probe0 type {kind}", netns=PROBE).stderr
        if any(text in said for text in UNKNOWN):
            yield f"the kernel makes no links of kind {kind} here"
        sandbox.run("ip link del probe0", netns=PROBE)


def _commands(lines: Collection[str], sandbox: Sandbox) -> Iterator[str]:
    """Commands that fail, one after another."""
    for line in lines:
        try:
            ran = sandbox.run(line, netns=PROBE)
        except NlmonError as error:
            yield error.what
            continue
        if not ran.ok:
            yield f"{line}: {' '.join(ran.stderr.split()) or f'exit status {ran.status}'}"
