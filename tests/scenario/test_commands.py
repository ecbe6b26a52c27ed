"""Command lines of a scenario are split into words and a namespace; what forbids a sandbox is read from /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.scenario.refusals import forbidding_settings, hint_for
from nlmon.scenario.sandbox import parse_command

LINES = [
    ("ip link set lo up", ("", ["ip", "link", "set", "lo", "up"])),
    ("ip -n peer link", ("peer", ["ip", "link"])),
    ("ip -netns peer link", ("peer", ["ip", "link"])),
    ("bridge -n peer link", ("peer", ["bridge", "link"])),
    ("tc -n peer qdisc", ("peer", ["tc", "qdisc"])),
    ("ss -n state all", ("", ["ss", "-n", "state", "all"])),
    ("nft -n peer list", ("", ["nft", "-n", "peer", "list"])),
    ("ip -4 -n peer link", ("", ["ip", "-4", "-n", "peer", "link"])),
    ("ip netns exec peer ss -l", ("peer", ["ss", "-l"])),
    ("ip netns exec peer", ("", ["ip", "netns", "exec", "peer"])),
    ("ip link set lo alias 'two words'", ("", ["ip", "link", "set", "lo", "alias", "two words"])),
    ("ip link; touch x > y", ("", ["ip", "link;", "touch", "x", ">", "y"])),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_a_line_has_a_namespace_and_words(line: str, expected: tuple[str, list[str]]) -> None:
    """Quotes hold words together; nothing else of a shell means anything."""
    assert parse_command(line) == expected


SETTINGS = [
    ("sys/user/max_user_namespaces", "0", "user.max_user_namespaces=0"),
    ("sys/user/max_net_namespaces", "0", "user.max_net_namespaces=0"),
    ("sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=0"),
    ("sys/kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=1"),
]


@pytest.mark.parametrize(("path", "value", "setting"), SETTINGS)
def test_a_setting_that_forbids_a_sandbox_is_named(path: str, value: str, setting: str, tmp_path: Path) -> None:
    """With its value; the other value forbids nothing."""
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n", encoding="ascii")
    found = forbidding_settings(tmp_path)
    file.write_text(f"{1 - int(value)}\n", encoding="ascii")

    assert (found, hint_for(found)) == ([setting], f"change {setting}")
    assert forbidding_settings(tmp_path) == []


@pytest.mark.parametrize(("filters", "word"), [("2", "seccomp"), ("0", "chroot")])
def test_where_no_setting_forbids_it_the_rest_is_said(filters: str, word: str, tmp_path: Path) -> None:
    """A seccomp filter is seen in the status of this process."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text(f"Name:\tpython\nSeccomp:\t{filters}\n", encoding="ascii")

    assert word in hint_for([], tmp_path)
