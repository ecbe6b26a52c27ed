"""The five scenarios of the migration guide on the running kernel, from the assessment to the way back."""

from __future__ import annotations

import json

import pytest
import yaml

from support.namespaces import inside
from support.paths import REPOSITORY
from support.recipes import SCRIPT
from support.requirements import require_netns, require_program

pytestmark = [pytest.mark.live, pytest.mark.slow]

MOVE = """
third = start("nlmon record third.pcapng --receive-buffer 8388608 --no-final-dump", "recording")
seen = start("nlmon record seen.pcapng --no-final-dump", "recording")
monitor = start("nlmon --config nlmon.yaml --socket a.sock")
listened = [name for name in ("route", "generic", "netfilter") if f"{name}: true" in files["nlmon.yaml"]]


def traffic(number):
    # What each protocol that is listened to announces, and last what is waited for.
    for name in listened[::-1]:
        {"route": churn, "generic": features, "netfilter": flows}[name](16 * number, 16, "events.json")


traffic(0)
stop(seen)
assessed = run("nlmon assess nlmon.yaml --capture seen.pcapng --format json")
exits, texts = [assessed[0]], []
for number, to in enumerate(lines, 1):
    exits.append(run(f"nlmon switch {to} --socket a.sock --write")[0])
    texts.append(Path("nlmon.yaml").read_text())
    traffic(number)
status = json.loads(run("nlmon --status --socket a.sock --format json")[1])
exits += [stop(monitor)[0], stop(third)[0]]


def told_apart(text):
    # By protocol what tells messages apart, of what both implementations give. A link is announced before
    # one of the listeners is there, and another one later, when its queues are.
    found = {}
    for one in (json.loads(line)["netlink"] for line in text.splitlines()):
        if one["msg_type"] != "RTM_NEWLINK":
            # Those of generic messages stand beside what they carry in a log.
            values = [(one.get(kind) or {}).get(name, one.get(name)) for kind, name in KINDS]
            found.setdefault(one["protocol"], []).append([one["_num"]["msg_type"], *values])
    return found


KINDS = ("addr", "addr"), ("route", "dst"), ("generic", "genl_cmd"), ("conntrack", "dst_port")
received = told_apart(run("nlmon decode third.pcapng")[1])
exports = told_apart(Path("events.json").read_text())
packets = told_apart(run("nlmon decode events.pcapng")[1]) if Path("events.pcapng").exists() else exports
received = {name: received.get(name) for name in exports}
phases = [one["implementation"] for one in status["phases"]]
done([json.loads(assessed[1]), exits, texts, phases, listened, received, exports, packets])
"""
# A scenario of the guide by its file, and what its monitor is switched to, one after another.
GUIDE = [
    ("guide-1-basic", ["libnl", "legacy"]),
    pytest.param("guide-2-wifi", ["libnl", "legacy"], marks=pytest.mark.long),
    pytest.param("guide-3-high-traffic", ["libnl", "legacy"], marks=pytest.mark.long),
    pytest.param("guide-4-constrained", [], marks=pytest.mark.long),
    pytest.param("guide-5-program", ["libnl", "legacy"], marks=pytest.mark.long),
]


@pytest.mark.parametrize(("name", "moves"), GUIDE)
def test_a_scenario_of_the_guide(name: str, moves: list[str]) -> None:
    """A host is recorded and assessed, its monitor moves and comes back, and what is on disk in the end is what a third
    listener has received, in its order; the configuration is as it was. Radios are played by what ethtool announces."""
    path = REPOSITORY / "scenarios" / "migration" / f"{name}.yaml"
    before = yaml.safe_load(path.read_text(encoding="utf-8"))["configuration"]["legacy"]
    before = before.replace("/var/log/nlmon/", "") + "  console: {enabled: false}\n"
    given = json.dumps([{"nlmon.yaml": before}, moves])
    if "generic: true" in before:
        require_program("ethtool")
    found = inside(SCRIPT + MOVE, given, prefix=require_netns())
    assessed, exits, texts, phases, listened, received, exports, packets = found
    results = assessed["result"], assessed["back"]
    open_ = [one["what"] for one in assessed["checklist"] if one["stage"] == "testing" and one["state"] != "done"]

    assert (exits, phases, results) == ([0] * (len(moves) + 3), ["legacy", *moves], ("go with notes", "go with notes"))
    assert open_ == ["a high rate of events was tried", "memory was watched for a day or longer"]
    assert (exports, packets) == (received, received)
    assert sorted(exports) == sorted(f"NETLINK_{one.upper()}" for one in listened)
    assert min(map(len, exports.values())) >= 16 * (len(moves) + 1)
    assert texts == [before.replace("use_libnl: false", "use_libnl: true") if to == "libnl" else before for to in moves]
