"""Real "how much" questions: which lead to the right calculation, in how many turns, and what is asked again; one JSON object.

python -m eval.sums [--questions ../shared/data/eval/equals_dev.jsonl] [--show]

150 questions are drawn from equals_dev (seed below) among those that ask for a sum, a number or a time; each is labelled
with the calculation a labour adviser would lead to (or none), a second one that would do too, and the facts plainly said
(eval/data/calculation_labels.jsonl, by query id; `second` is what a second reader, who had not seen the first's, chose).
A worker plays on: takes the first offered choice that leads there, says 算一算, and stops at the first question of the sum.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bot.calculate.answers import find_facts
from bot.calculate.registry import CALCULATIONS
from bot.dialogue import Dialogue
from bot.estimate import SAY, keep, pointers
from bot.settings import read_settings
from bot.values import Message, Reply
from serve import wire

QUESTIONS = Path("../shared/data/eval/equals_dev.jsonl")
LABELS = Path(__file__).resolve().parent / "data" / "calculation_labels.jsonl"
SEED, COUNT = 20261126, 150
TODAY = date(2026, 11, 26)
HOW_MUCH = re.compile(
    "多少|几[天个月年倍]|多久|多长|怎么算|怎样计算|如何计算|怎么计算|怎么赔|如何赔|怎么补|标准|赔偿|补偿|多大|期限|什么时候"
)


def sample(questions: Sequence[str]) -> list[int]:
    """Places of the questions drawn."""
    asking = [place for place, text in enumerate(questions) if HOW_MUCH.search(text)]
    return sorted(random.Random(SEED).sample(asking, COUNT))  # noqa: S311


def play(dialogue: Dialogue, text: str, wanted: Sequence[str]) -> tuple[str, int, Reply | None, str]:
    """The calculation reached (or empty), the worker's turns up to its first question, that question, and how the first reply was."""
    session = uuid.uuid4().hex
    reply = dialogue.reply(Message(text, session))
    first, turns = reply.kind, 1
    offered = _offers(reply)
    if offered not in wanted and reply.kind == "clarify":
        leads = [place for place, choice in enumerate(reply.choices, 1) if pointers().get(choice.entry_id) in wanted]
        if not leads:
            return offered, turns, None, first
        reply, turns = dialogue.reply(Message(str(leads[0]), session)), turns + 1
        offered = _offers(reply)
    if not offered:
        return "", turns, None, first
    begun = dialogue.reply(Message(SAY, session))
    return offered, turns + 1, begun, first


def _offers(reply: Reply) -> str:
    """Name of the calculation that a reply offers: its button bears the title."""
    titles = {calculation.title: name for name, calculation in CALCULATIONS.items()}
    return next((titles[action.label.partition("：")[2]] for action in reply.actions if action.say == SAY), "")


def heard(name: str, text: str, facts: dict[str, Any]) -> Counter[str]:
    """Facts plainly said in a question: taken over as they were said, taken over wrongly, or asked again."""
    known = {field: keep(value) for field, value in find_facts(CALCULATIONS[name].fields, text, TODAY).items()}
    total: Counter[str] = Counter(facts_said=len(facts), facts_asked_again=0, facts_wrong=0)
    for field, value in facts.items():
        if field not in known:
            total["facts_asked_again"] += 1
        elif str(known[field]) != str(value):
            total["facts_wrong"] += 1
    total["facts_not_labelled"] = len(set(known) - set(facts))
    return total


def agreement(labels: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How far both readers agree: the same choices, and Cohen's kappa."""
    first, second = ([str(row[name]) for row in labels] for name in ("calculation", "second"))
    same = sum(left == right for left, right in zip(first, second, strict=True))
    counts = Counter(first), Counter(second)
    chance = sum(counts[0][name] * counts[1][name] for name in counts[0]) / len(labels) ** 2
    return {"labels_same": same, "kappa": round((same / len(labels) - chance) / (1 - chance), 3)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--show", action="store_true")
    chosen = parser.parse_args(arguments)
    questions = [json.loads(line)["query"] for line in chosen.questions.read_text(encoding="utf-8").splitlines()]
    labels = {row["query_id"]: row for row in map(json.loads, LABELS.read_text(encoding="utf-8").splitlines())}
    total: Counter[str] = Counter()
    turns: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings().model_copy(update={"artifacts": chosen.artifacts, "database": f"sqlite:///{folder}/sums.db"})
        dialogue, _, store = wire(settings)
        for place in sample(questions):
            label = labels[place]
            wanted = [name for name in (label["calculation"], label["also"]) if name in CALCULATIONS]
            reached, count, begun, first = play(dialogue, questions[place], wanted)
            total["questions"] += 1
            total[f"first_{first}"] += 1
            if not wanted:
                total["none_wanted"] += 1
                total["none_wanted_but_offered"] += bool(reached)
                continue
            total["wanted"] += 1
            both = label["second"] == label["calculation"]
            total["wanted_by_both"] += both
            total["right_by_both"] += both and reached in wanted
            if reached in wanted and begun is not None:
                total["right"] += 1
                turns[count] += 1
                if reached == label["calculation"]:
                    total.update(heard(reached, questions[place], label["facts"]))
            elif reached:
                total["another"] += 1
            if chosen.show and reached not in wanted:
                print(f"{place}\t{first}\twanted {'/'.join(wanted)}\tgot {reached or '-'}\t{questions[place][:60]}")
        store.close()
    share = round(total["right"] / total["wanted"], 4)
    print(
        json.dumps(
            dict(total) | {"right_share": share, "turns": dict(sorted(turns.items()))} | agreement(list(labels.values())),
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
