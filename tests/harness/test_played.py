"""A program that prints events is played a recording: what it gives is compared as a log is, and its failure is none.

Not here: programs beside a running kernel (``test_live_programs``), and which line is of which message
(``test_event_logs``).
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.capture.write import PcapngWriter
from nlmon.errors import HarnessError, InputError, UsageError
from nlmon.harness import played
from nlmon.harness.command import Command
from nlmon.harness.program import Program
from nlmon.jobs.work import ReplayOptions, replay_path
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import addr, attr, link, message
from support.captures import route_capture
from support.command import nlmon
from support.harnesses import words
from support.paths import REPOSITORY
from support.requirements import missing

LINKS = tuple(message(16, link(7, "eth7", mtu=mtu)) for mtu in (1501, 1502, 1503))
FLOWS = tuple(message(256, bytes((2, 0, 0, 0)) + attr(8, bytes((0, 0, 0, mark)))) for mark in (5, 6))
# A monitor of links: the MTU stands at the end of each message. ``act`` is what else happens at each.
MONITOR = """
import json, os, select, socket, struct, sys
def say(line):
    print(json.dumps(line), flush=True)
def opened(protocol, group):
    one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    one.bind((0, 0))
    one.setsockopt(270, 1, group)  # NETLINK_ADD_MEMBERSHIP
    return one
ready = {{"name": "mine", "netlink": [0], "groups": {{"0": [1]}}, "provides": {{"link": ["ifindex", "mtu"]}}}}
{before}
kernels = [opened(protocol, 1) for protocol in ready["netlink"]]
say({{"ready": ready}})
while True:
    for kernel in select.select(kernels, [], [])[0]:
        data = kernel.recv(65536)
        kind, ifindex, mtu = *struct.unpack_from("=4xH14xI", data), int.from_bytes(data[-4:], sys.byteorder)
        {act}
        if kind == 16:
            say({{"type": 16, "kind": "link", "fields": {{"ifindex": ifindex, "mtu": mtu}}}})
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library; without a compiler the test is skipped."""
    folder = tmp_path_factory.mktemp("project")
    environment = {**os.environ, "NLMON_HARNESSES": str(folder / ".harnesses"), "NLMON_TEST_REQUIRE_ALL": ""}
    command = [str(REPOSITORY / "tools/harnesses"), "kernel-shim"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    if "\tskipped\t" in ran.stdout:
        missing(ran.stdout.strip())
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below it."""
    (tmp_path / ".harnesses").symlink_to(built / ".harnesses")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def monitor(folder: Path, act: str = "", before: str = "") -> str:
    """The name of a program that prints events."""
    path = folder / "monitor.py"
    path.write_text(MONITOR.format(act=act or "pass", before=before), encoding="utf-8")
    return f"live:{' '.join(words(path))}"


def report(capture: Path | str, name: str, **options: object) -> CaptureReport:
    """The report on a move from libnl to the program."""
    given = ReplayOptions("libnl", name, **options)  # type: ignore[arg-type]
    return replay_path(str(capture), "capture", given).report


ACTS: dict[str, tuple[str, str, str, dict[str, int]]] = {
    "nothing": ("", "lossy", "", {}),
    "a wrong value": ("mtu += 100 * (mtu == 1502)", "regression", "1 conflict", {"conflict": 1, "state": 1}),
    "a message passed over": ("if mtu == 1503: continue", "regression", "1 missing", {"missing": 1}),
    "a line of something else": (
        "if mtu == 1502: print('listening', flush=True)",
        "error",
        "NLM-N052: live:PROGRAM: line 3 is no event: 'listening'",
        {"crash": 1},
    ),
    "an end midway": (
        "if mtu == 1503: sys.exit()",
        "error",
        "NLM-N003: PROGRAM ended with status 0; ",
        {"missing": 1, "crash": 1},
    ),
    "a crash": (
        "if mtu == 1502: os.abort()",
        "error",
        "NLM-N003: PROGRAM was ended by SIGABRT; ",
        {"missing": 2, "crash": 1},
    ),
}


@pytest.mark.peer
def test_a_library_that_others_may_write_is_not_preloaded(project: Path, tmp_path: Path) -> None:
    """Whoever writes it would choose what runs here; the next one above is taken."""
    library = tmp_path / "own" / ".harnesses" / "kernel-shim.so"
    library.parent.mkdir(parents=True)
    library.write_bytes((project / ".harnesses" / "kernel-shim.so").read_bytes())
    found = []
    for mode in (0o755, 0o775, 0o757):
        library.chmod(mode)
        with contextlib.chdir(library.parent.parent):
            found.append(played.shim() == library)

    assert found == [True, False, False]


@pytest.mark.peer
@pytest.mark.parametrize("act", ACTS)
def test_what_it_prints_is_compared_and_what_it_does_wrong_is_no_agreement(act: str, project: Path) -> None:
    """A program that has received all is asked for all; of one that ended nothing is known."""
    what, verdict, reason, differences = ACTS[act]
    name = monitor(project, what)
    found = report(route_capture(project, *LINKS, message(20, addr(7, "192.0.2.7"))), name)
    said = reason.replace("PROGRAM", name.removeprefix("live:"))
    wrong = {label: count for label, count in found.differences.items() if label not in {"loss-of-service", "state"}}

    assert (found.verdict, wrong) == (verdict, {label: n for label, n in differences.items() if label != "state"})
    assert said in found.reason


# Of both protocols in turn: two flows, with links between them.
TURNS = ((12, FLOWS[0]), *((0, one) for one in LINKS), (12, FLOWS[1]))
# What a program does with a datagram to tell afterwards which it received.
SEEN = "print(kernel.proto, data.hex(), file=open('seen', 'a'))"


def two_protocols(folder: Path) -> Path:
    """A recording of ``TURNS``."""
    with PcapngWriter(folder / "two.pcapng", metadata={}) as writer:
        sockets = {protocol: writer.add_socket(name, protocol) for name, protocol in (("route", 0), ("netfilter", 12))}
        for time, (protocol, data) in enumerate(TURNS, 1):
            writer.write(socket=sockets[protocol], timestamp=time, data=data)
    return folder / "two.pcapng"


def seen(folder: Path) -> list[tuple[int, bytes]]:
    """The protocol and the bytes of each datagram that a program received, in its order."""
    rows = (line.split() for line in (folder / "seen").read_text(encoding="ascii").splitlines())
    return [(int(protocol), bytes.fromhex(data)) for protocol, data in rows]


@pytest.mark.peer
def test_each_socket_receives_what_is_of_its_protocol_in_order(project: Path) -> None:
    """Whichever is read first; the program goes on until none has anything left."""
    found = report(two_protocols(project), monitor(project, SEEN, "ready['netlink'] = [0, 12]"))
    received = {number: tuple(data for protocol, data in seen(project) if protocol == number) for number in (0, 12)}

    assert (found.verdict, found.lost_events) == ("lossy", {"conntrack": 2})
    assert received == {0: LINKS, 12: FLOWS}


@pytest.mark.peer
def test_a_socket_that_is_opened_later_receives_what_comes_then(project: Path) -> None:
    """Also with the number of one that was closed: nothing again, and nothing is lost between."""
    again = f"{SEEN}\n        if mtu == 1502: kernel.close(); kernels[0] = opened(0, 1)"
    found = report(two_protocols(project), monitor(project, again, "ready['netlink'] = [0, 12]"))

    assert (found.verdict, found.lost_events) == ("lossy", {"conntrack": 2})
    assert [data for protocol, data in seen(project) if protocol == 0] == list(LINKS)


@pytest.mark.peer
def test_a_number_that_is_used_again_is_no_netlink_socket(project: Path) -> None:
    """What has the number of one that was closed receives what it is sent."""
    other = "one, other = socket.socketpair(); other.send(b'mine')"
    before = (
        f"kernel = opened(0, 1); number = kernel.fileno(); kernel.close(); {other}; "
        "print(one.fileno() == number, one.recv(9), file=open('seen', 'a')); one.close(); other.close()"
    )
    found = report(route_capture(project, *LINKS), monitor(project, "", before))

    assert (found.verdict, (project / "seen").read_text(encoding="ascii")) == ("lossy", "True b'mine'\n" * 2)


@pytest.mark.peer
def test_the_end_comes_though_the_last_socket_that_had_something_left_is_closed(project: Path) -> None:
    """The others, which had nothing left, are asked for it."""
    closes = f"{SEEN}\n        if mtu == 1503: kernel.close(); kernels.remove(kernel)"
    found = report(two_protocols(project), monitor(project, closes, "ready['netlink'] = [0, 12]"))

    assert (found.verdict, len(seen(project))) == ("lossy", len(TURNS))


# Prints the length of each datagram. At the second one a child of vfork(2), which has the memory of its parent, closes
# whatever is open, as before an exec.
CHILD = """
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/netlink.h>
#include <unistd.h>
int main(void) {
    char data[65536];
    int received = 0, fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1 };
    if (bind(fd, (void *)&to, sizeof(to))) return 1;
    for (;;) {
        printf("%d\\n", (int)recv(fd, data, sizeof(data), 0)), fflush(stdout);
        if (++received != 2) continue;
        if (!vfork()) { for (int open = 3; open < 64; open++) close(open); _exit(0); }
        wait(NULL);
    }
}
"""


@pytest.mark.peer
def test_what_a_child_closes_is_open_in_its_parent(project: Path) -> None:
    """Also one that has its memory; all that follows is received."""
    (project / "child.c").write_text(CHILD, encoding="ascii")
    subprocess.run(["cc", "-std=gnu11", "-o", "child", "child.c"], check=True)
    recording = b"".join(struct.pack("=II", 0, len(data)) + data for data in LINKS)
    (project / "recording").write_bytes(recording)
    variables = {"LD_PRELOAD": str(project / played.SHIM), "NLMON_SHIM_RECORDING": str(project / "recording")}
    ran = subprocess.run(
        ["./child"], env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stdout.split()) == (0, [str(len(data)) for data in LINKS])


@pytest.mark.peer
def test_it_has_no_network_but_the_recording(project: Path) -> None:
    """A socket of what the recording does not have receives nothing, and a dump is one of a host without objects."""
    asks = (
        "kernel.send(bytes((20, 0, 0, 0, 18, 0, 1, 3)) + bytes(12)); print(kernel.recv(99)[4], file=open('dump', 'w'))"
    )
    found = report(
        route_capture(project, *LINKS), monitor(project, "", f"kernel = opened(0, 1); {asks}; kernel.close()")
    )

    assert (found.verdict, (project / "dump").read_text()) == ("lossy", "3\n")  # NLMSG_DONE


@pytest.mark.peer
@pytest.mark.parametrize(
    ("before", "options", "code"),
    [
        ("say({'type': 16, 'kind': 'link', 'fields': {}})", {}, "NLM-N062"),
        ("sys.exit('no libfoo')", {}, "NLM-N003"),
        ("", {"byteorder": "big"}, "NLM-N059"),
    ],
)
def test_one_that_cannot_be_played_to_is_refused(
    before: str, options: dict[str, object], code: str, project: Path
) -> None:
    """It is not ready, ends before, or reads messages of the other byte order."""
    with pytest.raises((HarnessError, UsageError)) as caught:
        report(route_capture(project, *LINKS), monitor(project, before=before), **options)

    assert caught.value.code == code


@pytest.mark.parametrize(("bound", "what"), [("LINES_KEPT", "4 lines"), ("LARGEST", "4 bytes")])
def test_what_is_kept_of_a_program_is_bounded(bound: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By lines, and by bytes: a few lines may be very long."""
    monkeypatch.setattr(played, bound, 4)
    endless = Program(Command((sys.executable, "-I", "-S", "-c", "while True: print('x' * 9)"), timeout=30))
    with pytest.raises(InputError) as caught:
        played._lines("live:endless", endless, Path("ended"))

    assert (caught.value.code, caught.value.what) == ("NLM-N050", f"live:endless prints more than {what}")
    assert endless.status is not None


def test_without_the_library_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And that a running kernel needs none."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        report(route_capture(tmp_path, *LINKS), monitor(tmp_path))

    assert (caught.value.code, "tools/kernel-shim" in caught.value.hint) == ("NLM-N064", True)


@pytest.mark.peer
def test_a_scenario_that_has_a_capture_starts_it_if_it_is_trusted(project: Path) -> None:
    """As one that has steps does."""
    route_capture(project, *LINKS)
    text = f"""scenario: 1
id: own.played
title: A program prints what libnl says.
authority: ["rtnetlink(7)"]
capture: {{path: some.pcap}}
implementations: [libnl, "{monitor(project)}"]
expect: {{verdict: {{migrate: lossy}}}}
"""
    (project / "played.yaml").write_text(text, encoding="utf-8")
    refused, ran = nlmon("run", "played.yaml"), nlmon("run", "played.yaml", "--allow-run")

    assert (refused.returncode, "NLM-N022" in refused.stdout + refused.stderr) == (3, True)
    assert (ran.returncode, ran.stdout.splitlines()[-1][:8]) == (0, "1 passed"), ran.stdout + ran.stderr
