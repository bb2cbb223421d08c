"""Features to scores: how likely two texts mean the same, how likely an entry answers; small learned models, calibrated.

The pair model is a sum of decision trees (Friedman 2001, doi 10.1214/aos/1013203451, as in scikit-learn's histogram
gradient boosting); the entry model a logistic regression over what the pair model says of an entry's wordings.
Both are trained by ranker_train.py. Knows nothing of texts, encoders or thresholds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.compare import NAMES, Weights
from bot.errors import RankerError
from bot.reading import BUCKETS

Floats = npt.NDArray[np.float32]

PAIR_NAMES = (*NAMES, "dense")
"""Columns of the pair model: those of `compare`, then the cosine of the two vectors."""
ENTRY_NAMES = ("best", "second", "mean", "lead", "dense", "dense_lead", "lexical", "length", "alone")
"""Columns of the entry model; see `entry_features`."""
ABSENT = -8.0
"""Log-odds that stand for a wording or an entry that is not there."""
FILE, CARD = "ranker.npz", "ranker.json"
_WEIGHTS = ("rarity", "gram_apart", "word_apart", "word_shared")
_TREES = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True, slots=True)
class Trees:
    """Decision trees as arrays of shape (trees, nodes); a leaf points to itself.

    Attributes:
        base: log-odds before any tree.
        depth: longest way from a root to a leaf.
    """

    feature: npt.NDArray[np.int16]
    threshold: Floats
    left: npt.NDArray[np.int16]
    right: npt.NDArray[np.int16]
    value: Floats
    base: float
    depth: int

    def log_odds(self, rows: Floats) -> Floats:
        """Sum of the leaves that each row falls into, float32, shape (rows,)."""
        count, trees = len(rows), len(self.feature)
        flat = np.broadcast_to(np.arange(trees) * self.feature.shape[1], (count, trees))
        at = flat.copy()
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = self.left.ravel(), self.right.ravel()
        place = (np.arange(count) * rows.shape[1])[:, None]
        values = np.ascontiguousarray(rows).ravel()
        for _ in range(self.depth):
            goes_left = values.take(place + feature.take(at)) <= threshold.take(at)
            at = flat + np.where(goes_left, left.take(at), right.take(at))
        return np.asarray(self.value.ravel().take(at).sum(axis=1) + self.base, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Ranker:
    """Both models and the weights that `compare` needs.

    Attributes:
        name: what the model is called in reports.
        fingerprint: sha256 of its file.
        scale, shift, slope, bias: the entry model: slope · (features - shift) / scale + bias are log-odds.
    """

    name: str
    fingerprint: str
    weights: Weights
    trees: Trees
    shift: Floats
    scale: Floats
    slope: Floats
    bias: float

    def pair_log_odds(self, rows: Floats) -> Floats:
        """Log-odds that the texts of each row mean the same; rows of shape (pairs, len(PAIR_NAMES))."""
        return self.trees.log_odds(rows)

    def entry_scores(self, rows: Floats) -> Floats:
        """Probability, 0..1, that each entry answers; rows of shape (entries, len(ENTRY_NAMES))."""
        log_odds = ((rows - self.shift) / self.scale) @ self.slope + self.bias
        return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float32)


def entry_features(
    log_odds: Floats, dense: Floats, lexical: Floats, owners: npt.NDArray[np.int64], length: int
) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]:
    """What the pair model says of each entry's wordings, and how far the next entry is behind.

    Args:
        log_odds, dense, lexical: of each candidate wording, shape (wordings,).
        owners: the entry each wording belongs to.
        length: characters of the question.

    Returns:
        the entries, shape (entries,); their features, float32, shape (entries, len(ENTRY_NAMES)); and for each entry
        the place of its best wording.
    """
    entries, inverse = np.unique(owners, return_inverse=True)
    count = len(entries)
    order = np.lexsort((-log_odds, inverse))
    first = np.searchsorted(inverse[order], np.arange(count))
    sizes = np.bincount(inverse, minlength=count)
    best_place = order[first]
    best = log_odds[best_place]
    second = np.where(sizes > 1, log_odds[order[np.minimum(first + 1, len(order) - 1)]], ABSENT)
    third = np.where(sizes > 2, log_odds[order[np.minimum(first + 2, len(order) - 1)]], second)
    closest = np.zeros(count, dtype=np.float32)
    np.maximum.at(closest, inverse, dense)
    rows = np.stack(
        [
            best,
            second,
            (best + second + third) / 3,
            best - _next_best(best, ABSENT),
            closest,
            closest - _next_best(closest, 0.0),
            _largest(lexical, inverse, count),
            np.full(count, np.log1p(length)),
            (sizes == 1).astype(np.float32),
        ],
        axis=1,
    )
    return entries, rows.astype(np.float32), best_place


def _largest(values: Floats, groups: npt.NDArray[np.int64], count: int) -> Floats:
    found = np.zeros(count, dtype=np.float32)
    np.maximum.at(found, groups, values)
    return found


def _next_best(values: Floats, nothing: float) -> Floats:
    """For each value the largest of the others."""
    if len(values) < 2:
        return np.full(len(values), nothing, dtype=np.float32)
    top = np.argsort(-values)[:2]
    others = np.full(len(values), values[top[0]], dtype=np.float32)
    others[top[0]] = values[top[1]]
    return others


def save_ranker(ranker: Ranker, folder: Path, about: dict[str, object]) -> None:
    """Write the models and what made them; weights as half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.asarray(getattr(ranker.weights, name), dtype=np.float16) for name in _WEIGHTS}
    arrays |= {name: getattr(ranker.trees, name) for name in _TREES}
    np.savez_compressed(folder / FILE, shift=ranker.shift, scale=ranker.scale, slope=ranker.slope, **arrays)  # type: ignore[arg-type]
    card = {
        "name": ranker.name,
        "pair_columns": PAIR_NAMES,
        "entry_columns": ENTRY_NAMES,
        "base": ranker.trees.base,
        "depth": ranker.trees.depth,
        "bias": ranker.bias,
    }
    (folder / CARD).write_text(json.dumps(card | about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_ranker(folder: Path) -> Ranker:
    """Read a folder written by `save_ranker`.

    Raises:
        RankerError: it is missing, broken, or made for other columns.
    """
    try:
        raw = (folder / FILE).read_bytes()
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        with np.load(folder / FILE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if tuple(card["pair_columns"]) != PAIR_NAMES or tuple(card["entry_columns"]) != ENTRY_NAMES:
            raise RankerError(
                f"The ranker in {folder} was trained on other columns than this version has. Train it: python ranker_train.py"
            )
        lists = {name: arrays[name].astype(np.float32).tolist() for name in _WEIGHTS}
        if any(len(values) != BUCKETS for values in lists.values()):
            raise RankerError(f"The ranker in {folder} has weights of another length than {BUCKETS}.")
        return Ranker(
            name=str(card["name"]),
            fingerprint=hashlib.sha256(raw).hexdigest(),
            weights=Weights(**lists),
            trees=Trees(**{name: arrays[name] for name in _TREES}, base=float(card["base"]), depth=int(card["depth"])),
            shift=arrays["shift"],
            scale=arrays["scale"],
            slope=arrays["slope"],
            bias=float(card["bias"]),
        )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RankerError(
            f"The ranker in {folder} cannot be read ({type(error).__name__}: {error}). Train it: python ranker_train.py"
        ) from error
