"""The program that runs inside of a sandbox, as a Python handed over by its caller runs it.

Who runs inside may read neither this package nor the folder that it is installed in. So the modules that run there are
taken along as the code that the caller has loaded: written to a file in memory, which is the standard input of a Python
that looks for no module but those of the standard library.

Rules:
1. What runs inside imports only the standard library and, of nlmon, only what is listed before it in ``MODULES``.
2. Both are the same Python: compiled code is of one version alone.

Not here: what the modules do (``sandbox_init``).
"""

from __future__ import annotations

import marshal
import sys
from importlib.util import find_spec
from types import CodeType

from nlmon.errors import PlatformError

__all__ = ["MODULES", "arguments", "compiled"]

MODULES = ("nlmon.scenario.syscalls", "nlmon.scenario.sandbox_root", "nlmon.scenario.sandbox_init")
START = """
import marshal, sys, types
for name, code in marshal.load(sys.stdin.buffer):
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
module.main(int(sys.argv[1]), sys.argv[2:])
"""


def arguments(descriptor: int, readable: list[str]) -> list[str]:
    """Command line of the process inside, whose standard input is ``compiled()``. ``descriptor``: its control socket;
    ``readable``: files and folders of the host that are there, too."""
    return [sys.executable, "-I", "-S", "-c", START, str(descriptor), *readable]


def compiled() -> bytes:
    """The modules by name and as compiled code, in the order in which they are loaded."""
    return marshal.dumps([(name, _code(name)) for name in MODULES])


def _code(name: str) -> CodeType:
    spec = find_spec(name)
    if spec is None or spec.loader is None or not hasattr(spec.loader, "get_code"):
        raise PlatformError("NLM-X011", "the program inside of a sandbox cannot be made", why=f"no code of {name}")
    code: CodeType = spec.loader.get_code(name)
    return code
