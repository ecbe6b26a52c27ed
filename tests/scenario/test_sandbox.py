"""The sandbox of a scenario: what commands can do in it, that they can do nothing outside, and that nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import nlmon
from nlmon.backends.registry import create
from nlmon.errors import NlmonError, PlatformError, UsageError
from nlmon.events import Event
from nlmon.scenario.leaks import held, kept_numbers, leaks, no_leaks, processes_in
from nlmon.scenario.sandbox import Ran, Sandbox
from nlmon.transport.kernel.transport import KernelFactory
from support.requirements import missing, require_netns
from support.users import NOBODY, as_user, environment, python

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

MARGIN = 30.0


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in which any program may run."""
    with no_leaks("the sandbox"), Sandbox(allow_run=True) as made:
        yield made


@pytest.mark.parametrize("user", ["this user", "nobody"])
def test_nobody_is_root_inside(user: str) -> None:
    """User 0 of the sandbox is a user without privilege outside, whoever runs it."""
    script = (
        "import json; from nlmon.scenario.sandbox import Sandbox\n"
        "with Sandbox() as sandbox: print(json.dumps(sandbox.read('/proc/1/uid_map').split()))"
    )

    inside, outside, number = python(user, "-c", script)

    expected = NOBODY if user == "nobody" or os.geteuid() == 0 else os.geteuid()
    assert (inside, outside, number) == ("0", str(expected), "1")


def test_nobody_inside_needs_the_package(tmp_path: Path) -> None:
    """Where it is a file in a folder that its user alone may enter, there is a sandbox, too."""
    package = shutil.make_archive(str(tmp_path / "nlmon"), "zip", Path(nlmon.__file__).parents[1], "nlmon")
    tmp_path.chmod(0o700)
    places = os.pathsep.join((package, str(Path(msgspec.__file__).parents[1])))
    ran = subprocess.run(
        [sys.executable, "-P", "-c", f"import nlmon; assert nlmon.__file__.startswith({package!r})\n{NESTED}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=MARGIN,
        env=environment() | {"PYTHONPATH": places},
    )

    assert (ran.stderr, ran.stdout) == ("", '"lo:"\n')


def test_a_command_gives_status_and_output(sandbox: Sandbox) -> None:
    """Standard output and error apart, and the words as they were split; of a signal the negative number."""
    assert sandbox.run("sh -c 'echo out; echo err >&2; exit 3'") == Ran(
        ("sh", "-c", "echo out; echo err >&2; exit 3"), 3, "out\n", "err\n"
    )
    assert sandbox.run("sh -c 'kill -TERM $$'").status == -signal.SIGTERM


def test_what_a_command_has(sandbox: Sandbox) -> None:
    """Three descriptors, capabilities for the network alone, no way to more, and nothing of the environment."""
    status = dict(
        line.split(":\t") for line in sandbox.run("cat /proc/self/status").stdout.splitlines() if ":\t" in line
    )

    assert sandbox.run("ls /proc/self/fd").stdout.split() == ["0", "1", "2", "3"]  # the last is that of ls
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {f"{0x3400:016x}"}
    assert (status["NoNewPrivs"], sandbox.read("/proc/sys/user/max_user_namespaces")) == ("1", "0\n")
    assert sorted(line.partition("=")[0] for line in sandbox.run("env").stdout.split()) == [
        "HOME",
        "LC_ALL",
        "PATH",
        "TERM",
    ]
    assert sandbox.run("pwd").stdout == "/tmp\n"


def test_what_a_command_sees(sandbox: Sandbox) -> None:
    """Its own process and process 1; of the files of the host those of programs, which it cannot write."""
    numbers = sandbox.run("sh -c 'echo /proc/[0-9]*'").stdout.split()
    mounts = [line.split()[4:6] for line in sandbox.read("/proc/1/mountinfo").splitlines()]
    writable = {point for point, options in mounts if "rw" in options.split(",")}

    assert (len(numbers), numbers[0]) == (2, "/proc/1")
    assert {"bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr"} >= {*sandbox.run("ls /").stdout.split()} - {
        *("sbin", "lib", "lib32", "lib64", "libx32", "var", "nix", "gnu")
    }
    assert writable == {"/proc", "/run", "/tmp"}


def test_a_readable_folder_is_there_and_read_only(tmp_path: Path) -> None:
    """Where it is on the host; a folder that is not there is an error."""
    (tmp_path / "text").write_text("hello", encoding="ascii")
    with Sandbox(allow_run=True, readable=[tmp_path]) as sandbox:
        ran = sandbox.run(f"sh -c 'cat {tmp_path}/text; echo no >{tmp_path}/text'")

    assert ((tmp_path / "text").read_text(encoding="ascii"), ran.ok) == ("hello", False)
    with pytest.raises(FileNotFoundError):
        Sandbox(readable=[tmp_path / "none"])


def test_a_command_ends_at_its_deadline(sandbox: Sandbox) -> None:
    """With all that it has started; what it printed before is kept."""
    ran = sandbox.run("sh -c 'echo first; sleep 1000 & exec sleep 1000'", deadline=2.0)

    assert (ran.ended, ran.ok, ran.status, ran.stdout) == ("deadline", False, -signal.SIGKILL, "first\n")
    assert len(sandbox.run("sh -c 'echo /proc/[0-9]*'").stdout.split()) == 2


def test_a_batch_ends_at_the_first_line_that_fails(sandbox: Sandbox) -> None:
    """The kernel's text is there, and what came before has happened."""
    ran = sandbox.batch("link add name v0 type veth peer name v1\nlink add name v0 type veth\nlink set v0 up\n")
    (link,) = json.loads(sandbox.run("ip -json link show v0").stdout)

    assert (ran.ok, "File exists" in ran.stderr, "UP" in link["flags"]) == (False, True, False)


def test_namespaces_have_names(sandbox: Sandbox) -> None:
    """Commands go into one by its name, move links by it, and see it like any other; a name that is gone is free."""
    sandbox.run("ip netns add peer")
    sandbox.run("ip link add name v0 type veth peer name v1 netns peer")
    sandbox.run("ip link set v0 netns peer")

    assert [row["ifname"] for row in json.loads(sandbox.run("ip -json link").stdout)] == ["lo"]
    for line, netns in (
        ("ip -n peer link show v0", ""),
        ("ip netns exec peer ip link show v0", ""),
        ("ip link show v0", "peer"),
    ):
        assert sandbox.run(line, netns=netns).ok
    assert sandbox.run("ip netns list").stdout.split()[0] == "peer"
    assert "v0:" in sandbox.read("/proc/net/dev", netns="peer")
    assert "v0:" not in sandbox.read("/proc/net/dev")
    sandbox.run("ip netns del peer")
    sandbox.add_namespace("peer")
    assert not sandbox.run("ip -n peer link show v0").ok


REFUSED = [
    ("NLM-X012", "sh -c id"),
    ("NLM-X012", "/sbin/ip link"),
    ("NLM-X012", "ip netns exec peer sh"),
    ("NLM-X012", "PATH=/tmp ip link"),
    ("NLM-X013", ""),
    ("NLM-X013", "ip 'link"),
    ("NLM-X013", "ip link\0"),
    ("NLM-X013", "ip netns add"),
    ("NLM-X013", "ip " + "x" * 100_000),
    ("NLM-X015", "ip -n none link"),
    ("NLM-X015", "ip netns del none"),
    ("NLM-X015", "ip netns add peer/other"),
    ("NLM-X015", "ip netns add .."),
]


def test_a_line_that_is_refused_has_a_code() -> None:
    """And the sandbox goes on."""
    codes = []
    with Sandbox() as sandbox:
        for _, line in REFUSED:
            with pytest.raises(NlmonError) as caught:
                sandbox.run(line)
            codes.append(caught.value.code)
        ended = sandbox.run("ip link show lo").ok

    assert (codes, ended) == ([code for code, _ in REFUSED], True)


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
def test_a_program_that_cannot_be_run_is_an_error(sandbox: Sandbox, program: str) -> None:
    """It is said apart from one that fails (NLM-X014)."""
    with pytest.raises(PlatformError, match="NLM-X014"):
        sandbox.run(program)


def test_a_sandbox_is_used_while_it_is_entered() -> None:
    """Before and after, and entered twice, it is a wrong call; to close it again is none."""
    sandbox = Sandbox()
    with pytest.raises(UsageError, match="NLM-X017"):
        sandbox.run("ip link")
    with sandbox, pytest.raises(UsageError, match="NLM-X017"), sandbox:
        pass
    sandbox.close()
    with pytest.raises(UsageError, match="NLM-X017"):
        sandbox.run("ip link")


@pytest.mark.parametrize("name", ["legacy", "libnl"])
def test_a_monitor_outside_watches_a_namespace_inside(sandbox: Sandbox, name: str) -> None:
    """Its sockets and its names are of the namespace that the socket was opened in."""
    backend, events = create(name, KernelFactory(opener=sandbox.open_socket), None), list[Event]()
    backend.set_callback(events.append, lambda error: None)
    backend.enable(0)
    sandbox.batch("link add name v0 type veth peer name v1\naddress add 192.0.2.1/24 dev v0\nlink set v0 up\n")
    while backend.process(0):
        pass
    backend.close()

    assert {event.interface for event in events} >= {"v0", "v1"}
    assert [event.payload.addr for event in events if event.msg_type == 20] == ["192.0.2.1"]  # type: ignore[union-attr]


def test_a_socket_is_of_its_namespace(sandbox: Sandbox) -> None:
    """One that was opened in one namespace is not received in another; what the kernel refuses is an ``OSError``."""
    sandbox.add_namespace("peer")
    for netns in ("", "peer"):
        sandbox.run("ip link set lo up", netns=netns)
    with (
        sandbox.open_socket(socket.AF_INET, socket.SOCK_STREAM, netns="peer") as server,
        sandbox.open_socket(socket.AF_INET, socket.SOCK_STREAM, netns="peer") as client,
        sandbox.open_socket(socket.AF_INET, socket.SOCK_STREAM) as stranger,
    ):
        server.bind(("127.0.0.1", 4242))
        server.listen()
        client.connect(("127.0.0.1", 4242))
        with server.accept()[0] as accepted:
            client.sendall(b"hello")
            assert accepted.recv(5) == b"hello"
        with pytest.raises(ConnectionRefusedError):
            stranger.connect(("127.0.0.1", 4242))
    with pytest.raises(OSError, match="Address family not supported"):
        sandbox.open_socket(77, socket.SOCK_STREAM)


def test_settings_of_the_network_are_of_the_sandbox(sandbox: Sandbox) -> None:
    """They are written and read inside; those of the kernel cannot be written."""
    path = "/proc/sys/net/ipv4/ip_forward"
    before = Path(path).read_text(encoding="ascii")
    sandbox.write(path, "1")

    assert (sandbox.read(path), Path(path).read_text(encoding="ascii")) == ("1\n", before)
    with pytest.raises(PermissionError):
        sandbox.write("/proc/sys/kernel/core_pattern", "core")


def test_a_sandbox_outlives_the_thread_that_entered_it(sandbox: Sandbox) -> None:
    """It is used from any other."""
    other = Sandbox()
    thread = threading.Thread(target=other.__enter__)
    thread.start()
    thread.join()
    with contextlib.closing(other):
        assert [other.run("ip link show lo").ok for _ in range(3)] == [True] * 3


def test_a_copy_of_its_socket_does_not_keep_a_sandbox() -> None:
    """It ends when it is left, as where a process was forked meanwhile."""
    with Sandbox() as sandbox:
        inside = [os.pidfd_open(int(line.split()[1])) for line in processes_in(sandbox.namespaces)]
        assert sandbox._control is not None
        with sandbox._control.dup():
            sandbox.close()
            ended = [bool(select.select([handle], [], [], 0)[0]) for handle in inside]
    for handle in inside:
        os.close(handle)

    assert (len(ended), all(ended)) == (2, True)


KILLED = """
import sys, threading
from nlmon.scenario.leaks import processes_in
from nlmon.scenario.sandbox import Sandbox
sandbox = Sandbox(allow_run=True).__enter__()
threading.Thread(target=sandbox.run, args=("sh -c 'sleep 1000 & sleep 1000'",), kwargs={"deadline": 900}).start()
while len(inside := processes_in(sandbox.namespaces)) < 5: pass
print(" ".join(inside), flush=True)
"""


def test_nothing_outlives_the_one_who_made_it() -> None:
    """When that process is killed, process 1 and all commands end."""
    command, options = as_user("this user")
    maker = subprocess.Popen([*command, "-c", KILLED], stdout=subprocess.PIPE, text=True, **options)
    with maker:
        assert maker.stdout is not None
        handles = [os.pidfd_open(int(number)) for number in maker.stdout.readline().split() if number.isdigit()]
        maker.kill()
    try:
        ended = [bool(select.select([handle], [], [], MARGIN)[0]) for handle in handles]
    finally:
        for handle in handles:
            os.close(handle)

    assert (len(ended), all(ended)) == (5, True)


def test_the_end_of_process_1_is_an_error() -> None:
    """Whoever kills it; to leave the sandbox works as ever."""
    with no_leaks("the sandbox"), Sandbox() as sandbox:
        for line in processes_in([name for name in sandbox.namespaces if name.startswith("pid:")]):
            os.kill(int(line.split()[1]), signal.SIGKILL)
        with pytest.raises(PlatformError, match="NLM-X016"):
            sandbox.run("ip link")


NESTED = (
    "import json; from nlmon.errors import NlmonError; from nlmon.scenario.sandbox import Sandbox\n"
    "try:\n  with Sandbox() as sandbox: print(json.dumps(sandbox.run('ip -o link').stdout.split()[1]))\n"
    "except NlmonError as error: print(json.dumps(error.text))"
)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (":", "lo:"),
        ("echo 0 >/proc/sys/user/max_user_namespaces", "user.max_user_namespaces=0"),
        ("echo 0 >/proc/sys/user/max_net_namespaces", "user.max_net_namespaces=0"),
    ],
)
def test_inside_a_user_namespace(first: str, said: str) -> None:
    """There is a sandbox there, too; where a setting forbids it, the error names it."""
    prefix = require_netns()
    if "--user" not in prefix:
        missing("the kernel refuses a user namespace")
    ran = subprocess.run(
        [*prefix, "sh", "-c", f'{first} && exec "$0" -P -c "$1"', sys.executable, NESTED],
        capture_output=True,
        text=True,
        check=False,
        timeout=MARGIN,
        env=environment(),
    )

    assert (ran.stderr, said in json.loads(ran.stdout)) == ("", True)


def test_what_is_left_is_named() -> None:
    """A descriptor, a child and the namespaces that it is in; nothing when all are gone."""
    before = held()
    sandbox = Sandbox().__enter__()
    left = leaks(before, held())
    sandbox.close()

    assert {line.split()[0] for line in left} == {"child", "descriptor", "namespace"}
    assert {line for line in left if "net:[" in line} == {f"namespace {n}" for n in sandbox.namespaces if "net:[" in n}
    assert leaks(before, held()) == []


def test_the_number_of_a_namespace_is_not_given_again_while_it_is_kept() -> None:
    """So that who is in it afterwards was in it before."""
    with contextlib.ExitStack() as stack:
        with Sandbox() as sandbox:
            stack.enter_context(kept_numbers(sandbox.namespaces))
        others = [other.namespaces for other in (stack.enter_context(Sandbox()) for _ in range(3))]

        assert {name for names in others for name in names}.isdisjoint(sandbox.namespaces)
        assert processes_in(sandbox.namespaces) == []
