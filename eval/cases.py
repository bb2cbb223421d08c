"""Cases from JSONL, and adapters that turn the shared data sets into cases and banks.

python -m eval.cases diac-dev ../shared/data/eval cases.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LABELS = Path(__file__).resolve().parent / "data" / "worker_dev_labels.jsonl"
EXPECTED = ("answer", "clarify", "handoff")


class BadCase(ValueError):
    """A line that is no case; the message names the file, the line and what was wanted."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what should come of it.

    Attributes:
        entries: ids any of which is right; empty tuple says none is; None says not labelled.
        articles: citations that should be found; None says not labelled.
        expect: the decision wanted, or None.
        tags: slices this case belongs to.
    """

    query: str
    entries: tuple[str, ...] | None = None
    articles: tuple[str, ...] | None = None
    expect: str | None = None
    tags: tuple[str, ...] = ()


def read_cases(path: Path) -> list[Case]:
    """All cases of a JSONL file.

    Raises:
        BadCase: a line is not a case.
    """
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            cases.append(_case(line, f"{path.name}, line {number}"))
    if not cases:
        raise BadCase(f"{path.name}: no case in it")
    return cases


def _case(line: str, where: str) -> Case:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadCase(f"{where}: no JSON ({error.msg})") from error
    if not isinstance(row, dict) or not isinstance(row.get("query"), str):
        raise BadCase(f"{where}: wanted an object with a text 'query'")
    for name in ("entries", "articles", "tags"):
        value = row.get(name)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise BadCase(f"{where}: '{name}' is not a list of texts")
    if row.get("expect") not in (None, *EXPECTED):
        raise BadCase(f"{where}: 'expect' is '{row['expect']}', wanted one of {', '.join(EXPECTED)}")
    return Case(
        query=row["query"],
        entries=tuple(row["entries"]) if row.get("entries") is not None else None,
        articles=tuple(row["articles"]) if row.get("articles") is not None else None,
        expect=row.get("expect"),
        tags=tuple(row.get("tags") or ()),
    )


def write_cases(cases: Iterable[Case], path: Path) -> int:
    """Write cases as JSONL, unset fields left out; returns how many."""
    lines = [
        json.dumps({k: v for k, v in asdict(case).items() if v is not None and (v != () or k == "entries")}, ensure_ascii=False)
        for case in cases
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def diac_dev(folder: Path) -> Iterator[Case]:
    """Every further wording of the dev groups, its bank question wanted (diac_bank.jsonl is the bank)."""
    ids: dict[str, list[str]] = {}
    for row in _rows(folder / "diac_bank.jsonl"):
        ids.setdefault(str(row["question"]), []).append(str(row["id"]))
    for group in _rows(folder / "diac_dev_groups.jsonl"):
        first, *others = group["equivalent"]
        for wording in others:
            yield Case(wording, entries=tuple(ids[first]), tags=("diac",))


def equals_dev(folder: Path) -> Iterator[Case]:
    """Labour questions with their statute article."""
    for row in _rows(folder / "equals_dev.jsonl"):
        yield Case(str(row["query"]), articles=tuple(row["articles"]), tags=("equals",))


def stard_other_dev(folder: Path) -> Iterator[Case]:
    """Questions from other fields of law: their articles, and nothing of ours answers them."""
    for row in _rows(folder / "stard_other_dev.jsonl"):
        yield Case(str(row["query"]), articles=tuple(row["articles"]), tags=("stard-other",))


def worker_dev(folder: Path) -> Iterator[Case]:
    """Questions as people typed them, with our labels: two readers independently, then settled."""
    labels = {row["query_id"]: row for row in _rows(LABELS)}
    for row in _rows(folder / "worker_dev.jsonl"):
        label = labels[row["query_id"]]
        yield Case(str(row["query"]), entries=tuple(label["entries"]), expect=str(label["decision"]), tags=(str(label["scope"]),))


ADAPTERS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "diac-dev": diac_dev,
    "equals-dev": equals_dev,
    "stard-other-dev": stard_other_dev,
    "worker-dev": worker_dev,
}


def main() -> None:
    """Command line: adapter, folder of the data, file to write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", choices=sorted(ADAPTERS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    print(f"{write_cases(ADAPTERS[chosen.adapter](chosen.folder), chosen.out)} cases in {chosen.out}")


if __name__ == "__main__":
    main()
