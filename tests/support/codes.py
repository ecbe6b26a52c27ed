"""Where codes are given in the sources of nlmon, and the texts that they are given with.

Not here: what the codes mean (``nlmon.explain``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import nlmon

__all__ = ["given", "texts", "transcript"]

ROOT = Path(nlmon.__file__).parent
CODE = re.compile(r"NLM-[A-Z][0-9]{3}|NLD[0-9]{3}")


@cache
def sources() -> dict[str, str]:
    """Every module of nlmon, by its path, without the room of the explanations."""
    own = ROOT / "explain"
    found = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.py") if own not in path.parents}
    return {name: path.read_text(encoding="utf-8") for name, path in sorted(found.items())}


def given() -> set[str]:
    """Every code that is written anywhere in the sources."""
    return {code for text in sources().values() for code in CODE.findall(text)}


@cache
def texts() -> dict[str, list[re.Pattern[str]]]:
    """By code the forms of the sentences that it is given with. A value that is put in is of any form, and so is a
    sentence that is made elsewhere."""
    found: dict[str, list[re.Pattern[str]]] = {}
    for text in sources().values():
        for function in _giving(text):
            names = dict(_assigned(function))
            for code, sentence in _sentences(function, names):
                found.setdefault(code, []).append(re.compile(sentence))
    return found


def _giving(text: str) -> list[ast.AST]:
    """A module in which there is a code, and each function of it with one in its lines."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if CODE.search(line)]
    if not lines:
        return []
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [tree, *(one for one in functions if any(one.lineno <= line <= (one.end_lineno or 0) for line in lines))]


def _sentences(function: ast.AST, names: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            arguments = [one for given in node.args for one in _unpacked(given)]
            for code, what in pairwise([*arguments, None]):
                if isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value)):
                    yield from ((code.value, form) for form in _forms(what, names))
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            form = _form(node)
            for code in CODE.findall(form.replace("\\", "")):
                if f"[{code}]" in form.replace("\\", ""):
                    yield code, form


def _unpacked(node: ast.expr) -> list[ast.expr]:
    inner = node.value if isinstance(node, ast.Starred) else node
    return list(inner.elts) if isinstance(node, ast.Starred) and isinstance(inner, ast.Tuple) else [inner]


def _forms(node: ast.expr | None, names: dict[str, list[str]]) -> list[str]:
    if isinstance(node, ast.Name):
        return names.get(node.id, [".*"])
    return [".*" if node is None else _form(node)]


def _form(node: ast.expr) -> str:
    """A pattern for what an expression may give."""
    match node:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=values):
            return "".join(map(_form, values))
        case ast.IfExp(body=body, orelse=orelse):
            return f"(?:{_form(body)}|{_form(orelse)})"
        case _:
            return ".*"


def _assigned(function: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """What names stand for, whichever of their assignments it was."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(_form(value))
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, its in zip(target.elts, value.elts, strict=True):
                if isinstance(one, ast.Name):
                    found.setdefault(one.id, []).append(_form(its))
    yield from found.items()


def transcript(example: str) -> re.Pattern[str]:
    """A pattern for the output of an example: a line ``…`` stands for any lines, and ``…`` in a line for anything."""
    lines = []
    for line in example.strip("\n").splitlines():
        text = line.rstrip()
        lines.append(r"(?:.*\n)*?" if text == "…" else ".*".join(map(re.escape, text.split("…"))) + r"[ \t]*\n")
    return re.compile("".join(lines))
