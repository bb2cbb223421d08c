"""Rankings and decisions to figures; pure.

Ranking metrics come from ir-measures; every query is in every run, for pytrec_eval leaves out missing
ones silently, and ranks are turned into distinct scores, for it breaks ties by document id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np
from ir_measures import RR, Success

ENTRY_MEASURES = {"R@1": Success @ 1, "R@3": Success @ 3, "R@5": Success @ 5, "R@10": Success @ 10, "MRR@10": RR @ 10}
ARTICLE_MEASURES = {f"R@{k}": ir_measures.R @ k for k in (1, 5, 10, 20, 100)}


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ids found for one query, best first, and the ids that are right."""

    found: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision beside what was wanted.

    Attributes:
        kind: answer, clarify or handoff.
        entry: the entry answered, or None.
        right: ids any of which is right; empty says that none is; None says not labelled.
        expect: the decision wanted, or None.
    """

    kind: str
    entry: str | None
    right: tuple[str, ...] | None
    expect: str | None


def first_of_two(pairs: Sequence[tuple[Ranking, frozenset[str]]]) -> float | None:
    """Share of contrast questions whose right entry stands before the wrong one of the two; None where there are none.

    Args:
        pairs: what was found for each question, and the entries it was written to be mistaken for.
    """

    def place(found: tuple[str, ...], ids: frozenset[str]) -> int:
        return next((number for number, id_ in enumerate(found) if id_ in ids), len(found))

    told = [place(ranking.found, frozenset(ranking.right)) < place(ranking.found, wrong) for ranking, wrong in pairs]
    return round(sum(told) / len(told), 4) if told else None


def rank_figures(rankings: Sequence[Ranking], measures: dict[str, ir_measures.Measure]) -> dict[str, float] | None:
    """Mean of each measure over the rankings that have a right id; None where there is none.

    For entries R@k is the share of queries with a right entry among the first k (any satisfies); for
    articles it is the share of the right articles among the first k, averaged over queries.
    """
    kept = [ranking for ranking in rankings if ranking.right]
    if not kept:
        return None
    judged = [ir_measures.Qrel(str(n), id_, 1) for n, ranking in enumerate(kept) for id_ in ranking.right]
    run = [
        ir_measures.ScoredDoc(str(n), id_, 1.0 / (rank + 1))
        for n, ranking in enumerate(kept)
        for rank, id_ in enumerate(ranking.found or ("-",))
    ]
    figures = ir_measures.calc_aggregate(list(measures.values()), judged, run)
    return {name: round(float(figures[measure]), 4) for name, measure in measures.items()}


def decision_figures(decided: Sequence[Decided]) -> dict[str, float | None] | None:
    """Coverage, wrong-answer rate, and recall of hand-overs; None where nothing is labelled for it.

    coverage: of the queries that a right entry exists for, the share answered (rightly or not).
    wrong_answer_rate: of all answers given to labelled queries, the share that is wrong; an answer
    where a hand-over or no entry was wanted is wrong.
    handoff_recall: of the queries that should be handed over, the share not answered but handed over.
    """
    labelled = [case for case in decided if case.right is not None or case.expect is not None]
    if not labelled:
        return None
    coverable = [case for case in labelled if case.right or case.expect == "answer"]
    answered = [case for case in labelled if case.kind == "answer"]
    judged = [case for case in answered if case.right is not None or case.expect == "handoff"]
    wrong = [case for case in judged if case.expect == "handoff" or case.entry not in (case.right or ())]
    handed = [case for case in labelled if case.expect == "handoff"]
    return {
        "coverage": _share(sum(case.kind == "answer" for case in coverable), len(coverable)),
        "wrong_answer_rate": _share(len(wrong), len(judged)),
        "handoff_recall": _share(sum(case.kind == "handoff" for case in handed), len(handed)),
    }


def latency_figures(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": round(float(np.percentile(milliseconds, 50)), 3), "p99": round(float(np.percentile(milliseconds, 99)), 3)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
