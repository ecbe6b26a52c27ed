"""A network namespace of one's own, as root or in a user namespace.

Not here: what runs in it.
"""

from __future__ import annotations

import shutil
import subprocess

__all__ = ["namespace"]


def namespace() -> list[str]:
    """Command prefix that runs a program in a fresh network namespace; raises ``SystemExit`` with the kernel's words
    when it refuses. The one in a user namespace needs no privilege; where it is refused, root can do without."""
    if shutil.which("unshare") is None:
        raise SystemExit("the program unshare is not installed")
    refusals = []
    for prefix in (["unshare", "--user", "--map-root-user", "--net"], ["unshare", "--net"]):
        tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return prefix
        refusals.append(tried.stderr.strip())
    raise SystemExit(f"the kernel refuses a network namespace: {'; '.join(refusals)}")
