"""Writes the compiled form of the contract: what the YAML says, as JSON, with the digests of what it was made of.

    python tools/contract.py

Run it after every change of ``nlmon/compare/contract.yaml`` or its schema. A contract whose digest is not the one in
the compiled form is read and checked in full at every start, so a forgotten run costs time and never a wrong verdict;
``tests/compare/test_contract.py`` notices it.
"""

from __future__ import annotations

import sys

from nlmon.compare.contract import COMPILED, compiled_bytes

if __name__ == "__main__":
    part = COMPILED.with_suffix(".part")
    part.write_bytes(compiled_bytes())
    part.replace(COMPILED)
    sys.stdout.write(f"{COMPILED.name}: {COMPILED.stat().st_size:,} bytes\n")
