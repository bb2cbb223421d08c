"""Matching: the same words score one, and the parts explain the score."""

from datetime import date

import pytest

from bot.match import Matcher, is_topic, is_valid
from knowledge.records import Entry
from tests.conftest import ENTRIES


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_the_same_words_score_one(matcher: Matcher, entry: Entry) -> None:
    for wording in entry.wordings:
        first = matcher.match(wording).entries[0]
        assert first.entry.id == entry.id
        assert first.parts.wording == wording
        assert first.score == 1.0
        assert first.parts.dense == pytest.approx(1.0, abs=1e-4)
        assert first.parts.lexical == pytest.approx(1.0, abs=1e-4)
        assert first.parts.fuzzy == 1.0


def test_spelling_does_not_matter(matcher: Matcher) -> None:
    plain = matcher.match("单位拖欠工资怎么办").entries[0]
    for written in ("單位拖欠工資怎麼辦？", "单位 拖欠 工资 怎么办!!", "单位拖欠工资怎么办\u200b"):
        assert matcher.match(written).entries[0].score == pytest.approx(plain.score, abs=1e-6)


def test_parts_explain_the_score(matcher: Matcher) -> None:
    found = matcher.match("工资被拖着不给").entries
    assert found[0].entry.id == "wage-1"
    for candidate in found:
        parts = candidate.parts
        assert parts.wording in candidate.entry.wordings
        assert all(0 <= value <= 1 for value in (candidate.score, parts.dense, parts.lexical, parts.fuzzy, parts.same))
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


@pytest.mark.parametrize("text", ["你好，请问一下老板不发公资咋整，谢谢", "老闆不發工資怎麼辦"])
def test_greetings_slips_and_script_do_not_matter(matcher: Matcher, text: str) -> None:
    assert matcher.match(text).entries[0].entry.id == "wage-1"


@pytest.mark.parametrize("text", ["劳动合同法47条", "《劳动合同法》第四十七条", "合同法第47条赔偿", "中华人民共和国劳动合同法第47条怎么说"])
def test_a_cited_article_comes_first(matcher: Matcher, text: str) -> None:
    assert matcher.match(text).articles[0].article.number == "第四十七条"


def test_an_entry_leads_to_the_articles_it_cites(matcher: Matcher) -> None:
    assert matcher.match("老板不发工资咋整").articles[0].article.number == "第三十条"


def test_a_bare_topic_is_asked_back(matcher: Matcher) -> None:
    assert [is_topic(bare) for bare in ("加班", "年休假", "劳动合同", "加班给钱吗", "被辞退")] == [True, True, True, False, False]
    found = matcher.match("年休假！").entries
    assert found
    assert all(candidate.parts.clash for candidate in found)
    assert not matcher.match("年休假能休多少天").entries[0].parts.clash


@pytest.mark.parametrize("text", ["", "   ", "？？？", "😀", "\u200b"])
def test_nothing_said_nothing_found(matcher: Matcher, text: str) -> None:
    assert matcher.match(text).entries == ()


def test_expired_entries_are_left_out(matcher: Matcher) -> None:
    asked = "疫情期间隔离工资怎么发"
    assert matcher.match(asked, today=date(2023, 1, 31)).entries[0].entry.id == "old-1"
    assert "old-1" not in [c.entry.id for c in matcher.match(asked, today=date(2023, 2, 1)).entries]
    coming = Entry("x", "y", valid_from="2025-01-01")
    assert not is_valid(coming, date(2024, 12, 31))
    assert is_valid(coming, date(2025, 1, 1))


def test_a_question_inside_a_story_is_found_but_never_sure(matcher: Matcher) -> None:
    story = "我是前年经老乡介绍来这边打工的。家里上有老下有小，平时话不多。老板不发工资咋整。家里人都劝我算了。"
    best = matcher.match(story, entries=3).entries[0]
    assert best.entry.id == "wage-1"
    assert best.score < 0.9
    assert matcher.match("老板不发工资咋整", entries=3).entries[0].score > 0.9


def test_what_only_a_half_says_is_offered_and_never_sure(matcher: Matcher) -> None:
    told = "我跟车间主任吵过一回以后他总找我的茬，别的同事也都躲着我，我也不想惹事，试用期可以约定几个月"
    found = matcher.match(told).entries
    assert "trial-1" in [candidate.entry.id for candidate in found[:3]]
    assert max(candidate.score for candidate in found) < 0.74
