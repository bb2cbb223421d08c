"""Candidates to Answer, Clarify or HandOff; pure: no model, no clock, no store."""

from __future__ import annotations

import re

from bot.policy import Policy
from bot.values import Answer, Clarify, Decision, HandOff, Matched

MOST_CHOICES = 3
UNLIKE = 0.25
"""A wording less alike than this in meaning and in letters is no choice, however far the others are behind."""
CRISIS = frozenset({"心理危机", "暴力风险"})
"""Tags of entries for somebody about to harm himself or another: asking back costs time, and a needless answer costs little."""
CRISIS_SCORE = 0.18
"""From this score on such an entry is answered when it stands first. Of 1,333 held-out and real questions that adds one answer to what
has no entry: somebody asks how to blow up his factory. At 0.15 a greeting (恁吃了没) is taken for pills without the second encoder."""
_ASKS_HUMAN = re.compile(
    r"^(?:我?(?:要|想|想要|需要)?(?:请)?(?:帮我|给我)?(?:转|找|接|换|叫|要|来个?|联系)?(?:一下|个)?)?"
    r"(?:人工|人工客服|人工服务|人工坐席|真人|活人|客服|坐席|接线员|话务员)(?:吧|啊|呀|呢|谢谢|服务|客服)?$"
)


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
    if first.score >= CRISIS_SCORE and not CRISIS.isdisjoint(first.entry.tags):
        return Answer(first)
    tied = len(matched.entries) > 1 and matched.entries[1].score == first.score  # the very words of two entries
    if first.score >= policy.answer and not tied and not first.parts.clash:
        return Answer(first)
    near = (candidate for candidate in matched.entries if candidate.parts.dense >= UNLIKE or candidate.parts.lexical >= UNLIKE)
    choices = tuple(candidate for candidate in near if candidate.score >= policy.clarify)[:MOST_CHOICES]
    if choices:
        return Clarify(choices)
    return HandOff("unclear" if first.score >= policy.outside else "outside")
