"""Train the ranker: which wording means the same, which entry answers, and how sure that is.

    python -m training.ranker --data ../shared/data --folds DIR --out bot/models/ranker-zh-v1

DIR holds one encoder for each fold (`python -m training.encoder --fold N --out DIR/foldN`); what is missing is trained first.
Every pair is measured by an encoder that has not seen it, and the weights of words apart are used out of fold too:
else the features look better in training than they are (stacking, Wolpert 1992, doi 10.1016/S0893-6080(05)80023-1).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from bot.compare import Weights, compare
from bot.encoder import SentenceEncoder
from bot.index import document_text
from bot.lexical import LexicalIndex
from bot.rank import Ranker, Trees, save_linear, save_ranker
from bot.reading import BUCKETS, Reading, read
from bot.settings import BUNDLED_CONTEXT
from bot.text import prepare
from bot.views import (
    CONTEXT_VIEWS,
    MOST_ENTRIES,
    MOST_WORDINGS,
    PAIR_NAMES,
    VIEWS,
    alone_features,
    choose_entries,
    context_features,
    entry_features,
    look,
)
from eval.fit import linear_of
from knowledge.bank import read_bank
from knowledge.records import Entry
from training.context_rows import KEPT_BACK
from training.encoder import FOLDS, is_left_out, read_jsonl
from training.encoder import main as train_encoder

Floats = npt.NDArray[np.float32]
SEED = 20261125
PAIR_TREES: dict[str, float] = {"max_iter": 200, "learning_rate": 0.08, "max_leaf_nodes": 20, "max_depth": 6, "min_samples_leaf": 60}
ENTRY_TREES: dict[str, float] = {"max_iter": 120, "learning_rate": 0.06, "max_leaf_nodes": 12, "max_depth": 5, "min_samples_leaf": 60}
TAUGHT_ENTRIES = 8
"""Of the entries that compete for a question, those whose nearest wording teaches the pair model."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the entry that answers it, and the fold whose encoder has not seen it."""

    text: str
    owner: int
    fold: int


@dataclass(frozen=True, slots=True)
class Pool:
    """One question and the entries that compete for it, each with its nearest wordings.

    Attributes:
        wordings: of each entry, at most MOST_WORDINGS.
        outer: centre, answer, document and letters of each entry, as in VIEWS; shape (entries, 4).
        sizes: number of wordings of each entry.
    """

    question: Question
    entries: tuple[int, ...]
    wordings: tuple[tuple[str, ...], ...]
    outer: Floats
    sizes: npt.NDArray[np.int64]


@dataclass(slots=True)
class Pairs:
    """Pairs of texts with label, weight and fold."""

    left: list[str]
    right: list[str]
    label: list[int]
    weight: list[float]
    fold: list[int]

    def add(self, left: str, right: str, label: int, weight: float, fold: int) -> None:
        self.left.append(left)
        self.right.append(right)
        self.label.append(label)
        self.weight.append(weight)
        self.fold.append(fold)


@cache
def reading(text: str) -> Reading:
    """A text read once."""
    return read(text)


def fold_of(text: str) -> int:
    """The fold whose encoder was kept from this text."""
    return next(fold for fold in range(FOLDS) if is_left_out(text, fold))


class Encoded:
    """Vectors of texts by one encoder, each worked out once."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Floats] = {}

    def of(self, texts: Sequence[str]) -> Floats:
        """Unit vectors, shape (texts, dimension)."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        for at in range(0, len(missing), 1024):
            chunk = missing[at : at + 1024]
            self._known.update(zip(chunk, self._encoder.encode(chunk), strict=True))
        return np.stack([self._known[text] for text in texts])


def texts_of(row: dict[str, object], name: str) -> list[str]:
    """A list of texts in a row of the data."""
    found = row[name]
    return [str(text) for text in found] if isinstance(found, list) else []


def near_misses(path: Path) -> Pairs:
    """Every two wordings of a group, and each wording with each of its near misses."""
    pairs = Pairs([], [], [], [], [])
    for group in read_jsonl(path):
        same, other = texts_of(group, "equivalent"), texts_of(group, "not_equivalent")
        fold = fold_of(same[0])
        for place, left in enumerate(same):
            for right in same[place + 1 :]:
                pairs.add(left, right, 1, 1.0, fold)
            for right in other:
                pairs.add(left, right, 0, 1.0, fold)
    return pairs


def unlike_pairs(entries: Sequence[Entry], pairs: Pairs) -> None:
    """What looks alike and means something else, beside three wordings of the entry."""
    for entry in entries:
        for text in entry.unlike:
            for wording in entry.wordings[:3]:
                pairs.add(text, wording, 0, 1.0, fold_of(text))


def search(questions: Sequence[Question], entries: Sequence[Entry], encoders: Sequence[Encoded]) -> list[Pool]:
    """The entries that compete for each question; entries without answers."""
    texts = [wording for entry in entries for wording in entry.wordings]
    sizes = np.asarray([len(entry.wordings) for entry in entries])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    letters = LexicalIndex.build(texts)
    documents = LexicalIndex.build([document_text(entry) for entry in entries])
    pools = []
    for fold, encoded in enumerate(encoders):
        vectors = encoded.of(texts)
        sums = np.add.reduceat(vectors, starts, axis=0)
        norms = np.linalg.norm(sums, axis=1)
        for question in tqdm([q for q in questions if q.fold == fold], disable=not sys.stderr.isatty(), desc="search"):
            vector = encoded.of([question.text])[0]
            cosines = vectors @ vector
            shared, words = letters.score(question.text), documents.score(question.text)
            centres = sums @ vector
            centre = (centres / np.maximum(norms, 1e-9)).astype(np.float32)
            answer = np.zeros(len(entries), dtype=np.float32)
            chosen = choose_entries(centre, answer, words, MOST_ENTRIES, np.maximum.reduceat(cosines, starts)).tolist()
            wordings, outer = [], []
            for owner in chosen:
                near = starts[owner] + np.argsort(-cosines[starts[owner] : starts[owner] + sizes[owner]], kind="stable")[:MOST_WORDINGS]
                wordings.append(tuple(texts[number] for number in near))
                outer.append((centre[owner], answer[owner], words[owner], shared[near].max()))
            pools.append(Pool(question, tuple(chosen), tuple(wordings), np.asarray(outer, dtype=np.float32), sizes[np.asarray(chosen)]))
    return pools


def diac_questions(folder: Path) -> tuple[list[Question], list[Entry]]:
    """Further wordings of the training groups, asked of the legal FAQ's questions."""
    bank = [Entry(str(row["id"]), str(row["question"])) for row in read_jsonl(folder / "diac_bank.jsonl")]
    place = {entry.question: number for number, entry in enumerate(bank)}
    asked: list[Question] = []
    for group in read_jsonl(folder / "diac_train_groups.jsonl"):
        first, *others = texts_of(group, "equivalent")
        asked.extend(Question(text, place[first], fold_of(first)) for text in others if first in place)
    return asked, bank


def rarity(texts: Iterable[str]) -> list[float]:
    """Inverse document frequency of grams and legal terms, by bucket."""
    seen = np.zeros(BUCKETS)
    count = 0
    for text in texts:
        found = reading(text)
        for number in found.grams | found.terms:
            seen[number] += 1
        count += 1
    return np.log((1 + count) / (1 + seen)).tolist()  # type: ignore[no-any-return]


def sparse_apart(pairs: Pairs, chosen: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Which grams and words stand apart and which words are shared: three blocks of BUCKETS columns, a row per chosen pair."""
    columns: list[int] = []
    ends = [0]
    for place in np.flatnonzero(chosen):
        here, there = reading(pairs.left[place]), reading(pairs.right[place])
        columns.extend(here.grams ^ there.grams)
        columns.extend(BUCKETS + number for number in here.words ^ there.words)
        columns.extend(2 * BUCKETS + number for number in here.words & there.words)
        ends.append(len(columns))
    data = np.ones(len(columns), dtype=np.float32)
    return sparse.csr_matrix((data, np.asarray(columns), np.asarray(ends)), shape=(len(ends) - 1, 3 * BUCKETS))


def fit_apart(
    matrix: sparse.csr_matrix, label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]
) -> LogisticRegression:
    """Logistic regression on what stands apart; strong shrinkage, for most words are seen seldom."""
    model = LogisticRegression(C=0.05, solver="liblinear", max_iter=60, tol=1e-2)
    return model.fit(matrix[chosen], label[chosen], sample_weight=weight[chosen])


def weights_of(model: LogisticRegression, rare: list[float]) -> Weights:
    """The learnt weights as lists, rounded as they will be stored."""
    blocks = model.coef_[0].astype(np.float16).astype(np.float32).reshape(3, BUCKETS)
    return Weights(np.asarray(rare, dtype=np.float16).astype(np.float32).tolist(), *(block.tolist() for block in blocks))


def pair_rows(pairs: Pairs, weights: Sequence[Weights], encoders: Sequence[Encoded]) -> Floats:
    """Columns of the pair model for pairs, each by the weights and the encoder of its fold."""
    rows = np.zeros((len(pairs.left), len(PAIR_NAMES)), dtype=np.float32)
    by_left: dict[tuple[str, int], list[int]] = {}
    for place, (text, fold) in enumerate(zip(pairs.left, pairs.fold, strict=True)):
        by_left.setdefault((text, fold), []).append(place)
    for (text, fold), places in tqdm(by_left.items(), disable=not sys.stderr.isatty(), desc="compare"):
        others = [pairs.right[place] for place in places]
        rows[places, :-1] = compare(reading(text), [reading(other) for other in others], weights[fold])
        rows[places, -1] = np.clip(encoders[fold].of(others) @ encoders[fold].of([text])[0], 0, 1)
    return rows


def fit_trees(
    rows: Floats, label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], shape: dict[str, float]
) -> HistGradientBoostingClassifier:
    """Gradient boosted trees, small enough that numpy evaluates those of one question in under a millisecond."""
    model = HistGradientBoostingClassifier(**shape, l2_regularization=1.0, random_state=SEED, early_stopping=False)
    return model.fit(rows, label, sample_weight=weight)


def export(model: HistGradientBoostingClassifier) -> Trees:
    """scikit-learn's trees as plain arrays."""
    nodes = [predictors[0].nodes for predictors in model._predictors]
    size = max(len(tree) for tree in nodes)
    shape = (len(nodes), size)
    feature, left, right = (np.zeros(shape, dtype=np.int16) for _ in range(3))
    threshold, value = (np.zeros(shape, dtype=np.float32) for _ in range(2))
    depth = 0
    for number, tree in enumerate(nodes):
        leaf = tree["is_leaf"].astype(bool)
        own = np.arange(len(tree))
        feature[number, : len(tree)] = np.where(leaf, 0, tree["feature_idx"])
        threshold[number, : len(tree)] = np.where(leaf, 0, tree["num_threshold"])
        left[number, : len(tree)] = np.where(leaf, own, tree["left"])
        right[number, : len(tree)] = np.where(leaf, own, tree["right"])
        value[number, : len(tree)] = np.where(leaf, tree["value"], 0)
        depth = max(depth, int(tree["depth"].max()))
    return Trees(feature, threshold, left, right, value, float(model._baseline_prediction.ravel()[0]), depth)


def entry_rows(pools: Sequence[Pool], log_odds: Floats, dense: Floats) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Columns of the entry model for every entry of every pool, labels, and the pool each row belongs to.

    Args:
        log_odds, dense: of all compared wordings of all pools, in order.
    """
    rows: list[Floats] = []
    labels: list[int] = []
    numbers: list[int] = []
    at = 0
    for number, pool in enumerate(pools):
        inner = []
        for wordings in pool.wordings:
            inner.append(look(log_odds[at : at + len(wordings)], dense[at : at + len(wordings)]))
            at += len(wordings)
        views = np.hstack([np.asarray(inner, dtype=np.float32), pool.outer])
        rows.append(entry_features(views, len(reading(pool.question.text).bare), pool.sizes))
        labels.extend(int(entry == pool.question.owner) for entry in pool.entries)
        numbers.extend([number] * len(pool.entries))
    return np.concatenate(rows), np.asarray(labels), np.asarray(numbers)


def without_the_right_one(
    pools: Sequence[Pool], features: Floats, right: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The entry model's columns as if the right entry were not in the bank, and the pool of each row: then no entry is right."""
    rows, owners = [], []
    for number in np.unique(numbers):
        kept = (numbers == number) & (right == 0)
        pool = pools[number]
        others = pool.sizes[[entry != pool.question.owner for entry in pool.entries]]
        rows.append(entry_features(features[kept, : len(VIEWS)], len(reading(pool.question.text).bare), others))
        owners.append(np.full(len(others), number))
    return np.concatenate(rows), np.concatenate(owners)


def in_context(pools: Sequence[Pool], features: Floats, numbers: npt.NDArray[np.int64], context: Encoded) -> Floats:
    """The entry model's columns with those of the second encoder after them, for entries with a single wording."""
    rows = []
    for number in tqdm(np.unique(numbers), disable=not sys.stderr.isatty(), desc="context"):
        pool = pools[number]
        texts = [wordings[0] for wordings in pool.wordings]
        cosines = context.of(texts) @ context.of([pool.question.text])[0]
        if len(cosines) > (numbers == number).sum():  # the right entry is left out
            cosines = cosines[[entry != pool.question.owner for entry in pool.entries]]
        views = np.repeat(cosines[:, None], len(CONTEXT_VIEWS), axis=1)
        rows.append(np.hstack([features[numbers == number], context_features(views)]))
    return np.concatenate(rows)


def first_share(pools: Sequence[Pool], scores: Floats, right: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> dict[str, float]:
    """Share of the questions that find their entry among the candidates, and that find it first."""
    best: dict[int, tuple[float, int]] = {}
    for number, score, ok in zip(numbers, scores, right, strict=True):
        best[int(number)] = max(best.get(int(number), (-99.0, 0)), (float(score), int(ok)))
    found = sum(pool.question.owner in pool.entries for pool in pools)
    return {"found": round(found / len(pools), 4), "first": round(sum(ok for _, ok in best.values()) / len(pools), 4)}


def train(data: Path, bank: Path, folds: Path, context: Path, out: Path, say: Callable[[str], None]) -> None:
    """All steps; writes the ranker and prints what came of it."""
    prepare()
    encoders = [Encoded(SentenceEncoder(folds / f"fold{fold}")) for fold in range(FOLDS)]
    ours, faults = read_bank([bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    asked, legal = diac_questions(data / "eval")
    pools = search(asked, legal, encoders)
    pairs = near_misses(data / "eval/diac_train_groups.jsonl")
    unlike_pairs(ours, pairs)
    begin = len(pairs.left)
    taught = [True] * begin
    for pool in pools:
        for order, (entry, wordings) in enumerate(zip(pool.entries, pool.wordings, strict=True)):
            fits = entry == pool.question.owner
            for place, text in enumerate(wordings):
                pairs.add(pool.question.text, text, int(fits), 1.0 if fits else 0.5, pool.question.fold)
                taught.append(fits or (place == 0 and order < TAUGHT_ENTRIES))
    label, weight, fold = np.asarray(pairs.label), np.asarray(pairs.weight), np.asarray(pairs.fold)
    teaches = np.asarray(taught)
    say(f"{len(pools)} questions, {len(label)} pairs, {int(teaches.sum())} of them taught, {int(label.sum())} the same")
    rare = rarity([entry.question for entry in legal] + [wording for entry in ours for wording in entry.wordings])
    matrix = sparse_apart(pairs, teaches)
    of_taught = fold[teaches]
    by_fold = [weights_of(fit_apart(matrix, label[teaches], weight[teaches], of_taught != number), rare) for number in range(FOLDS)]
    final = weights_of(fit_apart(matrix, label[teaches], weight[teaches], np.ones(len(of_taught), dtype=bool)), rare)
    say("words apart weighed")
    rows = pair_rows(pairs, by_fold, encoders)
    log_odds = np.zeros(len(label), dtype=np.float32)
    for number in range(FOLDS):
        held, learnt = fold == number, teaches & (fold != number)
        log_odds[held] = export(fit_trees(rows[learnt], label[learnt], weight[learnt], PAIR_TREES)).log_odds(rows[held])
    pair_trees = export(fit_trees(rows[teaches], label[teaches], weight[teaches], PAIR_TREES))
    say("pairs learnt")
    features, right, numbers = entry_rows(pools, log_odds[begin:], rows[begin:, -1])
    of_pool = np.asarray([pools[number].question.fold for number in numbers])
    even = np.ones(len(right))
    scores = np.zeros(len(right), dtype=np.float32)
    by_entry_fold = [
        export(fit_trees(features[of_pool != number], right[of_pool != number], even[of_pool != number], ENTRY_TREES))
        for number in range(FOLDS)
    ]
    for number in range(FOLDS):
        scores[of_pool == number] = by_entry_fold[number].log_odds(features[of_pool == number])
    ranker = Ranker("ranker-zh-v1", "", final, pair_trees, export(fit_trees(features, right, even, ENTRY_TREES)))
    about: dict[str, object] = {
        "pairs_taught": int(teaches.sum()),
        "questions_asked": len(pools),
        "seed": SEED,
        "out_of_fold": first_share(pools, scores, right, numbers),
    }
    save_ranker(ranker, out, about)
    unseen = of_pool == KEPT_BACK  # by the second encoder, and by the trees that gave these scores
    encoded = Encoded(SentenceEncoder(context))
    columns = alone_features(scores[unseen], in_context(pools, features[unseen], numbers[unseen], encoded))
    # Half of what is asked has no entry: each question is taught again with its entry gone, so that nearness counts by itself.
    gone, gone_numbers = without_the_right_one(pools, features[unseen], right[unseen], numbers[unseen])
    verdicts = by_entry_fold[KEPT_BACK].log_odds(gone)
    more = alone_features(verdicts, in_context(pools, gone, gone_numbers, encoded))
    labels = np.concatenate([right[unseen], np.zeros(len(more), dtype=np.int64)])
    save_linear(linear_of(np.concatenate([columns, more]), labels), "alone_in_context", out)
    # Without a second encoder the same, over all questions: the first encoders of both folds kept theirs back.
    gone, gone_numbers = without_the_right_one(pools, features, right, numbers)
    folds_of_gone = np.asarray([pools[number].question.fold for number in gone_numbers])
    verdicts = np.zeros(len(gone), dtype=np.float32)
    for number in range(FOLDS):
        verdicts[folds_of_gone == number] = by_entry_fold[number].log_odds(gone[folds_of_gone == number])
    columns = np.concatenate([alone_features(scores, features), alone_features(verdicts, gone)])
    save_linear(linear_of(columns, np.concatenate([right, np.zeros(len(gone), dtype=np.int64)])), "alone", out)
    say(json.dumps(about, ensure_ascii=False))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--folds", type=Path, default=Path("var/folds"))
    parser.add_argument("--context", type=Path, default=BUNDLED_CONTEXT)
    parser.add_argument("--out", type=Path, default=Path("bot/models/ranker-zh-v1"))
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    for fold in range(FOLDS):
        if not (chosen.folds / f"fold{fold}" / "modules.json").is_file():
            train_encoder(
                ["--data", str(chosen.data), "--bank", str(chosen.bank), "--fold", str(fold), "--out", str(chosen.folds / f"fold{fold}")]
            )
    train(chosen.data, chosen.bank, chosen.folds, chosen.context, chosen.out, lambda line: print(line, flush=True))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
