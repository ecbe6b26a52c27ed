"""Writes docs/reference/codes, a page for each group of codes and words, and the glossary of ARCHITECTURE.md.

    python tools/codes.py [--check]

They are made from the texts that ``nlmon explain`` prints.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

from generated import run

from nlmon.explain import GROUPS, INDEX, Explanation, Group, in_group

REPOSITORY = Path(__file__).parent.parent
ARCHITECTURE = REPOSITORY / "ARCHITECTURE.md"
FOLDER = posixpath.dirname(INDEX)
HEAD = """# Codes and words

What each code and each word of nlmon means, by group. `nlmon explain NLM-C001` prints the same, and these pages are
written by `tools/codes.py` from the same texts.

| codes | group | entries |
|---|---|---|
"""
GLOSSARY = """## Glossary

`nlmon explain WORD` says it, too; the table is written by `tools/codes.py` from `nlmon/explain/glossary.toml`.

| word | meaning |
|---|---|
"""


def files() -> dict[Path, bytes]:
    """Every page, their index, and the architecture with its glossary."""
    texts = {f"{FOLDER}/{group.name}.md": page(group) for group in GROUPS}
    text = ARCHITECTURE.read_text(encoding="utf-8").partition("## Glossary\n")[0]
    texts |= {INDEX: index(), ARCHITECTURE.name: text + GLOSSARY + table("glossary")}
    return {REPOSITORY / path: text.encode() for path, text in texts.items()}


def table(group: str) -> str:
    """A row for each entry of a group."""
    return "".join(f"| {one.name} | {one.title} |\n" for one in in_group(group))


def index() -> str:
    """The page that leads to the others: the groups, then every code with its title."""
    rows, lists = [], []
    for group in GROUPS:
        entries = in_group(group.name)
        names = sorted(one.name for one in entries)
        codes = f"{names[0]} … {names[-1]}" if group.prefix else ""
        rows.append(f"| {codes} | [{group.title}]({group.name}.md) | {len(entries)} |\n")
        listed = "".join(f"| [{one.name}]({linked(one.page)}) | {one.title} |\n" for one in entries)
        lists.append(f"\n## {group.title}\n\n| | |\n|---|---|\n{listed}")
    return HEAD + "".join(rows) + "".join(lists)


def page(group: Group) -> str:
    """All entries of a group."""
    about = f" ({group.prefix})" if group.prefix else ""
    entries = "".join(entry(one) for one in in_group(group.name))
    return f"# {group.title}{about}\n\n[All codes and words](README.md)\n{entries}"


def entry(one: Explanation) -> str:
    """A section, whose anchor is the name."""
    parts = [f"## {one.name}", f"**{one.title}**"]
    if one.also:
        parts.append("Also: " + ", ".join(one.also) + ".")
    if one.where:
        parts.append(f"From: {one.where}")
    if one.example:
        parts.append("```text\n" + one.example.strip("\n") + "\n```")
    if one.why:
        parts.append(f"Why it matters: {one.why}")
    if one.do:
        parts.append(f"What to do: {one.do}")
    if one.see:
        parts.append("See " + ", ".join(f"[{path}]({linked(path)})" for path in one.see) + ".")
    return "\n" + "\n\n".join(parts) + "\n"


def linked(path: str) -> str:
    """A path of the repository as a link from one of the pages."""
    return posixpath.relpath(path, FOLDER)


if __name__ == "__main__":
    run(files)
