"""Functions of scripts that run monitors in namespaces of their own: what starts, ends and feeds them.

Not here: what the monitors must export (``tests/live/test_recipes.py``, ``tests/live/test_guide_scenarios.py``).
"""

from __future__ import annotations

__all__ = ["SCRIPT"]

SCRIPT = """
import atexit, json, os, random, signal, socket, subprocess, sys, tempfile, time
from contextlib import suppress
from pathlib import Path
from support.live import count_flows, done, ip

os.chdir(tempfile.mkdtemp())
files, lines = json.loads(sys.argv[1])
for name, text in files.items(): Path(name).write_text(text)
ip("link", "set", "lo", "up")


def start(line, words="started"):
    child = subprocess.Popen(
        [sys.executable, "-m", *line.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    atexit.register(child.kill)
    if words: until(child, words)
    return child


def until(child, words):
    for line in child.stderr:
        if words in line: return
    raise AssertionError(words)


def run(line):
    ran = subprocess.run([sys.executable, "-m", *line.split()], capture_output=True, text=True)
    return [ran.returncode, ran.stdout, ran.stderr]


def stop(child):
    child.send_signal(signal.SIGTERM)
    out, said = child.communicate(timeout=60)
    return [child.returncode, out.splitlines()[-1:], "Traceback" in said]


def churn(first, count, *logs):
    # Addresses come and go, by so many at once that they fit into a receive buffer whoever else is busy.
    for begin in range(first, first + count, 8):
        numbers = [f"10.9.{n // 250}.{n % 250 + 1}" for n in range(begin, min(begin + 8, first + count))]
        for verb in ("add", "del"):
            ip("-batch", "-", lines="".join(f"addr {verb} {one}/32 dev lo\\n" for one in numbers))
        for log in logs:
            exported(log, numbers[-1])


def features(first, count, log):
    # A link says again and again what it can do.
    if not first:
        ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
    for n in range(first, first + count):
        for switch in ("off", "on"):
            subprocess.run(["ethtool", "-K", "d0", "tso", switch], check=True)
    written(log, "NETLINK_GENERIC", 2 * (first + count))


def flows(first, count, log):
    # Datagrams to this host, each to a port of its own.
    if not first:
        count_flows()
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for n in range(first, first + count):
            sender.sendto(b"", ("127.0.0.1", 2000 + n))
    written(log, "NETLINK_NETFILTER", first + count)


def written(log, protocol, count):
    # Wait until the log has so many lines of a protocol.
    for _ in range(3000):
        if Path(log).read_text().count(f'"protocol":"{protocol}"') >= count:
            return
        time.sleep(0.02)
    raise TimeoutError(protocol)


def exported(log, address):
    # Wait until the log, or a file before it, has the line of an address that has gone.
    for _ in range(3000):
        with suppress(FileNotFoundError):
            texts = [path.read_text() for path in sorted(Path().glob(log + "*"))[:2]]
            if any(address + '"' in one and "RTM_DELADDR" in one for text in texts for one in text.splitlines()):
                return
        time.sleep(0.02)
    raise TimeoutError(address)
"""
