"""Commands and scripts that try to get out of a sandbox, and what of the host they could change.

A program of its own (``python -m support.hostile``), since it also runs as another user: it runs each in a sandbox of
its own and prints, as JSON, how it came out and what is not on the host as it was before.

    {canary}   a folder of the user who runs this, readable inside    {hidden}   a file that is not
    {pid}      a process of the same user on the host

Not here: what is expected to be unchanged (``tests/scenario/test_hostile.py``).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nlmon.errors import NlmonError
from nlmon.scenario.leaks import held, kept_numbers, leaks, processes_in
from nlmon.scenario.sandbox import Ran, Sandbox

__all__ = ["HOSTILE", "Hostile"]


class Hostile(NamedTuple):
    """Lines that are run one after the other. ``comes_to``, of the last one: ``refused`` before it ran, ``fails``,
    ``inside``: it ends well and has changed the sandbox at most, or ``deadline``; where it depends on the system, one
    of two. ``trusted``: with programs beside the list."""

    name: str
    comes_to: str
    lines: tuple[str, ...]
    trusted: bool = False


LINK = "ip link add name evil type veth peer name evil2"
MARK = "touch {canary}/mark"


def _listed(name: str, comes_to: str, *lines: str) -> Hostile:
    return Hostile(name, comes_to, lines)


def _script(name: str, comes_to: str, script: str) -> Hostile:
    return Hostile(name, comes_to, (f'sh -c "{script}"',), trusted=True)


HOSTILE = (
    # Links into the namespace of the host, by whatever names it.
    _listed("link to process 1", "inside", LINK, "ip link set evil netns 1"),
    _listed("link of a further namespace to process 1", "inside", "ip netns add peer", LINK + " netns peer",
            "ip -n peer link set evil2 netns 1"),
    _listed("link to a process of the host", "fails", LINK, "ip link set evil netns {pid}"),
    _listed("link to the namespace of a file", "fails", LINK, "ip link set evil netns /proc/1/ns/net"),
    _listed("link to the namespace of a descriptor", "fails", LINK, "ip link set evil netns /proc/self/fd/3"),
    _listed("peer in a process of the host", "fails", LINK + " netns {pid}"),
    _listed("name for the namespace of the host", "fails", "ip netns attach host {pid}"),
    _listed("batch that moves a link", "inside", LINK, "batch link set evil netns 1"),
    _listed("tap of the host", "inside or fails", "ip tuntap add dev evil mode tap"),
    _listed("everything down", "inside", "ip link set lo down"),
    _listed("all routes", "inside", "ip rule flush"),
    _listed("all of IPsec", "inside", "ip xfrm state list"),
    _listed("all sockets", "inside", "ss -K -a"),
    # Files, by programs of the list.
    _listed("dump of sockets into a file", "inside", "ss -D {canary}/mark"),
    _listed("dump of sockets over a file", "inside", "ss -D {canary}/kept"),
    _listed("filter from a hidden file", "fails", "ss -F {hidden}"),
    _listed("batch from a hidden file", "fails", "ip -batch {hidden}"),
    _listed("batch of tc from a hidden file", "fails", "tc -batch {hidden}"),
    _listed("batch of bridge from a hidden file", "fails", "bridge -batch {hidden}"),
    _listed("rules from a hidden file", "fails", "nft -f {hidden}"),
    _listed("object file of tc", "fails", "tc filter add dev lo parent ffff: bpf obj {canary}/kept"),
    _listed("namespace above its folder", "refused", "ip netns add ../../{canary}/mark"),
    _listed("end of what is no namespace", "refused", "ip netns del ../../{canary}"),
    # Programs, by programs of the list.
    _listed("program in a namespace", "refused", "ip netns add peer", f"ip netns exec peer {MARK}"),
    _listed("program in a namespace, abbreviated", "fails", "ip netns add peer", f"ip net e peer {MARK}"),
    _listed("program in all namespaces", "inside", "ip netns add peer", f"ip -all netns exec {MARK}"),
    _listed("program by a batch", "fails", "ip netns add peer", f"batch netns exec peer {MARK}"),
    _listed("program in a VRF", "fails", "ip link add name red type vrf table 10", f"ip vrf exec red {MARK}"),
    _listed("program by tc", "deadline or fails", f"tc exec bpf import /tmp/none run {MARK}"),
    # Shells, of which there is none.
    _listed("program that is not listed", "refused", MARK),
    _listed("program by its path", "refused", "/bin/" + MARK),
    _listed("second command", "fails", f"ip link show lo ; {MARK}"),
    _listed("substituted command", "fails", f"ip link show $({MARK})"),
    _listed("redirected output", "fails", "ip link show lo > {canary}/mark"),
    # Without an end.
    _listed("monitor of links", "deadline", "ip monitor all"),
    _listed("monitor of bridges", "deadline", "bridge monitor all"),
    # Scripts of somebody who was allowed to run what he likes.
    _script("new file", "fails", MARK),
    _script("all files", "fails", "rm -rf {canary}"),
    _script("files of programs", "fails", "touch /usr/mark /etc/mark /usr/bin/mark"),
    _script("hidden file", "fails", "cat {hidden}"),
    _script("remount", "fails", "mount -o remount,bind,rw {canary}; " + MARK),
    _script("remount in a user namespace", "fails",
            "unshare --user --map-root-user --mount mount -o remount,bind,rw {canary}; " + MARK),
    _script("namespaces of process 1", "fails", f"nsenter --target 1 --all {MARK}"),
    _script("root of process 1", "fails", "ls -L /proc/1/root"),
    _script("environment of process 1", "fails", "cat /proc/1/environ"),
    _script("old root", "fails", "umount -l / || umount -l /usr"),
    _script("process of the host", "fails", "kill -9 {pid}"),
    _script("all processes", "fails", "kill -9 -1; kill -9 1; kill -STOP 1; kill -9 $$"),
    _script("process that stays", "inside", "setsid sleep 1000 >/dev/null 2>&1 </dev/null &"),
    _script("process that ignores its end", "deadline", "trap : TERM HUP INT; while :; do sleep 1000; done"),
    _script("ever more processes", "inside", "f() {{ f | f & }}; f"),
    _script("ever more output", "fails", "yes"),
    _script("ever more files", "fails", "for i in 1 2 3; do head -c 9000000 /dev/zero >/tmp/$i || exit 1; done"),
    _script("device of a disk", "fails", "mknod /tmp/disk b 254 0"),
    _script("setting of the kernel", "fails", "echo /tmp/mark >/proc/sys/kernel/core_pattern"),
    _script("setting of the network", "inside", "echo 1 >/proc/sys/net/ipv4/ip_forward"),
    _script("name of the host", "fails", "echo evil >/proc/sys/kernel/hostname"),
    _script("magic key", "fails", "echo h >/proc/sysrq-trigger"),
    _script("setting of a device", "fails", "echo evil >/sys/class/net/lo/ifalias"),
    _script("table of namespaces", "fails",
            "umount /run/netns/peer; mv /run/netns /run/gone && ln -s {canary} /run/netns && touch /run/netns/mark"),
    Hostile("namespace by a changed table", "refused",
            ("sh -c 'mv /run/netns /run/gone && ln -s {canary} /run/netns'", "ip netns add mark"), trusted=True),
)  # fmt: skip


class _Host(NamedTuple):
    """Where a hostile command finds what it is after."""

    canary: Path
    hidden: Path
    victim: subprocess.Popen[bytes]


@contextlib.contextmanager
def _host() -> Iterator[_Host]:
    with tempfile.TemporaryDirectory(prefix="nlmon-") as name:
        Path(name).chmod(0o755)  # nothing but the sandbox is in the way
        canary, hidden = Path(name, "canary"), Path(name, "hidden")
        canary.mkdir()
        (canary / "kept").write_text("as it was", encoding="ascii")
        hidden.write_text("secret", encoding="ascii")
        for path in (canary, canary / "kept", hidden):
            path.chmod(0o777)
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as victim:
            yield _Host(canary, hidden, victim)


def _snapshot(host: _Host) -> dict[str, Any]:
    """What must not change."""
    shown = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True)
    links = [(row["ifindex"], row["ifname"], row["flags"], row["addr_info"]) for row in json.loads(shown.stdout)]
    rules = subprocess.run(["ip", "rule"], capture_output=True, text=True, check=True).stdout
    settings = ("kernel/core_pattern", "kernel/hostname", "net/ipv4/ip_forward", "user/max_user_namespaces")
    folder = sorted(host.canary.parent.rglob("*"))
    return {
        "links": links,
        "rules": rules,
        "mounts": Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
        "namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
        "files": [(str(path), path.stat().st_mtime_ns, path.stat().st_mode) for path in folder],
        "texts": [path.read_text(encoding="ascii") for path in folder if path.is_file()],
        "marks": [name for name in ("/tmp/mark", "/usr/mark", "/etc/mark", "/usr/bin/mark") if Path(name).exists()],
        "settings": [Path("/proc/sys", name).read_text(encoding="ascii") for name in settings],
        "host": socket.gethostname(),
        "victim": host.victim.poll(),
    }


def _run(sandbox: Sandbox, line: str, host: _Host) -> str:
    line = line.format(canary=host.canary, hidden=host.hidden, pid=host.victim.pid)
    deadline = 0.5 if "monitor" in line or "trap" in line or "tc exec" in line else None
    try:
        ran: Ran = sandbox.batch(line[6:]) if line.startswith("batch ") else sandbox.run(line, deadline=deadline)
    except NlmonError as error:
        # A program that is not installed does nothing, either.
        return "fails" if error.code == "NLM-X014" else "refused"
    except OSError:
        return "refused"
    if "secret" in ran.stdout:
        return "secret"
    return ran.ended if ran.ended == "deadline" else "inside" if ran.status == 0 else "fails"


def _attack(case: Hostile, host: _Host) -> dict[str, Any]:
    before, holds = _snapshot(host), held()
    with contextlib.ExitStack() as stack:
        with Sandbox(allow_run=case.trusted, readable=[host.canary]) as sandbox:
            stack.enter_context(kept_numbers(sandbox.namespaces))
            for line in case.lines:
                comes_to = _run(sandbox, line, host)
            alive = sandbox.run("ip link show lo").ok
        inside = processes_in(sandbox.namespaces)
    after = _snapshot(host)
    return {
        "comes to": comes_to,
        "still usable": alive,
        "changed": [name for name in before if before[name] != after[name]],
        "left": leaks(holds, held()) + inside,
    }


def _seen(host: _Host) -> list[str]:
    """What is seen to change when the user himself changes it, without a sandbox."""
    before = _snapshot(host)
    (host.canary / "mark").touch()
    host.victim.kill()
    host.victim.wait()
    after = _snapshot(host)
    return [name for name in before if before[name] != after[name]]


if __name__ == "__main__":
    with _host() as machine:
        found: dict[str, Any] = {case.name: _attack(case, machine) for case in HOSTILE}
        sys.stdout.write(json.dumps(found | {"user": os.geteuid(), "seen": _seen(machine)}))
