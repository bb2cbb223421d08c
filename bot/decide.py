"""Candidates to Answer, Clarify or HandOff; pure: no model, no clock, no store."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.settings import Settings
from bot.values import Answer, Candidate, Clarify, Decision, HandOff, Matched

MOST_CHOICES = 3
_ASKS_HUMAN = re.compile(
    r"^(?:我?(?:要|想|想要|需要)?(?:请)?(?:帮我|给我)?(?:转|找|接|换|叫|要|来个?|联系)?(?:一下|个)?)?"
    r"(?:人工|人工客服|人工服务|人工坐席|真人|活人|客服|坐席|接线员|话务员)(?:吧|啊|呀|呢|谢谢|服务|客服)?$"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """When to answer, when to ask back, when to hand over; scores 0..1.

    Attributes:
        answer: at least this score answers by itself.
        margin: the next entry must be this much behind, else the worker chooses.
        sure: at least this score answers whatever the margin.
        clarify: at least this score is offered as a choice; nothing above it means outside the bank.
    """

    answer: float
    margin: float
    clarify: float
    sure: float = 0.97
    outside: float = 0.35
    version: str = "first-2026-11"


def policy_of(settings: Settings) -> Policy:
    """The thresholds that the settings ask for."""
    return Policy(settings.answer_score, settings.answer_margin, settings.clarify_score)


def asks_for_human(clean: str) -> bool:
    """Whether a normalised text asks for a person and nothing else."""
    bare = re.sub(r"[\W_]+", "", clean)
    return bool(_ASKS_HUMAN.fullmatch(bare)) or "转人工" in bare or "找人工" in bare


def decide(matched: Matched, policy: Policy, asked_for_human: bool = False) -> Decision:
    """What to do with what was found."""
    if asked_for_human:
        return HandOff("asked")
    if not matched.entries:
        return HandOff("outside")
    first = matched.entries[0]
    if first.score >= policy.answer and _leads(matched.entries, policy):
        return Answer(first)
    choices = tuple(candidate for candidate in matched.entries if candidate.score >= policy.clarify)[:MOST_CHOICES]
    if choices:
        return Clarify(choices)
    return HandOff("unclear" if first.score >= policy.outside else "outside")


def _leads(ranked: tuple[Candidate, ...], policy: Policy) -> bool:
    if len(ranked) == 1:
        return True
    lead = ranked[0].score - ranked[1].score
    return lead >= policy.margin or (ranked[0].score >= policy.sure and lead > 0)
