"""The names of commands of generic families are those of the kernel's headers.

Not here: attributes (``test_attributes``).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nlmon.names.generic import COMMANDS

HEADERS = {
    "nlctrl": "genetlink.h",
    "netdev": "netdev.h",
    "ethtool": "ethtool_netlink.h",
    "devlink": "devlink.h",
    "TASKSTATS": "taskstats.h",
}
INCLUDED = Path("/usr/include/linux")


@pytest.mark.parametrize("family", COMMANDS)
def test_commands_have_the_names_of_the_kernel(family: str) -> None:
    """In the order of the enumeration that begins behind the one that has no meaning."""
    header = INCLUDED / HEADERS[family]
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    commands = COMMANDS[family]
    listed = [
        re.findall(r"^\s*([A-Z0-9_]+)\b", one, re.MULTILINE)
        for one in re.findall(r"enum[^{;]*\{(.*?)\}", text, re.DOTALL)
    ]
    found = next(one[one.index(commands[1]) :] for one in listed if commands[1] in one)

    assert found[: len(commands)] == list(commands.values())
