"""Train the ranker: which wording means the same, which entry answers, and how sure that is.

    python ranker_train.py --data ../shared/data --folds DIR --out bot/models/ranker-zh-v1

DIR holds one encoder for each fold (`encoder_train.py --fold N --out DIR/foldN`); what is missing is trained first.
Every pair is measured by an encoder that has not seen it, and the weights of words apart are used out of fold too:
else the features look better in training than they are (stacking, Wolpert 1992, doi 10.1016/S0893-6080(05)80023-1).
"""

from __future__ import annotations

import argparse
import json
import random
import re
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

import encoder_train
from bot.compare import NAMES, Weights, compare
from bot.encoder import SentenceEncoder
from bot.lexical import LexicalIndex
from bot.rank import ENTRY_NAMES, PAIR_NAMES, Ranker, Trees, entry_features, save_ranker
from bot.reading import BUCKETS, Reading, read
from bot.text import legal_terms, normalise, prepare
from encoder_train import FOLDS, is_left_out, read_jsonl
from knowledge.bank import read_bank
from knowledge.records import Entry

Floats = npt.NDArray[np.float32]
APART = list(NAMES).index("apart")
SEED = 20261125
_WORK = re.compile(
    "工|薪|单位|公司|老板|上班|下班|员|社保|保险|退休|养老|劳|聘|岗|雇|厂|职|仲裁|辞|干活"
    "|休假|放假|津贴|公积金|个税|生育|产假|怀孕|残疾|补偿|赔偿"
)
POOL = 40
"""Wordings nearest by cosine that compete for one question."""
MOST_ENTRIES = 12


@dataclass(frozen=True, slots=True)
class Side:
    """Wordings to search: texts, the entry each belongs to."""

    texts: tuple[str, ...]
    owners: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pool:
    """One question and the wordings that compete for it.

    Attributes:
        places: of the wordings in their side.
        right: for each, whether its entry answers the question.
        fold: the encoder that has not seen the question.
    """

    question: str
    texts: tuple[str, ...]
    owners: tuple[int, ...]
    right: tuple[bool, ...]
    lexical: tuple[float, ...]
    fold: int
    is_bank: bool


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


def search(questions: Sequence[tuple[str, int | None, int]], side: Side, encoders: Sequence[Encoded], is_bank: bool) -> list[Pool]:
    """For each (question, entry or None, fold) the wordings nearest to it, the question itself left out."""
    pools = []
    lexical = LexicalIndex.build(side.texts)
    for fold, encoded in enumerate(encoders):
        vectors = encoded.of(side.texts)
        chosen = [q for q in questions if q[2] == fold]
        for at in tqdm(range(0, len(chosen), 256), disable=not sys.stderr.isatty(), desc="search"):
            chunk = chosen[at : at + 256]
            scores = encoded.of([text for text, _, _ in chunk]) @ vectors.T
            for row, (text, owner, _) in zip(scores, chunk, strict=True):
                letters = lexical.score(text)
                mixed = row + 0.2 * letters
                near = [int(place) for place in np.argsort(-mixed)[: POOL + 1] if side.texts[place] != text][:POOL]
                kept: list[int] = []
                seen: dict[int, int] = {}
                for place in near:
                    entry = int(side.owners[place])
                    if entry not in seen and len(seen) >= MOST_ENTRIES:
                        continue
                    if seen.get(entry, 0) < 3:
                        seen[entry] = seen.get(entry, 0) + 1
                        kept.append(place)
                pools.append(
                    Pool(
                        text,
                        tuple(side.texts[place] for place in kept),
                        tuple(int(side.owners[place]) for place in kept),
                        tuple(int(side.owners[place]) == owner for place in kept),
                        tuple(float(letters[place]) for place in kept),
                        fold,
                        is_bank,
                    )
                )
    return pools


def diac_questions(folder: Path) -> tuple[list[tuple[str, int | None, int]], Side]:
    """Further wordings of the training groups, asked of the legal FAQ's questions."""
    bank = [str(row["question"]) for row in read_jsonl(folder / "diac_bank.jsonl")]
    place = {question: number for number, question in enumerate(bank)}
    asked: list[tuple[str, int | None, int]] = []
    for group in read_jsonl(folder / "diac_train_groups.jsonl"):
        first, *others = texts_of(group, "equivalent")
        asked.extend((text, place[first], fold_of(first)) for text in others if first in place)
    return asked, Side(tuple(bank), np.arange(len(bank)))


def bank_questions(entries: Sequence[Entry], rng: random.Random) -> tuple[list[tuple[str, int | None, int]], Side]:
    """Every further wording of our entries, asked of all the other wordings; and what no entry answers."""
    texts = [(wording, place) for place, entry in enumerate(entries) for wording in entry.wordings]
    asked: list[tuple[str, int | None, int]] = [
        (wording, place, fold_of(wording)) for place, entry in enumerate(entries) for wording in entry.similar
    ]
    rng.shuffle(asked)
    return asked, Side(tuple(text for text, _ in texts), np.asarray([place for _, place in texts]))


def other_law(path: Path) -> list[str]:
    """Questions about law that speak of nothing a hotline for workers deals with."""
    questions = {str(row["question"]) for row in read_jsonl(path) if row["source"] != "gov-policy"}
    return sorted(text for text in questions if not _WORK.search(text) and not legal_terms(normalise(text)))


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


def sparse_apart(pairs: Pairs) -> sparse.csr_matrix:
    """Which grams and words stand apart and which words are shared: three blocks of BUCKETS columns."""
    rows, columns = [], []
    for row, (left, right) in enumerate(zip(pairs.left, pairs.right, strict=True)):
        here, there = reading(left), reading(right)
        found = [
            *(here.grams ^ there.grams),
            *(BUCKETS + number for number in here.words ^ there.words),
            *(2 * BUCKETS + number for number in here.words & there.words),
        ]
        columns.extend(found)
        rows.extend([row] * len(found))
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(pairs.left), 3 * BUCKETS))


def fit_apart(matrix: sparse.csr_matrix, pairs: Pairs, chosen: npt.NDArray[np.bool_]) -> LogisticRegression:
    """Logistic regression on what stands apart; strong shrinkage, for most words are seen seldom."""
    model = LogisticRegression(C=0.05, solver="liblinear", max_iter=200)
    model.fit(matrix[chosen], np.asarray(pairs.label)[chosen], sample_weight=np.asarray(pairs.weight)[chosen])
    return model


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


def fit_trees(rows: Floats, label: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]) -> HistGradientBoostingClassifier:
    """Gradient boosted trees of at most 20 leaves and depth 6: what numpy evaluates for 40 rows in under a millisecond."""
    model = HistGradientBoostingClassifier(
        max_iter=220, learning_rate=0.08, max_leaf_nodes=20, max_depth=6, min_samples_leaf=60, l2_regularization=1.0, random_state=SEED
    )
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
    """Columns of the entry model for every entry of every pool, labels, and the pool each row belongs to."""
    rows: list[Floats] = []
    labels: list[int] = []
    numbers: list[int] = []
    at = 0
    for number, pool in enumerate(pools):
        size = len(pool.texts)
        owners = np.asarray(pool.owners)
        entries, found, best = entry_features(
            log_odds[at : at + size],
            dense[at : at + size],
            np.asarray(pool.lexical, dtype=np.float32),
            owners,
            len(reading(pool.question).bare),
        )
        rows.append(found)
        labels.extend(int(pool.right[place]) for place in best)
        numbers.extend([number] * len(entries))
        at += size
    return np.concatenate(rows), np.asarray(labels), np.asarray(numbers)


def first_share(
    pools: Sequence[Pool], scores: Floats, right: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], is_bank: bool
) -> dict[str, float]:
    """How many questions have their entry among the candidates, and how many of these have it first; out of fold."""
    wanted = [number for number, pool in enumerate(pools) if pool.is_bank == is_bank and any(pool.right)]
    best: dict[int, tuple[float, int]] = {}
    inside = np.isin(numbers, wanted)
    for number, score, ok in zip(numbers[inside], scores[inside], right[inside], strict=True):
        best[int(number)] = max(best.get(int(number), (-1.0, 0)), (float(score), int(ok)))
    return {"found": len(wanted), "first_of_found": round(sum(ok for _, ok in best.values()) / max(1, len(best)), 4)}


def train(data: Path, bank: Path, folds: Path, out: Path, say: Callable[[str], None]) -> None:
    """All steps; writes the ranker and prints what came of it."""
    prepare()
    rng = random.Random(SEED)
    encoders = [Encoded(SentenceEncoder(folds / f"fold{fold}")) for fold in range(FOLDS)]
    entries, faults = read_bank([bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    asked, legal = diac_questions(data / "eval")
    pools = search(asked, legal, encoders, is_bank=False)
    asked, ours = bank_questions(entries, rng)
    pools += search(asked[:9000], ours, encoders, is_bank=True)
    general = [str(row["question"]) for row in read_jsonl(data / "train/general_questions.jsonl.gz")]
    foreign = rng.sample(general, 3000) + rng.sample(other_law(data / "train/question_passage.jsonl.gz"), 3000)
    pools += search([(text, None, number % FOLDS) for number, text in enumerate(foreign)], ours, encoders, is_bank=True)
    say(f"{len(pools)} questions with {sum(len(pool.texts) for pool in pools)} competing wordings")
    pairs = near_misses(data / "eval/diac_train_groups.jsonl")
    unlike_pairs(entries, pairs)
    begin = len(pairs.left)
    for pool in pools:
        for text, fits in zip(pool.texts, pool.right, strict=True):
            pairs.add(pool.question, text, int(fits), 1.0 if fits else 0.5, pool.fold)
    label, weight, fold = np.asarray(pairs.label), np.asarray(pairs.weight), np.asarray(pairs.fold)
    rare = rarity([*legal.texts, *ours.texts])
    matrix = sparse_apart(pairs)
    say(f"{len(label)} pairs, {int(label.sum())} the same")
    by_fold = [weights_of(fit_apart(matrix, pairs, fold != number), rare) for number in range(FOLDS)]
    final = weights_of(fit_apart(matrix, pairs, np.ones(len(label), dtype=bool)), rare)
    rows = pair_rows(pairs, by_fold, encoders)
    out_of_fold = np.zeros(len(label), dtype=np.float32)
    for number in range(FOLDS):
        held = fold == number
        out_of_fold[held] = export(fit_trees(rows[~held], label[~held], weight[~held])).log_odds(rows[held])
    trees = export(fit_trees(rows, label, weight))
    features, right, numbers = entry_rows(pools, out_of_fold[begin:], rows[begin:, -1])
    shift, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    chosen = LogisticRegression(C=1.0, max_iter=1000).fit((features - shift) / scale, right)
    ranker = Ranker("ranker-zh-v1", "", final, trees, shift, scale, chosen.coef_[0].astype(np.float32), float(chosen.intercept_[0]))
    scores = ranker.entry_scores(features)
    about: dict[str, object] = {"pairs": len(label), "questions": len(pools), "seed": SEED}
    for name, is_bank in (("legal_faq", False), ("own_bank", True)):
        about[name] = first_share(pools, scores, right, numbers, is_bank)
    save_ranker(ranker, out, about)
    say(json.dumps(about | {"slope": dict(zip(ENTRY_NAMES, ranker.slope.round(2).tolist(), strict=True))}, ensure_ascii=False))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--folds", type=Path, default=Path("var/folds"))
    parser.add_argument("--out", type=Path, default=Path("bot/models/ranker-zh-v1"))
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    for fold in range(FOLDS):
        if not (chosen.folds / f"fold{fold}" / "modules.json").is_file():
            encoder_train.main(
                ["--data", str(chosen.data), "--bank", str(chosen.bank), "--fold", str(fold), "--out", str(chosen.folds / f"fold{fold}")]
            )
    train(chosen.data, chosen.bank, chosen.folds, chosen.out, lambda line: print(line, flush=True))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
