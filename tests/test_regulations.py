"""Regulations: shapes written here by hand, and all the real files."""

from pathlib import Path

import docx
import pytest

from knowledge.records import Regulation
from knowledge.regulations import read_regulation, read_regulations

STATUTE = """# 中华人民共和国样例法

2001年2月3日 某会议通过

2012年12月28日 某会议修正

自2013年7月1日起施行

<!-- INFO END -->

## 第一章 总则

第一条 为了试验。

第二条 本法适用于：

（一）甲；

## 第二章 规则

### 第一节 细则

第二条之一 后加的一条。
"""


def read(path: Path) -> Regulation:
    regulation, faults = read_regulation(path)
    assert faults == []
    assert regulation is not None
    return regulation


def test_markdown(tmp_path: Path) -> None:
    path = tmp_path / "样例法(2012-12-28).md"
    path.write_text(STATUTE, encoding="utf-8")
    law = read(path)
    assert (law.title, law.version, law.issued, law.revised, law.effective) == (
        "样例法",
        "2012-12-28",
        "2001-02-03",
        ("2012-12-28",),
        "2013-07-01",
    )
    assert [(a.number, a.chapter, a.text) for a in law.articles] == [
        ("第一条", "第一章 总则", "为了试验。"),
        ("第二条", "第一章 总则", "本法适用于：\n（一）甲；"),
        ("第二条之一", "第二章 规则 / 第一节 细则", "后加的一条。"),
    ]


def test_txt_in_gbk_and_docx_give_the_same(tmp_path: Path) -> None:
    plain = STATUTE.replace("<!-- INFO END -->", "").replace("#", "").replace("\n ", "\n")
    txt = tmp_path / "样例法(2012-12-28).txt"
    txt.write_bytes(plain.encode("gb18030"))
    document = docx.Document()
    for line in plain.splitlines():
        style = "Title" if line.strip() == "中华人民共和国样例法" else None
        document.add_paragraph(line.strip(), style=style)
    word = tmp_path / "样例法(2012-12-28).docx"
    document.save(str(word))
    assert read(txt).articles == read(word).articles
    assert [a.number for a in read(txt).articles] == ["第一条", "第二条", "第二条之一"]
    assert read(txt).articles[2].chapter == "第二章 规则 / 第一节 细则"


def test_items_and_versions(tmp_path: Path) -> None:
    (tmp_path / "甲通知(2001-01-01).md").write_text(
        "# 甲通知\n\n2001年1月1日\n\n<!-- INFO END -->\n\n前言\n\n一、先做这个。\n\n细说。\n\n二、再做那个。\n", encoding="utf-8"
    )
    (tmp_path / "甲通知(2020-01-01).md").write_text("# 甲通知\n\n2020年1月1日\n\n<!-- INFO END -->\n\n一、改了。\n", encoding="utf-8")
    laws, faults = read_regulations([tmp_path])
    assert faults == []
    assert [(r.version, r.status, [a.number for a in r.articles]) for r in laws] == [
        ("2020-01-01", "in_force", ["第一项"]),
        ("2001-01-01", "revised", ["第一项", "第二项"]),
    ]
    assert laws[1].articles[0].text == "先做这个。\n细说。"


def test_digest_meets_full_text(tmp_path: Path) -> None:
    (tmp_path / "样例法(2012-12-28).md").write_text(STATUTE, encoding="utf-8")
    (tmp_path / "digest.yaml").write_text(
        "title: 样例法\nversion: 2012-12-28\nissuer: 某会议\narticles:\n  第一条: 说明目的。\n", encoding="utf-8"
    )
    laws, faults = read_regulations([tmp_path])
    assert faults == []
    assert len(laws) == 1
    assert (laws[0].issuer, laws[0].articles[0].text, laws[0].articles[0].digest) == ("某会议", "为了试验。", "说明目的。")


def test_faults_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "twice.md").write_text("# 甲\n<!-- INFO END -->\n第一条 一。\n第一条 二。\n", encoding="utf-8")
    (tmp_path / "empty.md").write_text("# 乙\n<!-- INFO END -->\n", encoding="utf-8")
    (tmp_path / "broken.docx").write_bytes(b"no zip")
    (tmp_path / "status.yaml").write_text("title: 丙\nstatus: maybe\n", encoding="utf-8")
    (tmp_path / "number.yaml").write_text("title: 丁\narticles: {四十条: 文}\n", encoding="utf-8")
    laws, faults = read_regulations([tmp_path, tmp_path / "missing"])
    assert laws == []
    assert {fault.file for fault in faults} == {
        "twice.md",
        "empty.md",
        "broken.docx",
        "status.yaml",
        "number.yaml",
        str(tmp_path / "missing"),
    }


def test_all_real_files(shared: Path) -> None:
    laws, faults = read_regulations([shared / "regulations"])
    assert faults == []
    assert sum(len(law.articles) for law in laws) == 16_661
    assert len(laws) == 273  # 280 files, of which eight are the books of one civil code
    more, faults = read_regulations([shared / "regulations_more"])
    assert faults == []
    assert len(more) == 52
    by_title = {law.title: law for law in more}
    decision = by_title["全国人民代表大会常务委员会关于实施渐进式延迟法定退休年龄的决定"]
    assert [article.number for article in decision.articles] == ["第一项", "第二项", "第三项", "第四项", "第五项"]


@pytest.mark.parametrize("title", ["婚姻登记条例", "快递暂行条例", "使用有毒物品作业场所劳动保护条例"])
def test_newest_version_first(shared: Path, title: str) -> None:
    laws, _ = read_regulations([shared / "regulations", shared / "regulations_more"])
    versions = [law for law in laws if law.title == title]
    assert [law.status for law in versions] == ["in_force", "revised"]
    assert versions[0].version > versions[1].version
