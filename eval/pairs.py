"""Pairs of questions, the same or not: how well the encoder and the ranker tell them apart.

python -m eval.pairs ../shared/data/eval     near misses of the legal FAQ's dev groups, and Spearman's rank correlation of
                                             the encoder's cosines on the usual Chinese sets; the last line is one JSON object
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz
from scipy.stats import spearmanr
from sklearn.metrics import f1_score, roc_auc_score

from bot.compare import compare
from bot.encoder import Encoder, SentenceEncoder
from bot.rank import Ranker, load_ranker
from bot.reading import Reading, read
from bot.settings import read_settings
from bot.text import normalise, prepare, squeeze

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions; `same` where they mean the same."""

    left: str
    right: str
    same: bool


def diac_near(folder: Path) -> list[Pair]:
    """The first wording of each dev group beside its other wordings and its near misses."""
    pairs = []
    for line in (folder / "diac_dev_groups.jsonl").read_text(encoding="utf-8").splitlines():
        group = json.loads(line)
        first, *others = group["equivalent"]
        pairs += [Pair(first, other, True) for other in others]
        pairs += [Pair(first, other, False) for other in group["not_equivalent"]]
    return pairs


def diac_all(folder: Path) -> list[Pair]:
    """Every two wordings of each dev group, and every wording beside every near miss."""
    pairs = []
    for line in (folder / "diac_dev_groups.jsonl").read_text(encoding="utf-8").splitlines():
        group = json.loads(line)
        same = group["equivalent"]
        pairs += [Pair(left, right, True) for place, left in enumerate(same) for right in same[place + 1 :]]
        pairs += [Pair(left, right, False) for left in same for right in group["not_equivalent"]]
    return pairs


def by_letters(pairs: Sequence[Pair]) -> Scores:
    """RapidFuzz ratio, 0..1."""
    return np.asarray([fuzz.ratio(squeeze(normalise(p.left)), squeeze(normalise(p.right))) / 100 for p in pairs])


def by_cosine(pairs: Sequence[Pair], encoder: Encoder) -> Scores:
    """Cosine of the encoder's vectors."""
    return np.asarray(np.sum(encoder.encode([p.left for p in pairs]) * encoder.encode([p.right for p in pairs]), axis=1), dtype=np.float64)


def by_ranker(pairs: Sequence[Pair], encoder: Encoder, ranker: Ranker) -> Scores:
    """Probability of the pair model that both mean the same."""
    known: dict[str, Reading] = {}
    for pair in pairs:
        for text in (pair.left, pair.right):
            if text not in known:
                known[text] = read(text)
    rows = np.concatenate([compare(known[p.left], [known[p.right]], ranker.weights) for p in pairs])
    dense = np.clip(by_cosine(pairs, encoder), 0, 1)[:, None]
    return np.asarray(1 / (1 + np.exp(-ranker.pair_log_odds(np.hstack([rows, dense]).astype(np.float32)))), dtype=np.float64)


def standard_figures(path: Path, encoder: Encoder) -> dict[str, float]:
    """Spearman's rank correlation of cosine and label for each set, as published figures are given (times 100)."""
    by_source: dict[str, tuple[list[Pair], list[float]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            pairs, labels = by_source.setdefault(str(row["source"]), ([], []))
            pairs.append(Pair(str(row["a"]), str(row["b"]), bool(row["label"])))
            labels.append(float(row["label"]))
    found = {
        source: round(100 * float(spearmanr(by_cosine(pairs, encoder), labels).statistic), 2)
        for source, (pairs, labels) in by_source.items()
    }
    return found | {"mean": round(sum(found.values()) / len(found), 2)}


def auc(pairs: Sequence[Pair], scores: Scores) -> float:
    """Area under the ROC curve."""
    return round(float(roc_auc_score([p.same for p in pairs], scores)), 4)


def best_macro_f1(pairs: Sequence[Pair], scores: Scores) -> float:
    """Macro-F1 at the threshold that is best on these pairs themselves."""
    label = np.asarray([p.same for p in pairs])
    return round(
        max(float(f1_score(label, scores >= threshold, average="macro")) for threshold in np.quantile(scores, np.linspace(0.2, 0.95, 76))),
        4,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    settings = read_settings()
    prepare()
    encoder, ranker = SentenceEncoder(settings.encoder), load_ranker(settings.ranker)
    near, every = diac_near(chosen.folder), diac_all(chosen.folder)
    methods: dict[str, Callable[[Sequence[Pair]], Scores]] = {
        "letters": by_letters,
        "cosine": lambda pairs: by_cosine(pairs, encoder),
        "ranker": lambda pairs: by_ranker(pairs, encoder, ranker),
    }
    figures: dict[str, object] = {"near": len(near), "all": len(every)}
    for name, method in methods.items():
        found = method(every)
        figures[name] = {"auc_near": auc(near, method(near)), "macro_f1_all": best_macro_f1(every, found)}
        if name == "ranker":  # the threshold that the model means, chosen on no dev pair
            figures["ranker_macro_f1_at_half"] = round(float(f1_score([p.same for p in every], found >= 0.5, average="macro")), 4)
    standard = chosen.folder / "standard_pairs.jsonl.gz"
    if standard.is_file():
        figures["spearman"] = standard_figures(standard, encoder)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
