"""The shipped knowledge, and that each check finds what it is there for."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from knowledge.bank import read_bank
from knowledge.checks import DATA, check_citations, check_differences, check_digests, check_entries, check_figures, check_wordings
from knowledge.records import Article, Citation, Entry, Regulation
from knowledge.regulations import read_regulations
from knowledge.statistics import is_spoken, wording_figures
from knowledge.terminals import read_terminals
from knowledge.words import read_words, words
from tests.conftest import ROOT

LAW = Regulation("某法", "2020-01-01", articles=(Article("某法", "2020-01-01", "第一条", text="应当在十五日内支付百分之五十。"),))
GOOD = Entry(
    "x-001",
    "工资什么时候发",
    similar=("发薪日是几号", "老板月底才给钱中不", "每个月都拖几天，说是财务没空", "晚发工资"),
    short="十五日内。",
    answer="要在十五日内付。",
    basis=(Citation("某法", "第一条"),),
    as_of="2026-11",
)
TODAY = date(2026, 11, 25)


def changed(**fields: object) -> Entry:
    return Entry(**{name: getattr(GOOD, name) for name in GOOD.__slots__} | fields)  # type: ignore[arg-type]


def test_a_good_entry_has_no_fault() -> None:
    assert check_entries([GOOD], TODAY) == []
    assert (
        check_wordings([GOOD])
        == check_differences([GOOD])
        == check_citations([GOOD], [LAW], "x")
        == check_figures([GOOD], [LAW], "x")
        == []
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"short": ""}, "short and answer"),
        ({"similar": ("只有一条",)}, "wordings, at least"),
        ({"basis": ()}, "no basis"),
        ({"as_of": ""}, "no as_of"),
        ({"valid_to": "2025-01"}, "is past"),
        ({"kind": "complaint"}, "category, ask and unit"),
    ],
)
def test_what_an_entry_lacks_is_named(fields: dict[str, object], reason: str) -> None:
    assert any(reason in fault.reason for fault in check_entries([changed(**fields)], TODAY))


def test_wordings_belong_to_one_entry_and_differ() -> None:
    other = changed(id="x-002", question="工资什么时候发？", similar=())
    assert "also one of entry x-001" in check_wordings([GOOD, other])[0].reason
    near = changed(id="x-002", question="每个月都拖好几天，说是财务没空", similar=())
    assert "is nearly" in check_wordings([GOOD, near])[0].reason
    twice = changed(similar=("单位什么时候发工资给我们大家", "单位什么时候发工资给我们大家伙"))
    assert "says nearly what" in check_differences([twice])[0].reason


def test_citations_and_figures_are_held_against_the_text() -> None:
    assert "not there" in check_citations([changed(basis=(Citation("某法", "第九条"),))], [LAW], "x")[0].reason
    assert "三十日" in check_figures([changed(answer="要在三十日内付。")], [LAW], "x")[0].reason
    told = changed(answer="要在三十日内付。", figures=("三十日：由第二条推出",))
    assert check_figures([told], [LAW], "x") == []
    assert "not needed" in check_figures([changed(figures=("三十日：由第二条推出",))], [LAW], "x")[0].reason
    gone = Regulation("某法", "2020-01-01", status="repealed", articles=(Article("某法", "2020-01-01", "第一条", status="repealed"),))
    assert "repealed" in check_citations([GOOD], [gone], "x")[0].reason


def test_digests_are_of_articles_that_exist() -> None:
    digest = Regulation("某法", "2020-01-01", articles=(Article("某法", "2020-01-01", "第二条", digest="…"),))
    assert "has no 第二条" in check_digests([digest], [LAW])[0].reason


def test_the_shipped_knowledge_is_whole() -> None:
    entries, faults = read_bank([DATA / "bank"])
    regulations, more = read_regulations([DATA / "regulations"])
    terminals, others = read_terminals(DATA / "terminals.yaml")
    assert [*faults, *more, *others] == []
    assert len(entries) >= 1500
    assert sum(len(entry.wordings) for entry in entries) >= 9000
    assert sum(len(entry.wordings) for entry in entries if entry.kind == "complaint") >= 564
    assert len(regulations) >= 210
    assert len(terminals) == 1 + 16 + 136
    assert check_citations(entries, regulations, "digests") == []
    figures = wording_figures(entries)
    assert float(str(figures["spoken"])) >= 0.5
    assert float(str(figures["its_share"])) < 0.02


def test_spoken() -> None:
    assert is_spoken("老板不发工资咋整")
    assert is_spoken("在厂里干了三年，说不要就不要了")
    assert not is_spoken("工伤认定时限")


def test_nothing_is_copied_from_the_sources(shared: Path) -> None:
    tool = shared.parent / "tools" / "verbatim.py"
    done = subprocess.run([sys.executable, str(tool), "knowledge", "eval"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_words_table_has_no_fault(tmp_path: Path) -> None:
    ours, faults = read_words()
    assert faults == []
    assert ours == words()
    assert words().legal["炒鱿鱼"] == "用人单位解除劳动合同"
    broken = tmp_path / "words.yaml"
    broken.write_text(
        "groups:\n- {term: 甲, said: [丙]}\n- {term: 乙, said: [丙]}\nterms: []\ndialect: {啥: 啥}\nfillers: []\n", encoding="utf-8"
    )
    assert [fault.reason for fault in read_words(broken)[1]] == ["stands under 甲 and under 乙", "means itself"]
