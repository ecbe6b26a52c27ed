"""The contract file, its schema, and the errors of a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.compare import contract as module
from nlmon.compare import datafile
from nlmon.compare.contract import COMPILED, KIND_TYPES, Contract, compiled_bytes, load_contract
from nlmon.compare.evidence.locate import locate
from nlmon.compare.evidence.offsets import ATTRIBUTES, XFRM_FIELDS
from nlmon.errors import ContractError

CONTRACT = Path(load_contract.__wrapped__.__code__.co_filename).parent / "contract.yaml"


def test_the_contract_names_every_field_of_every_event() -> None:
    """A field that is not in the contract would be judged by nobody."""
    contract = load_contract()

    listed = {name: [field.name for field in kind.fields] for name, kind in contract.kinds.items()}
    assert listed == {name: list(kind.__struct_fields__) for name, kind in KIND_TYPES.items()}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("version: 4", "version: 3", "NLM-K002"),
        ("{path: IFLA_MTU, as: u32}", "{by: both, path: IFLA_MTU, as: u32}", "NLM-K002"),
        ("path: IFLA_MTU", "path: ifla mtu", "NLM-K002"),
        ("    mtu: ", "    mtus: ", "NLM-K004"),
        ("version: 4", "version: [", "NLM-K001"),
    ],
)
def test_a_wrong_contract_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Each mistake has its code, and the message names the file."""
    wrong = tmp_path / "contract.yaml"
    wrong.write_text(CONTRACT.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContractError) as caught:
        load_contract(wrong)

    assert (caught.value.code, caught.value.where) == (code, str(wrong))


def test_the_compiled_contract_is_the_contract() -> None:
    """What stands for the YAML is what the YAML says, checked by its schema; ``tools/contract.py`` writes it."""
    assert COMPILED.read_bytes() == compiled_bytes()


def rows(contract: Contract) -> object:
    """All that a contract says; the functions that read fields are left out."""
    kinds = {name: kind.fields for name, kind in contract.kinds.items()}
    return (contract.version, contract.events, kinds, contract.identity)


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("COMPILED", None),
        ("COMPILED", b"{"),
        ("COMPILED", b'{"source": "", "schema": "", "data": {}}'),
        ("SCHEMA", b'{"type": "object"}'),
    ],
)
def test_a_compiled_contract_of_other_files_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, content: bytes | None
) -> None:
    """Without the compiled form, or when it is none or that of another schema, the contract itself is read."""
    whole = rows(load_contract())
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(module, what, path)
    checked: list[bytes] = []
    check = datafile.checked_data
    monkeypatch.setattr(datafile, "checked_data", lambda text, *rest: checked.append(text) or check(text, *rest))

    assert rows(load_contract.__wrapped__()) == whole
    assert checked == [CONTRACT.read_bytes()]


@pytest.mark.slow
def test_the_contract_in_force_needs_no_parser(tmp_path: Path) -> None:
    """The libraries for YAML and schemas are imported for a contract of other bytes alone."""
    other = tmp_path / "other.yaml"
    other.write_bytes(CONTRACT.read_bytes() + b"# mine\n")
    code = (
        "import sys\nfrom pathlib import Path\nfrom nlmon.compare.contract import load_contract\n"
        "for path in (None, Path(sys.argv[1])):\n"
        "    load_contract(path)\n"
        "    print(sorted({'jsonschema', 'ruamel'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(other)], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "['jsonschema', 'ruamel']"]


# Bytes of the fixed header before the attributes, by the first word of their names.
HEADER = {
    "IFLA": 16,
    "IFA": 8,
    "RTA": 12,
    "NDA": 12,
    "FRA": 12,
    "NL80211": 4,
    "INET": 72,
    "UNIX": 16,
    "CTA": 4,
    "XFRMA": 224,
    "TCA": 20,
    "NHA": 8,
    "NETNSA": 4,
    "PREFIX": 12,
    "MDBA": 8,
    "NETCONFA": 4,
    "IFLA_STATS": 12,
}
PATHS = sorted(
    {
        ("RTA_MULTIPATH/" if kind.name == "hop" else "") + path
        for kind in load_contract().kinds.values()
        for field in kind.fields
        for path in field.paths
        if kind.name != "overrun"  # stands where messages are missing, and so has no bytes
    }
)


def located(path: str) -> bool:
    """Whether the place of a value is found in a message that carries it."""
    # Of IPsec the message that has the field: an expiry of a state or of a policy, a flush, an acquire.
    name = path.strip("()").removeprefix("xfrm_")
    kinds = [number for number in (16, 28, 24, 27, 23) if name in XFRM_FIELDS.get(number, {})]
    kind = (kinds[0] if kinds else 28 if "flush" in path else 16).to_bytes(2, "little")
    if path.startswith("("):
        family = 1 if "udiag" in path else 2
        data = (320).to_bytes(4, "little") + kind + bytes(10) + bytes([family]) + bytes(303)

        return locate(data, 0, path, "little").data != b""
    payload = b"\x01\x02\x03\x04"
    for name in reversed(path.split("/")[:1] if "RTA_MULTIPATH" in path else path.split("/")):
        payload = (len(payload) + 4).to_bytes(2, "little") + ATTRIBUTES[name].to_bytes(2, "little") + payload
    at = 16 + HEADER["IFLA_STATS" if "STATS_LINK" in path else path.partition("_")[0]]
    data = (at + len(payload)).to_bytes(4, "little") + kind + bytes(at - 6) + payload
    return locate(data, 0, path, "little").data[-4:] == b"\x01\x02\x03\x04"


def test_every_path_of_the_contract_can_be_located() -> None:
    """Evidence has a place: a message that carries the attribute shows where."""
    assert [path for path in PATHS if not located(path)] == []
    assert len(PATHS) > 300
