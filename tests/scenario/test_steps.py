"""Each kind of step does what it says, and what it cannot do has a code, a place and the text of who refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from nlmon.errors import ScenarioError
from nlmon.scenario.model import Step, Traffic
from nlmon.scenario.sandbox import Sandbox
from nlmon.scenario.steps import run_step

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

PLACE = "a.yaml:7:5"
DEADLINE = 60.0
CALLED: list[Sandbox] = []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with a namespace ``peer`` that can be reached over IPv4 and IPv6."""
    with Sandbox() as made:
        made.add_namespace("peer")
        made.batch(
            "link add name veth0 type veth peer name veth1 netns peer\nlink set veth0 up\n"
            "addr add 192.0.2.1/24 dev veth0\naddr add 2001:db8::1/64 dev veth0 nodad\n"
        )
        made.batch(
            "link set veth1 up\naddr add 192.0.2.2/24 dev veth1\naddr add 2001:db8::2/64 dev veth1 nodad\n",
            netns="peer",
        )
        yield made


FLOWS = [
    Traffic("tcp", "192.0.2.2", 7, target="peer", size=200_000),
    Traffic("udp", "192.0.2.1", 7, source="peer", size=3000),
    Traffic("tcp", "2001:db8::2", 7, target="peer"),
    Traffic("udp", "2001:db8::2", 7, target="peer"),
]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: f"{flow.protocol} {flow.address}")
def test_a_flow_comes_through(sandbox: Sandbox, flow: Traffic) -> None:
    """From one namespace to another one, whatever its size."""
    run_step(sandbox, Step("traffic", traffic=flow), DEADLINE)
    received = int(sandbox.read("/sys/class/net/veth0/statistics/rx_bytes"))
    sent = int(sandbox.read("/sys/class/net/veth0/statistics/tx_bytes"))

    assert max(received, sent) > flow.size


def test_namespaces_batches_and_commands_are_steps(sandbox: Sandbox) -> None:
    """A command runs in the namespace that it names."""
    for step in (
        Step("netns", names=("blue", "red")),
        Step("batch", line="link set lo up\naddr add 10.0.0.1/8 dev lo\n", namespace="blue"),
        Step("run", line="ip addr add 10.0.0.2/8 dev lo", namespace="red"),
    ):
        run_step(sandbox, step, DEADLINE)

    shown = [sandbox.run("ip -4 -brief addr", netns=name).stdout.split()[2:] for name in ("blue", "red")]
    assert shown == [["127.0.0.1/8", "10.0.0.1/8"], ["10.0.0.2/8"]]


REFUSED = [
    (Step("run", line="ip link set nowhere up"), "NLM-S042", 'Cannot find device "nowhere"'),
    (Step("run", line="ip link set lo up && ip link"), "NLM-S042", "a step is one command, without a shell"),
    (Step("batch", line="link set lo up\nlink del nowhere\n"), "NLM-S042", "Cannot find device"),
    (Step("run", line="ip monitor"), "NLM-S043", "ended after 0.3 seconds"),
    (Step("run", line="id"), "NLM-X012", "--allow-run"),
    (Step("netns", names=("peer",)), "NLM-X015", "there is a namespace peer already"),
    (Step("run", line="ip link", namespace="gone"), "NLM-X015", "there is no namespace gone"),
    (Step("traffic", traffic=Traffic("udp", "192.0.2.9", 7, target="peer")), "NLM-S042", "Cannot assign"),
    (Step("python", line="os.getcwd"), "NLM-S044", "--allow-run"),
]


@pytest.mark.parametrize("kind", ["migrate", "rollback"])
def test_a_move_does_nothing_to_the_kernel(sandbox: Sandbox, kind: Literal["migrate", "rollback"]) -> None:
    """The monitors switch when the recording of the steps is played."""
    before = sandbox.run("ip link").stdout
    run_step(sandbox, Step(kind), DEADLINE)

    assert sandbox.run("ip link").stdout == before


@pytest.mark.parametrize(("step", "code", "said"), REFUSED, ids=lambda value: getattr(value, "kind", None))
def test_what_cannot_be_done_has_a_code_and_a_place(sandbox: Sandbox, step: Step, code: str, said: str) -> None:
    """And says who refused it, in the words of that one."""
    placed = Step(step.kind, step.line, step.names, step.traffic, step.namespace, place=PLACE)
    with pytest.raises(ScenarioError) as caught:
        run_step(sandbox, placed, 0.3 if code == "NLM-S043" else DEADLINE)

    assert (caught.value.code, caught.value.where, said in caught.value.text) == (code, PLACE, True)


def note(sandbox: Sandbox) -> None:
    """What a step of the kind ``python`` calls."""
    CALLED.append(sandbox)


def fail(sandbox: Sandbox) -> None:
    """A function with a mistake."""
    raise ValueError("no such luck")


def leave(sandbox: Sandbox) -> None:
    """Ends the program."""
    raise SystemExit(0)


def test_python_is_called_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sandbox; what it raises, and a name that is none, is an error of the step."""
    monkeypatch.setattr("support.listening.note", note, raising=False)
    monkeypatch.setattr("support.listening.fail", fail, raising=False)
    monkeypatch.setattr("support.listening.leave", leave, raising=False)
    said = []
    with Sandbox(allow_run=True) as sandbox:
        run_step(sandbox, Step("python", line="support.listening.note"), DEADLINE)
        for line in (
            "support.listening.fail",
            "support.listening.leave",
            "support.listening.none",
            "nowhere.none",
            "none",
        ):
            with pytest.raises(ScenarioError, match="NLM-S042") as caught:
                run_step(sandbox, Step("python", line=line), DEADLINE)
            said.append(caught.value.why)

    assert (CALLED.pop(), said[:2]) == (sandbox, ["ValueError: no such luck", "SystemExit: 0"])
    assert all(why.startswith("there is no function") for why in said[2:])
