"""Tiny programs that speak the harness protocol, each with answers of its own.

Not here: harnesses of real libraries (``harnesses``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

__all__ = ["program"]

START = """
import json, sys
def say(**answer):
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
hello = {"name": "tiny", "version": "1", "language": "Python", "protocol": 1}
"""
LOOP = """
events = datagrams = 0
waiting = []
for line in sys.stdin:
    ask = json.loads(line)
    if ask["cmd"] == "hello":
        say(hello=hello)
        continue
    if ask["cmd"] == "end":
        say(bye={"datagrams": datagrams, "events": events})
        continue
    if ask["cmd"] == "datagram":
        datagrams += 1
        waiting.append(ask)
    if ask["cmd"] == "datagram" and hello.get("mode") == "batch":
        continue
    for ask in waiting:
        found = answer(ask["n"])
        events += len(found)
        say(n=ask["n"], events=found)
    waiting = []
"""


def program(folder: Path, code: str, name: str = "tiny") -> str:
    """The name of an implementation that is a program: ``code`` defines ``answer(n)``, the events of datagram n, which
    is also the global ``ask``, and may change ``hello``."""
    path = folder / f"{name}.py"
    path.write_text(START + dedent(code) + LOOP, encoding="utf-8")
    return f"exec:{sys.executable} -I -S {path}"
