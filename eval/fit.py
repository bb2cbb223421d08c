"""Fit scores and policy to labelled questions: how likely an entry is right, and from which score on to answer.

python -m eval.fit CASES.jsonl [CASES.jsonl …] --artifacts DIR [--out bot/models/policy.json]

Cases tagged "test" are left out: they are for measuring what was fitted. Cases tagged "contrast", made to be mistaken, teach
the scores but choose no threshold, for they are not what workers ask. First a logistic regression learns from
everything that speaks for an entry how likely it is right (the ranker's model for entries with several wordings).
Its scores for choosing thresholds come from models that have not seen the question (FOLDS-fold cross-fitting).

Thresholds, a grid, are tested one after another from the strictest to the most lenient, and the last one before
the first failure is taken (fixed sequence testing: Angelopoulos and others 2021, Learn then Test, arXiv 2110.01052). A threshold
passes when the upper Clopper-Pearson bound (Biometrika 1934, doi 10.1093/biomet/26.4.404) of the share of wrong ones
among the answers given is not above the risk. Testing starts where FORGIVEN wrong answers would still pass, a number
known before any question is seen: with fewer answers a single mistake would end it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from bot.decide import asks_for_human
from bot.encoder import SentenceEncoder, load_context
from bot.errors import NuanxinError
from bot.index import load
from bot.match import Matcher
from bot.policy import BUNDLED_POLICY, PolicyPoint
from bot.rank import Linear, load_ranker, save_linear
from bot.settings import read_settings
from bot.text import normalise, prepare
from eval.cases import BadCase, Case, read_cases

RISKS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20)
CONFIDENCE = 0.95
TEST, CONTRAST = "test", "contrast"
FORGIVEN = 8
"""Started where 3 would pass (76 answers at a risk of 0.10), half of the fits with 5 % wrong answers stop at once; where 8 would
(142 answers), 3 in 10."""
FOLDS = 5
CONTRAST_COUNTS = 0.5
"""Weight of a contrast question in learning scores: twice that, and fewer questions are answered at the same risk."""
GRID = tuple(round(1 - 0.02 * step, 2) for step in range(1, 50))
"""Scores that are tried as thresholds. Of every score that occurs, neighbours differ by a single answer, and one unlucky answer
among the first ends it; steps of 0.05 leave out the only threshold that keeps a risk of 0.10 without the second encoder."""
OFFERED = 0.97
"""Share of the questions with a right entry whose best candidate is at least offered as a choice."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The best candidate of one question.

    Attributes:
        score: with which it would be answered; 0 where something clashes.
        right: it is right, and nothing clashes.
        has_entry: some entry would have been right.
        offered: the score with which it is offered as a choice, where it is right, else 0.
    """

    score: float
    right: bool
    has_entry: bool
    offered: float = 0.0


@dataclass(frozen=True, slots=True)
class Looked:
    """One labelled question: the entry model's columns of its candidates, which are right, which clash, whether it may be answered,
    and whether it was made to be mistaken."""

    features: npt.NDArray[np.float32]
    right: npt.NDArray[np.bool_]
    clash: npt.NDArray[np.bool_]
    has_entry: bool
    answerable: bool
    contrast: bool = False


def look_at(cases: Sequence[Case], matcher: Matcher) -> list[Looked]:
    """Candidates of every labelled case; what asks for a human is never answered."""
    found = []
    for case in tqdm([case for case in cases if case.entries is not None], disable=not sys.stderr.isatty(), unit="问"):
        ids, features, clash = matcher.entry_features(case.query)
        right = np.asarray([id_ in (case.entries or ()) for id_ in ids], dtype=bool)
        answerable = bool(ids) and not asks_for_human(normalise(case.query))
        found.append(Looked(features, right, clash, bool(case.entries), answerable, CONTRAST in case.tags))
    return found


def fit_entries(looked: Sequence[Looked]) -> Linear:
    """On all candidates of all questions."""
    weights = [np.full(len(question.right), CONTRAST_COUNTS if question.contrast else 1.0) for question in looked]
    rows, right = np.concatenate([question.features for question in looked]), np.concatenate([question.right for question in looked])
    return linear_of(rows, right, np.concatenate(weights))


def linear_of(
    rows: npt.NDArray[np.float32], right: npt.NDArray[np.bool_] | npt.NDArray[np.int64], weights: npt.NDArray[np.float64] | None = None
) -> Linear:
    """Logistic regression of standardised columns; C is small, for there are few questions.

    Args:
        rows: shape (candidates, columns).
        right: which of them are right.
        weights: how much each counts; None counts all alike.
    """
    shift, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.3, max_iter=3000).fit((rows - shift) / scale, right, sample_weight=weights)
    return Linear(_rounded(shift), _rounded(scale), _rounded(model.coef_[0]), round(float(model.intercept_[0]), 6))


def _rounded(values: npt.NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


def score_out_of_fold(looked: Sequence[Looked]) -> list[Scored]:
    """The best candidate of each question but those made to be mistaken, scored by a model that has not seen the question."""
    scored = []
    natural = [question for question in looked if not question.contrast]
    made = [question for question in looked if question.contrast]
    for fold in range(FOLDS):
        model = fit_entries([*(question for number, question in enumerate(natural) if number % FOLDS != fold), *made])
        for question in natural[fold::FOLDS]:
            if not question.answerable:
                scored.append(Scored(0.0, False, question.has_entry))
                continue
            log_odds = model.log_odds(question.features)
            best = int(np.argmax(log_odds))
            score, right = float(1 / (1 + np.exp(-log_odds[best]))), bool(question.right[best])
            clash = bool(question.clash[best])  # asked back whatever the score
            scored.append(Scored(0.0 if clash else score, right and not clash, question.has_entry, score if right else 0.0))
    return scored


def upper_bound(wrong: int, given: int, confidence: float = CONFIDENCE) -> float:
    """Upper Clopper-Pearson bound of a share, 0..1."""
    return 1.0 if wrong >= given else float(beta.ppf(confidence, wrong + 1, given - wrong))


def curve(scored: Sequence[Scored]) -> list[PolicyPoint]:
    """Risk and coverage at every score that occurs, highest first; `risk` is the bound itself."""
    ordered = sorted(scored, key=lambda case: -case.score)
    coverable = max(1, sum(case.has_entry for case in scored))
    points, wrong, covered = [], 0, 0
    for given, case in enumerate(ordered, start=1):
        wrong += not case.right
        covered += case.has_entry
        if given < len(ordered) and ordered[given].score == case.score:
            continue
        bound = upper_bound(wrong, given)
        points.append(PolicyPoint(bound, case.score, covered / coverable, wrong / given, bound))
    return points


def fit_point(scored: Sequence[Scored], risk: float) -> PolicyPoint | None:
    """The most lenient threshold of the grid reached before the first failure; None where the first one fails."""
    chosen = None
    fewest, coverable = fewest_answers(risk), max(1, sum(case.has_entry for case in scored))
    for threshold in GRID:
        given = [case for case in scored if case.score >= threshold]
        if len(given) < fewest:
            continue
        wrong = sum(not case.right for case in given)
        bound = upper_bound(wrong, len(given))
        if bound > risk:
            break
        coverage = sum(case.has_entry for case in given) / coverable
        chosen = PolicyPoint(risk, threshold, round(coverage, 4), round(wrong / len(given), 4), round(bound, 4))
    return chosen


def fewest_answers(risk: float) -> int:
    """How many answers there must be for FORGIVEN wrong ones to keep the bound."""
    given = FORGIVEN + 1
    while upper_bound(FORGIVEN, given) > risk:
        given += 1
    return given


def fit(scored: Sequence[Scored]) -> dict[str, object]:
    """The contents of a policy file.

    Raises:
        ValueError: not one of the risks can be kept on these cases.
    """
    points = curve(scored)
    chosen = [point for risk in RISKS if (point := fit_point(scored, risk)) is not None]
    if not chosen:
        raise ValueError(f"{len(scored)} cases: no threshold keeps a risk of {RISKS[-1]:g} at {CONFIDENCE:.0%} confidence")
    right = sorted((case.offered for case in scored if case.offered > 0), reverse=True)
    clarify = right[min(len(right) - 1, int(OFFERED * len(right)))] if right else 0.0
    clarify = round(min(clarify, chosen[0].answer), 4)
    return {
        "method": "fixed sequence testing with Clopper-Pearson bounds",
        "confidence": CONFIDENCE,
        "cases": len(scored),
        "with_entry": sum(case.has_entry for case in scored),
        "points": [asdict(point) for point in chosen],
        "clarify": clarify,
        "outside": round(clarify / 2, 4),
        "curve": [
            {"answer": round(p.answer, 4), "coverage": round(p.coverage, 4), "wrong": round(p.wrong, 4), "bound": round(p.bound, 4)}
            for p in points[:: max(1, len(points) // 60)]
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; prints a line for each risk, the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--artifacts", type=Path)
    parser.add_argument("--out", type=Path, default=BUNDLED_POLICY)
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings()
        cases = [case for path in chosen.cases for case in read_cases(path) if TEST not in case.tags]
        encoder, context = SentenceEncoder(settings.encoder), load_context(settings.context)
        prepare()
        index = load(chosen.artifacts or settings.artifacts, encoder, context)
        ranker = load_ranker(settings.ranker, to_fit=True)
        looked = look_at(cases, Matcher(index, encoder, ranker, context))
        plain = look_at(cases, Matcher(index, encoder, ranker)) if context else looked
        policy = fit(score_out_of_fold(looked))
        policy["without_context"] = fit(score_out_of_fold(plain))
    except (NuanxinError, BadCase, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    save_linear(fit_entries(plain), "several", settings.ranker)
    if context is not None:
        save_linear(fit_entries(looked), "in_context", settings.ranker)
    ranker = load_ranker(settings.ranker)
    made_of = {
        "encoder": encoder.fingerprint,
        "context": context.fingerprint if context else "",
        "ranker": ranker.fingerprint,
        "index": index.version,
    }
    digest = hashlib.sha256(json.dumps(policy | made_of, sort_keys=True).encode()).hexdigest()
    policy = {"version": digest[:12], **policy, "made_of": made_of}
    chosen.out.write_text(json.dumps(policy, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    points = policy["points"]
    assert isinstance(points, list)
    for point in points:
        print(
            f"risk {point['risk']:.2f}: answer from {point['answer']:.3f}, coverage {point['coverage']:.3f}, "
            f"wrong {point['wrong']:.3f}, at most {point['bound']:.3f} with {CONFIDENCE:.0%} confidence"
        )
    print(json.dumps({"policy": policy["version"], "cases": policy["cases"], "points": points, "clarify": policy["clarify"]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
