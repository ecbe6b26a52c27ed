"""The house stands as ARCHITECTURE.md says: who imports whom, how modules open, what they must not mention."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import nlmon

ROOT = Path(nlmon.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
REPOSITORY = Path(__file__).parent.parent


def name_of(path: Path) -> str:
    """``nlmon.capture.pcap`` for its file."""
    parts = ("nlmon", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Everything a module imports, wherever in it, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


GRAPH = {name_of(path): imports(path) for path in MODULES}
SHARED = {"nlmon.events", "nlmon.errors", "nlmon.backends.base", "nlmon.transport.base"}

# Modules with this prefix may import only these of nlmon.
MAY = {
    "nlmon.payloads": {"nlmon.payloads"},
    "nlmon.events": {"nlmon.payloads", "nlmon.errors"},
    "nlmon.errors": set(),
    "nlmon.names": {"nlmon.names"},
    "nlmon.encode": {"nlmon.events"},
    "nlmon.eventplan": {"nlmon.events"},
    "nlmon.eventlines": {"nlmon.events", "nlmon.eventplan", "nlmon.names"},
    "nlmon.eventjson": {"nlmon.events", "nlmon.eventplan", "nlmon.eventlines"},
    "nlmon.identity": {"nlmon.events"},
    "nlmon.state": {"nlmon.events", "nlmon.identity"},
    "nlmon.backends.base": {"nlmon.errors", "nlmon.events", "nlmon.transport.base"},
    "nlmon.backends.legacy": SHARED | {"nlmon.backends.legacy"},
    "nlmon.backends.libnl": SHARED | {"nlmon.backends.libnl", "nlmon.identity", "nlmon.state"},
    "nlmon.transport": {"nlmon.events", "nlmon.errors", "nlmon.transport"},
    "nlmon.capture": {"nlmon.errors", "nlmon.capture"},
    "nlmon.compare": {"nlmon.events", "nlmon.errors", "nlmon.names", "nlmon.identity", "nlmon.state", "nlmon.compare"},
    "nlmon.report": {"nlmon.errors", "nlmon.report"},
    # It carries the options of a replay to where it is done and the report back; the rooms meet in nlmon.replay.
    "nlmon.jobs": {
        *("nlmon", "nlmon.errors", "nlmon.jobs", "nlmon.report", "nlmon.replay", "nlmon.outcome", "nlmon.capture"),
        *("nlmon.backends.base", "nlmon.compare.difference", "nlmon.transport.faults"),
    },
}
WORLD = {"socket", "os", "time", "subprocess", "select", "signal", "pathlib", "tempfile", "io"}
PURE = tuple(
    f"nlmon.{room}"
    for room in (
        "events",
        "payloads",
        "eventplan",
        "eventlines",
        "eventjson",
        "encode",
        "names",
        "identity",
        "state",
        "compare",
        "backends.libnl",
    )
)


@pytest.mark.parametrize("prefix", MAY, ids=str)
def test_imports_follow_the_arrows(prefix: str) -> None:
    """No room imports what the architecture does not let it."""
    bad = {
        (module, target)
        for module, targets in GRAPH.items()
        if module == prefix or module.startswith(prefix + ".")
        for target in targets
        if target.partition(".")[0] == "nlmon"
        and not any(target == ok or (ok != "nlmon" and target.startswith(ok + ".")) for ok in MAY[prefix])
    }
    assert bad == set()


@pytest.mark.parametrize("prefix", PURE)
def test_pure_modules_do_not_touch_the_world(prefix: str) -> None:
    """No sockets, clock, files or environment; the contract is the one data file that is read."""
    touched = {
        (module, target)
        for module, targets in GRAPH.items()
        if module == prefix or module.startswith(prefix + ".")
        for target in targets & WORLD
    }
    assert touched - {("nlmon.compare.contract", "pathlib")} == set()


def test_legacy_uses_the_standard_library_alone() -> None:
    """Of other packages the plain implementation imports none."""
    modules = [name for name in GRAPH if name.startswith("nlmon.backends.legacy")]
    others = {target for name in modules for target in GRAPH[name] if not target.startswith("nlmon.")}

    assert others == {"__future__", "collections.abc", "errno", "socket", "struct", "types", "typing"}


def test_jobs_are_known_to_the_command_line_alone() -> None:
    """Nothing that is replayed can tell that it is one of many; dask is loaded in one place."""
    users = {name for name, targets in GRAPH.items() for target in targets if target.startswith("nlmon.jobs")}
    dask = {name for name, targets in GRAPH.items() for t in targets if t.partition(".")[0] in {"dask", "distributed"}}

    assert {name for name in users if not name.startswith("nlmon.jobs")} == {"nlmon.cli.replay", "nlmon.cli.spread"}
    assert dask == {"nlmon.jobs.cluster"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_opens_with_its_purpose(path: Path) -> None:
    """A docstring, ``__all__``, and a length that one idea fits in."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names = {
        t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
    }

    assert ast.get_docstring(tree) is not None
    assert "__all__" in names
    assert len(text.splitlines()) <= 400


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def place(path: Path, word: str) -> bool:
    """Whether a word is a module: by its whole name, or of the package of ``path`` or one around it."""
    around = name_of(path).split(".")[: None if path.name == "__init__.py" else -1]
    here = {".".join((*around[:length], word)) for length in range(1, len(around) + 1)}
    return not GRAPH.keys().isdisjoint({word} if "." in word else here)


def test_what_is_not_here_is_elsewhere() -> None:
    """The modules that a docstring refers to, in brackets behind "Not here", exist."""
    named = []
    for path in MODULES:
        elsewhere = docstring(path).partition("Not here")[2].partition("\n\n")[0]
        bracketed = " ".join(re.findall(r"\(([^()]*)\)", elsewhere))
        named += [(path, word) for word in re.findall(r"``([a-z][a-z_.]*)``", bracketed)]

    assert [(name_of(path), word) for path, word in named if not place(path, word)] == []
    assert len(named) > 60


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_a_package_says_what_is_in_it(path: Path) -> None:
    """A package's docstring says what is not in it; where it names modules, these exist."""
    text = docstring(path)
    read = text.partition("Not here")[0].split("\n\n", 1)[-1]
    words = re.findall(r"``([a-z][a-z_]*)``", read)

    assert "Not here" in text or path.parent == ROOT
    assert [word for word in words if not place(path, word)] == []


@pytest.mark.parametrize("room", ["backends", "backends.legacy", "backends.libnl", "transport", "jobs"])
def test_a_room_names_its_modules(room: str) -> None:
    """The entry to a room with many modules says where each of them belongs."""
    path = ROOT / room.replace(".", "/") / "__init__.py"
    inside = {name_of(one).rpartition(".")[2] for one in MODULES if name_of(one).rpartition(".")[0] == f"nlmon.{room}"}

    assert {word for word in inside if f"``{word}``" not in docstring(path)} == set()
    assert len(inside) > 2


def test_public_names_exist() -> None:
    """Every ``__all__`` is sorted and names what the module has."""
    for module in GRAPH:
        loaded = __import__(module, fromlist=["__all__"])
        public = list(getattr(loaded, "__all__", []))
        assert (module, [n for n in public if not hasattr(loaded, n)]) == (module, [])


def test_the_tree_speaks_of_itself_alone() -> None:
    """No path of a machine in code or documents."""
    pattern = re.compile(r"/(work|root|home)/")
    texts = [p for d in ("nlmon", "tests", "docs", "tools", "benchmarks") for p in (REPOSITORY / d).rglob("*")]
    texts += REPOSITORY.glob("*.md")
    found = [
        str(path.relative_to(REPOSITORY))
        for path in texts
        if path.suffix in {".py", ".md", ".yaml", ".json"}
        and path != Path(__file__)
        and pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
