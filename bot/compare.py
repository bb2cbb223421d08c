"""Two texts side by side: what they share, what only one of them says, where they clash; the only RapidFuzz user.

Gives numbers, not a verdict: bot.rank weighs them. Knows nothing of the bank or of thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from bot.reading import ASKS, PARTIES, TIMES, Reading

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a gram, a word or a legal term counts; each a list of BUCKETS numbers.

    Attributes:
        rarity: inverse document frequency of grams and terms.
        gram_apart, word_apart, word_shared: learnt weights of what only one of the texts has, and of what both have.
    """

    rarity: Sequence[float]
    gram_apart: Sequence[float]
    word_apart: Sequence[float]
    word_shared: Sequence[float]


_ENDS = 0b11
"""The first two rows of PARTIES: who ends the contract."""

NAMES: tuple[str, ...] = (
    "fuzzy",
    "fuzzy_part",
    "covered",
    "covers",
    "length_gap",
    "longer",
    "shorter_length",
    "sounds",
    "asks_shared",
    "asks_only_here",
    "asks_only_there",
    "parties_shared",
    "parties_clash",
    "ends_clash",
    "times_clash",
    "numbers_shared",
    "numbers_clash",
    "numbers_only_here",
    "numbers_only_there",
    "negations_gap",
    "negation_clash",
    "terms_shared",
    "terms_only_here",
    "terms_only_there",
    "apart",
    *(f"asks_{name}" for name, _ in ASKS),
    *(f"party_{name}" for name, _ in PARTIES),
    *(f"time_{name}" for name, _ in TIMES),
)
"""Names of the columns of `compare`, in order; the last ones are 1 where one text speaks of it and the other does not."""


CLASHES = tuple(NAMES.index(name) for name in ("ends_clash", "numbers_clash", "negation_clash"))
"""Columns that are above zero where the two texts contradict each other: answering across such a clash is asking for trouble."""
NEAR_COPY = 0.55
"""From this likeness of letters on, what is left to differ is the point: six weeks or six months, bitten or bit, signed or not.
Chosen with our contrast and held-out questions in sight: a lower one asked back more right answers than wrong ones."""
_POINTS = tuple(NAMES.index(name) for name in ("numbers_only_here", "numbers_only_there", "negations_gap", "parties_clash", "times_clash"))

Masses = tuple[float, float, float]
"""Sums over one text: rarity of its grams, weights of its grams and of its words where they stand apart."""


def weigh(reading: Reading, weights: Weights) -> Masses:
    """The sums that `compare` needs of a text by itself; a wording's can be worked out once and kept."""
    return (
        sum(map(weights.rarity.__getitem__, reading.grams)) or 1.0,
        sum(map(weights.gram_apart.__getitem__, reading.grams)),
        sum(map(weights.word_apart.__getitem__, reading.words)),
    )


def contradicts(rows: Features) -> npt.NDArray[np.bool_]:
    """Which of the rows of `compare` (columns may follow) must not be answered across: a clash, or a near copy that differs in a point."""
    near_copy = rows[:, NAMES.index("fuzzy")] > NEAR_COPY
    return np.asarray((rows[:, CLASHES] > 0).any(axis=1) | near_copy & (rows[:, _POINTS] > 0).any(axis=1))


def compare(here: Reading, others: Sequence[Reading], weights: Weights, masses: Sequence[Masses] | None = None) -> Features:
    """Features of one text beside each of several others.

    Args:
        here: the question.
        others: the wordings.
        masses: `weigh` of each of the others, where at hand.

    Returns:
        float32, shape (len(others), len(NAMES)).
    """
    out = np.zeros((len(others), len(NAMES)), dtype=np.float32)
    rarity, word_apart, word_shared = weights.rarity.__getitem__, weights.word_apart.__getitem__, weights.word_shared.__getitem__
    gram_apart = weights.gram_apart.__getitem__
    mass, gram_mass, word_mass = weigh(here, weights)
    units_here = {quantity.unit for quantity in here.numbers}
    rows = []
    for other, (there, grams_there, words_there) in zip(others, masses or [weigh(o, weights) for o in others], strict=True):
        shared_grams, shared_words = here.grams & other.grams, here.words & other.words
        shared = sum(map(rarity, shared_grams))
        asks, parties, times = here.asks ^ other.asks, here.parties ^ other.parties, here.times ^ other.times
        common_numbers = here.numbers & other.numbers
        clashing = (units_here & {q.unit for q in other.numbers}) - {q.unit for q in common_numbers} if units_here else units_here
        negated_here, negated_there = here.negated - other.negated, other.negated - here.negated
        ends_here, ends_there = here.parties & _ENDS, other.parties & _ENDS
        rows.append(
            (
                fuzz.ratio(here.bare, other.bare) / 100,
                fuzz.partial_ratio(here.bare, other.bare) / 100,
                shared / mass,
                shared / there,
                abs(math.log((len(here.bare) + 1) / (len(other.bare) + 1))),
                float(len(here.bare) > len(other.bare)),
                min(len(here.bare), len(other.bare), 40) / 40,
                _dice(here.sounds, other.sounds),
                (here.asks & other.asks).bit_count(),
                (asks & here.asks).bit_count(),
                (asks & other.asks).bit_count(),
                (here.parties & other.parties).bit_count(),
                parties.bit_count(),
                float(bool(ends_here and ends_there and not ends_here & ends_there)),
                times.bit_count(),
                len(common_numbers),
                len(clashing),
                len(here.numbers - other.numbers),
                len(other.numbers - here.numbers),
                abs(len(here.negated) - len(other.negated)),
                # A word negated here stands there without its negation, or the other way round.
                sum(word in other.bare for word in negated_here) + sum(word in here.bare for word in negated_there),
                sum(map(rarity, here.terms & other.terms)) / 10,
                sum(map(rarity, here.terms - other.terms)) / 10,
                sum(map(rarity, other.terms - here.terms)) / 10,
                # What stands apart is what both have less twice what they share.
                gram_mass
                + grams_there
                - 2 * sum(map(gram_apart, shared_grams))
                + word_mass
                + words_there
                - 2 * sum(map(word_apart, shared_words))
                + sum(map(word_shared, shared_words)),
                *_spread(asks, len(ASKS)),
                *_spread(parties, len(PARTIES)),
                *_spread(times, len(TIMES)),
            )
        )
    if rows:
        out[:] = rows
    return out


@lru_cache(maxsize=4096)
def _spread(bits: int, size: int) -> tuple[int, ...]:
    return tuple(bits >> place & 1 for place in range(size))


def _dice(left: frozenset[int], right: frozenset[int]) -> float:
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
