"""One measurement in this process: ``python -m benchmarks.measure NAME CAPTURE FOLDER`` prints a sample as JSON.

Not here: what the measurements do (``ours``, ``live``, ``peers``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from benchmarks import filtering, growth, live, ours
from benchmarks.captures import Captures
from benchmarks.peers import libraries

__all__ = ["WORK"]

WORK = {**ours.WORK, **filtering.WORK, **growth.WORK, **live.WORK, **libraries.WORK}


def main() -> None:
    """Measure what was named."""
    name, capture, folder = sys.argv[1:4]
    sample = WORK[name](Captures(Path(folder), capture))
    sys.stdout.write(msgspec.json.encode(sample).decode() + "\n")


if __name__ == "__main__":
    main()
