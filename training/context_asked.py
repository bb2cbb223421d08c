"""Questions as workers put them, each with the entry that answers: rows that teach the second encoder the bank's fine differences.

`training/data/asked.jsonl` was written for this, three questions an entry: "near" sounds like a neighbour's wording but one fact makes
this entry right, "told" is what happened in spoken words, "plain" the same in quite other words. `training/data/typed_labels.jsonl`
says which entries answer real questions of the shared data (by the hash of the question), and which of those shown do not.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from bot.encoder import Encoder
from knowledge.records import Entry
from training.context_rows import NEGATIVES, Batch, Noise, Recipe, Texts
from training.encoder import read_jsonl

ASKED = Path(__file__).resolve().parent / "data" / "asked.jsonl"
CONTRASTED = ASKED.with_name("contrasted.jsonl")
TYPED = ASKED.with_name("typed_labels.jsonl")
NEAR = 12
"""Entries that look nearest to a question and are wrong: from these come hard negatives."""
NAMED = 0.7
"""How often the entry a question was written to be mistaken for, or one judged wrong, is taken as the first negative."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the entries that answer it, and entries that are known not to."""

    text: str
    entries: tuple[str, ...]
    wrong: tuple[str, ...] = ()


def typed_id(question: str) -> str:
    """What a real question is called in our labels."""
    return "r" + hashlib.sha256(question.encode()).hexdigest()[:10]


def read_asked(paths: Sequence[Path] = (ASKED, CONTRASTED)) -> list[Asked]:
    """The questions written for this."""
    rows = [row for path in paths for row in read_jsonl(path)]
    return [Asked(str(row["query"]), (str(row["id"]),), (str(row["not"]),) if row.get("not") else ()) for row in rows]


def read_typed(data: Path, path: Path = TYPED) -> list[Asked]:
    """The real questions that some entry answers, texts out of the shared data.

    Args:
        data: the folder `data` of the shared data.
    """
    texts: dict[str, str] = {}
    for source in ("eval/labour_questions.jsonl", "train/question_passage.jsonl.gz"):
        for row in read_jsonl(data / source):
            texts.setdefault(typed_id(str(row["question"])), str(row["question"]))
    found = []
    for row in read_jsonl(path):
        entries, wrong = row["entries"], row["wrong"]
        assert isinstance(entries, list)
        assert isinstance(wrong, list)
        if entries and str(row["id"]) in texts:
            found.append(Asked(texts[str(row["id"])], tuple(map(str, entries)), tuple(map(str, wrong))))
    return found


class AskedRows:
    """Questions with a wording of their entry or the beginning of its answer, against what they might be mistaken for.

    Args:
        entries: of the bank.
        asked: questions; those of which no entry is in the bank are left out.
        encoder: says what lies near.
    """

    def __init__(
        self, entries: Sequence[Entry], asked: Sequence[Asked], encoder: Encoder, texts: Texts, noise: Noise, recipe: Recipe
    ) -> None:
        self._entries, self._texts, self._noise, self._recipe = entries, texts, noise, recipe
        place = {entry.id: number for number, entry in enumerate(entries)}
        self._asked = [(question.text, [place[id_] for id_ in question.entries if id_ in place]) for question in asked]
        kept = [number for number, (_, right) in enumerate(self._asked) if right]
        self._named = [[place[id_] for id_ in asked[number].wrong if id_ in place] for number in kept]
        self._asked = [self._asked[number] for number in kept]
        self._sizes = np.asarray([len(entry.wordings) for entry in entries])
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._wordings = [wording for entry in entries for wording in entry.wordings]
        self._near = self._neighbours(encoder)
        self._by_entry: dict[int, list[int]] = {}
        for number, (_, right) in enumerate(self._asked):
            for owner in right:
                self._by_entry.setdefault(owner, []).append(number)

    def _neighbours(self, encoder: Encoder) -> list[list[tuple[int, int]]]:
        """For each question the nearest entries that do not answer it, each with the wording that is nearest."""
        vectors = encoder.encode(self._wordings)
        near = []
        for start in tqdm(range(0, len(self._asked), 256), disable=not sys.stderr.isatty(), desc="asked"):
            some = self._asked[start : start + 256]
            cosines = encoder.encode([text for text, _ in some]) @ vectors.T
            best = np.maximum.reduceat(cosines, self._starts, axis=1)
            for (_, right), row, all_ in zip(some, best, cosines, strict=True):
                row[right] = -1
                owners = [int(owner) for owner in np.argsort(-row)[:NEAR] if owner not in right]
                near.append(
                    [(int(o), int(self._starts[o] + np.argmax(all_[self._starts[o] : self._starts[o] + self._sizes[o]]))) for o in owners]
                )
        return near

    def _negatives(self, number: int, rng: random.Random) -> list[str]:
        """Wordings of entries that do not answer the question."""
        found, near = [], self._near[number]
        if self._named[number] and rng.random() < NAMED:
            owner = rng.choice(self._named[number])
            nearest = next((wording for other, wording in near if other == owner), None)
            wordings = self._entries[owner].wordings
            found.append(self._wordings[nearest] if nearest is not None and rng.random() < 0.5 else rng.choice(wordings))
        while len(found) < NEGATIVES:
            owner, nearest = near[min(int(rng.expovariate(0.3)), len(near) - 1)]
            found.append(self._wordings[nearest] if rng.random() < 0.5 else rng.choice(self._entries[owner].wordings))
        return found

    def _numbers(self, rng: random.Random) -> list[int]:
        """Half of the batches hold questions of entries that lie close together."""
        size = self._recipe.batch
        if rng.random() < 0.5:
            return rng.choices(range(len(self._asked)), k=size)
        found: list[int] = []
        while len(found) < size:
            number = rng.randrange(len(self._asked))
            owners = [rng.choice(self._asked[number][1]), *(owner for owner, _ in self._near[number][:6])]
            found += [rng.choice(self._by_entry[owner]) for owner in owners if owner in self._by_entry]
        return found[:size]

    def batch(self, rng: random.Random) -> Batch:
        """One batch of questions."""
        made, number = Batch(), self._texts.of
        for place in self._numbers(rng):
            text, right = self._asked[place]
            owner = rng.choice(right)
            entry = self._entries[owner]
            others = [wording for wording in entry.wordings if wording != text]  # a question may be a wording of the bank, too
            by_answer = not others or rng.random() < self._recipe.answer
            positive = (entry.short or entry.answer)[:70] if by_answer else rng.choice(others)
            negatives = [number(negative) for negative in self._negatives(place, rng)]
            made.add(number(self._noise.said(text, rng)), number(positive), negatives, owner)
        return made
