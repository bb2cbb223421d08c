"""The tree of terminals is whole, and a broken file is named fault by fault."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from knowledge.checks import DATA
from knowledge.terminals import read_terminals, shared_names


def test_province_cities_and_counties_are_all_there() -> None:
    terminals, faults = read_terminals(DATA / "terminals.yaml")
    assert faults == []
    assert Counter(t.level for t in terminals) == {"province": 1, "city": 16, "county": 136}
    by_code = {t.code: t for t in terminals}
    assert all(by_code[t.parent].level == "city" for t in terminals if t.level == "county")
    assert by_code["370883"].name == "邹城市"
    assert by_code[by_code["370883"].parent].name == "济宁市"
    assert "胶南" in by_code["370211"].names


def test_nothing_is_invented_for_the_deployer() -> None:
    terminals, _ = read_terminals(DATA / "terminals.yaml")
    assert not any(t.phone or t.hours or t.duty for t in terminals)


def test_a_name_used_twice_is_marked_shared() -> None:
    terminals, _ = read_terminals(DATA / "terminals.yaml")
    shared = shared_names(terminals)
    assert {t.code for t in shared["市中区"]} == {"370103", "370402", "370811"}
    assert len(shared["高新区"]) > 2
    assert "历下区" not in shared


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("code: '37'\nname: 山东省", "six digits"),
        ("code: '370000'", "no name"),
        ("code: '370000'\nname: 山东省\ntelephone: 1", "unknown keys telephone"),
        ("code: '370000'\nname: 山东省\ncities:\n- {code: '380100', name: 甲市}", "beginning with 37"),
        ("code: '370000'\nname: 山东省\ncities:\n- {code: '370100', name: 甲市}\n- {code: '370100', name: 乙市}", "used twice"),
        ("code: '371000'\nname: 甲\ncities: [3]", "must be a mapping"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text, encoding="utf-8")
    assert any(reason in fault.reason for fault in read_terminals(path)[1])
