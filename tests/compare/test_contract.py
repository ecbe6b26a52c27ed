"""The contract file, its schema, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.compare.contract import KIND_TYPES, load_contract
from nlmon.compare.locate import _ATTRIBUTES, locate
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
        ("version: 1", "version: 2", "NLM-K002"),
        ("by: both, path: IFLA_MTU", "by: nobody, path: IFLA_MTU", "NLM-K002"),
        ("path: IFLA_MTU", "path: ifla mtu", "NLM-K002"),
        ("    mtu: ", "    mtus: ", "NLM-K004"),
        ("version: 1", "version: [", "NLM-K001"),
    ],
)
def test_a_wrong_contract_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Each mistake has its code, and the message names the file."""
    wrong = tmp_path / "contract.yaml"
    wrong.write_text(CONTRACT.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ContractError) as caught:
        load_contract(wrong)

    assert (caught.value.code, caught.value.where) == (code, str(wrong))


def test_legacy_owes_no_addresses_of_other_families() -> None:
    """The contract limits dst, src and gateway of legacy to IP."""
    dst = next(field for field in load_contract().kinds["route"].fields if field.name == "dst")

    assert [dst.provided("legacy", family) for family in (2, 10, 28)] == [True, True, False]
    assert dst.provided("libnl", 28)


def test_every_path_of_the_contract_can_be_located() -> None:
    """Evidence has a place: a message that carries the attribute shows where."""
    header = {"IFLA": 16, "IFA": 8, "RTA": 12, "NDA": 12, "FRA": 12}
    missing = []
    for kind in load_contract().kinds.values():
        for field in kind.fields:
            if kind.name == "hop":
                continue
            if field.path.startswith("("):
                data = (64).to_bytes(4, "little") + bytes(60)
                if locate(data, 0, field.path, "little").offset < 0:
                    missing.append(field.path)
                continue
            payload = b"\x01\x02\x03\x04"
            for name in reversed(field.path.split("/")):
                number = _ATTRIBUTES[name]
                payload = (len(payload) + 4).to_bytes(2, "little") + number.to_bytes(2, "little") + payload
            at = 16 + header[field.path.partition("_")[0]]
            data = (at + len(payload)).to_bytes(4, "little") + bytes(at - 4) + payload
            spot = locate(data, 0, field.path, "little")
            if spot.data[-4:] != b"\x01\x02\x03\x04":
                missing.append(field.path)
    assert missing == []
