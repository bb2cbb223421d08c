"""What simple methods find on the same cases: letters, BM25 on characters and on words, the encoder alone.

python -m eval.baselines CASES.jsonl --bank PATH [PATH …]     the last line is one JSON object
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import CountVectorizer
from tqdm import tqdm

from bot.encoder import SentenceEncoder
from bot.settings import read_settings
from bot.text import cut_fine, grams, normalise, prepare, squeeze
from eval.cases import Case, read_cases
from eval.metrics import ENTRY_MEASURES, Ranking, rank_figures
from knowledge.bank import read_bank

Scores = npt.NDArray[np.float32]
K1, B = 1.2, 0.75
"""BM25 (Robertson and Zaragoza 2009, doi 10.1561/1500000019) with its usual constants."""
DEPTH = 10


def letters(texts: Sequence[str]) -> Callable[[str], Scores]:
    """RapidFuzz ratio with every wording."""
    bare = [squeeze(normalise(text)) for text in texts]
    return lambda query: np.asarray(
        process.cdist([squeeze(normalise(query))], bare, scorer=fuzz.ratio, dtype=np.float32)[0], dtype=np.float32
    )


def bm25(texts: Sequence[str], analyse: Callable[[str], list[str]]) -> Callable[[str], Scores]:
    """BM25 over the tokens of `analyse`."""
    counter = CountVectorizer(analyzer=analyse, dtype=np.float32)
    counts = counter.fit_transform(texts).tocsc()
    length = np.asarray(counts.sum(axis=1)).ravel()
    seen = np.diff(counts.indptr)
    rarity = np.log(1 + (len(texts) - seen + 0.5) / (seen + 0.5))
    norm = K1 * (1 - B + B * length / length.mean())
    weighted = counts.copy()
    weighted.data = weighted.data * (K1 + 1) / (weighted.data + norm[weighted.indices]) * np.repeat(rarity, seen)
    return lambda query: np.asarray((weighted @ (counter.transform([query]) > 0).T.astype(np.float32)).todense(), dtype=np.float32).ravel()


def cosine(texts: Sequence[str], model: str) -> Callable[[str], Scores]:
    """The encoder alone."""
    encoder = SentenceEncoder(model)
    vectors = encoder.encode(texts)
    return lambda query: np.asarray(vectors @ encoder.encode([query])[0], dtype=np.float32)


def rank(cases: Sequence[Case], owners: Sequence[str], method: Callable[[str], Scores]) -> dict[str, float] | None:
    """Figures of one method; an entry is as good as its best wording."""
    rankings = []
    for case in tqdm(cases, disable=not sys.stderr.isatty(), unit="问"):
        if case.entries:
            scores = method(case.query)
            found = dict.fromkeys(owners[place] for place in np.argsort(-scores, kind="stable")[: 20 * DEPTH])
            rankings.append(Ranking(tuple(found)[:DEPTH], case.entries))
    return rank_figures(rankings, ENTRY_MEASURES)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--bank", type=Path, nargs="+", required=True)
    parser.add_argument("--encoder", nargs="*", help="encoders to compare (default: the one in use)")
    chosen = parser.parse_args(arguments)
    prepare()
    cases = read_cases(chosen.cases)
    entries, _ = read_bank(chosen.bank)
    texts = [wording for entry in entries for wording in entry.wordings]
    owners = [entry.id for entry in entries for _ in entry.wordings]
    methods = {
        "letters": letters(texts),
        "BM25 characters": bm25(texts, lambda text: list(grams(squeeze(normalise(text))))),
        "BM25 words": bm25(texts, lambda text: cut_fine(normalise(text))),
    }
    for model in chosen.encoder or [read_settings().encoder]:
        methods[f"cosine of {Path(model).name}"] = cosine(texts, model)
    figures = {name: rank(cases, owners, method) for name, method in methods.items()}
    for name, found in figures.items():
        print(f"{name:28} {found}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
