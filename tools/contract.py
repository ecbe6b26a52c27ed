"""Writes the compiled form of the contract: what the YAML says, as JSON, with the digests of what it was made of.

    python tools/contract.py

Run it after every change of ``nlmon/compare/contract.yaml`` or its schema. A contract whose digest is not the one in
the compiled form is read and checked in full at every start, so a forgotten run costs time and never a wrong verdict;
``tests/compare/test_contract.py`` notices it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nlmon.compare.contract import COMPILED, compiled_bytes

# Of this tree, whichever nlmon is installed.
FOLDER = Path(__file__).parent.parent / "nlmon" / "compare"

if __name__ == "__main__":
    target = FOLDER / COMPILED.name
    part = target.with_suffix(".part")
    part.write_bytes(compiled_bytes(FOLDER))
    part.replace(target)
    sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes\n")
