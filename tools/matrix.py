"""Writes docs/matrix.md: what the harnesses in .harnesses and nlmon's own implementations make of the recordings.

    tools/harnesses && .venv/bin/python tools/matrix.py             the page
    .venv/bin/python tools/matrix.py --sample                       of one recording, to stdout

Not here: building the harnesses (``tools/harnesses``), and the comparison (``nlmon matrix``).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "matrix.md"
HEAD = """# Libraries beside each other

What netlink libraries and programs make of the recordings of this repository, beside nlmon's own implementations: each
value that anybody gives is held against the bytes of its message. The page is made by `tools/matrix.py`;
[Compare libraries](how-to/compare-libraries.md) says how to do the same with yours, and
[harnesses/FINDINGS.md](../harnesses/FINDINGS.md) has the findings one by one.

A value that is *wrong* is not what the message holds. What a library does not provide is no fault. *Errored* are
datagrams of which it gave no answer that counts, since it crashed, was late or broke the protocol.

"""
# Recordings of sockets that carry nothing that a harness reads.
LEFT_OUT = ("09-untapped-audit-uevent-connector",)


def recordings() -> list[str]:
    """The recordings of three kernels and those by hand, by their path."""
    folder = REPOSITORY / "fixtures" / "captures"
    found = sorted(path for path in folder.rglob("*.pcap*") if not path.name.startswith(LEFT_OUT))
    return [str(path.relative_to(REPOSITORY)) for path in found]


def harnesses() -> list[str]:
    """The programs that ``tools/harnesses`` has built."""
    folder = Path(os.environ.get("NLMON_HARNESSES", REPOSITORY / ".harnesses"))
    there = (
        sorted(path for path in folder.iterdir() if path.is_file() and os.access(path, os.X_OK))
        if folder.is_dir()
        else []
    )
    return [f"exec:{path}" for path in there if path.suffix != ".so"]


def main() -> int:
    """Run the matrix; its exit code is that of the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="one recording, to stdout")
    sample = parser.parse_args().sample
    captures = ["fixtures/captures/linux-6.18/01-rules-routes-neighbours.pcapng.zst"] if sample else recordings()
    named = [word for name in ("legacy", "libnl", *harnesses()) for word in ("-i", name)]
    command = [sys.executable, "-m", "nlmon", "matrix", *captures, *named, "--format", "markdown"]
    command += ["--explained", "harnesses/explained.toml"]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1}:
        return done.returncode
    if sample:
        sys.stdout.write(done.stdout)
    else:
        PAGE.write_text(HEAD + done.stdout, encoding="utf-8")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
