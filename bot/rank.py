"""Features to scores: how likely two texts mean the same, how likely an entry answers; small learned models, calibrated.

Both models are sums of decision trees (Friedman 2001, doi 10.1214/aos/1013203451, as in scikit-learn's histogram
gradient boosting): one over two texts side by side, one over everything that speaks for an entry.
Both are trained by training/ranker.py. Knows nothing of texts, encoders or thresholds.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.compare import NAMES, Weights
from bot.errors import RankerError
from bot.reading import BUCKETS
from knowledge.records import Entry

Floats = npt.NDArray[np.float32]

PAIR_NAMES = (*NAMES, "dense")
"""Columns of the pair model: those of `compare`, then the cosine of the two vectors."""
VIEWS = ("same", "same_second", "same_mean", "dense", "dense_second", "centre", "answer", "document", "letters")
"""How an entry looks to a question: the pair model's log-odds for its wordings (best, second, mean of three), the cosines
of its wordings (best, second), of their centre and of its answer, and shared letters (all its words, best wording)."""
ENTRY_NAMES = (*VIEWS, *(f"{name}_lead" for name in VIEWS), "length", "alone")
"""Columns of the entry model: the views, how far each is ahead of the best other entry, the question's length (log)
and whether the entry has a single wording."""
CONTEXT_VIEWS = ("context", "context_mean", "context_centre")
"""The second encoder's cosines: the best of an entry's wordings, the mean of the best three, their centre."""
CONTEXT_NAMES = (*CONTEXT_VIEWS, *(f"{name}_lead" for name in CONTEXT_VIEWS), "scope")
"""Columns that follow ENTRY_NAMES where there is a second encoder; the last is its verdict whether the question is ours."""
PRIOR_NAMES = ("linked", "asked")
"""Columns that end the rows of entries, whatever is asked: how many entries refer to this one, and how many real questions it answered
(`training/priors.py`); both log(1 + count). A vague question rather means what much leads to than a special case."""
NEAR_ENTRIES = 32
"""Entries whose wordings are all measured by their cosine."""
MOST_ENTRIES = 12
"""Entries that are looked at closely for one question."""
MOST_WORDINGS = 2
"""Wordings of each that the pair model compares with the question."""
ABSENT = -8.0
"""Log-odds that stand for a wording or an entry that is not there."""
ALONE_NAMES = ("log_odds", "dense", "dense_lead", "length")
"""Columns that weigh the trees' verdict on an entry with a single wording against nearness by itself, without a second encoder."""
ALONE_IN_CONTEXT_NAMES = ("log_odds", "context", "context_lead", "length")
"""The same with one."""
FILE, CARD = "ranker.npz", "ranker.json"
LINEARS = {
    "several": (*ENTRY_NAMES, *PRIOR_NAMES),
    "in_context": (*ENTRY_NAMES, *CONTEXT_NAMES, *PRIOR_NAMES),
    "alone": ALONE_NAMES,
    "alone_in_context": ALONE_IN_CONTEXT_NAMES,
}
"""Columns of each logistic regression, by the name of its file and of its place in the ranker."""
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
        with_context = _has_context(rows)
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


def choose_entries(
    centre: Floats, answer: Floats, document: Floats, count: int, dense: Floats | None = None, context: Floats | None = None
) -> npt.NDArray[np.int64]:
    """Places of the entries that look nearest, best first.

    Args:
        centre, answer, document: as in VIEWS, each of shape (entries,).
        count: how many.
        dense: best cosine of each entry's wordings, where worked out.
        context: the second encoder's cosine with the centre of each entry's wordings, where there is one.
    """
    rough = centre + 0.5 * answer + 2 * document  # on the dev questions weights within a factor of two do the same
    if dense is not None:
        rough = rough + dense
    if context is not None:
        rough = rough + context
    count = min(count, len(rough))
    top = np.argpartition(-rough, count - 1)[:count] if count < len(rough) else np.arange(count)
    return np.asarray(top[np.argsort(-rough[top], kind="stable")])


def entry_features(views: Floats, length: int, sizes: npt.NDArray[np.int64]) -> Floats:
    """Columns of the entry model.

    Args:
        views: float32, shape (entries, len(VIEWS)), of the entries that compete for one question.
        length: characters of the question.
        sizes: number of wordings of each entry.

    Returns:
        float32, shape (entries, len(ENTRY_NAMES)).
    """
    leads = np.stack([column - _next_best(column, ABSENT if place < 3 else 0.0) for place, column in enumerate(views.T)], axis=1)
    count = len(views)
    extra = np.stack([np.full(count, np.log1p(length)), sizes == 1], axis=1)
    return np.hstack([views, leads, extra]).astype(np.float32)


def context_features(views: Floats, scope: float = 0.0) -> Floats:
    """Columns CONTEXT_NAMES from the CONTEXT_VIEWS of the entries that compete for one question, and the question's scope."""
    leads = np.stack([column - _next_best(column, 0.0) for column in views.T], axis=1)
    return np.hstack([views, leads, np.full((len(views), 1), scope)]).astype(np.float32)


def contested(rows: Floats) -> npt.NDArray[np.bool_]:
    """For each entry whether the second encoder puts another before it in one of its views; False where there is none.

    An entry is answered only where both ways of looking agree; for that the threshold may lie lower (docs/figures.md).

    Args:
        rows: as for `Ranker.entry_scores`.
    """
    names = LINEARS["in_context"]
    if not _has_context(rows):
        return np.zeros(len(rows), dtype=bool)
    return np.asarray((rows[:, [names.index(f"{view}_lead") for view in CONTEXT_VIEWS]] < 0).any(axis=1))


def _has_context(rows: Floats) -> bool:
    """Whether rows have the columns of the second encoder, by how many there are."""
    return bool(rows.shape[1] >= len(ENTRY_NAMES) + len(CONTEXT_NAMES))


def priors(entries: Sequence[Entry], asked: Mapping[str, int]) -> Floats:
    """Columns PRIOR_NAMES of all entries of a bank, float32, shape (entries, len(PRIOR_NAMES)).

    Args:
        asked: how many real questions an entry answered, by its id.
    """
    linked = Counter(id_ for entry in entries for id_ in entry.related)
    counts = np.asarray([(linked[entry.id], asked.get(entry.id, 0)) for entry in entries], dtype=np.float32)
    return np.log1p(counts).reshape(len(entries), len(PRIOR_NAMES))


def alone_features(log_odds: Floats, rows: Floats) -> Floats:
    """Columns ALONE_NAMES, or ALONE_IN_CONTEXT_NAMES where the rows have the columns of both encoders, from the trees' log-odds."""
    columns = LINEARS["in_context"]
    names = ALONE_IN_CONTEXT_NAMES if _has_context(rows) else ALONE_NAMES
    places = [columns.index(name) for name in names[1:]]
    return np.column_stack([log_odds, *(rows[:, place] for place in places)]).astype(np.float32)


def look_in_context(cosines: Floats, centre: float) -> tuple[float, ...]:
    """The CONTEXT_VIEWS of one entry from the cosines of all its wordings and of their centre."""
    near = np.sort(cosines)[::-1][:3]
    return float(near[0]), float(near.mean()), centre


def look(log_odds: Floats, dense: Floats) -> tuple[float, ...]:
    """The views of one entry that its compared wordings give: same, same_second, same_mean, dense, dense_second.

    Args:
        log_odds, dense: of the compared wordings, shape (wordings,), at least one.
    """
    odds = sorted(log_odds.tolist(), reverse=True)
    near = sorted(dense.tolist(), reverse=True)
    top = (odds + [odds[-1]] * 2)[:3]
    return odds[0], top[1], sum(top) / 3, near[0], near[min(1, len(near) - 1)]


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
