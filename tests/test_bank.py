"""Banks in every accepted form, and every bad row named."""

import json
from pathlib import Path

import pytest
import xlsxwriter

import index_build
from knowledge.bank import read_bank
from knowledge.records import Citation, Entry

WANTED = Entry(
    "1001",
    "单位拖欠工资怎么办",
    topic="工资",
    similar=("老板不发工资咋整", "欠薪"),
    answer="拖欠工资违法。",
    basis=(Citation("劳动合同法", "第三十条"), Citation("劳动合同法", "第八十五条")),
)
HEADER = ["编号", "问题", "相似问", "答案", "依据", "类别"]
CELLS = ["1001", "单位拖欠工资怎么办", "老板不发工资咋整|欠薪", "拖欠工资违法。", "《劳动合同法》第30条、第八十五条", "工资"]


def test_csv_in_utf8_and_gbk(tmp_path: Path) -> None:
    text = ",".join(HEADER) + "\n" + ",".join(CELLS) + "\n"
    for encoding in ("utf-8-sig", "utf-8", "gb18030"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        assert read_bank([path]) == ([WANTED], [])


def test_xlsx_with_numbers_and_line_breaks(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "bank.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, [1001, CELLS[1], "老板不发工资咋整\n欠薪", *CELLS[3:]])
    book.close()
    assert read_bank([tmp_path / "bank.xlsx"]) == ([WANTED], [])


def test_jsonl_with_lists(tmp_path: Path) -> None:
    row = {
        "id": 1001,
        "question": CELLS[1],
        "similar": ["老板不发工资咋整", "欠薪"],
        "answer": CELLS[3],
        "basis": ["劳动合同法第三十条", "第八十五条"],
        "topic": "工资",
    }
    path = tmp_path / "bank.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_bank([path]) == ([WANTED], [])


def test_contrasted_wordings_ask_the_same_and_stand_last(tmp_path: Path) -> None:
    row = {"id": "c-1", "question": "拖欠工资怎么办", "similar": ["老板不发工资"], "contrasted": ["包工头欠的是我的工钱"]}
    path = tmp_path / "bank.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    (entry,), faults = read_bank([path])
    assert faults == []
    assert entry.wordings == ("拖欠工资怎么办", "老板不发工资", "包工头欠的是我的工钱")
    assert entry.contrasted == ("包工头欠的是我的工钱",)


BAD_ROWS: dict[str, object] = {
    "no JSON": "{",
    "wanted a JSON object": ["id"],
    "id: missing": {"id": "", "question": "一个问题"},
    "question: missing": {"id": "b1", "question": " "},
    "letters, digits": {"id": "有 空格", "question": "第二个问题"},
    "is also in": {"id": "good", "question": "编号重复的问题"},
    "question: 301 characters": {"id": "b2", "question": "长" * 301},
    "has no word in it": {"id": "b3", "question": "？？！"},
    "stands twice in this entry": {"id": "b4", "question": "重复问法", "similar": ["重复，问法"]},
    "'重复问法' stands twice": {"id": "b15", "question": "别的问法", "similar": ["重复问法"], "contrasted": ["重复问法"]},
    "an empty item": {"id": "b5", "question": "空的问法", "similar": ["甲", " "]},
    "wanted a list of texts": {"id": "b6", "question": "问法不是文字", "similar": [1, 2]},
    "is also a wording of this entry": {"id": "b7", "question": "反例就是自己", "unlike": ["反例就是自己"]},
    "kind: is": {"id": "b8", "question": "类型不对", "kind": "其他"},
    "priority: is": {"id": "b9", "question": "优先级不对", "priority": "很急"},
    "short: 151": {"id": "b10", "question": "简答太长", "short": "长" * 151},
    "is no citation": {"id": "b11", "question": "依据读不懂", "basis": "劳动法第条"},
    "is no date": {"id": "b12", "question": "日期不对", "valid_from": "去年"},
    "is before valid_from": {"id": "b13", "question": "日期颠倒", "valid_from": "2024-05", "valid_to": "2023-01"},
    "no entry 'nowhere'": {"id": "b14", "question": "相关题不存在", "related": ["nowhere"]},
    "names the entry itself": {"id": "b15", "question": "相关题是自己", "related": ["b15"]},
    "is not one of employer": {"id": "b16", "question": "要问的不认识", "ask": ["血型"]},
    "another encoding": {"id": "b17", "question": "乱码\ufffd问题"},
    "answer: wanted text": {"id": "b18", "question": "答案不是文字", "answer": {"a": 1}},
}


def test_every_bad_row_is_named_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.jsonl"
    rows: list[object] = [{"id": "good", "question": "一道好题"}, *BAD_ROWS.values()]
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    assert len(BAD_ROWS) >= 20
    assert index_build.main(["--bank", str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    for number, reason in enumerate(BAD_ROWS, start=2):
        named = [line for line in said.splitlines() if line.strip().startswith(f"bad.jsonl, row {number}:")]
        assert any(reason in line for line in named), (number, reason, named)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("header.csv", "题,答案\n1,2\n", "no column for id"),
        ("cells.csv", "id,question\n1,甲,乙\n", "3 cells under 2"),
        ("twice.csv", "id,question,id\n1,甲,2\n", "column named twice"),
        ("formula.csv", "id,question\n1,#REF!\n", "formula"),
        ("empty.csv", "", "empty file"),
        ("list.yaml", "- a\n", "wanted a mapping"),
        ("book.xlsx", "no zip", "cannot be read"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    _, faults = read_bank([tmp_path / name])
    assert any(reason in fault.reason for fault in faults), faults
