"""What a test may require of the machine, and how it says that something is missing.

With ``NLMON_TEST_REQUIRE_ALL=1`` (continuous integration) a missing requirement fails the test instead of
skipping it, so that coverage is never lost in silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest

from nlmon.errors import PlatformError
from nlmon.scenario.sandbox import Sandbox

__all__ = [
    "missing",
    "require_guide_host",
    "require_mounts",
    "require_netns",
    "require_program",
    "require_root",
    "require_sandbox",
]


def missing(reason: str) -> None:
    """Skip, or fail where nothing may be missing."""
    if os.environ.get("NLMON_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"required here, but {reason}")
    pytest.skip(reason)


def require_program(name: str) -> str:
    """Path of a program of another project; skips when it is not installed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        missing(f"the program {name} is not installed")
    return str(path)


def require_netns() -> list[str]:
    """Command prefix that runs a program in a fresh network namespace; skips when every way is refused.

    A user namespace needs no privilege; where the kernel refuses one, as in a chroot, root can do without.
    """
    return _require_namespace("--net", "network")


def require_mounts() -> list[str]:
    """Command prefix that runs a program with mounts of its own, as ``require_netns`` does."""
    return _require_namespace("--mount", "mount")


def _require_namespace(option: str, name: str) -> list[str]:
    if shutil.which("unshare") is None:
        missing("the program unshare is not installed")
    refusals = []
    for prefix in (["unshare", "--user", "--map-root-user", option], ["unshare", option]):
        tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return prefix
        refusals.append(tried.stderr.strip())
    missing(f"the kernel refuses a {name} namespace: {'; '.join(refusals)}")
    return []


@cache
def require_guide_host() -> list[str]:
    """Command prefix that runs a program with what ``support.guide_host`` changes: network, mounts, processes."""
    for program in ("unshare", "bash", "jq", "curl", "getcap", "top", "pidof", "diff", "tail"):
        require_program(program)
    options = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    overlay = "lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work"
    tried = f"mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work && mount -t overlay -o {overlay} overlay /etc"
    refusals = []
    for prefix in (["unshare", "--user", "--map-root-user", *options], ["unshare", *options]):
        ran = subprocess.run([*prefix, "sh", "-c", tried], capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            return prefix
        refusals.append(ran.stderr.strip())
    missing(f"the kernel refuses a namespace with overlays: {'; '.join(refusals)}")
    return []


def require_root() -> list[str]:
    """Command prefix that runs a program as root of the machine in a fresh network namespace with mounts of its own;
    skips where the kernel refuses."""
    prefix = ["unshare", "--net", "--mount"]
    if os.geteuid():
        missing("this needs root")
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(f"the kernel refuses namespaces: {tried.stderr.strip()}")
    return prefix


def require_sandbox() -> None:
    """Skips where there is no sandbox for scenarios, with the reason that it gives."""
    require_program("ip")
    try:
        Sandbox().__enter__().close()
    except PlatformError as error:
        missing(str(error))
