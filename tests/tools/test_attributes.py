"""The tables of attributes agree with the headers of the kernel that are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.requirements import missing

TOOL = Path(__file__).parents[2] / "tools" / "attributes.py"
HEADERS = Path("/usr/include/linux")


def compared(folder: Path) -> tuple[int, list[str]]:
    """Exit code and lines of the tool."""
    done = subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.peer
def test_no_number_contradicts_the_headers() -> None:
    """Whatever version of linux-libc-dev is installed: a name that both have has one number."""
    if not (HEADERS / "if_link.h").exists():
        missing("the kernel's headers are not installed (linux-libc-dev)")
    code, lines = compared(HEADERS)

    assert (code, [line for line in lines if not line.startswith("only ")]) == (0, [])
    assert len(lines) < 1500  # most names are in both


def test_what_one_side_has_alone_is_listed(tmp_path: Path) -> None:
    """A header that is newer by one attribute, older by others, and wrong about one."""
    (tmp_path / "if_link.h").write_text(
        """
        /* enum { IFLA_XFRM_NO = 7, }; */
        enum {
            IFLA_XFRM_UNSPEC,
            IFLA_XFRM_LINK,
        #define IFLA_XFRM_LINK IFLA_XFRM_LINK
            IFLA_XFRM_IF_ID = 0x4, // wrong
            IFLA_XFRM_NEW = 9,
            __IFLA_XFRM_MAX
        };
        """,
        encoding="utf-8",
    )
    code, lines = compared(tmp_path)

    assert code == 1
    assert lines[:2] == [
        "only in if_link.h: IFLA_XFRM_IF_ID = 4 (rt-link/linkinfo-xfrm-attrs)",
        "only in if_link.h: IFLA_XFRM_NEW = 9 (rt-link/linkinfo-xfrm-attrs)",
    ]
    assert "only here: IFLA_XFRM_COLLECT_METADATA = 3 (rt-link/linkinfo-xfrm-attrs)" in lines
    assert lines[-1] == "IFLA_XFRM_IF_ID is 4 in if_link.h, 2 in rt-link/linkinfo-xfrm-attrs"


def test_a_name_for_nothing_ends_no_enumeration(tmp_path: Path) -> None:
    """What stands behind another name of the number 0 is compared, too."""
    header = "enum { IFLA_UNSPEC, IFLA_OTHER = IFLA_UNSPEC, IFLA_ADDRESS = 5 };"
    (tmp_path / "if_link.h").write_text(header, encoding="utf-8")
    code, lines = compared(tmp_path)

    assert (code, lines[-1]) == (1, "IFLA_ADDRESS is 5 in if_link.h, 1 in rt-link/link-attrs")
