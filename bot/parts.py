"""What of a longer message is read by itself, too, and how the parts' candidates join those of the whole.

In a story the question is one sentence of a paragraph, and the rest only draws the vector of the whole away. Knows nothing of
encoders, indexes or thresholds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from bot.values import Candidate

MOST_SENTENCES, SHORTEST_SENTENCE = 4, 5
LONG_SENTENCE, FEWEST_CLAUSES = 36, 3
"""From how many characters and clauses on a message of one sentence is read by halves."""
ASKED_COUNTS, TOLD_COUNTS, HALF_COUNTS, WHOLE_COUNTS = 0.75, 0.6, 0.6, 0.6
"""How much a score counts: of a sentence that asks, of one that only tells, of a half, of the whole for an entry that none of its
sentences puts first. Chosen on stories made of held-out questions of the `fit` half and on worker_dev; values within 0.1 give story
R@1 within 0.01."""
_SENTENCE_END = re.compile(r"[。！!？?；;\n]+")
_CLAUSE_END = re.compile(r"[。！!？?；;\n，,、\s]+")
_ASKS = re.compile(
    "怎么|咋|吗|呢|么|能不能|可不可以|是不是|算不算|该不该|要不要|有没有|合不合|多少|几|哪|什么|啥|如何|谁|能|可以|行不|犯法|违法|合法|赔|投诉|举报"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message.

    Attributes:
        counts: how much its scores count.
        told: it asks nothing in so many words, and is worth reading only where it is surely about work.
    """

    text: str
    counts: float
    told: bool = False


def sentences(clean: str) -> list[Part]:
    """The sentences of a message, at most four, those that ask before those that tell; none where the message is one sentence.

    Many a question has no question word (公司让我签自愿放弃社保的承诺书), so what tells is read, too. Stories made of held-out questions
    (`eval.tolerance`): R@1 0.59 by the whole alone, 0.81 with what asks, 0.885 with what tells, WHOLE_COUNTS and words that mend.
    """
    found = [part for part in _SENTENCE_END.split(clean) if len(part) >= SHORTEST_SENTENCE]
    if len(found) < 2:
        return []
    parts = [Part(part, ASKED_COUNTS) if _ASKS.search(part) else Part(part, TOLD_COUNTS, told=True) for part in found]
    return sorted(parts, key=lambda part: part.told)[:MOST_SENTENCES]


def halves(clean: str) -> list[Part]:
    """The two halves of a long message of one sentence, divided between clauses; none of a shorter one.

    People tell what happened and what they want in one breath, and each half by itself lies nearer to its question (worker_dev: R@1
    0.69 to 0.71, R@3 0.82 to 0.84, R@10 0.91 to 0.92; our held-out questions, which are shorter, stay as they were).
    """
    clauses = [clause for clause in _CLAUSE_END.split(clean) if clause]
    if len(clean) < LONG_SENTENCE or len(clauses) < FEWEST_CLAUSES:
        return []
    ends = np.cumsum([len(clause) for clause in clauses])
    first = int(np.searchsorted(ends, ends[-1] / 2)) + 1
    divided = ("，".join(clauses[:first]), "，".join(clauses[first:]))
    return [Part(half, HALF_COUNTS) for half in divided if len(half) >= SHORTEST_SENTENCE]


def join(
    whole: Sequence[Candidate], parts: Sequence[tuple[Part, Sequence[Candidate]]], most: int, whole_counts: float = 1.0
) -> tuple[Candidate, ...]:
    """The best candidates of a message and of its parts, each with the highest of its scores.

    Args:
        whole: candidates of the message as a whole.
        parts: each with its candidates, best first; their scores count for less: a part is less sure for the whole.
        most: how many are wanted.
        whole_counts: how much the whole's scores count for what no part puts first.
    """
    firsts = {candidates[0].entry.id for _, candidates in parts if candidates}
    weighed = [(candidate, 1.0 if candidate.entry.id in firsts else whole_counts) for candidate in whole]
    weighed += chain.from_iterable(((candidate, part.counts) for candidate in candidates) for part, candidates in parts)
    found: dict[str, Candidate] = {}
    for candidate, counts in weighed:
        weaker = replace(candidate, score=round(candidate.score * counts, 6))
        known = found.get(candidate.entry.id)
        if known is None or known.score < weaker.score:
            found[candidate.entry.id] = weaker
    return tuple(sorted(found.values(), key=lambda candidate: (-candidate.score, candidate.entry.id))[:most])
