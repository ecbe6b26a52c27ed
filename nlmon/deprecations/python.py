"""Finds what is old in Python: names of ``nlmon.compat``, however they are imported, and the old fields of events.

What is an event is said by the program: a name that is annotated with ``NlmonEvent``, the first parameter of a function
that is given to a monitor as its callback, and the name of a loop over a monitor.

Rules:
1. Any bytes give a list or a ``SourceError``. Nothing of the file is run.
2. Names of C that stand in texts, as for ctypes, are not looked at.

Not here: what is old (``table``).
"""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TypeAlias

from nlmon.deprecations.found import Found
from nlmon.deprecations.table import EVENT_FIELDS, FUNCTIONS, MODULE, Deprecated
from nlmon.errors import SourceError
from nlmon.yamlfile import Position

__all__ = ["find"]

_LINE = re.compile("\r\n|\r|\n")
_SET = "set_callback"
_EVENT = "NlmonEvent"
_MONITORS = {"Monitor", "Manager"}
# What a program calls for a monitor.
_MAKERS = {*_MONITORS, "nlmon_netlink_init", "nlmon_nl_manager_init", "nlmon_multi_protocol_init"}
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def find(data: bytes, where: str) -> list[Found]:
    """The uses in a file, in its order; ``where``: what an error calls it."""
    tree = _parse(data, where)
    lines = _Lines(data)
    nodes = list(ast.walk(tree))
    found = [*_imports(nodes, lines), *_uses(nodes, lines), *_fields(nodes, lines)]
    return sorted(found, key=lambda one: one.place)


def _parse(data: bytes, where: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (SyntaxError, ValueError) as error:
        line, column = getattr(error, "lineno", None) or 0, getattr(error, "offset", None) or 0
        why = " ".join(str(getattr(error, "msg", error)).split())
        raise SourceError("NLM-H004", "this is no Python", where=where, why=why, line=line, column=column) from error
    except (RecursionError, MemoryError) as error:
        raise SourceError("NLM-H004", "this is no Python", where=where, why="it nests too deeply") from error


class _Lines:
    """The lines of a file, by which a position in bytes becomes a column."""

    def __init__(self, data: bytes) -> None:
        encoding, _ = tokenize.detect_encoding(iter(data.splitlines(keepends=True)).__next__)
        # Of a line that is not ASCII alone, where each of its characters ends.
        self._ends: dict[int, list[int]] = {}
        self._lines = _LINE.split(data.decode(encoding, "replace"))

    def place(self, line: int, offset: int) -> Position:
        """A place as people count it. Positions are those of the text in UTF-8, in whatever encoding it is stored."""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        if text.isascii():
            return Position(line, offset + 1)
        if line not in self._ends:
            self._ends[line] = list(accumulate(len(one.encode(errors="replace")) for one in text))
        return Position(line, bisect_right(self._ends[line], offset) + 1)

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> Position:
        """Where a node begins."""
        return self.place(node.lineno, node.col_offset)

    def attribute(self, node: ast.Attribute) -> Position:
        """Where the name of an attribute begins, which is its end."""
        line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.place(line, end - len(node.attr.encode()))


def _imports(nodes: list[ast.AST], lines: _Lines) -> Iterator[Found]:
    """Imports of old functions by their names, and of their module where it, or something else of it, is imported."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (Found(MODULE, lines.start(one)) for one in node.names if one.name == MODULE.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for one in node.names:
                if node.module == MODULE.name:
                    yield Found(FUNCTIONS.get(one.name, MODULE), lines.start(one))
                elif f"{node.module}.{one.name}" == MODULE.name:
                    yield Found(MODULE, lines.start(one))


def _uses(nodes: list[ast.AST], lines: _Lines) -> Iterator[Found]:
    """Each place where an imported old function is called, or used otherwise."""
    functions, modules = _bound(nodes)
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in functions:
            yield Found(functions[node.id], lines.start(node))
        elif isinstance(node, ast.Attribute) and node.attr in FUNCTIONS and _dotted(node.value) in modules:
            yield Found(FUNCTIONS[node.attr], lines.attribute(node))


def _bound(nodes: list[ast.AST]) -> tuple[dict[str, Deprecated], set[str]]:
    """By the names that a file gives them, the old functions, and the names of their module."""
    functions: dict[str, Deprecated] = {}
    modules: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name for one in node.names if one.name == MODULE.name}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for one in node.names:
                if node.module == MODULE.name and one.name == "*":
                    functions |= FUNCTIONS
                elif node.module == MODULE.name and one.name in FUNCTIONS:
                    functions[one.asname or one.name] = FUNCTIONS[one.name]
                elif f"{node.module}.{one.name}" == MODULE.name:
                    modules.add(one.asname or one.name)
    return functions, modules


def _dotted(node: ast.expr) -> str:
    """The name that attributes of a name make, empty where there is something else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


# -- events --------------------------------------------------------------------------------------------------


def _fields(nodes: list[ast.AST], lines: _Lines) -> Iterator[Found]:
    """Where an old field of an event is read."""
    monitors = set(_monitors(nodes))
    callbacks = set(_callbacks(nodes, monitors))
    seen: set[Found] = set()
    for scope in nodes:
        names = {*_declared(scope), *_given(scope, callbacks), *_received(scope, monitors)}
        if not names:
            continue
        for node in ast.walk(scope):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                row = EVENT_FIELDS.get(node.attr)
                if row is not None and (found := Found(row, lines.attribute(node))) not in seen:
                    seen.add(found)
                    yield found


def _declared(scope: ast.AST) -> Iterator[str]:
    """The parameters of a function, and the variables of a function or a file, that are annotated as events."""
    if isinstance(scope, _Function):
        parameters = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
        yield from (one.arg for one in parameters if _names(one.annotation, {_EVENT}))
    if isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
        for node in scope.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield from [node.target.id] if _names(node.annotation, {_EVENT}) else []


def _given(scope: ast.AST, callbacks: set[str | ast.Lambda]) -> Iterator[str]:
    """The first parameter of a callback."""
    if isinstance(scope, _Function):
        parameters = [one.arg for one in [*scope.args.posonlyargs, *scope.args.args] if one.arg != "self"]
        if (scope if isinstance(scope, ast.Lambda) else scope.name) in callbacks:
            yield from parameters[:1]


def _received(scope: ast.AST, monitors: set[str]) -> Iterator[str]:
    """The name of a loop over a monitor."""
    if isinstance(scope, ast.AsyncFor) and isinstance(scope.target, ast.Name) and _is_monitor(scope.iter, monitors):
        yield scope.target.id


def _callbacks(nodes: list[ast.AST], monitors: set[str]) -> Iterator[str | ast.Lambda]:
    """What is given to a function that sets the callback of a monitor: a function by its name, or a lambda."""
    for node in nodes:
        if isinstance(node, ast.Call) and _sets_callback(node.func, monitors):
            for one in [*node.args, *(keyword.value for keyword in node.keywords)]:
                if isinstance(one, ast.Lambda):
                    yield one
                elif name := _dotted(one):
                    yield name.rpartition(".")[2]


def _sets_callback(function: ast.expr, monitors: set[str]) -> bool:
    name = _dotted(function).rpartition(".")[2]
    if isinstance(function, ast.Attribute) and function.attr == _SET:
        return _is_monitor(function.value, monitors)
    return name.startswith("nlmon_") and name.endswith(_SET)


def _monitors(nodes: list[ast.AST]) -> Iterator[str]:
    """The names that are given a monitor, or are annotated as one."""
    for node in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            if _is_monitor(node.value, set()):
                yield from map(_dotted, node.targets if isinstance(node, ast.Assign) else [node.target])
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield from [_dotted(node.optional_vars)] if _is_monitor(node.context_expr, set()) else []
        elif isinstance(node, ast.arg) and _names(node.annotation, _MONITORS):
            yield node.arg


def _is_monitor(node: ast.expr, monitors: set[str]) -> bool:
    """Whether an expression is a monitor: a name of one, or a call that makes one."""
    if isinstance(node, ast.Call):
        return _dotted(node.func).rpartition(".")[2] in _MAKERS
    return bool(name := _dotted(node)) and name in monitors


def _names(annotation: ast.expr | None, classes: set[str]) -> bool:
    """Whether an annotation names one of some classes, alone or among others."""
    for one in ast.walk(annotation) if annotation is not None else ():
        text = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            text = one.value
        if not classes.isdisjoint(re.findall(r"\w+", text)):
            return True
    return False
