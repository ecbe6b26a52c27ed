"""The house stands as ARCHITECTURE.md says: who imports whom, how modules open, what they must not mention."""

from __future__ import annotations

import ast
import re
from abc import ABC
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest

import nlmon

ROOT = Path(nlmon.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
REPOSITORY = Path(__file__).parent.parent

# One worker reads the modules.
pytestmark = pytest.mark.xdist_group("house")


def name_of(path: Path) -> str:
    """``nlmon.capture.pcap`` for its file."""
    parts = ("nlmon", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Everything a module imports, wherever in it, as dotted names."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name may be a module of the package.
            names = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            found |= names or {node.module}
    return found


@cache
def graph() -> dict[str, set[str]]:
    """What each module imports."""
    return {name_of(path): imports(path) for path in MODULES}


# From the bottom up: a room may import rooms of lower levels, and itself.
LEVELS = (
    (
        "nlmon.errors",
        "nlmon.atomic",
        "nlmon.explain",
        "nlmon.limits",
        "nlmon.payloads",
        "nlmon.printable",
        "nlmon.wire",
        "nlmon.uapi",
    ),
    (
        "nlmon.aside",
        "nlmon.framing",
        "nlmon.names",
        "nlmon.objects",
        "nlmon.reportfile",
        "nlmon.settingsfile",
        "nlmon.yamlfile",
    ),
    ("nlmon.events", "nlmon.capture", "nlmon.transport"),
    ("nlmon.state", "nlmon.eventjson", "nlmon.filters"),
    ("nlmon.backends", "nlmon.compare", "nlmon.exporters"),
    ("nlmon.canary", "nlmon.config", "nlmon.harness", "nlmon.report", "nlmon.testing"),
    ("nlmon.engine", "nlmon.api", "nlmon.deprecations", "nlmon.migrate", "nlmon.project"),
    ("nlmon.jobs", "nlmon.manager", "nlmon.compat", "nlmon.matrix", "nlmon.monitor"),
    ("nlmon.scenario", "nlmon.conformance"),
    ("nlmon.assess",),
    ("nlmon.cli", "nlmon.pytest_plugin"),
    ("nlmon.__main__",),
)

# What lies on a lower level and yet is not for everybody: rooms with this prefix may import only these of nlmon.
SHARED = {"nlmon.events", "nlmon.wire", "nlmon.errors", "nlmon.limits", "nlmon.transport.base"}
INTERFACE = {
    *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.reads", "nlmon.backends.status"),
    "nlmon.backends.groups",
}
MAY = {
    "nlmon.payloads": {"nlmon.payloads"},
    "nlmon.errors": set(),
    "nlmon.atomic": set(),
    "nlmon.explain": {"nlmon.explain"},
    "nlmon.names": {"nlmon.uapi", "nlmon.names"},
    "nlmon.wire": set(),
    "nlmon.uapi": set(),
    "nlmon.framing": {"nlmon.uapi"},
    "nlmon.objects": {"nlmon.uapi", "nlmon.payloads", "nlmon.objects"},
    "nlmon.events": {"nlmon.payloads", "nlmon.errors"},
    "nlmon.capture": {
        "nlmon",
        "nlmon.errors",
        "nlmon.atomic",
        "nlmon.limits",
        "nlmon.uapi",
        "nlmon.framing",
        "nlmon.wire",
        "nlmon.capture",
    },
    "nlmon.transport": {
        *("nlmon.wire", "nlmon.errors", "nlmon.limits", "nlmon.uapi", "nlmon.framing", "nlmon.objects"),
        "nlmon.transport",
    },
    "nlmon.state": {"nlmon.events", "nlmon.limits", "nlmon.uapi", "nlmon.names", "nlmon.objects", "nlmon.state"},
    "nlmon.printable": set(),
    "nlmon.aside": {"nlmon.printable"},
    "nlmon.eventjson": {"nlmon.printable", "nlmon.events", "nlmon.names", "nlmon.eventjson"},
    "nlmon.filters": {
        *("nlmon.errors", "nlmon.events", "nlmon.names", "nlmon.payloads", "nlmon.printable", "nlmon.filters"),
    },
    "nlmon.backends.base": SHARED | INTERFACE,
    "nlmon.backends.groups": {"nlmon.uapi"},
    "nlmon.backends.legacy": SHARED | INTERFACE | {"nlmon.backends.legacy"},
    "nlmon.backends.libnl": SHARED | INTERFACE | {"nlmon.backends.libnl", "nlmon.state", "nlmon.objects"},
    "nlmon.compare": {
        *("nlmon.events", "nlmon.wire", "nlmon.errors", "nlmon.uapi", "nlmon.framing", "nlmon.names", "nlmon.state"),
        *("nlmon.objects", "nlmon.eventjson.write", "nlmon.compare"),
    },
    "nlmon.yamlfile": {"nlmon.errors"},
    "nlmon.settingsfile": {"nlmon.errors"},
    "nlmon.reportfile": {"nlmon.errors", "nlmon.atomic"},
    # What a project says of runs, and not how a run is made.
    "nlmon.project": {
        *("nlmon.errors", "nlmon.names", "nlmon.printable", "nlmon.settingsfile", "nlmon.reportfile"),
        *("nlmon.backends.registry", "nlmon.compare.difference", "nlmon.compare.known", "nlmon.harness.named"),
        *("nlmon.report", "nlmon.project"),
    },
    # A program is an implementation: it knows what those know, and the lines that it speaks in.
    "nlmon.harness": {
        *("nlmon", "nlmon.errors", "nlmon.events", "nlmon.framing", "nlmon.payloads", "nlmon.printable"),
        *("nlmon.settingsfile", "nlmon.transport.base", "nlmon.transport.recorded.kernel", "nlmon.uapi", "nlmon.wire"),
        *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry", "nlmon.compare.statement"),
        # What a program gives of a sample is held against it as a comparison does.
        "nlmon.compare.same",
        # What has no bytes: libnl says what messages are about, and lines are those that nlmon writes.
        *("nlmon.backends.libnl", "nlmon.backends.reads", "nlmon.compare.contract", "nlmon.compare.sequences"),
        *("nlmon.eventjson.read", "nlmon.exporters.layout", "nlmon.names"),
        # A log may be compressed as a capture may be.
        "nlmon.capture.source",
        "nlmon.harness",
    },
    "nlmon.config": {
        *("nlmon.errors", "nlmon.printable", "nlmon.names", "nlmon.uapi", "nlmon.yamlfile", "nlmon.filters"),
        "nlmon.config",
    },
    # Exporters take plain parameters: no configuration, and no implementation.
    "nlmon.exporters": {
        *("nlmon.errors", "nlmon.limits", "nlmon.events", "nlmon.names", "nlmon.printable", "nlmon.eventjson"),
        *("nlmon.capture.blocks", "nlmon.capture.write", "nlmon.exporters"),
    },
    # It reads what exports have written, and knows no monitor.
    "nlmon.canary": {
        *("nlmon.errors", "nlmon.limits", "nlmon.events", "nlmon.names", "nlmon.printable", "nlmon.eventjson"),
        *(
            "nlmon.capture.source",
            "nlmon.exporters.layout",
            "nlmon.exporters.scraped",
            "nlmon.exporters.rotation",
            "nlmon.canary",
        ),
        *("nlmon.compare.classify", "nlmon.compare.contract", "nlmon.compare.difference", "nlmon.compare.explain"),
        *("nlmon.compare.provided", "nlmon.compare.pair", "nlmon.compare.statement"),
    },
    "nlmon.report": {
        *("nlmon.errors", "nlmon.printable", "nlmon.explain", "nlmon.compare.difference", "nlmon.compare.findings"),
        "nlmon.report",
    },
    # Bad implementations are made from the good ones.
    "nlmon.testing": SHARED
    | {"nlmon.backends", "nlmon.compare.difference", "nlmon.transport.recorded.faults", "nlmon.testing", "nlmon.uapi"},
    "nlmon.testing.messages": set(),
    "nlmon.scenario": {
        "nlmon.harness.live",
        *(
            "nlmon",
            "nlmon.errors",
            "nlmon.aside",
            "nlmon.atomic",
            "nlmon.events",
            "nlmon.names",
            "nlmon.eventjson",
            "nlmon.state",
            "nlmon.capture",
        ),
        *("nlmon", "nlmon.framing", "nlmon.uapi", "nlmon.yamlfile"),
        *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry", "nlmon.transport"),
        *("nlmon.compare.side", "nlmon.compare.known", "nlmon.compare.difference"),
        *("nlmon.report", "nlmon.engine", "nlmon.scenario", "nlmon.filters"),
        *("nlmon.config", "nlmon.exporters", "nlmon.monitor", "nlmon.migrate"),
        # What monitors export is compared under the contract, as what implementations give is.
        *("nlmon.compare.classify", "nlmon.compare.contract", "nlmon.compare.explain", "nlmon.compare.findings"),
        *("nlmon.compare.provided", "nlmon.compare.pair", "nlmon.compare.statement"),
        *("nlmon.compare.evidence.check", "nlmon.wire"),
    },
    "nlmon.api": {
        "nlmon.config.model",
        *("nlmon.errors", "nlmon.events", "nlmon.framing", "nlmon.uapi", "nlmon.wire", "nlmon.transport", "nlmon.api"),
        *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry", "nlmon.backends.status"),
    },
    "nlmon.manager": {
        *("nlmon.api", "nlmon.errors", "nlmon.events", "nlmon.uapi", "nlmon.transport.base", "nlmon.backends.libnl"),
        "nlmon.backends.base",
    },
    "nlmon.compat": {"nlmon.api", "nlmon.deprecations.table", "nlmon.transport.base"},
    "nlmon.deprecations": {
        *("nlmon.errors", "nlmon.printable", "nlmon.yamlfile", "nlmon.filters", "nlmon.config", "nlmon.deprecations"),
    },
    # It is made of a configuration, an implementation and exports, and compares nothing.
    "nlmon.monitor": {
        *(
            "nlmon",
            "nlmon.aside",
            "nlmon.capture",
            "nlmon.errors",
            "nlmon.events",
            "nlmon.framing",
            "nlmon.limits",
            "nlmon.names",
        ),
        *("nlmon.printable", "nlmon.uapi", "nlmon.wire", "nlmon.config", "nlmon.filters", "nlmon.exporters"),
        *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry", "nlmon.backends.status"),
        *("nlmon.backends.libnl", "nlmon.compare.side", "nlmon.compare.evidence.hidden", "nlmon.transport"),
        *(
            "nlmon.compare.contract",
            "nlmon.compare.statement",
            "nlmon.api",
            # What a configuration would lose with the other implementation.
            "nlmon.migrate",
            "nlmon.engine.bounds",
            "nlmon.engine.feed",
            "nlmon.engine.guarded",
            "nlmon.monitor",
        ),
    },
    # What a claim sees is an implementation on a kernel in memory.
    "nlmon.conformance": {
        *("nlmon", "nlmon.errors", "nlmon.events", "nlmon.eventjson", "nlmon.uapi", "nlmon.wire"),
        *("nlmon.transport.base", "nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry"),
        *("nlmon.testing.messages", "nlmon.testing.transport", "nlmon.conformance"),
        # As programs use it: by a configuration, and through every interface.
        *("nlmon.api", "nlmon.compat", "nlmon.manager", "nlmon.config", "nlmon.filters"),
        # As one moves from an implementation to the other: rewritten, compared by the contract, exchanged.
        *("nlmon.migrate", "nlmon.compare.contract", "nlmon.compare.provided", "nlmon.canary.judging"),
        "nlmon.compare.statement",
        *("nlmon.canary.pairs", "nlmon.exporters.layout", "nlmon.names"),
        *("nlmon.monitor.plan", "nlmon.monitor.filterfields", "nlmon.monitor.sources"),
    },
    # It feeds and judges, and knows none of those who take part.
    "nlmon.matrix": {
        *("nlmon.aside", "nlmon.capture", "nlmon.errors", "nlmon.events", "nlmon.framing", "nlmon.names", "nlmon.uapi"),
        *("nlmon.wire", "nlmon.transport.base", "nlmon.printable", "nlmon.report.text", "nlmon.report.page"),
        *("nlmon.backends.base", "nlmon.backends.options", "nlmon.backends.registry"),
        *("nlmon.compare", "nlmon.engine", "nlmon.matrix"),
    },
    # It carries the options of a replay to where it is done and the report back.
    "nlmon.jobs": {
        *("nlmon", "nlmon.errors", "nlmon.limits", "nlmon.jobs", "nlmon.report", "nlmon.engine", "nlmon.capture"),
        *("nlmon.compare.known", "nlmon.filters"),
        *("nlmon.backends.options", "nlmon.backends.registry", "nlmon.compare.difference"),
        "nlmon.transport.recorded.faults",
    },
}
# Inside libnl, from the bottom up.
LIBNL_LEVELS = ("policies", "layouts", "decode")
WORLD = {"socket", "os", "time", "subprocess", "select", "signal", "pathlib", "tempfile", "io"}
PURE = tuple(
    f"nlmon.{room}"
    for room in (
        *(
            "events",
            "wire",
            "uapi",
            "framing",
            "objects",
            "payloads",
            "eventjson",
            "filters",
            "testing",
            "names",
            "state",
            "compare",
        ),
        *("canary.judging", "canary.pairs", "canary.ranks"),
        *(f"harness.{name}" for name in ("backend", "conversation", "protocol", "schema", "serve", "widths")),
        *("backends.libnl", "engine", "api", "manager", "compat", "migrate"),
        *(
            f"scenario.{name}"
            for name in ("document", "schema", "model", "load", "mistakes", "expectation", "check", "faults", "shapes")
        ),
        *(f"deprecations.{name}" for name in ("table", "found", "yaml", "python", "c")),
        "yamlfile",
        *(
            f"config.{name}"
            for name in ("model", "kinds", "entries", "values", "environment", "rules", "schema", "show")
        ),
        *(f"monitor.doctor.{name}" for name in ("configured", "finding", "host", "running", "system")),
        "monitor.messages",
        "monitor.plan",
        "monitor.pipeline",
    )
)


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def ours(targets: set[str]) -> set[str]:
    """Of what a module imports, the modules and packages of nlmon."""
    return {target for target in targets if target.partition(".")[0] == "nlmon"}


def level(module: str) -> int:
    """Number of the level that a module is on, from the bottom."""
    return next(number for number, rooms in enumerate(LEVELS) if any(within(module, room) for room in rooms))


def test_every_module_is_on_a_level() -> None:
    """A new room gets its place when it is built."""
    rooms = [room for rooms in LEVELS for room in rooms]
    lost = [module for module in graph() if module != "nlmon" and not any(within(module, room) for room in rooms)]

    assert lost == []


def test_the_architecture_names_every_room() -> None:
    """Its table has the levels as they are enforced, and the row of a room names the folders in it."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    levels = [(number, room) for number, rooms in enumerate(LEVELS, 1) for room in rooms]
    folders = [path.parent.relative_to(ROOT) for path in MODULES if path.name == "__init__.py" and path.parent != ROOT]
    unnamed = [
        folder.as_posix()
        for number, room, holds in rows
        for folder in folders
        if folder.parts[0] == room and folder.parts[1:] and f"`{folder.relative_to(room).as_posix()}/`" not in holds
    ]

    assert sorted((int(number), f"nlmon.{room}") for number, room, _ in rows) == sorted(levels)
    assert {room for _, room, _ in rows} == {name.split(".")[1] for name in NAMES if name != "nlmon"}
    assert unnamed == []


def is_module(path: Path) -> bool:
    """Whether a path without a suffix is a folder or a module."""
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_what_a_row_of_the_architecture_names_is_in_the_room() -> None:
    """A module or a folder in the room, or another room; ``ip`` and pages are none."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = [
        (room, word)
        for room, holds in re.findall(r"^\| \d+ \| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
        for word in re.findall(r"`([a-z][a-z_/]*?)/?`", holds)
        if word != "ip" and not word.startswith("docs/")
    ]

    places = [(ROOT / room / word, ROOT / word) for room, word in named]

    assert [inside for inside, beside in places if not is_module(inside) and not is_module(beside)] == []
    assert len(named) > 100


def test_an_example_of_the_architecture_is_the_code() -> None:
    """A class statement that it quotes stands so in a module."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    quoted = re.findall(r"`(class [^`]+)`", text)
    sources = "".join(path.read_text(encoding="utf-8") for path in MODULES)

    assert [one for one in quoted if f"\n{one}:\n" not in sources] == []
    assert quoted != []


def test_no_import_runs_up() -> None:
    """A room imports rooms of lower levels, or itself."""
    bad = [
        (module, target)
        for module, targets in graph().items()
        if module != "nlmon"
        for target in ours(targets) - {"nlmon"}
        if level(target) > level(module)
        or (level(target) == level(module) and target.split(".")[1] != module.split(".")[1])
    ]

    assert bad == []


def test_nothing_needs_the_command_line() -> None:
    """But who starts it: what commands and others share is below both. Names in texts that code reads count, too."""
    users = {name for name, targets in graph().items() if any(within(target, "nlmon.cli") for target in targets)}
    named = {name_of(path) for path in MODULES if any("nlmon.cli" in text for text in texts_of(tree(path)))}

    assert {name for name in users | named if not within(name, "nlmon.cli")} == {"nlmon.__main__"}


def texts_of(module: ast.AST) -> list[str]:
    """The texts in a module that are no docstrings."""
    alone = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    found = [node for node in ast.walk(module) if isinstance(node, ast.Constant) and id(node) not in alone]
    return [node.value for node in found if isinstance(node.value, str)]


@pytest.mark.parametrize("room", LIBNL_LEVELS)
def test_no_import_runs_up_in_libnl(room: str) -> None:
    """Policies know no layouts, and layouts no decoders."""
    above = [f"nlmon.backends.libnl.{name}" for name in LIBNL_LEVELS[LIBNL_LEVELS.index(room) + 1 :]]
    bad = [
        (module, target)
        for module, targets in graph().items()
        if within(module, f"nlmon.backends.libnl.{room}")
        for target in targets
        if any(within(target, one) for one in above)
    ]

    assert bad == []


def test_no_import_runs_in_a_circle() -> None:
    """Taking away what imports nothing that is left, again and again, leaves nothing."""
    left = {module: ours(targets) & graph().keys() - {module} for module, targets in graph().items()}
    while free := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in free:
            del left[module]

    assert left == {}


@pytest.mark.parametrize("prefix", MAY, ids=str)
def test_imports_follow_the_arrows(prefix: str) -> None:
    """No room imports what the architecture does not let it."""
    bad = {
        (module, target)
        for module, targets in graph().items()
        if within(module, prefix)
        for target in ours(targets)
        if not any(target == ok or (ok != "nlmon" and target.startswith(ok + ".")) for ok in MAY[prefix])
    }
    assert bad == set()


@pytest.mark.parametrize("prefix", PURE)
def test_pure_modules_do_not_touch_the_world(prefix: str) -> None:
    """No sockets, clock, files or environment; contract, statements and names of attributes are the data files that are
    read."""
    touched = {
        (module, target) for module, targets in graph().items() if within(module, prefix) for target in targets & WORLD
    }
    compare = {f"nlmon.compare.{name}" for name in ("contract", "datafile", "statement")}
    assert touched - {(name, "pathlib") for name in (*compare, "nlmon.names.attributes")} == set()


# Who reads or writes headers of messages or attributes without ``framing``, and why.
OWN_FRAMING = {
    "nlmon.framing": "the one framing",
    "nlmon.backends": "each implementation has a framing of its own, or the comparison would not find its bugs",
    "nlmon.testing": "what the framing is tested with is not made by it",
    "nlmon.conformance": "what implementations are tested with is not made by it either",
    "nlmon.capture.pcapng": "blocks and options of a file, which are no messages",
    "nlmon.capture.blocks": "blocks and options of a file, which are no messages",
    "nlmon.cli.harness_samples": "what programs are tested with is not made by it, and damaged on purpose",
    "nlmon.capture.rtmon": "a file of messages is read in pieces, and damage is an error with its place",
}
# What struct has for nlmsghdr, for its beginning, and for nlattr: in native, little and any byte order.
HEADER_FORMAT = re.compile(r"[=<@]?(IHHII.*|IH|HH)")


def framed_by_hand(module: ast.AST) -> list[str]:
    """Where a module names the layout of a header, or rounds a length up to the 4 bytes that the next begins at."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(module):
        match node:
            case ast.Constant(value=str(text)) if HEADER_FORMAT.fullmatch(text):
                found.append((node.lineno, repr(text)))
            case ast.BinOp(
                left=ast.BinOp(op=ast.Add(), right=ast.Constant(value=3)),
                op=ast.BitAnd(),
                right=ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=3)),
            ):
                found.append((node.lineno, ast.unparse(node)))
    return [f"{line}: {what}" for line, what in sorted(found)]


def test_messages_and_attributes_are_framed_in_one_place() -> None:
    """Who walks messages or attributes does so with ``framing``, or has a stated reason; and every reason is needed."""
    found = {name_of(path): framed_by_hand(tree(path)) for path in MODULES}
    by_hand = {module: places for module, places in found.items() if places}
    others = {
        module: places for module, places in by_hand.items() if not any(within(module, own) for own in OWN_FRAMING)
    }

    assert others == {}
    assert [own for own in OWN_FRAMING if not any(within(module, own) for module in by_hand)] == []


HAND_WALK = """
while at + 4 <= len(data):
    length, kind = unpack_from("=HH", data, at)
    at += (length + 3) & ~3
"""


@pytest.mark.parametrize(
    ("code", "places"),
    [
        (HAND_WALK, ["3: '=HH'", "4: length + 3 & ~3"]),
        ('Struct(sign + "IHHII")', ["1: 'IHHII'"]),
        ('Struct("<IHHIIi" if little else ">IHHIIi")', ["1: '<IHHIIi'"]),
        ('unpack_from("=IH", data)', ["1: '=IH'"]),
        ('unpack_from(">HH", ports)', []),
        ("kind & ~3", []),
    ],
)
def test_what_is_framed_by_hand(code: str, places: list[str]) -> None:
    """Layouts of headers and rounded lengths are found; numbers in network byte order and parts of types are none."""
    assert framed_by_hand(ast.parse(code)) == places


def test_legacy_uses_the_standard_library_alone() -> None:
    """Of other packages the plain implementation imports none."""
    modules = [name for name in graph() if name.startswith("nlmon.backends.legacy")]
    others = {target for name in modules for target in graph()[name] if not target.startswith("nlmon.")}

    assert others == {"__future__", "collections.abc", "errno", "functools", "socket", "struct", "types", "typing"}


def test_jobs_are_known_to_the_command_line_alone() -> None:
    """Nothing that is replayed can tell that it is one of many; dask is loaded in one place."""
    users = {name for name, targets in graph().items() for target in targets if target.startswith("nlmon.jobs")}
    dask = {
        name for name, targets in graph().items() for t in targets if t.partition(".")[0] in {"dask", "distributed"}
    }

    assert {name for name in users if not name.startswith("nlmon.jobs")} == {
        *("nlmon.cli.replay", "nlmon.cli.run_suite", "nlmon.cli.spread"),
        *("nlmon.pytest_plugin.replay", "nlmon.pytest_plugin.session"),
    }
    assert dask == {"nlmon.jobs.cluster"}


def opening(path: Path) -> tuple[bool, bool, bool]:
    """Whether a module has a docstring, ``__all__``, and a length that one idea fits in."""
    module = tree(path)
    targets = [target for node in module.body if isinstance(node, ast.Assign) for target in node.targets]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    lines = len(path.read_text(encoding="utf-8").splitlines())
    return ast.get_docstring(module) is not None, "__all__" in names, lines <= 400


def test_a_module_opens_with_its_purpose() -> None:
    """A docstring, ``__all__``, and a length that one idea fits in."""
    found = {name_of(path): opening(path) for path in MODULES}

    assert {name: held for name, held in found.items() if held != (True, True, True)} == {}


# Classes that are larger than a reader keeps in mind, and why. Who inherits from one is measured by what it adds.
LARGE = {
    "nlmon.backends.legacy.backend.LegacyBackend": "a parser of each protocol, each in a module of its own",
    "nlmon.backends.libnl.backend.LibnlBackend": "decoding, requests and look-ups, each in a module of its own",
    "nlmon.backends.libnl.decode.xfrm.XfrmDecoder": "a method for each of the message types, and what decoders share",
    "nlmon.engine.live.Live": "two lanes that run at their own pace, on the comparison that a replay makes, too",
}


@cache
def classes() -> dict[str, ast.ClassDef]:
    """Every class by its whole name."""
    return {
        f"{name_of(path)}.{node.name}": node
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }


def parts_of(name: str) -> list[str]:
    """A class and those of ours that it inherits from, but for interfaces (ABC, Protocol) and what ``LARGE`` states."""
    module, _, own = name.rpartition(".")
    # A class inside another is not found, and so is measured alone.
    bases = getattr(import_module(module), own, type).__mro__[1:]
    ancestors = {f"{base.__module__}.{base.__name__}": base for base in bases}
    stated = {f"{one.__module__}.{one.__name__}" for n, base in ancestors.items() if n in LARGE for one in base.__mro__}
    interfaces = {n for n, base in ancestors.items() if not {ABC, Protocol}.isdisjoint(base.__bases__)}
    return [name, *((ancestors.keys() & classes().keys()) - stated - interfaces)]


def members(cls: ast.ClassDef) -> tuple[set[str], set[str]]:
    """Attributes that a class sets on itself, and its methods."""
    methods = {node.name for node in cls.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    targets = [
        target
        for node in ast.walk(cls)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    attributes = {
        one.attr
        for target in targets
        for one in ast.walk(target)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self"
    }
    return attributes, methods


def size_of(name: str) -> tuple[int, int]:
    """How many attributes and methods a class has, with what it inherits."""
    found = [members(classes()[part]) for part in parts_of(name)]
    return len(set().union(*(own for own, _ in found))), len(set().union(*(methods for _, methods in found)))


def test_a_class_has_a_size() -> None:
    """At most 15 attributes and 25 methods, inherited ones among them, or a stated reason; and no reason for what is
    not there."""
    large = {name: size for name in classes() if (size := size_of(name))[0] > 15 or size[1] > 25}

    assert {name: size for name, size in large.items() if name not in LARGE} == {}
    assert set(LARGE) - set(large) == set()


def docstring(path: Path) -> str:
    return ast.get_docstring(tree(path)) or ""


def place(path: Path, word: str) -> bool:
    """Whether a word is a module: by its whole name, or of the package of ``path`` or one around it."""
    around = name_of(path).split(".")[: None if path.name == "__init__.py" else -1]
    here = {".".join((*around[:length], word)) for length in range(1, len(around) + 1)}
    return not graph().keys().isdisjoint({word} | here)


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


@pytest.mark.parametrize(
    "room",
    [
        *("backends", "backends.legacy", "backends.libnl", "transport.recorded", "jobs", "engine", "scenario"),
        *("api", "config", "exporters", "harness", "project", "pytest_plugin"),
    ],
)
def test_a_room_names_its_modules(room: str) -> None:
    """The entry to a room with many modules says where each of them belongs."""
    path = ROOT / room.replace(".", "/") / "__init__.py"
    inside = {name_of(one).rpartition(".")[2] for one in MODULES if name_of(one).rpartition(".")[0] == f"nlmon.{room}"}

    assert {word for word in inside if f"``{word}``" not in docstring(path)} == set()
    assert len(inside) > 2


def in_order(names: list[str]) -> list[str]:
    """Names as ruff sorts them (RUF022): constants, classes, others; numbers in them by their value."""

    def key(name: str) -> tuple[int, list[tuple[int, str]]]:
        rank = 0 if name.isupper() else 1 if name[0].isupper() else 2
        return rank, [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]

    return sorted(names, key=key)


def test_public_names_exist() -> None:
    """Every ``__all__`` is sorted and names what the module has."""
    for module in graph():
        loaded = import_module(module)
        public = list(loaded.__all__)

        assert (module, [name for name in public if not hasattr(loaded, name)]) == (module, [])
        assert (module, public) == (module, in_order(public))


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
