"""Deciding, as a table of cases: no model needed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import CRISIS, CRISIS_SCORE, MOST_CHOICES, asks_for_human, decide
from bot.policy import Policy
from bot.values import Answer, Candidate, Clarify, HandOff, Matched, Parts
from knowledge.records import Entry

POLICY = Policy(answer=0.7, clarify=0.5, outside=0.3)


def matched(*scores: float) -> Matched:
    return Matched("q", tuple(Candidate(Entry(f"e{n}", "q"), score, Parts("q", score, score, score)) for n, score in enumerate(scores)))


@pytest.mark.parametrize(
    ("scores", "kind", "detail"),
    [
        ((0.9,), Answer, "e0"),
        ((0.7, 0.6), Answer, "e0"),
        ((0.97, 0.96), Answer, "e0"),
        ((1.0, 1.0), Clarify, 2),
        ((0.69, 0.2), Clarify, 1),
        ((0.6, 0.59, 0.58, 0.57), Clarify, 3),
        ((0.49,), HandOff, "unclear"),
        ((0.29,), HandOff, "outside"),
        ((), HandOff, "outside"),
    ],
)
def test_table(scores: tuple[float, ...], kind: type, detail: object) -> None:
    decision = decide(matched(*scores), POLICY)
    assert isinstance(decision, kind)
    if isinstance(decision, Answer):
        assert decision.candidate.entry.id == detail
    elif isinstance(decision, Clarify):
        assert len(decision.choices) == detail
    else:
        assert decision.reason == detail


def test_a_clash_asks_back() -> None:
    sure = Candidate(Entry("e0", "q"), 0.99, Parts("q", 0.9, 0.9, 0.9, clash=True))
    assert decide(Matched("q", (sure,)), POLICY) == Clarify((sure,))


@pytest.mark.parametrize("tag", sorted(CRISIS))
def test_who_is_about_to_harm_is_answered_not_asked_back(tag: str) -> None:
    crisis = Entry("c", "q", tags=("紧急", tag))
    doubtful = Candidate(crisis, CRISIS_SCORE, Parts("q", 0.3, 0.3, 0.3, clash=True))
    assert decide(Matched("q", (doubtful, *matched(0.1).entries)), POLICY) == Answer(doubtful)
    assert not isinstance(decide(Matched("q", (*matched(0.6).entries, doubtful)), POLICY), Answer)
    assert decide(Matched("q", (replace(doubtful, score=CRISIS_SCORE / 2),)), POLICY) == HandOff("outside")
    assert decide(Matched("q", (replace(doubtful, entry=replace(crisis, tags=("紧急",))),)), POLICY) == HandOff("outside")


def test_what_is_unlike_is_no_choice() -> None:
    far = Candidate(Entry("e0", "q"), 0.6, Parts("q", 0.1, 0.1, 0.1))
    assert decide(Matched("q", (far,)), POLICY) == HandOff("unclear")


def test_asked_for_a_human() -> None:
    assert decide(matched(1.0), POLICY, asked_for_human=True) == HandOff("asked")


@pytest.mark.parametrize(
    "text", ["转人工", "人工", "找人工客服", "我要转人工", "帮我转人工服务", "人工客服", "真人", "我想找个客服", "转人工!"]
)
def test_asks(text: str) -> None:
    assert asks_for_human(text)


@pytest.mark.parametrize("text", ["人工流产有几天假", "客服岗位算特殊工时吗", "工资", "人工智能岗位辞退", "公司不承认我的人工费"])
def test_does_not_ask(text: str) -> None:
    assert not asks_for_human(text)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_never_below_the_thresholds(scores: list[float]) -> None:
    decision = decide(matched(*sorted(scores, reverse=True)), POLICY)
    if isinstance(decision, Answer):
        assert decision.candidate.score >= POLICY.answer
    elif isinstance(decision, Clarify):
        assert 1 <= len(decision.choices) <= MOST_CHOICES
        assert all(choice.score >= POLICY.clarify for choice in decision.choices)
