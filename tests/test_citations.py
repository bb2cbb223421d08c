"""Citations in every spelling people and statutes use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.citations import article_number, canonical_title, find_numbers, parse_citation, parse_number
from knowledge.law_names import short_names, spoken_names
from knowledge.records import Citation


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("劳动合同法第四十七条", Citation("劳动合同法", "第四十七条")),
        ("《中华人民共和国劳动合同法》第47条", Citation("劳动合同法", "第四十七条")),
        ("劳动合同法47条", Citation("劳动合同法", "第四十七条")),
        ("刑法第二百七十六条之一", Citation("刑法", "第二百七十六条之一")),
        ("劳动争议调解仲裁法第二十七条第四款", Citation("劳动争议调解仲裁法", "第二十七条", "第四款")),
        ("工伤保险条例第十四条第（六）项", Citation("工伤保险条例", "第十四条", "第（六）项")),
        ("关于非全日制用工若干问题的意见第一项", Citation("关于非全日制用工若干问题的意见", "第一项")),
        (
            "最高人民法院关于审理劳动争议案件适用法律问题的解释(一)第1条",
            Citation("最高人民法院关于审理劳动争议案件适用法律问题的解释（一）", "第一条"),
        ),
        (
            "劳动争议司法解释（一）第44条",
            Citation("最高人民法院关于审理劳动争议案件适用法律问题的解释（一）", "第四十四条"),
        ),
        ("工伤意见（二）第六项", Citation("人力资源社会保障部关于执行工伤保险条例若干问题的意见（二）", "第六项")),
    ],
)
def test_known_citations(text: str, wanted: Citation) -> None:
    assert parse_citation(text) == wanted


@pytest.mark.parametrize("text", ["", "劳动合同法", "第四十七条", "劳动合同法第条", "劳动合同法第四十七条的规定很清楚"])
def test_no_citation(text: str) -> None:
    assert parse_citation(text) is None


@given(st.integers(1, 1260), st.none() | st.integers(1, 9))
def test_numbers_come_back(number: int, after: int | None) -> None:
    written = article_number(number, after)
    assert parse_citation(f"民法典{written}") == Citation("民法典", written)
    assert parse_number(written[1:].split("条")[0]) == number


def test_free_text() -> None:
    assert [number for _, number in find_numbers("合同法第47条和第四十八条，第（二）项")] == ["第四十七条", "第四十八条"]


def test_titles() -> None:
    assert canonical_title("《中华人民共和国 劳动法》") == "劳动法"


def test_every_short_name_stands_for_one_full_title() -> None:
    for names in (short_names(), spoken_names()):
        assert names
        assert all(title == canonical_title(title) and name != title for name, title in names.items())
    assert not set(short_names()) & set(short_names().values())
    assert spoken_names()["合同法"] == "劳动合同法"
