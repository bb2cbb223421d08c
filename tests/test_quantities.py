"""Numbers with units in answers, and the check that each stands in a cited article."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.checks import check_figures
from knowledge.citations import chinese_number
from knowledge.quantities import Quantity, find_quantities
from knowledge.records import Article, Citation, Entry, Regulation

KNOWN = {
    "自收到之日起十五日内": [(15, "日")],
    "15天内": [(15, "日")],
    "三年以上": [(36, "月")],
    "36个月": [(36, "月")],
    "不低于工资的百分之一百五十": [(Fraction(3, 2), "率")],
    "按150%发": [(Fraction(3, 2), "率")],
    "二倍工资": [(2, "率")],
    "按两倍算": [(2, "率")],
    "3个工作日": [(3, "工作日")],
    "满一年不满三年": [(12, "月"), (36, "月")],
    "三分之二": [(Fraction(2, 3), "率")],
    "1.5倍": [(Fraction(3, 2), "率")],
    "年满16周岁": [(16, "岁")],
    "每月2000元": [(2000, "元")],
    "半个月工资": [(Fraction(1, 2), "月")],
    "一年半": [(18, "月")],
    "不满六个月半个月工资": [(6, "月"), (Fraction(1, 2), "月")],
    "两千块": [(2000, "元")],
    "第四十七条": [],
    "2025年9月1日": [],
    "周六日休息": [],
    "下半年再说": [],
    "同一年度": [],
    "三五天": [],
    "12348": [],
}


@pytest.mark.parametrize("text", KNOWN)
def test_known_quantities(text: str) -> None:
    assert [(q.value, q.unit) for q in find_quantities(text)] == KNOWN[text]


@given(st.integers(min_value=1, max_value=99_999), st.sampled_from(["日", "小时", "元", "人"]))
def test_digits_and_characters_mean_the_same(number: int, unit: str) -> None:
    written = find_quantities(f"共{number}{unit}")
    assert written == [Quantity(Fraction(number), unit)]
    if "零" not in chinese_number(number):
        assert find_quantities(f"共{chinese_number(number)}{unit}") == written


def _entry(answer: str, *figures: str) -> Entry:
    return Entry(
        id="x-1", topic="工资", kind="consult", question="多久发一次工资", short=answer, answer=answer,
        basis=(Citation("劳动法", "第五十条", ""),), figures=figures,
    )  # fmt: skip


LAW = [Regulation(title="劳动法", version="", articles=(Article("劳动法", "", "第五十条", text="三十日内付百分之五十。"),))]


def test_a_number_must_stand_in_a_cited_article() -> None:
    assert not check_figures([_entry("30天内付50%。")], LAW, "figures")
    (fault,) = check_figures([_entry("三十日内付六成，最多四十天。")], LAW, "figures")
    assert "四十天" in fault.reason


def test_a_reason_excuses_the_number_it_names_and_no_other() -> None:
    assert not check_figures([_entry("最多四十天。", "四十天：地方规定")], LAW, "figures")
    assert len(check_figures([_entry("最多四十五天。", "四十天：地方规定")], LAW, "figures")) == 2


def test_examples_and_quoted_words_assert_nothing() -> None:
    assert not check_figures([_entry("单位说“满九十天再发”没有依据。\n举例：八千元扣三百元。")], LAW, "figures")
