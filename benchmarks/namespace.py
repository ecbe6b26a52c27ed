"""A network namespace of one's own, as root or in a user namespace.

Not here: what runs in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess

__all__ = ["namespace"]


def namespace() -> list[str]:
    """Command prefix that runs a program in a fresh network namespace; raises ``SystemExit`` with the kernel's words
    when it refuses. Root may have larger receive buffers in a namespace that is no user's; others need that."""
    if shutil.which("unshare") is None:
        raise SystemExit("the program unshare is not installed")
    refusals, ways = [], [["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]]
    for prefix in ways if os.geteuid() == 0 else ways[1:]:
        tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return prefix
        refusals.append(tried.stderr.strip())
    raise SystemExit(f"the kernel refuses a network namespace: {'; '.join(refusals)}")
