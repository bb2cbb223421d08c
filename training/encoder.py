"""Train the bundled encoder from sentence pairs, in minutes on two cores.

    python -m training.encoder --data ../shared/data --out bot/models/static-zh-v3

Loss: cross entropy over in-batch cosines times 20 (multiple negatives ranking, Henderson et al. 2017,
arXiv 1705.00652) with one hard negative per row where the data name one. Embedding rows are learned
with SparseAdam; each row's length is learned apart as the exponent of one number. The result is
stored as int8 with one scale a row. Same seed, same data, same versions, same number of threads: same weights.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tqdm import tqdm

from bot.hashed_features import HashedFeatures
from bot.static_model import hash_features
from knowledge.bank import read_bank
from knowledge.records import Entry
from knowledge.regulations import read_regulations

FOLDS = 2
"""The ranker learns from encoders that have not seen what they are asked about: see `is_left_out`."""

SCALE = 20.0
"""Cosines are multiplied by this before the softmax."""


@dataclass(frozen=True, slots=True)
class Triple:
    """Two texts that belong together, and one that does not (or None)."""

    anchor: str
    positive: str
    negative: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, with the data and the seed."""

    rows: int = 131_072
    dimension: int = 256
    kept: int = 152
    batch: int = 256
    rate: float = 2e-3
    dropout: float = 0.10
    group_passes: int = 5
    pair_passes: int = 2
    bank_passes: int = 6
    citation_passes: int = 3
    article_share: float = 0.25
    seed: int = 20261125


def is_left_out(text: str, fold: int | None) -> bool:
    """Whether a group or a wording, by the hash of its text, is kept from the encoder of this fold; None keeps nothing back."""
    return fold is not None and hashlib.sha256(text.encode()).digest()[0] % FOLDS == fold


def read_jsonl(path: Path) -> Iterator[dict[str, object]]:
    """Rows of a .jsonl or .jsonl.gz file."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as file:
        for line in file:
            yield json.loads(line)


def group_triples(path: Path, rng: random.Random, fold: int | None) -> list[Triple]:
    """All ordered pairs of equivalent wordings of each group, each with one of its near misses."""
    triples = []
    for group in read_jsonl(path):
        same = list(map(str, group["equivalent"]))  # type: ignore[call-overload]
        if is_left_out(same[0], fold):
            continue
        other = list(map(str, group["not_equivalent"]))  # type: ignore[call-overload]
        for anchor in same:
            for positive in same:
                if anchor != positive:
                    triples.append(Triple(anchor, positive, rng.choice(other) if other else None))
    return triples


def pair_triples(path: Path) -> dict[str, list[Triple]]:
    """Positive pairs by source; a negative pair sharing a text becomes that text's hard negative."""
    positive: dict[str, list[tuple[str, str]]] = defaultdict(list)
    negative: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in read_jsonl(path):
        source, a, b = str(row["source"]), str(row["a"]), str(row["b"])
        if row["label"]:
            positive[source].append((a, b))
        else:
            negative[source, a].append(b)
            negative[source, b].append(a)
    triples: dict[str, list[Triple]] = {}
    for source, pairs in positive.items():
        if source == "diac":  # these are the group pairs again
            continue
        found = []
        for index, (a, b) in enumerate(pairs):
            hard = negative.get((source, a)) or negative.get((source, b))
            found.append(Triple(a, b, hard[index % len(hard)] if hard else None))
        triples[source] = found
    return triples


def passage_triples(path: Path) -> dict[str, list[Triple]]:
    """Question and passage by source."""
    triples: dict[str, list[Triple]] = defaultdict(list)
    for row in read_jsonl(path):
        triples[f"passage-{row['source']}"].append(Triple(str(row["question"]), str(row["passage"])[:400]))
    return triples


def bank_triples(entries: Sequence[Entry], rng: random.Random, fold: int | None) -> list[Triple]:
    """Each wording with another of its entry; what looks alike and means something else as the hard negative."""
    triples = []
    for entry in entries:
        kept = [wording for wording in entry.wordings if wording == entry.question or not is_left_out(wording, fold)]
        for wording in kept:
            others = [other for other in kept if other != wording]
            if others:
                triples.append(Triple(wording, rng.choice(others), rng.choice(entry.unlike) if entry.unlike else None))
    return triples


def citation_triples(entries: Sequence[Entry], data: Path, fold: int | None) -> list[Triple]:
    """Each wording with the text of the article its entry cites first: lay words meet statute words."""
    regulations, _ = read_regulations([data / "regulations", data / "regulations_more"])
    texts = {(r.title, a.number): f"{a.law} {a.chapter} {a.text}"[:400] for r in reversed(regulations) for a in r.articles}
    triples = []
    for entry in entries:
        cited = [texts[key] for c in entry.basis if (key := (c.law, c.article)) in texts]
        for place, wording in enumerate(entry.wordings):
            if cited and not is_left_out(wording, fold):
                triples.append(Triple(wording, cited[0] if place % 3 else cited[min(1, len(cited) - 1)]))
    return triples


def article_triples(path: Path, share: float, rng: random.Random) -> dict[str, list[Triple]]:
    """Heading and text, and one sentence and the rest, of a share of the law articles."""
    headed, inner = [], []
    for row in read_jsonl(path):
        text = str(row["text"])
        if rng.random() >= share or len(text) < 12:
            continue
        headed.append(Triple(f"{row['law']} {row['chapter']}", text[:400]))
        sentences = [part for part in re.split(r"(?<=[。；])", text) if len(part) > 8]
        if len(sentences) >= 2:
            picked = rng.randrange(len(sentences))
            rest = "".join(part for number, part in enumerate(sentences) if number != picked)
            inner.append(Triple(sentences[picked], rest[:400]))
    return {"article-heading": headed, "article-sentence": inner}


class Features:
    """Hashed features of texts, worked out once each."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._known: dict[str, np.ndarray] = {}

    def of(self, text: str) -> np.ndarray:
        """Row numbers, int32, as often as the feature occurs."""
        found = self._known.get(text)
        if found is None:
            found = np.asarray(hash_features(text, self.rows), dtype=np.int32)
            self._known[text] = found
        return found


class Table(torch.nn.Module):
    """The trainable form of HashedFeatures: float rows, and one learned number for each row's length."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.rows = torch.nn.Embedding(recipe.rows, recipe.dimension, sparse=True)
        torch.nn.init.normal_(self.rows.weight, std=recipe.dimension**-0.5)
        self.length = torch.nn.Embedding(recipe.rows, 1, sparse=True)
        torch.nn.init.zeros_(self.length.weight)

    def forward(self, ids: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Unit vectors, shape (texts, dimension)."""
        weights = self.length(ids).squeeze(1).exp()
        summed = torch.nn.functional.embedding_bag(ids, self.rows.weight, starts, mode="sum", sparse=True, per_sample_weights=weights)
        return torch.nn.functional.normalize(summed, dim=1)

    def quantised(self) -> HashedFeatures:
        """Rows times lengths as int8 with one scale a row."""
        with torch.no_grad():
            return quantise(self.rows.weight * self.length.weight.exp())


def narrow(wide: HashedFeatures, texts: Sequence[str], kept: int) -> HashedFeatures:
    """The same in fewer numbers: rows projected on the main directions of the texts' vectors, which keeps cosines best.

    Args:
        texts: some of the kind that will be asked.
        kept: numbers per vector.
    """
    vectors = np.asarray(SentenceTransformer(modules=[wide], device="cpu").encode(list(texts), batch_size=256), dtype=np.float64)
    _, directions = np.linalg.eigh(vectors.T @ vectors)  # by rising share
    main = torch.from_numpy(directions[:, ::-1][:, :kept].astype(np.float32).copy())
    return quantise(wide.get_buffer("table").to(torch.float32) * wide.get_buffer("scale").to(torch.float32).unsqueeze(1) @ main)


def quantise(full: torch.Tensor) -> HashedFeatures:
    """Rows as int8 with one scale a row."""
    step = full.abs().amax(dim=1).clamp_min(1e-8) / 127.0
    step = step.to(torch.float16).to(torch.float32).clamp_min(1e-7)
    return HashedFeatures((full / step.unsqueeze(1)).round().clamp(-127, 127), step)


def plan_batches(sources: dict[str, tuple[list[Triple], int]], size: int, rng: random.Random) -> list[list[Triple]]:
    """Full batches of one source each, all passes, shuffled together."""
    batches: list[list[Triple]] = []
    for name in sorted(sources):
        triples, passes = sources[name]
        for _ in range(passes):
            order = rng.sample(triples, len(triples))
            batches.extend(order[at : at + size] for at in range(0, len(order) - size + 1, size))
    rng.shuffle(batches)
    return batches


def encode_bags(table: Table, texts: Sequence[str], features: Features, drop: float, noise: np.random.Generator) -> torch.Tensor:
    """Unit vectors of texts, each feature left out with probability `drop`."""
    bags = []
    for text in texts:
        ids = features.of(text)
        kept = ids[noise.random(len(ids)) >= drop] if drop else ids
        bags.append(kept if len(kept) else ids)
    starts = np.cumsum([0] + [len(bag) for bag in bags[:-1]])
    return table(torch.from_numpy(np.concatenate(bags).astype(np.int64)), torch.from_numpy(starts))  # type: ignore[no-any-return]


def batch_loss(table: Table, batch: list[Triple], features: Features, recipe: Recipe, noise: np.random.Generator) -> torch.Tensor:
    """Mean cross entropy of finding each anchor's positive among all positives and hard negatives."""
    anchors = encode_bags(table, [t.anchor for t in batch], features, recipe.dropout, noise)
    positives = [t.positive for t in batch]
    others = positives + [t.negative for t in batch if t.negative]
    candidates = encode_bags(table, others, features, recipe.dropout, noise)
    scores = anchors @ candidates.T * SCALE
    # The same text may stand in the batch twice: it is no negative of itself or of its own anchor.
    by_anchor: dict[str, set[str]] = defaultdict(set)
    for triple in batch:
        by_anchor[triple.anchor].update((triple.anchor, triple.positive))
    places: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(others):
        places[text].append(place)
    mask = torch.zeros_like(scores, dtype=torch.bool)
    for row, triple in enumerate(batch):
        for text in by_anchor[triple.anchor]:
            for place in places.get(text, ()):
                mask[row, place] = place != row
    return torch.nn.functional.cross_entropy(scores.masked_fill(mask, -1e4), torch.arange(len(batch)))


def train(batches: list[list[Triple]], recipe: Recipe) -> Table:
    """Go once through the batches, the rate falling linearly to zero."""
    torch.manual_seed(recipe.seed)
    noise = np.random.default_rng(recipe.seed)
    table, features = Table(recipe), Features(recipe.rows)
    optimiser = torch.optim.SparseAdam(list(table.parameters()), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / len(batches))
    mean = 0.0
    with tqdm(batches, disable=not sys.stderr.isatty(), unit="batch") as bar:
        for step, batch in enumerate(bar):
            optimiser.zero_grad()
            loss = batch_loss(table, batch, features, recipe, noise)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()  # type: ignore[no-untyped-call]
            schedule.step()
            mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
            if step % 20 == 0:
                bar.set_postfix(loss=f"{mean:.3f}")
            if bar.disable and step % 200 == 0:
                print(f"step {step}/{len(batches)} loss {mean:.3f}", flush=True)
    return table


def recall_at(model: SentenceTransformer, data: Path) -> dict[str, float]:
    """R@1 and R@10 of the dev groups' other wordings over the legal FAQ, by plain cosine."""
    bank = list(read_jsonl(data / "eval/diac_bank.jsonl"))
    place = {str(row["question"]): number for number, row in enumerate(bank)}
    asked = [
        (text, place[str(group["equivalent"][0])])  # type: ignore[index]
        for group in read_jsonl(data / "eval/diac_dev_groups.jsonl")
        for text in group["equivalent"][1:]  # type: ignore[index]
    ]
    vectors = np.asarray(model.encode([str(row["question"]) for row in bank], batch_size=256))
    queries = np.asarray(model.encode([text for text, _ in asked], batch_size=256))
    right = np.asarray([number for _, number in asked])
    scores = queries @ vectors.T
    rank = (scores > scores[np.arange(len(right)), right][:, None]).sum(axis=1)
    return {"n": len(right), "R@1": round(float((rank < 1).mean()), 4), "R@10": round(float((rank < 10).mean()), 4)}


def read_sources(
    data: Path, bank: Path, recipe: Recipe, rng: random.Random, fold: int | None = None
) -> dict[str, tuple[list[Triple], int]]:
    """All training triples by source, with the number of passes over each."""
    entries, faults = read_bank([bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    sources = {"diac": (group_triples(data / "eval/diac_train_groups.jsonl", rng, fold), recipe.group_passes)}
    sources["bank"] = (
        [triple for _ in range(recipe.bank_passes) for triple in bank_triples(entries, rng, fold)],
        1,  # drawn anew for every pass
    )
    sources["bank-articles"] = (citation_triples(entries, data, fold), recipe.citation_passes)
    for name, triples in pair_triples(data / "train/pairs.jsonl.gz").items():
        sources[name] = (triples, recipe.pair_passes)
    for name, triples in passage_triples(data / "train/question_passage.jsonl.gz").items():
        sources[name] = (triples, recipe.pair_passes)
    articles = article_triples(data / "train/law_articles.jsonl.gz", recipe.article_share, rng)
    sources.update({name: (triples, 1) for name, triples in articles.items()})
    return sources


def sample_texts(data: Path, bank: Path) -> list[str]:
    """Our wordings and the legal FAQ's questions: what `narrow` keeps the cosines of."""
    entries, _ = read_bank([bank])
    return [wording for entry in entries for wording in entry.wordings] + [
        str(row["question"]) for row in read_jsonl(data / "eval/diac_bank.jsonl")
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, quantise, save, and print the dev figures as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--out", type=Path, default=Path("bot/models/static-zh-v3"))
    parser.add_argument("--fold", type=int, choices=range(FOLDS), help="keep this fold back, for training the ranker")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    chosen = parser.parse_args(arguments)
    recipe = Recipe(seed=chosen.seed)
    began = time.monotonic()
    rng = random.Random(recipe.seed)
    batches = plan_batches(read_sources(chosen.data, chosen.bank, recipe, rng, chosen.fold), recipe.batch, rng)
    weights = narrow(train(batches, recipe).quantised(), sample_texts(chosen.data, chosen.bank), recipe.kept)
    chosen.out.mkdir(parents=True, exist_ok=True)
    model = SentenceTransformer(modules=[weights], device="cpu", similarity_fn_name="cosine")
    model.save(str(chosen.out), create_model_card=False)
    figures: dict[str, object] = {"batches": len(batches), "seconds": round(time.monotonic() - began)}
    print(json.dumps(figures | recall_at(SentenceTransformer(str(chosen.out), device="cpu", trust_remote_code=True), chosen.data)))


if __name__ == "__main__":
    main()
