"""Train the judge of scope: is this a question about work, as the second encoder sees it?

    python -m training.scope --data ../shared/data --out bot/models/ranker-zh-v1

A bot for workers is asked about houses, shares and divorces too, in words that wages and courts share. A small network
with one hidden layer learns from lay questions of all fields which are ours; no label of the dev sets is used.
The entry model weighs its verdict beside everything else (`eval.fit`).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from bot.encoder import SentenceEncoder
from bot.rank import Scope, save_scope
from bot.settings import BUNDLED_CONTEXT
from bot.text import normalise, prepare, strip_fillers
from eval.cases import read_cases
from knowledge.bank import read_bank
from training.encoder import read_jsonl

SEED = 1
HIDDEN = 128
SHARPER = 8.0
"""Vectors are multiplied by this before the first layer: unit vectors of so many numbers are small."""
MOST_OWN, MOST_LEGAL, MOST_GENERAL = 7000, 3000, 4000
_WORK = re.compile(
    "工资|劳动|工伤|辞退|社保|加班|离职|辞职|用人单位|员工|职工|失业|上班|打工|老板|单位|仲裁|产假|年假|退休|工会|公积金|工地|包工|农民工|"
    "试用期|五险|养老|医保|生育|实习|兼职|劳务|裁员|开除|薪|旷工|入职|招聘|岗位|职业|干活|工程款|奖金|提成|合同工|临时工|派遣"
)
"""What holds one of these words may be ours: never taught as foreign."""
_SURELY_WORK = re.compile(
    "工伤|劳动(?:合同|仲裁|关系|法)|拖欠.{0,6}工资|(?:欠|发|扣).{0,4}工资|加班费|社保|产假|年假|辞退|辞职|离职|用人单位|农民工|试用期|经济补偿"
)
LAY = ("counsel-law", "advice", "stard", "counsel", "lawbench")
Vectors = npt.NDArray[np.float32]


def examples(data: Path, bank: Path, rng: random.Random) -> tuple[list[str], list[str]]:
    """Questions that are ours, and questions that are not."""
    entries, faults = read_bank([bank])
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    ours = [wording for entry in entries for wording in entry.wordings]
    rows = read_jsonl(data / "train/question_passage.jsonl.gz")
    lay = [str(row["question"]) for row in rows if row["source"] in LAY]
    labour = [str(row["question"]) for row in read_jsonl(data / "eval/labour_questions.jsonl")]
    legal = [str(row["question"]) for row in read_jsonl(data / "eval/diac_bank.jsonl")]
    general = [str(row["question"]) for row in read_jsonl(data / "train/general_questions.jsonl.gz")]

    def foreign(texts: Sequence[str], most: int) -> list[str]:
        found = [text for text in texts if not _WORK.search(text)]
        return rng.sample(found, min(most, len(found)))

    own = [*rng.sample(ours, MOST_OWN), *(text for text in lay if _SURELY_WORK.search(text)), *labour]
    return own, [*foreign(lay, MOST_OWN), *foreign(legal, MOST_LEGAL), *foreign(general, MOST_GENERAL)]


def vectors_of(encoder: SentenceEncoder, texts: Sequence[str]) -> Vectors:
    """As the matcher reads them."""
    return encoder.encode([strip_fillers(normalise(text)) for text in texts])


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bank", type=Path, default=Path("knowledge/data/bank"))
    parser.add_argument("--context", default=str(BUNDLED_CONTEXT))
    parser.add_argument("--out", type=Path, default=Path("bot/models/ranker-zh-v1"))
    parser.add_argument("--cases", type=Path, nargs="*", default=[], help="labelled cases to measure on")
    chosen = parser.parse_args(arguments)
    prepare()
    began = time.monotonic()
    encoder = SentenceEncoder(chosen.context)
    own, foreign = examples(chosen.data, chosen.bank, random.Random(SEED))
    rows = vectors_of(encoder, [*own, *foreign]) * SHARPER
    model = MLPClassifier((HIDDEN,), alpha=1e-2, max_iter=40, early_stopping=True, random_state=SEED)
    model.fit(rows, np.repeat([1, 0], [len(own), len(foreign)]))
    first, second = (np.asarray(weights, dtype=np.float32) for weights in model.coefs_)
    hidden, last = (np.asarray(biases, dtype=np.float32) for biases in model.intercepts_)
    scope = Scope(first * SHARPER, hidden, second.ravel(), float(last[0]))
    save_scope(scope, chosen.out)
    figures: dict[str, object] = {"own": len(own), "foreign": len(foreign), "seconds": round(time.monotonic() - began)}
    for path in chosen.cases:
        cases = [case for case in read_cases(path) if case.entries is not None]
        scores = [scope.log_odds(vector) for vector in vectors_of(encoder, [case.query for case in cases])]
        figures[path.name] = round(float(roc_auc_score([bool(case.entries) for case in cases], scores)), 4)
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
