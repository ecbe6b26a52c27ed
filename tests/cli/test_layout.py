"""``nlmon debug layout``: the functions that libnl makes, as a reader sees them."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from zstandard import ZstdDecompressor

from support.command import nlmon
from support.paths import CAPTURES

TOPOLOGY = CAPTURES / "linux-6.12" / "02-route-topology.pcap.zst"
HEAD = re.compile(r"# (\S+) message, (\d+) bytes, ([\d,]+) hits")


def layout(*arguments: object) -> subprocess.CompletedProcess[str]:
    return nlmon("debug", "layout", *arguments)


def test_what_is_printed_is_python() -> None:
    """Every function, behind its type, length and hits; those that read most come first."""
    done = layout(TOPOLOGY, "--protocol", "route")
    functions = [node for node in ast.walk(ast.parse(done.stdout)) if isinstance(node, ast.FunctionDef)]
    counts = re.findall(r"^# .* bytes, ([\d,]+) hits$", done.stdout, re.MULTILINE)
    hits = [int(count.replace(",", "")) for count in counts]

    assert (done.returncode, done.stderr) == (0, "")
    assert hits == sorted(hits, reverse=True)
    assert len(functions) == len(hits) > 40
    assert {"RTM_NEWLINK", "RTM_NEWROUTE", "RTM_NEWADDR"} <= {found[0] for found in HEAD.findall(done.stdout)}


def test_constants_are_those_of_the_messages() -> None:
    """The line behind the first names what never changed, as Python writes it."""
    constants = [line for line in layout(TOPOLOGY).stdout.splitlines() if line.startswith("# seq = ")]

    assert [line for line in constants if "family = " not in line or not line.isascii()] == []
    assert any("qdisc = 'noqueue'" in line for line in constants)


def test_only_so_many_are_printed() -> None:
    """The limit keeps those that read most."""
    every, two = (layout(TOPOLOGY, *limit).stdout for limit in ((), ("--limit", 2)))

    assert two.count("def layout(") == 2
    assert every.startswith(two)


def test_families_are_known() -> None:
    """Messages of nl80211 are read as a whole, as the capture holds the name of their family."""
    done = layout(CAPTURES / "linux-6.12" / "03-nl80211.pcap.zst", "--protocol", "generic")

    assert re.search(r"^# family \d+ message, ", done.stdout, re.MULTILINE)
    assert done.returncode == 0


@pytest.mark.parametrize(("name", "arguments"), [("01-route-basic", ("--protocol", "audit")), ("07-nothing-there", ())])
def test_nothing_to_print_is_exit_code_3(name: str, arguments: tuple[str, ...]) -> None:
    """No function, or no capture: one line says so."""
    done = layout(CAPTURES / "linux-6.12" / f"{name}.pcap.zst", *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_a_damaged_capture_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """The functions are printed, and the exit code says that there was more."""
    whole = ZstdDecompressor().stream_reader(TOPOLOGY.read_bytes()).read()
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[: len(whole) // 2 + 5])
    done = layout(path)

    assert (done.returncode, "def layout(" in done.stdout) == (3, True)
    assert done.stderr.startswith("error[NLM-")
