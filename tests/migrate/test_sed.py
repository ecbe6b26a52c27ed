"""The rollback of the migration guide, two commands of sed, beside ours: the table of the how-to page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nlmon.compare.contract import load_contract
from nlmon.config import Loaded, interpret
from nlmon.config.rules import LIBNL_ONLY
from nlmon.migrate import rewrite
from support.configurations import CONFIG
from support.paths import REPOSITORY

CONTRACT = load_contract()
# From the guide's rollback procedure.
SED = ("/caching:/,/route_cache:/d", "/generic_families:/,/- nl80211/d")
PAGE = REPOSITORY / "docs" / "how-to" / "migrate-a-configuration.md"
OPTIONS = [".".join(path) for path in LIBNL_ONLY]


def load(data: bytes) -> Loaded:
    """What a text says."""
    return interpret([("a.yaml", data)], {})


def given(loaded: Loaded) -> set[str]:
    """The keys that are written."""
    return {key for key, origin in loaded.origins.items() if origin != "default"}


def of_libnl(key: str) -> str:
    """The option of libnl that a key is part of, or nothing."""
    return next((option for option in OPTIONS if key == option or key.startswith(f"{option}.")), "")


def outcome(before: bytes, after: bytes) -> str:
    """What became of a configuration in which the options of libnl should be gone, and nothing else."""
    was, now = load(before), load(after)
    if now.config is None:
        return f"no configuration any more ({now.errors[0].code})"
    # The choice of the implementation is a step of its own.
    kept = {key for key in given(was) if not of_libnl(key)} - {"netlink.use_libnl"}
    lost = sorted({key.split(".")[0] for key in kept - given(now)})
    left = sorted({of_libnl(key) for key in given(now)} - {""})
    said = [f"loses {', '.join(lost)}"] * bool(lost) + [f"leaves {', '.join(left)}"] * bool(left)
    return "; ".join(said) or "right"


def by_sed(data: bytes) -> bytes:
    """A file after the commands of the guide."""
    for command in SED:
        data = subprocess.run(["sed", command], input=data, capture_output=True, check=True).stdout
    return data


def by_us(data: bytes) -> bytes:
    """A file after ``nlmon rollback``."""
    done = rewrite(data, "a.yaml", "legacy", environ={}, provided=lambda _: True, contract=CONTRACT).data
    assert done is not None
    return done


def configurations(folder: str) -> list[Path]:
    """The configurations of a folder that are in order."""
    return [path for path in sorted((CONFIG / folder).glob("*.yaml")) if load(path.read_bytes()).config is not None]


@pytest.mark.skipif(shutil.which("sed") is None, reason="there is no sed here")
def test_the_table_of_the_page() -> None:
    """Each row is what both make of a configuration; those that have no option of libnl are left out."""
    rows = re.findall(r"^\| `(\w+\.yaml)` \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    found = []
    for path in configurations("vectors"):
        data = path.read_bytes()
        if any(map(of_libnl, given(load(data)))):
            found.append((path.name, outcome(data, by_sed(data)), outcome(data, by_us(data))))

    assert rows == found


@pytest.mark.parametrize("path", [*configurations("vectors"), *configurations("guide")], ids=lambda path: path.stem)
def test_ours_is_right(path: Path) -> None:
    """Whatever stands in it: the options are gone, every other key is there, and so is every comment."""
    data = path.read_bytes()
    after = by_us(data)
    comments = [re.findall(rb"^\s*#.*$", one, re.MULTILINE) for one in (data, after)]

    assert (outcome(data, after), comments[1]) == ("right", comments[0])
