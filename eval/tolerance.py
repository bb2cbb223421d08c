"""Twins of labelled questions, each changed in one way that a worker's phone or mouth changes it; cases for `eval.run`.

python -m eval.tolerance eval/data/heldout.jsonl twins.jsonl
python -m eval.run twins.jsonl --artifacts artifacts --report DIR      # slices clean, full-width, traditional, …

Only in-scope questions of the `test` half with 6 to 40 characters are taken, so every slice has the same questions and the
difference to `clean` is what the change costs. The seed is fixed.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import opencc
from pypinyin import lazy_pinyin

from eval.cases import Case, read_cases
from knowledge.bank import read_bank
from knowledge.words import words

BANK = Path(__file__).resolve().parent.parent / "knowledge" / "data" / "bank"
BEFORE = ("你好，", "您好，请问一下，", "在吗？我想咨询个事，", "麻烦问下哈，", "哎，")
AFTER = ("，谢谢啦", "？谢谢您", "，急急急", "，麻烦您了", "呀")
STORY = (
    "我是前年经老乡介绍来这边打工的，家里上有老下有小，一直没跟人红过脸。",
    "我今年四十多了，干这行也不是一天两天，平时话不多，活没少干。",
    "说来话长，我们这边人手一直不够，大家都是能忍就忍，谁也不想惹事。",
)
STORY_END = ("我也不懂这些，实在没办法了才来问问。", "家里人都劝我算了，可我咽不下这口气。", "希望能给个准话，谢谢。")


def homophones(texts: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Characters of the texts to others of them that sound the same: what an input method or a voice mistakes them for."""
    characters = {char for text in texts for char in text if "一" <= char <= "龥"}
    by_sound: dict[str, list[str]] = defaultdict(list)
    for char in sorted(characters):
        by_sound[lazy_pinyin(char)[0]].append(char)
    return {char: tuple(other for other in same if other != char) for same in by_sound.values() if len(same) > 1 for char in same}


@lru_cache(maxsize=1)
def _homophones() -> Mapping[str, tuple[str, ...]]:
    return homophones(wording for entry in read_bank([BANK])[0] for wording in entry.wordings)


def _slip(text: str, rng: random.Random, count: int) -> str:
    """Characters replaced by others of the same sound; fewer where the text offers no more."""
    places = [at for at, char in enumerate(text) if char in _homophones()]
    changed = list(text)
    for at in rng.sample(places, min(count, len(places))):
        changed[at] = rng.choice(_homophones()[text[at]])
    return "".join(changed)


def _dialect(text: str, rng: random.Random) -> str:
    """Standard words put into Shandong and spoken ones, by the words table read backwards; the same text where none occurs."""
    for said, meant in words().dialect.items():
        if len(meant) > 1 and meant in text:
            text = text.replace(meant, said)
    return text


def _full_width(text: str, rng: random.Random) -> str:
    spaced = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
    return "　".join((spaced[: len(spaced) // 2], spaced[len(spaced) // 2 :]))


CHANGES: Mapping[str, Callable[[str, random.Random], str]] = {
    "clean": lambda text, rng: text,
    "full-width": _full_width,
    "traditional": lambda text, rng: str(opencc.OpenCC("s2t").convert(text)),
    "slip-1": lambda text, rng: _slip(text, rng, 1),
    "slip-2": lambda text, rng: _slip(text, rng, 2),
    "fillers": lambda text, rng: rng.choice(BEFORE) + text + rng.choice(AFTER),
    "story": lambda text, rng: rng.choice(STORY) + text + "。" + rng.choice(STORY_END),
    "dialect": _dialect,
}


def twins(cases: Sequence[Case], seed: int = 4) -> Iterator[Case]:
    """Every question once a change, and pairs of questions in one message (`two`: either's entry counts)."""
    rng = random.Random(seed)  # noqa: S311
    chosen = [case for case in cases if case.entries and {"in", "test"} <= set(case.tags) and 6 <= len(case.query) <= 40]
    for name, change in CHANGES.items():
        for case in chosen:
            yield replace(case, query=change(case.query, rng), tags=(name,), expect=None)
    others = chosen[1:] + chosen[:1]
    for first, second in zip(chosen, others, strict=True):
        query = f"{first.query}？还有，{second.query}"
        yield Case(query, (*(first.entries or ()), *(second.entries or ())), tags=("two",))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args(arguments)
    made = list(twins(read_cases(chosen.cases)))
    chosen.out.write_text("".join(json.dumps(asdict(case), ensure_ascii=False) + "\n" for case in made), encoding="utf-8")
    print(f"{len(made)} cases")


if __name__ == "__main__":
    main()
