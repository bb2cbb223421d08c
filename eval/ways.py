"""Held-out ways of writing dates, sums and durations: understood, asked back or taken wrongly; one JSON object.

python -m eval.ways [--show]

eval/data/ways.tsv was written by somebody who had not seen the readers, for the day 2026-11-26. `expected` is a value, `ask`
(a careful human would ask back) or `none` (says nothing of the kind). A value where there is none to have, or another
value, is understood wrongly; to ask back where a value was plain costs a turn and is counted by itself.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from bot.calculate.answers import read_field
from bot.calculate.values import Field, FieldKind, Value

WAYS = Path(__file__).resolve().parent / "data" / "ways.tsv"
TODAY = date(2026, 11, 26)
_FIELDS: dict[str, tuple[FieldKind, str]] = {
    "date": ("date", ""),
    "money": ("money", ""),
    "months": ("months", "个月"),
    "days": ("count", "天"),
    "hours": ("count", "小时"),
}


def read(kind: str, text: str) -> str:
    """What is made of a way of writing: the value, `ask`, or `none`."""
    field_kind, unit = _FIELDS[kind]
    answered = read_field(Field("x", "x", field_kind, "?", unit=unit), text, TODAY)
    if answered is None:
        return "none"
    if answered.vague or answered.unknown or answered.value is None:
        return "ask"
    return _text(answered.value)


def _text(value: Value | str) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return f"{Decimal(str(value)).normalize():f}"


def outcome(expected: str, got: str) -> str:
    """right, asked (asked back though a value was plain), or wrong (a value that is not there, or another one)."""
    wanted = expected if expected in ("ask", "none") else expected if "-" in expected else _text(expected)
    if got == wanted:
        return "right"
    if got in ("ask", "none"):  # either way the worker is asked once more
        return "right" if expected in ("ask", "none") else "asked"
    return "wrong"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", type=Path, default=WAYS)
    parser.add_argument("--show", action="store_true", help="every row that is not right")
    chosen = parser.parse_args(arguments)
    totals: dict[str, Counter[str]] = {}
    with chosen.ways.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            got = read(row["kind"], row["text"])
            result = outcome(row["expected"], got)
            totals.setdefault(row["kind"], Counter())[result] += 1
            if chosen.show and result != "right":
                print(f"{result}\t{row['kind']}\t{row['text']}\texpected {row['expected']}\tgot {got}")
    whole: Counter[str] = sum(totals.values(), Counter())
    print(json.dumps({"all": dict(whole)} | {kind: dict(found) for kind, found in totals.items()}, ensure_ascii=False))


if __name__ == "__main__":
    main()
