"""Requests of ``ip xfrm`` against the commands that sent them, refused ones too.

Not here: comparing (``table``), and lifetimes, replay windows and output marks, which we do not provide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from peers.recording import Recording
from peers.table import Case, Witness
from peers.xfrm import (
    CAPTURE,
    DELPOLICY,
    DELSA,
    DERIVED,
    ENCAPSULATIONS,
    MODES,
    NEWPOLICY,
    NEWSA,
    PROTOCOLS,
    STATE_FLAGS,
    UPDPOLICY,
    UPDSA,
    XFRM,
    Fields,
    after,
    family_of,
    number,
    policy,
)

__all__ = ["CASES"]

COMMAND = r"ip xfrm (state|policy) (add|update|delete) (.*)"
VERBS = ("add", "update", "delete")
ASKED = {"state": (NEWSA, UPDSA, DELSA), "policy": (NEWPOLICY, UPDPOLICY, DELPOLICY)}


def asked_state(words: str) -> Fields:
    """What a command says of the state it adds, updates or deletes."""
    proto, mark = after("proto", words) or "", re.search(r" mark (\S+) mask (\S+)", words)
    found: Fields = {
        "daddr": after("dst", words),
        "family": family_of(after("dst", words) or ""),
        "proto": PROTOCOLS[proto],
        "spi": number(after("spi", words)),
    }
    if "mode" not in words:
        return found
    for ours, theirs in {"auth": "auth(?:-trunc)?", "crypt": "enc", "aead": "aead", "comp": "comp"}.items():
        said = re.search(rf" {theirs} (\S+)(?: 0x(\w+))?(?: (\d+))?(?= |$)", words.replace(f"proto {proto}", ""))
        if said is None:
            found[ours] = None
            continue
        length = {"auth": "trunc_len", "aead": "icv_len"}.get(ours)
        found |= {f"{ours}.name": said[1], f"{ours}.key_len": len(said[2] or "") * 4}
        found |= {f"{ours}.{length}": int(said[3]) if said[3] else None} if length else {}
    encap = re.search(r" encap (\S+) (\d+) (\d+)", words)
    return {
        **found,
        "saddr": after("src", words),
        "mode": MODES[after("mode", words) or ""],
        "reqid": number(after("reqid", words, "0")),
        "flags": STATE_FLAGS.get(after("flag", words) or "", 0),
        "encap": (ENCAPSULATIONS[encap[1]], int(encap[2]), int(encap[3])) if encap else None,
        "mark": (int(mark[1], 0), int(mark[2], 0)) if mark else None,
        "if_id": number(after("if_id", words)),
    }


def asked_policy(words: str, index: dict[str, int]) -> Fields:
    """What a command says of the policy it adds, updates or deletes, by way of the form in which ip prints one."""
    rest, _, template = words.partition(" tmpl ")
    head, _, line = rest.partition(" dir ")
    line = re.sub(r" mark (\S+) mask (\S+)", r"\nmark \1/\2", f"dir {line}").replace(" if_id", "\nif_id")
    first, *others = line.split("\n")
    text = "\n".join([head, f"{first} ptype main", *others])
    if template:
        addresses = template if template.startswith("src") else f"src 0.0.0.0 dst 0.0.0.0 {template}"
        text += "\ntmpl " + addresses.replace(" proto", "\nproto", 1)
    found = policy(text, index)
    for unsaid in ("type", "share"):
        found.pop(unsaid, None)
    if "priority" not in words:
        found["priority"] = 0
    return found


def asked(source: Recording) -> Iterator[Witness]:
    """The commands that add, update and delete against the requests that they sent, refused ones too."""
    index = source.devices()
    for row in source.log:
        said = re.fullmatch(COMMAND, row.get("cmd", "").replace('"', ""))
        if said is None:
            continue
        kind, verb, words = said.groups()
        (request,) = [
            one for one in source.asked_during(row, XFRM) if one.header.type == ASKED[kind][VERBS.index(verb)]
        ]
        fields = asked_state(words) if kind == "state" else asked_policy(words, index)
        if verb == "delete" and kind == "policy":
            fields = {name: value for name, value in fields.items() if name == "dir" or name.startswith("selector.")}
        yield Witness(request.key, {"event.msg_type": ASKED[kind][VERBS.index(verb)], **fields})


SILENT = {"auth", "crypt", "aead", "comp", "comp.key_len", "templates", "selector.ifindex", "selector.user"}
CASES = (Case("xfrm", "ip xfrm commands", CAPTURE, ("libnl",), 42, asked, silent=SILENT, derived=DERIVED),)
