"""Whole-bank rules that a machine can hold: run as `python -m knowledge.checks`; exit 1 where one is broken.

Cited articles must stand in our digests, and in the full texts too where ../shared/data is at hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import combinations
from pathlib import Path

from rapidfuzz import fuzz, process

from knowledge.bank import read_bank, wording_key
from knowledge.quantities import Quantity, find_quantities
from knowledge.records import Citation, Entry, Fault, Regulation
from knowledge.regulations import read_regulations
from knowledge.terminals import read_terminals
from knowledge.words import read_words

DATA = Path(__file__).resolve().parent / "data"
FULL_TEXTS = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
TOO_ALIKE_WITHIN = 90.0
"""The same for two wordings of one entry."""
TOO_ALIKE = 92.0
"""RapidFuzz ratio of two wordings of different entries from which they count as nearly equal."""
FEWEST_WORDINGS = 5
INTERNAL = "内部规定"
"""Tag of an entry that rests on rules of the union or the employer which are not at hand; it says so."""
_NOT_ASSERTED = re.compile(r"(举例|比如|例如|算一下|例：)[^\n]*|“[^”\n]*”")
"""Worked examples, whose numbers follow from the rule, and quoted words, which are somebody else's."""
_WORKING_DAYS = "指工作日"
"""劳动人事争议仲裁办案规则第八十条 and its like: where it is cited, the cited days count as working days."""
_MANNERS_OF_SPEAKING = {(1, "日"), (1, "人"), (1, "小时"), (1, "元"), (1, "级"), (Fraction(1, 2), "日")}
WITHOUT_LAW = frozenset({"闲聊", "工会服务与热线"})


def check_wordings(entries: Sequence[Entry]) -> list[Fault]:
    """One wording belongs to one entry, and none is nearly equal to another entry's."""
    faults = []
    owners: dict[str, str] = {}
    for entry in entries:
        for wording in entry.wordings:
            key = wording_key(wording)
            if owners.setdefault(key, entry.id) != entry.id:
                faults.append(Fault("bank", entry.id, f"wording '{wording}' is also one of entry {owners[key]}"))
    keys = [key for key in owners if len(key) > 5]
    near = process.cdist(keys, keys, scorer=fuzz.ratio, score_cutoff=TOO_ALIKE, workers=-1)
    for row, column in zip(*near.nonzero(), strict=True):
        if row < column and owners[keys[row]] != owners[keys[column]]:
            faults.append(Fault("bank", owners[keys[row]], f"'{keys[row]}' is nearly '{keys[column]}' of {owners[keys[column]]}"))
    return faults


def check_differences(entries: Sequence[Entry]) -> list[Fault]:
    """The wordings of one entry are really different."""
    faults = []
    for entry in entries:
        for one, other in combinations(entry.wordings, 2):
            if fuzz.ratio(wording_key(one), wording_key(other)) >= TOO_ALIKE_WITHIN:
                faults.append(Fault("bank", entry.id, f"'{one}' says nearly what '{other}' says"))
    return faults


def check_entries(entries: Sequence[Entry], today: date) -> list[Fault]:
    """Every entry has what a worker and an agent need, and is not past its time."""
    faults = []
    for entry in entries:

        def fault(reason: str, id_: str = entry.id) -> None:
            faults.append(Fault("bank", id_, reason))

        if not entry.short or not entry.answer:
            fault("short and answer must both be written")
        if len(entry.wordings) < FEWEST_WORDINGS:
            fault(f"{len(entry.wordings)} wordings, at least {FEWEST_WORDINGS}")
        if not entry.basis and entry.topic not in WITHOUT_LAW and INTERNAL not in entry.tags:
            fault("no basis")
        if not entry.as_of:
            fault("no as_of")
        if entry.valid_to and entry.valid_to < today.isoformat()[: len(entry.valid_to)]:
            fault(f"valid_to {entry.valid_to} is past")
        if entry.kind == "complaint" and not (entry.category and entry.ask and entry.unit):
            fault("a complaint needs category, ask and unit")
    return faults


def check_figures(entries: Iterable[Entry], regulations: Iterable[Regulation], name: str) -> list[Fault]:
    """Every number with a unit in an answer stands in an article it cites, or the entry gives the reason.

    Numbers of the question itself, worked examples and quoted words are left out, and "one day", "one person"
    and the like, which are manners of speaking.
    A reason for a number that needs none is a fault too.
    """
    texts = {(r.title, a.number): a.text or a.digest for r in reversed(list(regulations)) for a in r.articles}
    faults: list[Fault] = []
    for entry in entries:
        if not entry.basis:
            continue
        cited = [texts.get((c.law, c.article)) or texts.get(_as_item(c), "") for c in entry.basis]
        known = {quantity for text in (entry.question, *cited) for quantity in find_quantities(text)}
        if any(_WORKING_DAYS in text for text in cited):
            known |= {Quantity(q.value, "工作日") for q in known if q.unit == "日"}
        reasons = {q: figure for figure in entry.figures for q in find_quantities(re.split("[：:]", figure)[0])}
        said = find_quantities(_NOT_ASSERTED.sub("", "\n".join((entry.short, entry.answer, *entry.next))))
        missing = {q for q in said if q not in known and (q.value, q.unit) not in _MANNERS_OF_SPEAKING}
        faults.extend(Fault(name, entry.id, f"{q.written} stands in no article it cites") for q in _in_order(missing - set(reasons)))
        faults.extend(Fault(name, entry.id, f"figures: '{reasons[q]}' is not needed") for q in _in_order(set(reasons) - missing))
    return faults


def _in_order(quantities: Iterable[Quantity]) -> list[Quantity]:
    return sorted(quantities, key=lambda q: (q.unit, q.value))


def check_citations(entries: Sequence[Entry], regulations: Iterable[Regulation], name: str) -> list[Fault]:
    """Every cited article exists among the regulations, and not only in a repealed text."""
    known = {(r.title, a.number): r.status for r in reversed(list(regulations)) for a in r.articles}
    faults = []
    for entry in entries:
        for citation in entry.basis:
            status = known.get((citation.law, citation.article)) or known.get(_as_item(citation))
            if status is None:
                faults.append(Fault(name, entry.id, f"cites {citation}, which is not there"))
            elif status == "repealed":
                faults.append(Fault(name, entry.id, f"cites {citation}, which is repealed"))
    return faults


def _as_item(citation: Citation) -> tuple[str, str]:
    return citation.law, replace(citation, article=citation.article.replace("条", "项")).article


def check_digests(digests: Sequence[Regulation], full: Sequence[Regulation]) -> list[Fault]:
    """Every digest is of an article that exists in the full text of the same version."""
    known = {(r.title, r.version): {a.number for a in r.articles} for r in full}
    faults = []
    for digest in digests:
        numbers = known.get((digest.title, digest.version))
        if numbers is None:
            faults.append(Fault("digests", digest.title, f"no full text of version {digest.version or 'without date'}"))
            continue
        faults.extend(
            Fault("digests", digest.title, f"has no {article.number}") for article in digest.articles if article.number not in numbers
        )
    return faults


def run() -> int:
    """All checks on our own data; prints every fault, the counts, and returns how many faults."""
    entries, faults = read_bank([DATA / "bank"])
    digests, more = read_regulations([DATA / "regulations"])
    faults = [*faults, *more, *check_entries(entries, date.today()), *check_wordings(entries), *check_differences(entries)]
    faults += check_citations(entries, digests, "digests")
    folders = [FULL_TEXTS / "regulations", FULL_TEXTS / "regulations_more"]
    if all(folder.is_dir() for folder in folders):
        full, broken = read_regulations(folders)
        faults += [*broken, *check_citations(entries, full, "full texts"), *check_digests(digests, full)]
        faults += check_figures(entries, full, "figures")
    else:
        print("the full texts are not at hand: citations were checked against our digests alone")
    terminals, more = read_terminals(DATA / "terminals.yaml")
    faults += [*more, *read_words()[1]]
    for fault in faults:
        print(fault)
    complaints = [entry for entry in entries if entry.kind == "complaint"]
    print(
        f"{len(entries)} entries, {sum(len(e.wordings) for e in entries)} questions, "
        f"{len(complaints)} complaint entries with {sum(len(e.wordings) for e in complaints)} questions, "
        f"{len(digests)} regulations with {sum(len(r.articles) for r in digests)} article digests, "
        f"{len(terminals)} terminals, "
        f"{len(faults)} faults"
    )
    return len(faults)


if __name__ == "__main__":
    sys.exit(1 if run() else 0)
