"""The program that runs inside of a sandbox, as a Python handed over by its caller runs it.

Who runs inside may read neither this package nor the folder that it is installed in. So the modules that run there are
compiled by the caller, and taken along in a file in memory, which is the standard input of a Python that looks for no
module but those of the standard library.

Rules:
1. What runs inside imports only the standard library and, of nlmon, only what is listed before it in ``MODULES``.
2. Both are the same Python: compiled code is of one version alone.
3. The text is read as a resource of the package: whoever has loaded the modules need not have their code, as pytest,
   which rewrites the modules of an installed plugin.

Not here: what the modules do (``sandbox_init``).
"""

from __future__ import annotations

import functools
import marshal
import sys
from importlib.resources import files
from types import CodeType

from nlmon.errors import InternalError

__all__ = ["MODULES", "arguments", "compiled"]

MODULES = (
    "nlmon.uapi",
    "nlmon.scenario.syscalls",
    "nlmon.scenario.sandbox_control",
    "nlmon.scenario.sandbox_root",
    "nlmon.scenario.sandbox_init",
)
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


@functools.cache
def compiled() -> bytes:
    """The modules by name and as compiled code, in the order in which they are loaded. Raises ``InternalError``
    (NLM-X019)."""
    return marshal.dumps([(name, _code(name)) for name in MODULES])


def _code(name: str) -> CodeType:
    package, _, module = name.rpartition(".")
    try:
        text = files(package).joinpath(f"{module}.py").read_text(encoding="utf-8")
    except OSError as error:
        raise InternalError("NLM-X019", f"the text of {name} cannot be read", why=error.strerror or "") from error
    return compile(text, name, "exec", dont_inherit=True)
