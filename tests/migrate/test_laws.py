"""Laws that hold of every configuration that is rewritten."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nlmon.compare.contract import load_contract
from nlmon.config import Config, interpret
from nlmon.config.model import Netlink
from nlmon.migrate import rewrite
from nlmon.migrate.model import Implementation
from support.examples import examples

CONTRACT = load_contract()
FILTERS = [
    "protocol == NETLINK_ROUTE",
    "'netlink.msg_type == RTM_NEWLINK'",
    '"type == RTM_NEWLINK && netlink.link.mtu > 1400"',
    ">-\n{indent}    msg_type IN [16, 17]\n{indent}    AND netlink.protocol == 0",
]
COMMENT = st.sampled_from(["", "", "", "# a note\n", "\n", "      # far in: [\n"])
TAIL = st.sampled_from(["", "", "  # why"])
OPTIONS = {
    "caching": [
        "\n{indent}  enabled: true{tail}\n{comment}{indent}  link_cache: on",
        " {{enabled: yes, addr_cache: no}}",
        "",
    ],
    "generic_families": [
        "\n{indent}  - nl80211{tail}\n{comment}{indent}  - taskstats",
        "\n{indent}- nl80211",
        " [a, b]",
    ],
    "multicast_groups": [" [link, neigh]", "\n{indent}  - 'link'"],
    "limits": ["\n{indent}  max_message_size: 16KB{tail}", " {{message_pool_size: 2048}}"],
    "debug": [" {{}}", "\n{comment}{indent}  dump_messages: true"],
    "protocols": ["\n{indent}  route: true{tail}\n{indent}  generic: yes", " {{route: false, netfilter: true}}"],
    "buffer_size": [" {{receive: 64KB}}"],
}
ORDER = st.permutations([*OPTIONS, "use_libnl"])


@st.composite
def sections(draw: st.DrawFn, indent: str) -> str:
    """A section netlink, in brackets or not."""
    lines = []
    for name in draw(ORDER)[: draw(st.integers(0, 5))]:
        comment, tail = draw(COMMENT), draw(TAIL)
        if name == "use_libnl":
            value = " " + draw(st.sampled_from(["true", "false", "on", "'no'", "${FLAG:-true}", '"${FLAG:-false}"']))
        else:
            value = draw(st.sampled_from(OPTIONS[name])).format(indent=indent + "  ", comment=draw(COMMENT), tail=tail)
            tail = ""
        lines.append(f"{comment}{indent}  {name}:{value}{tail}\n")
    return (
        f"{indent}netlink:{draw(TAIL)}\n{''.join(lines)}"
        if lines
        else draw(st.sampled_from(["", f"{indent}netlink:\n"]))
    )


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A configuration: at the top of the file or under nlmon, with comments, filters and line ends of some kind."""
    indent = draw(st.sampled_from(["", "  "]))
    parts = [draw(sections(indent)), f"{indent}core:\n{indent}  max_events: 500{draw(TAIL)}\n"]
    if draw(st.booleans()):
        expression = draw(st.sampled_from(FILTERS)).format(indent=indent)
        parts.append(
            f"{indent}filters:\n{draw(COMMENT)}{indent}- name: a\n"
            f"{indent}  expression: {expression}\n{indent}  action: log\n"
        )
    if draw(st.booleans()):
        parts.append(f'{indent}alerts:\n{indent}- {{name: a, condition: "rate(RTM_NEWNEIGH) > 100"}}\n')
    text = "".join(draw(COMMENT) + part for part in draw(st.permutations(parts)))
    text = draw(COMMENT) + ("nlmon:\n" if indent else "") + text
    text = text if draw(st.booleans()) else text.rstrip("\n")
    return draw(st.sampled_from(["", "\ufeff"])) + draw(st.sampled_from([text, text.replace("\n", "\r\n")]))


def rewritten(data: bytes, to: Implementation) -> bytes:
    """What would be written."""
    found = rewrite(data, "a.yaml", to, environ={}, provided=lambda _: True, contract=CONTRACT)
    assert found.data is not None, [one.code for one in (*found.problems, *found.findings)]
    return found.data


def meaning(data: bytes) -> Config:
    """What a text says to legacy: names of fields in one spelling, and what it ignores left out."""
    config = interpret([("a.yaml", data)], {}).config
    assert config is not None
    netlink = Netlink(False, config.netlink.protocols, config.netlink.buffer_size)
    rules = tuple(replace(one, expression=spelled(one.expression)) for one in config.filters)
    return replace(config, netlink=netlink, filters=rules)


def spelled(expression: str) -> str:
    """A filter with the paths of its fields."""
    from nlmon.filters.parse import parse  # noqa: PLC0415  (of two tests alone)
    from nlmon.filters.tree import text_of  # noqa: PLC0415

    return text_of(parse(expression).tree)


def comments(data: bytes) -> list[str]:
    """The lines that are comments."""
    return re.findall(r"^[ \t]*#.*?(?=\r?$)", data.decode("utf-8-sig"), re.MULTILINE)


@examples(30)
@given(texts())
def test_there_and_back_keeps_the_meaning(text: str) -> None:
    """Migrated and rolled back, legacy has the configuration that it had; as it has when rolled back alone."""
    data = text.encode()
    back = rewritten(rewritten(data, "libnl"), "legacy")

    assert meaning(back) == meaning(data) == meaning(rewritten(data, "legacy"))


@examples(30)
@given(texts(), st.sampled_from(["libnl", "legacy"]))
def test_twice_is_once(text: str, to: Implementation) -> None:
    """What was rewritten needs nothing more, and has the implementation that was asked for."""
    once = rewritten(text.encode(), to)
    config = interpret([("a.yaml", once)], {}).config

    assert config is not None
    assert (rewritten(once, to), config.netlink.use_libnl) == (once, to == "libnl")


@examples(30)
@given(texts(), st.sampled_from(["libnl", "legacy"]))
def test_comments_stay(text: str, to: Implementation) -> None:
    """Every line that is a comment, in its order, with its indent; and so do line ends and the byte order mark."""
    data = text.encode()
    after = rewritten(data, to)

    assert comments(after) == comments(data)
    assert after.startswith(b"\xef\xbb\xbf") == data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data or b"\n" not in after.replace(b"\r\n", b"")
