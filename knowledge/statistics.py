"""What the knowledge holds, by topic, and how its questions are worded: run as `python -m knowledge.statistics`.

Counts; judges nothing (knowledge.checks does).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

from rapidfuzz import fuzz

from knowledge.bank import read_bank, wording_key
from knowledge.records import Entry
from knowledge.regulations import read_regulations
from knowledge.terminals import read_terminals
from knowledge.words import words

DATA = Path(__file__).resolve().parent / "data"
OPENING = 6
_SPOKEN = re.compile(
    r"[我俺咱恁你]|[吗呢吧啊呀嘛哦]$|[了的]$|[不没]$|老板|咋|啥|凭什么|钱|干活|厂里|单位说|公司说|能不能|要不要|行不行|算不算|给不给"
)
STORY = 18
"""Characters from which a wording of two or more clauses counts as told, not as a heading."""


def is_spoken(wording: str) -> bool:
    """Whether a person would say it so: it speaks of 我, 俺, 你, ends in a particle or in 不, 没, 了, uses a word of the
    street (老板, 咋, 啥, 钱, …) or the form 能不能, or it tells something in two clauses and more than STORY characters."""
    bare = wording.rstrip("？?！!。.~ ")
    return bool(_SPOKEN.search(bare)) or (len(bare) > STORY and bool(re.search("[，,、 ]", bare)))


def wording_figures(entries: Sequence[Entry]) -> dict[str, object]:
    """Share of spoken wordings, the commonest opening of OPENING characters, likeness of wordings of one entry (0..1)."""
    wordings = [wording for entry in entries for wording in entry.wordings]
    openings = Counter(wording_key(wording)[:OPENING] for wording in wordings if len(wording_key(wording)) >= OPENING)
    opening, times = openings.most_common(1)[0]
    alike = [fuzz.ratio(wording_key(a), wording_key(b)) / 100 for entry in entries for a, b in combinations(entry.wordings, 2)]
    return {
        "spoken": round(sum(map(is_spoken, wordings)) / len(wordings), 4),
        "commonest_opening": opening,
        "its_share": round(times / len(wordings), 4),
        "median_likeness_within_entry": round(median(alike), 4),
    }


def main() -> None:
    """Print a line a topic, then one JSON object."""
    entries, _ = read_bank([DATA / "bank"])
    regulations, _ = read_regulations([DATA / "regulations"])
    terminals, _ = read_terminals(DATA / "terminals.yaml")
    by_topic: dict[str, list[Entry]] = {}
    for entry in entries:
        by_topic.setdefault(entry.topic, []).append(entry)
    print("topic\tentries\tquestions\tcomplaint questions")
    for topic, found in sorted(by_topic.items(), key=lambda pair: -len(pair[1])):
        complaints = [entry for entry in found if entry.kind == "complaint"]
        print(f"{topic}\t{len(found)}\t{sum(len(e.wordings) for e in found)}\t{sum(len(e.wordings) for e in complaints)}")
    levels = Counter(terminal.level for terminal in terminals)
    figures = {
        "entries": len(entries),
        "questions": sum(len(entry.wordings) for entry in entries),
        "complaint_entries": sum(entry.kind == "complaint" for entry in entries),
        "complaint_questions": sum(len(entry.wordings) for entry in entries if entry.kind == "complaint"),
        "figures_with_reason": sum(len(entry.figures) for entry in entries),
        "regulations": len(regulations),
        "article_digests": sum(len(regulation.articles) for regulation in regulations),
        "terminals": [levels["province"], levels["city"], levels["county"]],
        "words": len(words().vocabulary),
        "everyday_words": sum(said != term for said, term in words().legal.items()),
        "dialect_words": len(words().dialect),
        "wordings": wording_figures(entries),
    }
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
