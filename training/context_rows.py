"""Rows of the second encoder's training: a text, what means the same, what only looks alike; by where they come from."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tqdm import tqdm

from bot.encoder import SentenceEncoder
from bot.settings import BUNDLED_ENCODER
from bot.text import normalise
from eval.tolerance import homophones
from knowledge.records import Entry
from training.context_train import END
from training.encoder import Triple, is_left_out, read_jsonl

LONGEST = 64
"""Pieces of a text in training."""
KEPT_BACK = 0
"""This fold of the legal FAQ's groups is not trained on: from it training/ranker.py learns how far to trust this encoder."""
NEIGHBOURS = 24
"""Of the entries nearest to a wording, how many give hard negatives."""
NEGATIVES = 2
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the plan, with the data and the seed; shares of the batches, chances of what happens to a row.

    Attributes:
        longest: pieces of a text that are read; passages are cut there.
        asked: share of the batches made of questions as workers put them; 0 leaves them out.
    """

    steps: int = 4000
    batch: int = 256
    longest: int = 48
    asked: float = 0.0
    bank: float = 0.45
    groups: float = 0.18
    passages: float = 0.13
    slip: float = 0.12
    story: float = 0.08
    answer: float = 0.12
    unlike: float = 0.2
    rarest: int = 8
    seed: int = 5


@dataclass(slots=True)
class Batch:
    """Rows of one batch, as numbers of texts; rows of the same group are no negatives of each other."""

    anchors: list[int] = field(default_factory=list)
    positives: list[int] = field(default_factory=list)
    negatives: list[list[int]] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def add(self, anchor: int, positive: int, negatives: list[int], group: int) -> None:
        self.anchors.append(anchor)
        self.positives.append(positive)
        self.negatives.append((negatives + [-1] * NEGATIVES)[:NEGATIVES])
        self.groups.append(group)


class Texts:
    """Every text once, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def arrays(self, tokenizer: Tokenizer) -> dict[str, npt.NDArray[Any]]:
        """`pieces`, uint16, of all texts one after the other, and `ends`, where each ends."""
        pieces: list[int] = []
        ends = []
        texts = list(self._numbers)
        for at in range(0, len(texts), 20_000):
            for found in tokenizer.encode_batch([normalise(text)[:300] for text in texts[at : at + 20_000]]):
                pieces.extend(found.ids if len(found.ids) <= LONGEST else [*found.ids[: LONGEST - 1], END])
                ends.append(len(pieces))
        return {"pieces": np.asarray(pieces, dtype=np.uint16), "ends": np.asarray(ends, dtype=np.int64)}


class Noise:
    """What happens to a text before it arrives.

    Args:
        homophones: for a character, others of the same sound.
        asides: sentences that may stand beside a question.
    """

    def __init__(self, homophones: Mapping[str, Sequence[str]], asides: Sequence[str], recipe: Recipe) -> None:
        self._homophones, self._asides, self._recipe = homophones, asides, recipe

    def said(self, text: str, rng: random.Random) -> str:
        """As it may arrive: at times with characters of the same sound, or beside a sentence or two of a story."""
        chance = rng.random()
        if chance < self._recipe.slip:
            changed = list(text)
            spots = [at for at, char in enumerate(text) if char in self._homophones]
            for at in rng.sample(spots, min(rng.randint(1, 2), len(spots))):
                changed[at] = rng.choice(self._homophones[text[at]])
            return "".join(changed)
        if chance < self._recipe.slip + self._recipe.story:
            asides = rng.sample(self._asides, min(rng.choice((1, 1, 2)), len(self._asides)))
            parts = [asides[0], text, *asides[1:]] if rng.random() < 0.5 else [*asides[1:], text, asides[0]]
            return rng.choice("，。 ").join(parts)
        return text


class BankRows:
    """Wordings of our own bank with another of their entry or the beginning of its answer, against what lies near.

    Args:
        entries: of the bank.
        texts: takes in what is used.
        asides: sentences that may stand beside a question.
    """

    def __init__(self, entries: Sequence[Entry], texts: Texts, asides: Sequence[str], recipe: Recipe) -> None:
        self._entries, self._texts, self._recipe = entries, texts, recipe
        self._sizes = np.asarray([len(entry.wordings) for entry in entries])
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._owners = np.repeat(np.arange(len(entries)), self._sizes)
        self._wordings = [wording for entry in entries for wording in entry.wordings]
        self._taught = np.flatnonzero(self._sizes[self._owners] > 1).tolist()
        self._noise = Noise(homophones(self._wordings), asides, recipe)
        self._near, self._nearest = self._neighbours(SentenceEncoder(str(BUNDLED_ENCODER)).encode(self._wordings))

    def _neighbours(self, vectors: npt.NDArray[np.float32]) -> tuple[Ints, Ints]:
        """For each wording the nearest other entries, and the wording of each that is nearest; shapes (wordings, NEIGHBOURS),
        or fewer in a smaller bank."""
        count = min(NEIGHBOURS, len(self._entries) - 1)
        near, nearest = (np.zeros((len(vectors), count), dtype=np.int32) for _ in range(2))
        for place, owner in enumerate(tqdm(self._owners, disable=not sys.stderr.isatty(), desc="neighbours")):
            cosines = vectors @ vectors[place]
            best = np.maximum.reduceat(cosines, self._starts)
            best[owner] = -1
            near[place] = np.argsort(-best)[:count]
            for rank, other in enumerate(near[place]):
                begin = self._starts[other]
                nearest[place, rank] = begin + np.argmax(cosines[begin : begin + self._sizes[other]])
        return near, nearest

    def _unlike(self, place: int, rng: random.Random) -> str:
        """What the entry is not: a wording of one that lies near, or what its authors listed."""
        entry = self._entries[int(self._owners[place])]
        if entry.unlike and rng.random() < self._recipe.unlike:
            return rng.choice(entry.unlike)
        rank = min(int(rng.expovariate(0.2)), self._near.shape[1] - 1)
        nearest, other = int(self._nearest[place, rank]), self._entries[int(self._near[place, rank])]
        return self._wordings[nearest] if rng.random() < 0.5 else rng.choice(other.wordings)

    def _places(self, rng: random.Random) -> list[int]:
        """Half of the batches hold entries that lie close together, so that all rows are hard for each other."""
        size = self._recipe.batch
        if rng.random() < 0.5:
            return rng.sample(self._taught, size)
        found: list[int] = []
        while len(found) < size:
            place = rng.choice(self._taught)
            owners = (int(self._owners[place]), *self._near[place, :15].tolist())
            found += [int(self._starts[owner]) + rng.randrange(self._sizes[owner]) for owner in owners if self._sizes[owner] > 1]
        return found[:size]

    def batch(self, rng: random.Random) -> Batch:
        """One batch of our own wordings."""
        made, number = Batch(), self._texts.of
        for place in self._places(rng):
            entry = self._entries[int(self._owners[place])]
            others = [wording for wording in entry.wordings if wording != self._wordings[place]]
            positive = (entry.short or entry.answer)[:70] if rng.random() < self._recipe.answer else ""
            negatives = [number(self._unlike(place, rng)) for _ in range(NEGATIVES)]
            made.add(
                number(self._noise.said(self._wordings[place], rng)),
                number(positive or rng.choice(others)),
                negatives,
                int(self._owners[place]),
            )
        return made


class GroupRows:
    """Equivalent wordings of the legal FAQ against their near misses, and against the bank's questions that lie near."""

    def __init__(self, folder: Path, texts: Texts, recipe: Recipe) -> None:
        self._texts, self._size = texts, recipe.batch
        rows = [row for row in read_jsonl(folder / "diac_train_groups.jsonl") if not is_left_out(str(row["equivalent"][0]), KEPT_BACK)]  # type: ignore[index]
        self._same = [list(map(str, row["equivalent"])) for row in rows]  # type: ignore[call-overload]
        self._other = [list(map(str, row["not_equivalent"])) for row in rows]  # type: ignore[call-overload]
        bank = [str(row["question"]) for row in read_jsonl(folder / "diac_bank.jsonl")]
        encoder = SentenceEncoder(str(BUNDLED_ENCODER))
        vectors, asked = encoder.encode(bank), encoder.encode([same[0] for same in self._same])
        self._near = [
            [bank[place] for place in np.argsort(-(vectors @ vector))[:10] if bank[place] not in same]
            for vector, same in zip(asked, self._same, strict=True)
        ]
        self._taught = [number for number, same in enumerate(self._same) if len(same) > 1]

    def batch(self, rng: random.Random) -> Batch:
        """One batch of the legal FAQ."""
        made, number = Batch(), self._texts.of
        for group in rng.sample(self._taught, self._size):
            anchor, positive = rng.sample(self._same[group], 2)
            others, near = self._other[group], self._near[group]
            negatives = [number(rng.choice(others if others and rng.random() < 0.6 else near)) for _ in range(NEGATIVES)]
            made.add(number(anchor), number(positive), negatives, group)
        return made


class TripleRows:
    """Pairs by source, a source drawn by the root of its size; a pair labelled as unlike gives the hard negative."""

    def __init__(self, sources: Mapping[str, Sequence[Triple]], texts: Texts, recipe: Recipe) -> None:
        self._texts, self._size = texts, recipe.batch
        self._sources = [list(triples) for _, triples in sorted(sources.items()) if len(triples) >= recipe.batch]
        self._weights = [len(triples) ** 0.5 for triples in self._sources]

    def batch(self, rng: random.Random) -> Batch:
        """One batch of one source."""
        made, number = Batch(), self._texts.of
        triples = rng.choices(self._sources, self._weights)[0]
        for place in rng.sample(range(len(triples)), self._size):
            triple = triples[place]
            made.add(number(triple.anchor), number(triple.positive), [number(triple.negative)] if triple.negative else [], place)
        return made


FURTHER = Recipe(steps=350, batch=128, longest=64, asked=0.6, bank=0.15, groups=0.12, passages=0.05, slip=0.1, story=0.15, seed=6)
"""How a served model learns further."""
