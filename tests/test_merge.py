"""Merging twins: nothing asked is lost, nothing points to what is gone, old ids still find an answer."""

import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.encoder import SentenceEncoder
from bot.index import build, load
from knowledge.bank import find_files, read_bank
from knowledge.merge import MergeError, main, merge, relabel
from knowledge.records import Entry

BANK = Path("knowledge/data/bank")
SMALL = """topic: 工资
entries:
- id: pay-1
  kind: consult
  question: 支付令是什么
  similar:
  - 支付令咋申请
  - '123: 支付令'
  contrasted:
  - 支付令要交钱不
  unlike:
  - 欠薪能不能申请支付令
  - 起诉怎么申请
  short: 能。
  answer: |-
    可以申请。

    第二段。
  related: [pay-2, pay-3]
  tags: [支付令]

- id: pay-2
  kind: consult
  question: 欠薪能不能申请支付令
  contrasted:
  - 支付令要交钱不
  - 老板欠薪，法院能直接下令不
  short: 能。
  answer: 能。
  related:
  - pay-1
  - pay-3
  tags: [支付令]

- id: pay-3
  kind: complaint
  question: 我要投诉欠薪
  short: 可以。
  answer: 可以。
  related: [pay-1, pay-2]
"""


def read(folder: Path) -> dict[str, Entry]:
    entries, faults = read_bank([folder])
    assert faults == []
    return {entry.id: entry for entry in entries}


def test_twins_by_hand(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(merge({"bank.yaml": SMALL}, "pay-1", ["pay-2"])["bank.yaml"], encoding="utf-8")
    found = read(tmp_path)
    assert list(found) == ["pay-1", "pay-3"]
    kept = found["pay-1"]
    assert kept.wordings == (
        "支付令是什么",
        "支付令咋申请",
        "123: 支付令",
        "欠薪能不能申请支付令",
        "支付令要交钱不",
        "老板欠薪，法院能直接下令不",
    )
    assert kept.contrasted == ("支付令要交钱不", "老板欠薪，法院能直接下令不")
    assert kept.unlike == ("起诉怎么申请",)
    assert kept.answer == "可以申请。\n\n第二段。"
    assert (kept.related, kept.formerly) == (("pay-3",), ("pay-2",))
    assert found["pay-3"].related == ("pay-1",)


@pytest.mark.parametrize(("gone", "why"), [("pay-9", "no entry"), ("pay-1", "itself"), ("pay-3", "kinds")])
def test_what_cannot_be_merged_is_refused(gone: str, why: str) -> None:
    with pytest.raises(MergeError, match=why):
        merge({"bank.yaml": SMALL}, "pay-1", [gone])


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_two_entries_of_our_bank_merge_without_loss(data: st.DataObject) -> None:
    texts = {str(file): file.read_text(encoding="utf-8") for file in find_files([BANK])[0]}
    before = {entry.id: entry for entry in read_bank([BANK])[0]}
    kept = data.draw(st.sampled_from(sorted(before)))
    gone = data.draw(st.sampled_from(sorted(id_ for id_, entry in before.items() if entry.kind == before[kept].kind and id_ != kept)))
    changed = {name: text for name, text in merge(texts, kept, [gone]).items() if text != texts[name]}
    after = dict(before)
    for name in changed:
        for id_ in [id_ for id_, entry in before.items() if f"- id: {id_}\n" in texts[name] and entry]:
            after.pop(id_, None)
    for entry in _parsed(changed):
        after[entry.id] = entry
    assert set(after) == set(before) - {gone}
    assert set(after[kept].wordings) == {*before[kept].wordings, *before[gone].wordings}
    assert gone in after[kept].formerly
    assert all(gone not in entry.related and len(set(entry.related)) == len(entry.related) for entry in after.values())
    for id_, entry in after.items():
        if id_ != kept:
            old = before[id_]
            assert (entry.wordings, entry.unlike, entry.answer, entry.basis) == (old.wordings, old.unlike, old.answer, old.basis)


def _parsed(texts: dict[str, str]) -> list[Entry]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / Path(name).name).write_text(text, encoding="utf-8")
        entries, faults = read_bank([Path(folder)])
    assert [fault for fault in faults if "related: no entry" not in fault.reason] == []  # the other files are not there
    return entries


def test_labels_follow_and_what_is_no_question_any_more_goes() -> None:
    rows = [
        {"query": "甲", "entries": ["pay-2", "pay-1"], "tags": ["not:pay-7"]},
        {"query": "乙", "entries": ["pay-1"], "tags": ["contrast", "not:pay-2"]},
        {"id": "pay-2", "query": "丙", "not": "pay-5"},
        {"id": "r1", "entries": ["pay-1"], "wrong": ["pay-2", "pay-6"]},
        {"query": "丁", "entries": ["pay-6"], "tags": ["not:pay-2"]},
    ]
    text = relabel("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "pay-1", ["pay-2"])
    assert [json.loads(line) for line in text.splitlines()] == [
        {"query": "甲", "entries": ["pay-1"], "tags": ["not:pay-7"]},
        {"id": "pay-1", "query": "丙", "not": "pay-5"},
        {"id": "r1", "entries": ["pay-1"], "wrong": ["pay-6"]},
        {"query": "丁", "entries": ["pay-6"], "tags": ["not:pay-1"]},
    ]


def test_an_old_id_finds_the_answer(tmp_path: Path, encoder: SentenceEncoder, capsys: pytest.CaptureFixture[str]) -> None:
    bank, labels = tmp_path / "bank", tmp_path / "labels.jsonl"
    bank.mkdir()
    (bank / "bank.yaml").write_text(SMALL, encoding="utf-8")
    labels.write_text('{"query": "甲", "entries": ["pay-2"]}\n', encoding="utf-8")
    assert main(["pay-1", "pay-2", "--bank", str(bank), "--labels", str(labels)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(bank / "bank.yaml"), str(labels)]
    assert json.loads(labels.read_text(encoding="utf-8"))["entries"] == ["pay-1"]
    build(list(read(bank).values()), [], encoder, tmp_path / "index", {})
    index = load(tmp_path / "index", encoder)
    old = index.entry("pay-2")
    assert old is not None
    assert old.id == "pay-1"
    assert main(["pay-1", "pay-2", "--bank", str(bank)]) == 1
    assert "no entry 'pay-2'" in capsys.readouterr().err


def test_a_former_id_must_not_be_in_use(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(SMALL.replace("  tags: [支付令]\n", "  formerly: [pay-3, pay-0]\n"), encoding="utf-8")
    _, faults = read_bank([tmp_path])
    assert Counter(fault.reason for fault in faults) == {"formerly: 'pay-3' is in use": 2, "formerly: 'pay-0' is in use": 1}
