"""Features to scores: how likely two texts mean the same, how likely an entry answers; small learned models, calibrated.

Both models are sums of decision trees (Friedman 2001, doi 10.1214/aos/1013203451, as in scikit-learn's histogram
gradient boosting): one over two texts side by side, one over everything that speaks for an entry.
Both are trained by training/ranker.py. Knows nothing of texts, encoders or thresholds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.compare import Weights
from bot.errors import RankerError
from bot.reading import BUCKETS
from bot.views import ENTRY_NAMES, LINEARS, PAIR_NAMES, Floats, alone_features, has_context

FILE, CARD = "ranker.npz", "ranker.json"
FITTED = frozenset({"several", "in_context"})
"""Those that `eval.fit` fits."""
SCOPE, ASKED = "scope.npz", "asked.json"
MOST_SCOPE = 6.0
"""Log-odds beyond which scope counts no more."""
_WEIGHTS = ("rarity", "gram_apart", "word_apart", "word_shared")
_MODELS = ("pairs", "entries")
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
class Linear:
    """A logistic regression: slope · (row - shift) / scale + bias are log-odds; each list as long as a row."""

    shift: tuple[float, ...]
    scale: tuple[float, ...]
    slope: tuple[float, ...]
    bias: float

    def log_odds(self, rows: Floats) -> Floats:
        """float32, shape (rows,)."""
        shift, scale, slope = _as_arrays(self)
        return np.asarray(((rows - shift) / scale) @ slope + self.bias, dtype=np.float32)


@lru_cache(maxsize=8)
def _as_arrays(linear: Linear) -> tuple[Floats, Floats, Floats]:
    shift, scale, slope = (np.asarray(values, dtype=np.float32) for values in (linear.shift, linear.scale, linear.slope))
    return shift, scale, slope


@dataclass(frozen=True, slots=True)
class Scope:
    """A network with one hidden layer: is a question about work?

    Attributes:
        first: shape (dimension, hidden).
        hidden: biases, shape (hidden,).
        second: shape (hidden,).
        bias: of the output.
    """

    first: Floats
    hidden: Floats
    second: Floats
    bias: float

    def log_odds(self, vector: Floats) -> float:
        """Log-odds of a vector of the second encoder, within MOST_SCOPE either way."""
        found = float(np.maximum(vector.ravel() @ self.first + self.hidden, 0) @ self.second + self.bias)
        return min(max(found, -MOST_SCOPE), MOST_SCOPE)


@dataclass(frozen=True, slots=True)
class Ranker:
    """Both models and the weights that `compare` needs.

    Attributes:
        name: what the model is called in reports.
        fingerprint: sha256 of its file.
        pairs: the pair model.
        entries: the entry model for entries with a single wording, which real pairs teach.
        several: the entry model for entries with several wordings, which labelled questions to our bank teach
            (`eval.fit`); None until it is fitted.
        in_context: the same where there is a second encoder, over the columns of both.
        alone, alone_in_context: for entries with a single wording, without and with a second encoder.
        scope: the second encoder's judge of scope.
        asked: how many real questions an entry, by its id, answered; those that answered none are left out.
    """

    name: str
    fingerprint: str
    weights: Weights
    pairs: Trees
    entries: Trees
    several: Linear | None = None
    in_context: Linear | None = None
    alone: Linear | None = None
    alone_in_context: Linear | None = None
    scope: Scope | None = None
    asked: Mapping[str, int] = field(default_factory=dict)

    def pair_log_odds(self, rows: Floats) -> Floats:
        """Log-odds that the texts of each row mean the same; rows of shape (pairs, len(PAIR_NAMES))."""
        return self.pairs.log_odds(rows)

    def entry_scores(self, rows: Floats) -> Floats:
        """Probability, 0..1, that each entry answers.

        Args:
            rows: ENTRY_NAMES, then the CONTEXT_NAMES where there is a second encoder, then PRIOR_NAMES; shape (entries, columns).
        """
        plain = rows[:, : len(ENTRY_NAMES)]
        alone = plain[:, -1] > 0.5  # the last of ENTRY_NAMES
        with_context = has_context(rows)
        model = self.in_context if with_context else self.several
        if model is None:
            alone = np.ones(len(rows), dtype=bool)
        log_odds = np.empty(len(rows), dtype=np.float32)
        if alone.any():
            log_odds[alone] = self.entries.log_odds(plain[alone])
            nearness = self.alone_in_context if with_context else self.alone
            if nearness is not None:
                log_odds[alone] = nearness.log_odds(alone_features(log_odds[alone], rows[alone]))
        if model is not None and not alone.all():
            log_odds[~alone] = model.log_odds(rows[~alone])
        return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float32)


def save_ranker(ranker: Ranker, folder: Path, about: dict[str, object]) -> None:
    """Write the models and what made them; weights as half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {name: np.asarray(getattr(ranker.weights, name), dtype=np.float16) for name in _WEIGHTS}
    for model in _MODELS:
        arrays |= {f"{model}_{name}": getattr(getattr(ranker, model), name) for name in _TREES}
    np.savez_compressed(folder / FILE, **arrays)  # type: ignore[arg-type]
    card = {
        "name": ranker.name,
        "pair_columns": PAIR_NAMES,
        "entry_columns": ENTRY_NAMES,
        **{model: {"base": getattr(ranker, model).base, "depth": getattr(ranker, model).depth} for model in _MODELS},
    }
    (folder / CARD).write_text(json.dumps(card | about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def save_linear(linear: Linear, name: str, folder: Path) -> None:
    """Write a logistic regression beside the trees; `name` is one of LINEARS."""
    text = json.dumps({"columns": LINEARS[name], **asdict(linear)}, ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def save_scope(scope: Scope, folder: Path) -> None:
    """Write the judge of scope beside the trees, as half precision."""
    arrays = {"first": scope.first, "hidden": scope.hidden, "second": scope.second, "bias": np.asarray([scope.bias])}
    np.savez_compressed(folder / SCOPE, **{name: values.astype(np.float16) for name, values in arrays.items()})  # type: ignore[arg-type]


def _read_scope(path: Path) -> Scope | None:
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        first, hidden, second, bias = (file[name].astype(np.float32) for name in ("first", "hidden", "second", "bias"))
    return Scope(first, hidden, second, float(bias[0]))


def _read_linear(path: Path) -> Linear | None:
    if not path.is_file():
        return None
    row = json.loads(path.read_text(encoding="utf-8"))
    if tuple(row["columns"]) != LINEARS[path.stem]:
        cure = "python -m eval.fit" if path.stem in FITTED else "python -m training.ranker"
        raise ValueError(f"{path.name} was fitted to other columns; make it again: {cure}")
    return Linear(tuple(row["shift"]), tuple(row["scale"]), tuple(row["slope"]), float(row["bias"]))


def load_ranker(folder: Path, to_fit: bool = False) -> Ranker:
    """Read a folder written by `save_ranker`.

    Args:
        to_fit: leave out what `eval.fit` is about to fit anew, which may have been fitted to other columns.

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
                f"The ranker in {folder} was trained on other columns than this version has. Train it: python -m training.ranker"
            )
        lists = {name: arrays[name].astype(np.float32).tolist() for name in _WEIGHTS}
        if any(len(values) != BUCKETS for values in lists.values()):
            raise RankerError(f"The ranker in {folder} has weights of another length than {BUCKETS}.")
        paths = [folder / f"{name}.json" for name in LINEARS] + [folder / SCOPE, folder / ASKED]
        beside = b"".join(path.read_bytes() for path in paths if path.is_file())
        linears = {name: _read_linear(folder / f"{name}.json") for name in LINEARS if not (to_fit and name in FITTED)}
        return Ranker(
            name=str(card["name"]),
            fingerprint=hashlib.sha256(raw + beside).hexdigest(),
            several=linears.get("several"),
            in_context=linears.get("in_context"),
            alone=linears.get("alone"),
            alone_in_context=linears.get("alone_in_context"),
            scope=_read_scope(folder / SCOPE),
            asked=json.loads((folder / ASKED).read_text(encoding="utf-8")) if (folder / ASKED).is_file() else {},
            weights=Weights(**lists),
            **{
                model: Trees(
                    **{name: arrays[f"{model}_{name}"] for name in _TREES},
                    base=float(card[model]["base"]),
                    depth=int(card[model]["depth"]),
                )
                for model in _MODELS
            },
        )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise RankerError(
            f"The ranker in {folder} cannot be read ({type(error).__name__}: {error}). Train it: python -m training.ranker"
        ) from error
